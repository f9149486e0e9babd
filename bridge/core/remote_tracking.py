"""What TorBox's news change in a download: signs of life, progress, standstill.

Time counts only between two observations close together, so an outage at TorBox or a night with the
bridge switched off never ages a download. Nor does the time in which TorBox has no free slot for
it: that is no standstill of the swarm.
"""

from dataclasses import replace

from bridge.core.model import (
    Download,
    DownloadPhase,
    Grab,
    GrabPhase,
    QueuedItem,
    RemoteItem,
)
from bridge.core.status import FAILED_WORDS, state_word

GAP_SECONDS = 180.0
"""Two observations further apart than this have an outage between them."""

CLOCK_SLACK_SECONDS = 120.0
"""How far TorBox's dates may be off."""


def to_phase(download: Download, phase: DownloadPhase) -> Download:
    """Return the download in a phase, with no attempts made and nothing in the way."""
    return replace(download, phase=phase, attempts=0, next_attempt_at=0.0, note="")


def to_grab_phase(grab: Grab, phase: GrabPhase) -> Grab:
    """Return the grab in a phase, with no attempts made and nothing in the way."""
    return replace(grab, phase=phase, attempts=0, next_attempt_at=0.0, note="")


def follow_again(download: Download, now: float, *, at_torbox: bool) -> Download:
    """Return the download as it is to be followed once more, since a grab needs its files again.

    Without an item at TorBox it is created anew.
    """
    if at_torbox:
        active = to_phase(download, DownloadPhase.ACTIVE)
        return replace(active, misses=0, seen_at=now, remote_at=now)
    return replace(
        to_phase(download, DownloadPhase.NEW),
        torrent_id=None,
        queued_id=None,
        ours=False,
        submitted_at=None,
        misses=0,
        idle_seconds=0.0,
        observed_seconds=0.0,
        remote_progress=0.0,
        failing_since=None,
        reannounced_at=-1.0,
        recreated=False,
    )


def wait_again(grab: Grab) -> Grab:
    """Return a delivered grab as it waits to be delivered once more."""
    return replace(
        to_grab_phase(grab, GrabPhase.WAITING),
        missing_files=False,
        completed_at=None,
        imported_at=None,
        stopped=False,
        progress=0.0,
    )


def record_item_seen(
    download: Download, item: RemoteItem, now: float, *, unbroken_since: float = 0.0
) -> Download:
    """Return the download after TorBox showed its item just now.

    TorBox has answered without a failure since `unbroken_since`: what lies before was an outage.
    """
    seen_at = download.seen_at
    since = now - seen_at if seen_at is not None and seen_at >= unbroken_since else 0.0
    elapsed = since if 0.0 <= since <= GAP_SECONDS and not is_queued(item) else 0.0
    moved = item.progress > download.remote_progress or (item.size > 0 and download.size == 0)
    uploads = item.uploaded > download.uploaded or item.upload_speed > 0
    named = download.name != download.hash or item.name in ("", item.hash)
    revived = moved and download.reannounced_at >= 0.0
    return replace(
        download,
        note="" if revived else download.note,
        reannounced_at=-1.0 if moved else download.reannounced_at,
        name=download.name if named else item.name,
        remote_name=item.name or download.remote_name,
        size=download.size or item.size,
        private=download.private or item.private,
        seen_at=now,
        failing_since=(download.failing_since or now) if is_failing(item) and not moved else None,
        misses=0,
        idle_seconds=0.0 if moved else download.idle_seconds + elapsed,
        observed_seconds=download.observed_seconds + elapsed,
        remote_progress=max(download.remote_progress, item.progress),
        remote_active_at=_active_at(download, item, now, moved=moved or uploads),
        ratio=max(download.ratio, item.ratio),
        uploaded=max(download.uploaded, item.uploaded),
        uploaded_at=now if uploads else download.uploaded_at,
    )


def _active_at(download: Download, item: RemoteItem, now: float, *, moved: bool) -> float | None:
    downloads = item.download_speed > 0 and not item.finished
    return now if moved or downloads else download.remote_active_at


def is_failing(item: RemoteItem) -> bool:
    """Return whether TorBox calls it failed. When it has all the pieces the text is no reason."""
    return state_word(item.state) in FAILED_WORDS and not item.finished


def is_queued(item: RemoteItem) -> bool:
    """Return whether TorBox lets it wait for one of the account's slots."""
    return state_word(item.state).startswith("queued") and not item.finished


def created_since(
    submitted_at: float | None, item: RemoteItem | QueuedItem, offset_seconds: float
) -> bool:
    """Return whether the create that we sent first at `submitted_at` can have made the item.

    `offset_seconds` is TorBox's clock minus ours. An item without a date counts as ours if a create
    was sent at all; one that is older than the create is somebody else's.
    """
    if submitted_at is None:
        return False
    if item.created_at is None:
        return True
    return item.created_at >= submitted_at + offset_seconds - CLOCK_SLACK_SECONDS


def record_queued_seen(download: Download, now: float) -> Download:
    """Return the download after TorBox's queue showed it: a sign of life without progress."""
    return replace(download, seen_at=now, misses=0)


def record_miss(download: Download) -> Download:
    """Return the download after neither its id nor its hash was found anywhere."""
    return replace(download, misses=download.misses + 1)
