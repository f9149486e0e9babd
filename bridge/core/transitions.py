"""Outcomes at TorBox as pure functions from the old row of a download to the new row."""

from msgspec.structs import replace

from bridge.core.model import (
    Download,
    DownloadPhase,
    Failure,
    Grab,
    GrabPhase,
    Reason,
    RemovedDownload,
)
from bridge.core.remote_tracking import follow_again, to_grab_phase, to_phase

PASSING = frozenset({Reason.REMOTE_ERROR, Reason.NOT_PRESENT, Reason.EXPIRED})
"""Failures of an item at TorBox that a new item may not have."""


def create_begun(
    download: Download, now: float, *, submitted_at: float | None, unclear_seconds: float
) -> Download:
    """Return the download as it is stored before a create is sent.

    After a crash it is looked up until `unclear_seconds` from now, so that it is not created twice.
    """
    return replace(
        download,
        phase=DownloadPhase.SUBMITTING,
        submitted_at=download.submitted_at or submitted_at or now,
        lookup_until=now + unclear_seconds,
    )


def create_unclear(download: Download, until: float) -> Download:
    """Return the download after a create that may have succeeded: it stays SUBMITTING."""
    return replace(download, lookup_until=until)


def create_undone(download: Download, before: Download) -> Download:
    """Return the download after a create that certainly failed."""
    return replace(
        download,
        phase=DownloadPhase.NEW,
        submitted_at=before.submitted_at,
        lookup_until=before.lookup_until,
    )


def create_promised(
    download: Download,
    before: Download,
    now: float,
    *,
    already: bool,
    until: float,
    retry_at: float,
) -> Download:
    """Return the download after TorBox accepted a create without naming the item.

    `already`: TorBox had the torrent before, so this create made nothing. The hash is looked up
    until `until`; the next attempt is at `retry_at`.
    """
    return replace(
        download,
        submitted_at=before.submitted_at if already else download.submitted_at,
        lookup_until=until,
        next_attempt_at=max(retry_at, now),
        note="waiting for TorBox to show it",
    )


def attached(
    download: Download,
    now: float,
    *,
    torrent_id: int | None = None,
    queued_id: int | None = None,
    ours: bool,
    submitted_at: float | None,
    cached: bool = False,
) -> Download:
    """Return the download after its item was found, under a torrent_id or in TorBox's queue."""
    phase = DownloadPhase.ACTIVE if torrent_id is not None else DownloadPhase.QUEUED
    return replace(
        to_phase(download, phase),
        torrent_id=torrent_id,
        queued_id=None if torrent_id is not None else queued_id,
        ours=ours,
        submitted_at=download.submitted_at or submitted_at,
        lookup_until=0.0,
        remote_at=now if torrent_id is not None else download.remote_at,
        known_cached=cached,
        misses=0,
    )


def remembering(download: Download, removed: RemovedDownload | None) -> Download:
    """Return the download with the unanswered create of an earlier, removed download of its hash.

    If that create succeeded, TorBox will answer the next one as if somebody else had added the
    torrent. The time of the earlier create tells by the item's date that the item is ours.
    """
    if download.submitted_at is not None or removed is None or not removed.unclear:
        return download
    return replace(download, submitted_at=removed.submitted_at, lookup_until=download.phase_at)


def failed(download: Download, failure: Failure, *, keeps_item: bool) -> Download:
    """Return the failed download. With `keeps_item` its item stays for the delivered grabs."""
    return replace(
        to_phase(download, DownloadPhase.FAILED),
        failure_reason=failure.reason,
        failure_message=failure.message,
        torrent_id=download.torrent_id if keeps_item else None,
        queued_id=None,
        ours=download.ours and keeps_item,
        lookup_until=0.0,
    )


def may_be_recreated(download: Download, failure: Failure) -> bool:
    """Return whether a download that failed at TorBox may succeed there when it is created anew.

    Once, and only an item that is ours: what is somebody else's cannot be deleted first.
    """
    return download.ours and not download.recreated and failure.reason in PASSING


def recreated(download: Download, failure: Failure, now: float) -> Download:
    """Return the download as it is created once more, after its failed item is deleted."""
    fresh = follow_again(download, now, at_torbox=False)
    return replace(fresh, recreated=True, note=f"created once more: {failure.message}")


def grab_recreated(grab: Grab) -> Grab:
    """Return a grab whose download is created once more: its standstill counts from then on."""
    return replace(
        grab_interrupted(grab),
        incomplete_list_bytes=-1,
        incomplete_list_at=None,
        idle_at_join=0.0,
        observed_at_join=0.0,
    )


def grab_failed(grab: Grab, failure: Failure) -> Grab:
    """Return the failed grab."""
    return replace(
        to_grab_phase(grab, GrabPhase.FAILED),
        staging_name="",
        failure_reason=failure.reason,
        failure_message=failure.message,
    )


def grab_interrupted(grab: Grab) -> Grab:
    """Return a grab whose delivery ended because its download failed or is followed again."""
    if grab.phase is not GrabPhase.DELIVERING:
        return grab
    return to_grab_phase(grab, GrabPhase.WAITING)


def restarted(fresh: Download, failed_one: Download, now: float) -> Download:
    """Return a new attempt at a hash whose download has failed, stored in the failed one's row.

    An item that is still at TorBox, from a create that was not answered, counts as ours.
    """
    kept = failed_one.ours or failed_one.lookup_until > 0
    return replace(
        fresh,
        id=failed_one.id,
        submitted_at=failed_one.submitted_at if kept else None,
        lookup_until=now if kept else 0.0,
    )
