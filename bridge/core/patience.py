"""When a download at TorBox has failed, and for which of its grabs.

If TorBox reports the item as failed, expired or gone, the download fails for all its grabs. How
long a standstill is tolerated is a rule of each category, so it fails the grabs of that category
only.
"""

import msgspec

from bridge.core.model import Download, DownloadPhase, Failure, Grab, Reason, RemoteItem
from bridge.core.remote_tracking import CLOCK_SLACK_SECONDS

GONE_MISSES = 3
GONE_SECONDS = 600.0
"""Minimum seconds since an item was last seen before it counts as gone."""

FAILED_SECONDS = 60.0
"""Seconds for which TorBox must report a failed state, without progress, before it is believed."""

REVIVED_SECONDS = 300.0
"""Observed seconds that a download gets to recover after a reannounce."""

REVIVABLE = frozenset({Reason.STALLED, Reason.NO_METADATA})
"""Reasons that other peers could resolve."""

FILES_MISSING = "TorBox does not list all files of the torrent"
SECONDS_PER_HOUR = 3600


class Patience(msgspec.Struct, frozen=True, kw_only=True):
    """How long a download may stand still at TorBox, in seconds; None is unlimited."""

    stalled_after: float | None = 6 * 3600.0
    metadata_after: float | None = 3600.0
    stored_after: float | None = 2 * 3600.0
    """From the last byte until TorBox has stored it."""
    give_up_after: float | None = None
    """In total, from the first observation."""


def failure_at_torbox(
    download: Download,
    item: RemoteItem | None,
    looked_at: float,
    *,
    steady_since: float = 0.0,
    offset_seconds: float = 0.0,
) -> Failure | None:
    """Return why the download has failed according to TorBox, or None.

    `item` is TorBox's latest report, if there is one. `looked_at` is when TorBox was last searched
    for it. The clock has not jumped since `steady_since`, and TorBox's is `offset_seconds` ahead.
    """
    if item is None:
        lost = is_gone(download, looked_at, steady_since=steady_since)
        return Failure(Reason.GONE, "TorBox no longer has this torrent") if lost else None
    if download.phase is not DownloadPhase.ACTIVE or item.ready:
        return None
    # `expires_at` is documented; the state text of an expired item is not.
    if not item.present and _expired(item, looked_at + offset_seconds):
        return Failure(Reason.EXPIRED, "it expired at TorBox before it could be fetched")
    since, seen_at = download.failing_since, download.seen_at
    if since is None or seen_at is None:
        return None
    if seen_at - max(since, steady_since) < FAILED_SECONDS:
        return None
    # TorBox has no code for a failure: the state text and the tracker's message are all it tells.
    said = f"{item.state}: {item.message}" if item.message else item.state
    return Failure(Reason.REMOTE_ERROR, f"TorBox reports: {said}")


def failure_by_rules(
    download: Download, grab: Grab, item: RemoteItem, patience: Patience
) -> Failure | None:
    """Return why the rules of a grab's category fail the grab, or None while they do not."""
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
        text = f"TorBox did not move it to its storage within {_hours(idle)}"
        return Failure(Reason.NOT_PRESENT, text) if over else None
    if not item.size and _over(idle, patience.metadata_after):
        return Failure(Reason.NO_METADATA, f"no metadata found in {_hours(idle)}")
    if _over(idle, patience.stalled_after):
        return Failure(Reason.STALLED, f"no progress at TorBox for {_hours(idle)}: {item.state}")
    return None


def idle_seconds(download: Download, grab: Grab) -> float:
    """Return the seconds without progress at TorBox since the grab was added."""
    idle = download.idle_seconds
    # `idle_seconds` restarts at 0 with every progress, so it may be below the value at join.
    return idle - grab.idle_at_join if idle >= grab.idle_at_join else idle


def is_reviving(download: Download, failure: Failure, patience: Patience) -> bool:
    """Return whether an earlier reannounce may still help.

    It gets some minutes of observed time, but no more than the standstill itself was allowed.
    """
    stalled = failure.reason is Reason.STALLED
    limit = patience.stalled_after if stalled else patience.metadata_after
    given = min(REVIVED_SECONDS, limit or 0.0)
    return download.idle_seconds < download.reannounced_at + given


def is_list_incomplete(grab: Grab, item: RemoteItem) -> bool:
    """Return whether TorBox's file list is still the list that lacked wanted files."""
    return grab.incomplete_list_bytes == item.listed_bytes


def is_gone(download: Download, looked_at: float, *, steady_since: float = 0.0) -> bool:
    """Return whether the remote item is gone: searched for often enough, over a long enough time.

    The time of the last search counts, not the clock: during an outage nothing is searched.
    """
    # A create or a promotion from the queue is as good as a sighting: the list lags behind both.
    signs = (download.seen_at or 0.0, download.phase_at, steady_since)
    # What a clock that was put back has left in the future says nothing.
    alive = max((sign for sign in signs if sign <= looked_at), default=looked_at)
    return download.misses >= GONE_MISSES and looked_at - alive >= GONE_SECONDS


def _expired(item: RemoteItem, torbox_time: float) -> bool:
    # Without slack, an offset that is a little off would fail what TorBox still serves.
    return item.expires_at is not None and item.expires_at < torbox_time - CLOCK_SLACK_SECONDS


def _over(seconds: float, limit: float | None) -> bool:
    return limit is not None and seconds >= limit


def _hours(seconds: float) -> str:
    hours = seconds >= SECONDS_PER_HOUR
    return f"{seconds / SECONDS_PER_HOUR:.1f} h" if hours else f"{seconds / 60:.0f} min"
