"""Items at TorBox that were recently removed here, or kept there on purpose.

TorBox's lists may show a deleted item for minutes. A download of the same hash that is added again
must not be attached to it, or it would follow an item that is gone. And an item that was kept at
TorBox on purpose must not be taken for the result of a later create.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from bridge.core.model import QueuedItem, RemoteItem

LIST_LAG_SECONDS = 300.0
"""Maximum lag of TorBox's list, in seconds."""
KEPT_SECONDS = 86400.0

Times = dict[int, float]


@dataclass(slots=True)
class RecentlyRemovedItems:
    """Ids of items, and when each was deleted or kept (unix seconds)."""

    deleted: Times = field(default_factory=dict)
    """Torrents. After some minutes TorBox's list is trusted again."""
    deleted_queued: Times = field(default_factory=dict)
    kept: dict[int, tuple[str, float]] = field(default_factory=dict)
    """Items kept at TorBox although no download has them any longer: their hash, for a day."""

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

    def keep(self, torrent_id: int, info_hash: str, now: float) -> None:
        """Record that an item is kept at TorBox on purpose."""
        kept = {key: one for key, one in self.kept.items() if now - one[1] < KEPT_SECONDS}
        self.kept = {**kept, torrent_id: (info_hash, now)}

    def keeps(self, info_hash: str) -> bool:
        """Return whether an item of this hash was kept at TorBox on purpose."""
        return any(info_hash == kept_hash for kept_hash, _ in self.kept.values())


def _recent(times: Times, now: float) -> Times:
    return {key: at for key, at in times.items() if abs(now - at) < LIST_LAG_SECONDS}
