"""Checks what must hold at every moment, with a sentence for each violation.

Every live download and grab must have an action or a timer in the plan, and what clients are shown
must agree with what is stored. Checked after fault scenarios in tests, and in production.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence

from bridge.core.model import (
    NOT_DELIVERED,
    Download,
    DownloadPhase,
    Entry,
    Grab,
    GrabPhase,
    Removal,
)
from bridge.core.planner_input import MAX_DELIVERIES, LiveDownload, PlannerInput

OVERDUE_SECONDS = 300.0
"""An attempt that is overdue by more than this has been forgotten."""

TORBOX_WORKS = frozenset({DownloadPhase.QUEUED, DownloadPhase.ACTIVE})


class Observed(PlannerInput, frozen=True, kw_only=True):
    """What the planner knows at one moment, and what may keep due work waiting."""

    blocked: bool = False
    """A blocker or a used-up rate budget: what is due may wait longer."""
    blocked_at: float = 0.0
    """When that was so last, or all places for creates were taken."""
    full_at: float = 0.0
    """When all places for deliveries were taken last: before that nothing was forgotten."""


def violations(observed: Observed, before: Observed | None = None) -> list[str]:
    """Return a sentence for each violation. `before` is an earlier moment to compare with."""
    found = []
    for live in observed.live:
        texts = [*_ids(live), *_download_owner(live, observed)]
        for grab in live.grabs:
            texts += [*_complete(grab), *_grab_owner(live, grab, observed)]
        found += [f"{live.download.name} ({live.download.hash}): {text}" for text in texts]
    found += _doubles(observed)
    if before is not None:
        found += _backwards(before, observed)
    return found


def _ids(live: LiveDownload) -> Iterator[str]:
    download = live.download
    delivers = download.phase is DownloadPhase.READY and live.pending
    if (download.phase is DownloadPhase.ACTIVE or delivers) and download.torrent_id is None:
        yield f"{download.phase} without a torrent_id"
    if download.phase is DownloadPhase.QUEUED and download.queued_id is None:
        yield "queued without a queued_id"
    if download.ours and download.torrent_id is None and download.queued_id is None:
        yield "ours, and its item is unknown"
    if download.phase is DownloadPhase.SUBMITTING and not download.lookup_until:
        yield "submitting, and its create is never looked up"
    if (download.phase is DownloadPhase.FAILED) != (download.failure_reason is not None):
        yield f"{download.phase} with the failure reason {download.failure_reason}"


def _complete(grab: Grab) -> Iterator[str]:
    of = f"for {grab.category!r}"
    if grab.complete and not (grab.content_name and grab.completed_at):
        yield f"{grab.phase} {of} without content on disk"
    if not grab.complete and grab.completed_at is not None:
        yield f"{grab.phase} {of}, yet completed"
    if (grab.phase is GrabPhase.FAILED) != (grab.failure_reason is not None):
        yield f"{grab.phase} {of} with the failure reason {grab.failure_reason}"


def _download_owner(live: LiveDownload, observed: Observed) -> Iterator[str]:
    """Yield work at TorBox that is due and was forgotten."""
    download = live.download
    stopped = all(grab.stopped for grab in live.pending)
    idle = stopped or download.id in observed.busy_downloads or observed.blocked
    if idle or _being_removed(download, observed):
        return
    due_at = max(
        download.next_attempt_at, download.phase_at, download.lookup_until, observed.blocked_at
    )
    waits = download.phase in {DownloadPhase.NEW, DownloadPhase.SUBMITTING}
    if waits and observed.now - due_at > OVERDUE_SECONDS:
        yield f"{download.phase}, due for a long time, and nothing is done about it"
    unseen = observed.now - max(observed.snapshot.listed_at, download.phase_at, observed.blocked_at)
    if download.phase in TORBOX_WORKS and unseen > OVERDUE_SECONDS:
        yield f"{download.phase}, and TorBox has not been asked for a long time"


def _grab_owner(live: LiveDownload, grab: Grab, observed: Observed) -> Iterator[str]:
    """Yield deliveries that are due but forgotten. Waiting for a free delivery slot is allowed."""
    if live.download.phase is not DownloadPhase.READY or grab.phase not in NOT_DELIVERED:
        return
    siblings_busy = any(other.id in observed.busy_grabs for other in live.grabs)
    full = len(observed.delivering) >= MAX_DELIVERIES
    held = grab.incomplete_list_bytes >= 0
    if grab.stopped or siblings_busy or full or held or observed.blocked:
        return
    due_at = max(
        grab.next_attempt_at,
        grab.phase_at,
        live.download.phase_at,
        observed.blocked_at,
        observed.full_at,
    )
    forgotten = observed.now - due_at > OVERDUE_SECONDS
    if forgotten and not _being_removed(live.download, observed):
        yield f"{grab.phase} for {grab.category!r}, due for a long time, and not delivered"


def _being_removed(download: Download, observed: Observed) -> bool:
    return any(
        job.subject == download.hash and isinstance(job.task, Removal) for job in observed.jobs
    )


def _doubles(observed: Observed) -> Iterator[str]:
    """Yield remote items that two downloads share, and hashes that exist twice at TorBox."""
    downloads = [live.download for live in observed.live]
    sharing: dict[int, list[str]] = {}
    for one in downloads:
        if one.torrent_id is not None:
            sharing.setdefault(one.torrent_id, []).append(f"{one.name} ({one.hash})")
    for torrent_id, names in sharing.items():
        if len(names) > 1:
            yield f"{' and '.join(names)}: both have torrent {torrent_id}"
    ours = {download.hash: download.name for download in downloads if download.ours}
    listed = Counter(
        item.hash
        for item in observed.snapshot.items.values()
        if item.id in observed.snapshot.listed
    )
    yield from (
        f"{ours[one]} ({one}): {many} remote items"
        for one, many in listed.items()
        if many > 1 and one in ours
    )


def _backwards(before: Observed, after: Observed) -> Iterator[str]:
    """Yield values that must only grow and have shrunk."""
    known = {entry.grab.id: entry for entry in _entries(before.live)}
    for entry in _entries(after.live):
        old = known.get(entry.grab.id)
        if old is None:
            continue
        name = f"{entry.name} ({entry.hash})"
        if entry.grab.progress < old.grab.progress:
            yield f"{name}: progress went back from {old.grab.progress} to {entry.grab.progress}"
        if old.complete and not entry.complete:
            yield f"{name}: was {old.grab.phase} and is {entry.grab.phase}"
        if old.grab.phase is GrabPhase.FAILED and entry.grab.phase is not GrabPhase.FAILED:
            yield f"{name}: was {old.grab.phase} and is {entry.grab.phase}"


def _entries(live: Collection[LiveDownload]) -> Sequence[Entry]:
    return [Entry(one.download, grab) for one in live for grab in one.grabs]
