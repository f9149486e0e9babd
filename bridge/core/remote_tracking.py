"""How TorBox's reports change a download: last seen, progress, idle time; and what is not believed.

Time counts only between two observations that are close together, so neither an outage of TorBox
nor a night with the bridge switched off ages a download. Time in TorBox's queue does not count
either: waiting for a slot says nothing about the swarm.

TorBox's lists may show a deleted item for minutes. A download of the same hash that is added again
must not be attached to it, or it would follow an item that is gone. And an item that was kept at
TorBox on purpose must not be taken for the result of a later create.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from msgspec.structs import replace

from bridge.core.model import Download, DownloadPhase, Grab, GrabPhase, QueuedItem, RemoteItem
from bridge.core.status import FAILED_WORDS, state_word

GAP_SECONDS = 180.0
"""Two observations further apart than this have an outage between them."""

CLOCK_SLACK_SECONDS = 120.0
"""Tolerance for the dates that TorBox reports, in seconds."""

LIST_LAG_SECONDS = 300.0
"""Maximum lag of TorBox's list, in seconds."""
KEPT_SECONDS = 86400.0

Times = dict[int, float]


def to_phase(download: Download, phase: DownloadPhase) -> Download:
    """Return the download in a phase, with its attempts and note reset."""
    return replace(download, phase=phase, attempts=0, next_attempt_at=0.0, note="")


def to_grab_phase(grab: Grab, phase: GrabPhase) -> Grab:
    """Return the grab in a phase, with its attempts and note reset."""
    return replace(grab, phase=phase, attempts=0, next_attempt_at=0.0, note="")


def follow_again(download: Download, now: float, *, at_torbox: bool) -> Download:
    """Return the download as it is followed again because a grab needs its files once more.

    Without an item at TorBox it becomes NEW and is created again.
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
    """Return a delivered grab that waits to be delivered again."""
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

    TorBox has answered without interruption since `unbroken_since`; time before that is not
    counted.
    """
    seen_at = download.seen_at
    # An observation from before an outage says nothing about the time since: it counts as the
    # first.
    since = now - seen_at if seen_at is not None and seen_at >= unbroken_since else 0.0
    # A negative difference means that the clock was set back.
    elapsed = since if 0.0 <= since <= GAP_SECONDS and not is_queued(item) else 0.0
    # Only a new maximum is progress: a figure that falls and rises again would hide a standstill.
    # The arrival of the metadata is progress, too.
    moved = item.progress > download.remote_progress or (item.size > 0 and download.size == 0)
    uploads = item.uploaded > download.uploaded or item.upload_speed > 0
    # A magnet without `dn` is named after its hash until TorBox knows the name.
    named = download.name != download.hash or item.name in ("", item.hash)
    # The note of the reannounce is outdated as soon as something moves.
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
        seeds=item.seeds if item.seeds > 0 else download.seeds,
        ratio=max(download.ratio, item.ratio),
        uploaded=max(download.uploaded, item.uploaded),
        uploaded_at=now if uploads else download.uploaded_at,
    )


def _active_at(download: Download, item: RemoteItem, now: float, *, moved: bool) -> float | None:
    # A finished item downloads nothing, whatever speed it still reports.
    downloads = item.download_speed > 0 and not item.finished
    return now if moved or downloads else download.remote_active_at


def is_failing(item: RemoteItem) -> bool:
    """Return whether TorBox reports it as failed. With all pieces there, the state is ignored."""
    return state_word(item.state) in FAILED_WORDS and not item.finished


def is_queued(item: RemoteItem) -> bool:
    """Return whether TorBox has put it in line for one of the account's slots."""
    return state_word(item.state).startswith("queued") and not item.finished


def created_since(
    submitted_at: float | None, item: RemoteItem | QueuedItem, offset_seconds: float
) -> bool:
    """Return whether our create, first sent at `submitted_at`, can have made the item.

    `offset_seconds` is TorBox's clock minus ours. An item without a date counts as ours if a create
    was sent at all; an item older than the create was made by somebody else.
    """
    if submitted_at is None:
        return False
    if item.created_at is None:
        return True
    return item.created_at >= submitted_at + offset_seconds - CLOCK_SLACK_SECONDS


def record_queued_seen(download: Download, now: float) -> Download:
    """Return the download after TorBox's queue showed it: it exists, but makes no progress."""
    return replace(download, seen_at=now, misses=0)


def record_miss(download: Download) -> Download:
    """Return the download after neither its id nor its hash was found at TorBox."""
    return replace(download, misses=download.misses + 1)


@dataclass(slots=True)
class RecentlyRemovedItems:
    """Ids of items, and when each was deleted or kept (unix seconds); and who left a hash."""

    deleted: Times = field(default_factory=dict)
    """Torrents. After some minutes TorBox's list is trusted again."""
    deleted_queued: Times = field(default_factory=dict)
    kept: dict[int, tuple[str, float]] = field(default_factory=dict)
    """Items kept at TorBox although no download has them any longer: their hash, for a day."""
    left: dict[str, dict[str, float]] = field(default_factory=dict)
    """By hash: the programs whose grab was removed while others of it stayed, for a day."""

    def without_deleted(self, items: Iterable[RemoteItem], now: float) -> tuple[RemoteItem, ...]:
        """Return the torrents without those that were recently deleted."""
        self.deleted = _recent(self.deleted, now)
        return tuple(item for item in items if item.id not in self.deleted)

    def without_deleted_queued(
        self, items: Iterable[QueuedItem], now: float
    ) -> tuple[QueuedItem, ...]:
        """Return the queued items without those that were recently deleted."""
        self.deleted_queued = _recent(self.deleted_queued, now)
        return tuple(item for item in items if item.id not in self.deleted_queued)

    def keep(self, items: Mapping[int, str], now: float) -> None:
        """Record that items, given with their hashes, are kept at TorBox on purpose."""
        kept = {key: one for key, one in self.kept.items() if now - one[1] < KEPT_SECONDS}
        self.kept = kept | {key: (info_hash, now) for key, info_hash in items.items()}

    def leave(self, info_hash: str, program: str, now: float) -> None:
        """Record that the grab of a program was removed, and that other grabs of the hash stay."""
        recent = {
            key: {name: at for name, at in times.items() if now - at < KEPT_SECONDS}
            for key, times in self.left.items()
        }
        left = {key: times for key, times in recent.items() if times}
        self.left = left | {info_hash: left.get(info_hash, {}) | {program: now}}

    @property
    def kept_hashes(self) -> frozenset[str]:
        """The hashes of which an item was kept at TorBox on purpose."""
        return frozenset(info_hash for info_hash, _ in self.kept.values())


def _recent(times: Times, now: float) -> Times:
    return {key: at for key, at in times.items() if abs(now - at) < LIST_LAG_SECONDS}
