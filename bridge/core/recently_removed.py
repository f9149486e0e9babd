"""Items at TorBox that were removed here lately, or left there on purpose.

TorBox's lists may show a deleted item for minutes. A client that adds the same hash again must not
be attached to it: the download would follow an item that is gone. And an item that was left at
TorBox on purpose must not pass for the result of a later create.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from bridge.core.model import QueuedItem, RemoteItem

LIST_LAG_SECONDS = 300.0
"""TorBox's list may lag so far behind."""
KEPT_SECONDS = 86400.0

Times = dict[int, float]


@dataclass(slots=True)
class RecentlyRemovedItems:
    """Ids, and when each was deleted or left (unix seconds)."""

    deleted: Times = field(default_factory=dict)
    """Torrents. After some minutes a list is believed again."""
    deleted_queued: Times = field(default_factory=dict)
    kept: dict[int, tuple[str, float]] = field(default_factory=dict)
    """Items left at TorBox though no download here has them any more: their hash, for a day."""

    def without_deleted(self, items: Iterable[RemoteItem], now: float) -> tuple[RemoteItem, ...]:
        """Return the torrents that were not deleted lately."""
        self.deleted = _recent(self.deleted, now)
        return tuple(item for item in items if item.id not in self.deleted)

    def without_deleted_queued(
        self, items: Iterable[QueuedItem], now: float
    ) -> tuple[QueuedItem, ...]:
        """Return the queued items that were not deleted lately."""
        self.deleted_queued = _recent(self.deleted_queued, now)
        return tuple(item for item in items if item.id not in self.deleted_queued)

    def keep(self, torrent_id: int, info_hash: str, now: float) -> None:
        """Note that an item stays at TorBox on purpose."""
        kept = {key: one for key, one in self.kept.items() if now - one[1] < KEPT_SECONDS}
        self.kept = {**kept, torrent_id: (info_hash, now)}

    def keeps(self, info_hash: str) -> bool:
        """Return whether an item of this hash stays at TorBox on purpose."""
        return any(info_hash == kept_hash for kept_hash, _ in self.kept.values())


def _recent(times: Times, now: float) -> Times:
    return {key: at for key, at in times.items() if abs(now - at) < LIST_LAG_SECONDS}
