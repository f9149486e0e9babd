"""What the history of an *arr says of one download. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from bridge.arr.servarr_records import HistoryRecord

GRABBED: Final = "grabbed"
FAILED: Final = "downloadFailed"


class Fate(StrEnum):
    """What became of a download, for the *arr."""

    UNKNOWN = "stranger"
    """It never grabbed it, or does not remember."""
    GRABBED = "grabbed"
    """Grabbed, and nothing since then."""
    FAILED = "failed"
    """It knows that the download failed."""
    IMPORTED = "imported"
    """It has taken files of it, or the user has told it to leave it alone."""


@dataclass(frozen=True, slots=True)
class GrabFate:
    """The fate, and the record of the last grab (0 when there is none)."""

    fate: Fate
    grab_id: int = 0


def fate(history: Sequence[HistoryRecord]) -> GrabFate:
    """Judge by what came last. `history` is of one download, the newest first.

    A grab of a season pack is one record for each episode, and so is its failure: only what is
    newer than the last grab counts.
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
    """Know `downloadFolderImported`, `trackFileImported`, `downloadIgnored` and the like."""
    return event.endswith(("Imported", "Ignored"))


def all_imported(history: Sequence[HistoryRecord]) -> bool:
    """Tell whether all that was wanted of the last grab has been imported, as far as history knows.

    Not if some was left out as incomplete, or the user has told the *arr to leave the download
    alone: then it is the user's. An *arr that has imported only some episodes of a pack has it in its
    queue still: ask there, too.
    """
    events = [record.event_type for record in history]
    since = events[: events.index(GRABBED)] if GRABBED in events else events
    left = any(event == FAILED or event.endswith(("Ignored", "Incomplete")) for event in since)
    return not left and any(event.endswith("Imported") for event in since)
