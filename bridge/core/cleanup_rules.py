"""Automatic clean-up: imported grabs that their *arr did not remove, and late items at TorBox.

Only grabs that have nothing left to seed are cleaned up. The result is the same as when their *arr
removes them: their files go, and what the bridge created at TorBox.
"""

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from bridge.core.actions import AskImport, CleanUp, DeleteStray, Step
from bridge.core.model import (
    DownloadPhase,
    Entry,
    GrabPhase,
    RemoteItem,
    Removal,
    RemovedDownload,
    Snapshot,
)
from bridge.core.planner_input import CleanupRules, PlannerInput
from bridge.core.remote_tracking import CLOCK_SLACK_SECONDS, LIST_LAG_SECONDS, created_since

FIRST_ASK_SECONDS = 60.0
"""Seconds between the end of a grab's delivery and the first question to its *arr."""
LONGEST_PAUSE = 3600.0
"""Longest pause between two such questions, in seconds. The pause grows with the grab's age."""

REMEMBERED_SECONDS = 86400.0
"""Seconds for which an item of a removed download may still appear at TorBox."""


class Due(msgspec.Struct, frozen=True):
    """When a grab is cleaned up (unix seconds), and why."""

    at: float
    why: str


def cleanup_due(entry: Entry, rules: CleanupRules) -> Due | None:
    """Return when a grab is removed automatically, or None when it never is."""
    grab = entry.grab
    if grab.phase is not GrabPhase.FINISHED or grab.completed_at is None:
        return None
    found = []
    if rules.after is not None:
        found.append(Due(grab.completed_at + rules.after, "policy.clean_up.after"))
    if rules.after_import is not None and grab.imported_at is not None:
        found.append(
            Due(
                grab.imported_at + rules.after_import,
                "its *arr has imported it: policy.clean_up.after_import",
            )
        )
    return min(found, key=lambda one: one.at, default=None)


def next_cleanup_check(entry: Entry, rules: CleanupRules, asked_at: float | None) -> float | None:
    """Return when the clean-up has to look at an entry next, or None when it never has to.

    `asked_at` is when its *arr was last asked whether it has imported the grab.
    """
    due = cleanup_due(entry, rules)
    times = [due.at] if due is not None and not rules.dry_run else []
    completed_at = entry.grab.completed_at
    asks = rules.after_import is not None and rules.has_arr and entry.grab.imported_at is None
    if asks and entry.grab.phase is GrabPhase.FINISHED and completed_at is not None:
        times.append(next_question(completed_at, asked_at))
    return min(times, default=None)


def next_question(completed_at: float, asked_at: float | None) -> float:
    """Return when to ask an *arr (again) whether it has imported a grab."""
    if asked_at is None:
        return completed_at + FIRST_ASK_SECONDS
    return asked_at + min(max(asked_at - completed_at, FIRST_ASK_SECONDS), LONGEST_PAUSE)


def cleanup_steps(known: PlannerInput) -> Iterator[Step]:
    """Yield the removals that are due, and at most one question to an *arr."""
    waited_for = {
        live.download.id
        for live in known.live
        if live.pending and live.download.phase is not DownloadPhase.FAILED
    }
    asking = known.asking_import
    for entry in known.cleanup_due:
        if entry.grab.id in known.busy_grabs or entry.download.id in waited_for:
            # A grab without files may still get hard links to this grab's files.
            continue
        rules = known.rules_of(entry.grab).cleanup
        due = cleanup_due(entry, rules)
        if due is not None and not rules.dry_run and due.at <= known.now:
            yield CleanUp(entry.grab.id, due.why)
        elif entry.grab.imported_at is None and not asking:
            asking = True
            yield AskImport(entry.grab.id)


def stray_deletions(known: PlannerInput) -> Iterator[Step]:
    """Yield deletions of items that appeared at TorBox after their download was removed here."""
    known_hashes = {live.download.hash for live in known.live}
    known_hashes |= {job.subject for job in known.jobs if isinstance(job.task, Removal)}
    for removed, item in strays(known.removed, known.snapshot):
        ours = _surely_ours(removed, item, known.offset_seconds)
        if ours and removed.hash not in known_hashes:
            yield DeleteStray(removed.hash, item.id)


def strays(
    removed: Iterable[RemovedDownload], snapshot: Snapshot
) -> Iterator[tuple[RemovedDownload, RemoteItem]]:
    """Return the items of removed hashes, some minutes after the removal was finished."""
    by_hash = {one.hash: one for one in removed}
    for item in snapshot.items.values() if by_hash else ():
        one = by_hash.get(item.hash) if item.id in snapshot.listed else None
        if one is not None and snapshot.listed_at >= one.left_at + LIST_LAG_SECONDS:
            yield one, item


def _surely_ours(removed: RemovedDownload, item: RemoteItem, offset_seconds: float) -> bool:
    """Return whether our create made it: its date is between the first create and the removal."""
    if item.created_at is None:
        return False
    until = removed.removed_at + offset_seconds + CLOCK_SLACK_SECONDS
    return created_since(removed.submitted_at, item, offset_seconds) and item.created_at <= until


def strays_list_at(known: PlannerInput) -> float | None:
    """Return when TorBox's list has to be read for late items, or None when it need not be.

    A deletion that TorBox has confirmed needs no second look, except after a restart.
    """
    listed_at = known.snapshot.listed_at
    times = [
        removed.left_at + LIST_LAG_SECONDS
        for removed in known.removed
        if (removed.unclear or not listed_at) and listed_at < removed.left_at + LIST_LAG_SECONDS
    ]
    return min(times, default=None)


def outdated(removed: Mapping[str, RemovedDownload], now: float) -> list[str]:
    """Return the hashes for which no late item can appear at TorBox."""
    return [key for key, one in removed.items() if one.left_at + REMEMBERED_SECONDS < now]
