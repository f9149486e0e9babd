"""Writes the sentence about what happens to a download next. Pure: facts in, a sentence out.

A sentence may hold moments, as those of `bridge.web.waits` do.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from bridge.config import Policy
from bridge.core.model import Entry, Phase, RemoteItem
from bridge.web.waits import span

_FILES: Final = {
    "download": "its files are fetched",
    "aria2": "aria2 fetches its files",
    "symlink": "links to its files are made",
    "strm": "its .strm files are written",
}


class Outlook(msgspec.Struct, frozen=True, kw_only=True):
    """The inputs of a sentence other than the entry. Times are unix seconds."""

    mode: str = "download"
    arrs: Sequence[str] = ()
    """The names of the *arr that import this category."""
    given_up_after: float | None = None
    """Seconds without progress after which the download is given up; None also where the sentence
    about what it is doing tells the time.
    """
    removal_at: float | None = None
    """When the automatic clean-up removes it."""


def next_step(entry: Entry, outlook: Outlook) -> str:
    """Return what happens next; empty where the sentence about what it is doing says it."""
    if entry.phase is Phase.FAILED or entry.grab.missing_files or entry.grab.moving_to:
        return ""
    if entry.complete:
        return _after_completion(entry, outlook)
    if entry.grab.stopped:
        if entry.phase in {Phase.QUEUED, Phase.REMOTE}:
            return "TorBox goes on with it; nothing is fetched until it is resumed"
        return "Nothing happens until it is resumed"
    if entry.phase in {Phase.READY, Phase.DELIVERING}:
        return f"When all files are there, {_imported(outlook)}"
    then = f"When TorBox has all of it, {_delivered(outlook)}"
    if entry.phase is Phase.REMOTE:
        if outlook.given_up_after is not None:
            return f"{then}. It is given up after {span(outlook.given_up_after)} without progress"
        return then
    return f"TorBox downloads it, unless it has it cached. {then}"


def given_up_after(item: RemoteItem | None, policy: Policy) -> float | None:
    """Return the seconds without progress after which a category gives a remote item up."""
    if item is not None and item.finished:
        return policy.stored_after
    if item is not None and not item.size:
        limits = (policy.metadata_after, policy.stalled_after)
        return min((limit for limit in limits if limit is not None), default=None)
    return policy.stalled_after


def _delivered(outlook: Outlook) -> str:
    if outlook.mode == "none":
        return "it is completed; no files come to the disk"
    return f"{_FILES.get(outlook.mode, 'its files are delivered')}, and {_imported(outlook)}"


def _imported(outlook: Outlook) -> str:
    if not outlook.arrs:
        return "it is completed"
    return f"{' or '.join(outlook.arrs)} imports them"


def _after_completion(entry: Entry, outlook: Outlook) -> str:
    arr = " or ".join(outlook.arrs)
    if outlook.removal_at is not None:
        end = f"it is removed {{in:{outlook.removal_at:.0f}}}, at {{at:{outlook.removal_at:.0f}}}"
    elif arr:
        end = f"it stays until {arr} or you remove it"
    else:
        end = "it stays until its client or you remove it"
    if arr and entry.grab.imported_at is None:
        return (
            f"{arr} imports it at its next look at the queue, usually within a minute. Then {end}"
        )
    return f"{end[:1].upper()}{end[1:]}"
