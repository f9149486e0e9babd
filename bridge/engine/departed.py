"""What became of items at TorBox whose downloads left here lately. Exact, where dates are not.

TorBox's lists may show for a while what was deleted. Who adds the same hash again must not take that
up: it would follow an item that is gone until the patience for that is over. And what was to stay
must not pass for the work of a create that went unanswered a minute later.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from bridge.core.cleanup import LATE_SECONDS, TRACE_SECONDS
from bridge.core.model import QueuedItem, RemoteItem

Times = dict[int, float]


@dataclass(slots=True)
class Departed:
    """Ids, and when each was left."""

    deleted: Times = field(default_factory=dict)
    """Of torrents. After some minutes a list is believed again."""
    deleted_queued: Times = field(default_factory=dict)
    kept: dict[int, tuple[str, float]] = field(default_factory=dict)
    """What is to stay there, though nobody here has it any more: its hash, for a day."""

    def living(self, items: Iterable[RemoteItem], now: float) -> tuple[RemoteItem, ...]:
        """Leave out torrents that were deleted."""
        self.deleted = _lately(self.deleted, now)
        return tuple(item for item in items if item.id not in self.deleted)

    def living_queued(self, items: Iterable[QueuedItem], now: float) -> tuple[QueuedItem, ...]:
        """Leave out queued items that were deleted."""
        self.deleted_queued = _lately(self.deleted_queued, now)
        return tuple(item for item in items if item.id not in self.deleted_queued)

    def keep(self, torrent_id: int, info_hash: str, now: float) -> None:
        """Note that an item is to stay."""
        kept = {key: one for key, one in self.kept.items() if now - one[1] < TRACE_SECONDS}
        self.kept = {**kept, torrent_id: (info_hash, now)}

    def keeps(self, info_hash: str) -> bool:
        """Tell whether something of a hash is to stay."""
        return any(info_hash == of for of, _ in self.kept.values())


def _lately(times: Times, now: float) -> Times:
    return {key: at for key, at in times.items() if abs(now - at) < LATE_SECONDS}
