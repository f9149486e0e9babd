"""When a download is given up at TorBox, and for which of its grabs.

What TorBox says of the item (failed, expired, gone) fails the download for all its grabs. How long
a standstill is borne is a rule of each category, so it fails the grabs of that category alone.
"""

from dataclasses import dataclass

from bridge.core.model import Download, DownloadPhase, Failure, Grab, Reason, RemoteItem
from bridge.core.remote_tracking import CLOCK_SLACK_SECONDS

GONE_MISSES = 3
GONE_SECONDS = 600.0
"""Since the last sign of life, before an item that was missed so often is gone."""

FAILED_SECONDS = 60.0
"""A failed state must hold this long without progress before it is believed."""

REVIVED_SECONDS = 300.0
"""Observed time that a reannounce gets to bring a download back to life."""

REVIVABLE = frozenset({Reason.STALLED, Reason.NO_METADATA})
"""Reasons that other peers might change."""

FILES_MISSING = "TorBox does not list all files of the torrent"
SECONDS_PER_HOUR = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a download may stand still at TorBox, in seconds; None is for ever."""

    stalled_after: float | None = 6 * 3600.0
    metadata_after: float | None = 3600.0
    stored_after: float | None = 2 * 3600.0
    """Between the last byte and TorBox's storage."""
    give_up_after: float | None = None
    """In all, from the first look on."""


def failure_at_torbox(
    download: Download, item: RemoteItem | None, looked_at: float
) -> Failure | None:
    """Return why the download has failed by what TorBox says of it; None while it has not.

    `item` is what TorBox said last, if anything; `looked_at` is when TorBox was last searched for
    it.
    """
    if item is None:
        lost = is_gone(download, looked_at)
        return Failure(Reason.GONE, "TorBox no longer has this torrent") if lost else None
    if download.phase is not DownloadPhase.ACTIVE or item.ready:
        return None
    if not item.present and _expired(item, looked_at):
        return Failure(Reason.EXPIRED, "TorBox let it expire before it could be fetched")
    since, seen_at = download.failing_since, download.seen_at
    if since is None or seen_at is None or seen_at - since < FAILED_SECONDS:
        return None
    said = f"{item.state}: {item.message}" if item.message else item.state
    return Failure(Reason.REMOTE_ERROR, f"TorBox reports: {said}")


def failure_by_rules(
    download: Download, grab: Grab, item: RemoteItem, patience: Patience
) -> Failure | None:
    """Return why the category of a grab bears with its download no longer; None while it does."""
    idle, incomplete = idle_seconds(download, grab), is_list_incomplete(grab, item)
    if item.ready and not incomplete:
        return None
    observed = max(download.observed_seconds - grab.observed_at_join, 0.0)
    if _over(observed, patience.give_up_after):
        return Failure(Reason.GAVE_UP, f"not finished after {_hours(observed)}")
    if incomplete:
        over = _over(idle, patience.stalled_after)
        return Failure(Reason.INCOMPLETE, grab.note or FILES_MISSING) if over else None
    if item.finished:
        over = _over(idle, patience.stored_after)
        text = f"TorBox did not bring it to its storage in {_hours(idle)}"
        return Failure(Reason.NOT_PRESENT, text) if over else None
    if not item.size and _over(idle, patience.metadata_after):
        return Failure(Reason.NO_METADATA, f"no metadata found in {_hours(idle)}")
    if _over(idle, patience.stalled_after):
        return Failure(Reason.STALLED, f"no progress at TorBox for {_hours(idle)}: {item.state}")
    return None


def idle_seconds(download: Download, grab: Grab) -> float:
    """Return the time without progress at TorBox that counts for a grab: since it came."""
    idle = download.idle_seconds
    return idle - grab.idle_at_join if idle >= grab.idle_at_join else idle


def is_reviving(download: Download, failure: Failure, patience: Patience) -> bool:
    """Return whether the reannounce before this failure may still have its effect.

    It gets some minutes of observed time, and no longer than the standstill was allowed to be.
    """
    stalled = failure.reason is Reason.STALLED
    limit = patience.stalled_after if stalled else patience.metadata_after
    given = min(REVIVED_SECONDS, limit or 0.0)
    return download.idle_seconds < download.reannounced_at + given


def is_list_incomplete(grab: Grab, item: RemoteItem) -> bool:
    """Return whether TorBox's file list is still the one in which wanted files were missing."""
    return grab.incomplete_list_bytes == item.listed_bytes


def is_gone(download: Download, looked_at: float) -> bool:
    """Return whether the remote item is lost for good: searched often, and for long enough.

    The last search is what counts, not the clock: nobody searched during an outage.
    """
    alive = max(download.seen_at or 0.0, download.phase_at)
    return download.misses >= GONE_MISSES and looked_at - alive >= GONE_SECONDS


def _expired(item: RemoteItem, looked_at: float) -> bool:
    return item.expires_at is not None and item.expires_at < looked_at - CLOCK_SLACK_SECONDS


def _over(seconds: float, limit: float | None) -> bool:
    return limit is not None and seconds >= limit


def _hours(seconds: float) -> str:
    hours = seconds >= SECONDS_PER_HOUR
    return f"{seconds / SECONDS_PER_HOUR:.1f} h" if hours else f"{seconds / 60:.0f} min"
