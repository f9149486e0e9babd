"""What TorBox's news mean for one download: signs of life, progress, and the verdicts.

Time is counted only between two observations that lie close together, so an outage at TorBox or
a night with the bridge switched off never ages a download.
"""

from dataclasses import dataclass, replace

from bridge.core.model import Download, Failure, Phase, QueuedItem, Reason, RemoteItem
from bridge.core.status import FAILED_WORDS, state_word

GAP_SECONDS = 180.0
"""Two observations further apart than this have an outage between them."""

GONE_MISSES = 3
GONE_SECONDS = 600.0
CLOCK_SLACK_SECONDS = 120.0
LACKING = "TorBox does not list all files of the torrent"
FAILED_SECONDS = 60.0
"""A failed state must hold this long without progress before it is believed."""

REVIVED_SECONDS = 300.0
"""What a reannounce is given to bring a download back to life."""

REVIVABLE = frozenset({Reason.STALLED, Reason.NO_METADATA})
"""Verdicts that other peers might change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a download may stand still at TorBox, in seconds; None is for ever."""

    stalled_after: float | None = 6 * 3600.0
    metadata_after: float | None = 3600.0
    stored_after: float | None = 2 * 3600.0
    """The same between the last byte and TorBox's storage."""
    give_up_after: float | None = None


def enter(download: Download, phase: Phase) -> Download:
    """Step into a phase with a clean slate: no attempts, nothing in the way."""
    return replace(download, phase=phase, attempts=0, next_attempt_at=0.0, note="")


def anew(download: Download, now: float) -> Download:
    """Let it be followed at TorBox once more, to be delivered again from there."""
    return replace(
        enter(download, Phase.REMOTE),
        missing_files=False,
        completed_at=None,
        stopped=False,
        progress=0.0,
        misses=0,
        seen_at=now,
        remote_at=now,
    )


def observed(download: Download, item: RemoteItem, now: float) -> Download:
    """Note that TorBox showed the item just now."""
    since = now - download.seen_at if download.seen_at is not None else 0.0
    elapsed = since if 0.0 <= since <= GAP_SECONDS else 0.0
    moved = item.progress > download.remote_progress or (item.size > 0 and download.size == 0)
    uploads = item.uploaded > download.uploaded or item.upload_speed > 0
    named = download.name != download.hash or item.name in ("", item.hash)
    revived = moved and download.reannounced_at >= 0.0
    return replace(
        download,
        note="" if revived else download.note,
        reannounced_at=-1.0 if moved else download.reannounced_at,
        name=download.name if named else item.name,
        size=download.size or item.size,
        private=download.private or item.private,
        seen_at=now,
        failing_since=(download.failing_since or now) if failing(item) and not moved else None,
        misses=0,
        idle_seconds=0.0 if moved else download.idle_seconds + elapsed,
        observed_seconds=download.observed_seconds + elapsed,
        remote_progress=max(download.remote_progress, item.progress),
        ratio=max(download.ratio, item.ratio),
        uploaded=max(download.uploaded, item.uploaded),
        active_at=now if uploads else download.active_at,
    )


def failing(item: RemoteItem) -> bool:
    """Tell whether TorBox calls it failed. When it has all the pieces the text is no reason."""
    return state_word(item.state) in FAILED_WORDS and not item.finished


def created_since(
    submitted_at: float | None, item: RemoteItem | QueuedItem, offset_seconds: float
) -> bool:
    """Tell whether the create we sent first at `submitted_at` can have made the item.

    `offset_seconds` is TorBox's clock minus ours. An item without a date is taken for ours if a
    create was sent at all; one that is older than the create is somebody else's.
    """
    if submitted_at is None:
        return False
    if item.created_at is None:
        return True
    return item.created_at >= submitted_at + offset_seconds - CLOCK_SLACK_SECONDS


