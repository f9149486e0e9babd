"""Interpreting the history of an *arr for one download. Pure."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Final

import msgspec

from bridge.arr.servarr_records import HistoryRecord

GRABBED: Final = "grabbed"
FAILED: Final = "downloadFailed"


class Fate(StrEnum):
    """The *arr's treatment of a download."""

    UNKNOWN = "stranger"
    """The *arr never grabbed it, or does not remember."""
    GRABBED = "grabbed"
    """Grabbed, and nothing since then."""
    FAILED = "failed"
    """The *arr knows that the download failed."""
    IMPORTED = "imported"
    """The *arr imported files of it, or its user told it to ignore the download."""


class GrabFate(msgspec.Struct, frozen=True):
    """The fate, and the id of the history record of the last grab (0 if there is none)."""

    fate: Fate
    grab_id: int = 0


def fate(history: Sequence[HistoryRecord]) -> GrabFate:
    """Return the fate of the last grab. `history` is of one download, the newest first.

    A season pack has a grab record and a failure record for each episode, so only records that are
    newer than the last grab count.
    """
    later: list[str] = []
    for record in history:
        if record.event_type == GRABBED:
            return GrabFate(_since(later), record.id)
        later.append(record.event_type)
    return GrabFate(Fate.UNKNOWN)


def _since(events: Sequence[str]) -> Fate:
    if FAILED in events:
        return Fate.FAILED
    return Fate.IMPORTED if any(map(_imported, events)) else Fate.GRABBED


def _imported(event: str) -> bool:
    """Match `downloadFolderImported`, `trackFileImported`, `downloadIgnored` and the like."""
    # Each *arr names its import event after its own media: `trackFileImported`, `bookFileImported`.
    return event.endswith(("Imported", "Ignored"))


def all_imported(history: Sequence[HistoryRecord]) -> bool:
    """Return whether the last grab was imported completely, as far as the history knows.

    False if parts were left out as incomplete, or if the user told the *arr to ignore the download:
    then it belongs to the user. An *arr that imported only some episodes of a pack still has the
    download in its queue, so ask there, too.
    """
    events = [record.event_type for record in history]
    since = events[: events.index(GRABBED)] if GRABBED in events else events
    left = any(event == FAILED or event.endswith(("Ignored", "Incomplete")) for event in since)
    return not left and any(event.endswith("Imported") for event in since)