def sighted(download: Download, now: float) -> Download:
    """Note a sign of life that says nothing of progress: it stands in TorBox's queue."""
    return replace(download, seen_at=now, misses=0)


def missed(download: Download) -> Download:
    """Note that neither its id nor its hash was found anywhere."""
    return replace(download, misses=download.misses + 1)


def verdict(
    download: Download, item: RemoteItem | None, patience: Patience, looked_at: float
) -> Failure | None:
    """Give a download up, if it has to be.

    `item` is what TorBox last said, if anything; `looked_at` is when TorBox was last looked
    through for it.
    """
    if item is None:
        lost = gone(download, looked_at)
        return Failure(Reason.GONE, "TorBox no longer has this torrent") if lost else None
    if download.phase is not Phase.REMOTE or (item.ready and not incomplete(download, item)):
        return None
    return _broken(download, item, looked_at) or _too_slow(download, item, patience)


def _broken(download: Download, item: RemoteItem, looked_at: float) -> Failure | None:
    """Judge by what TorBox says of the item."""
    if not item.present and _expired(item, looked_at):
        return Failure(Reason.EXPIRED, "TorBox let it expire before it could be fetched")
    since, seen_at = download.failing_since, download.seen_at
    if since is None or seen_at is None or seen_at - since < FAILED_SECONDS:
        return None
    said = f"{item.state}: {item.message}" if item.message else item.state
    return Failure(Reason.REMOTE_ERROR, f"TorBox reports: {said}")


def _expired(item: RemoteItem, looked_at: float) -> bool:
    return item.expires_at is not None and item.expires_at < looked_at - CLOCK_SLACK_SECONDS


def _too_slow(download: Download, item: RemoteItem, patience: Patience) -> Failure | None:
    """Judge by the observed time without progress."""
    idle = download.idle_seconds
    if _over(download.observed_seconds, patience.give_up_after):
        return Failure(Reason.GAVE_UP, f"not finished after {_hours(download.observed_seconds)}")
    if incomplete(download, item):
        over = _over(idle, patience.stalled_after)
        return Failure(Reason.INCOMPLETE, download.note or LACKING) if over else None
    if item.finished:
        over = _over(idle, patience.stored_after)
        text = f"TorBox did not bring it to its storage in {_hours(idle)}"
        return Failure(Reason.NOT_PRESENT, text) if over else None
    if not item.size and _over(idle, patience.metadata_after):
        return Failure(Reason.NO_METADATA, f"no metadata found in {_hours(idle)}")
    if _over(idle, patience.stalled_after):
        return Failure(Reason.STALLED, f"no progress at TorBox for {_hours(idle)}: {item.state}")
    return None


def reviving(download: Download, failure: Failure, patience: Patience) -> bool:
    """Tell whether the reannounce before this verdict may still have its effect.

    It gets some minutes of observed time, and no longer than the standstill was allowed to be.
    """
    stalled = failure.reason is Reason.STALLED
    limit = patience.stalled_after if stalled else patience.metadata_after
    given = min(REVIVED_SECONDS, limit or 0.0)
    return download.idle_seconds < download.reannounced_at + given


def incomplete(download: Download, item: RemoteItem) -> bool:
    """Tell whether TorBox's file list is still the one in which wanted files were missing."""
    return download.lacking_at == item.listed_bytes


def gone(download: Download, looked_at: float) -> bool:
    """Tell whether the remote item is lost for good: looked for often, and for long enough.

    The last look is what counts, not the clock: nobody looked during an outage.
    """
    alive = max(download.seen_at or 0.0, download.phase_at)
    return download.misses >= GONE_MISSES and looked_at - alive >= GONE_SECONDS


def _over(seconds: float, limit: float | None) -> bool:
    return limit is not None and seconds >= limit


def _hours(seconds: float) -> str:
    return f"{seconds / 3600:.1f} h" if seconds >= 3600 else f"{seconds / 60:.0f} min"  # noqa: PLR2004 - an hour
