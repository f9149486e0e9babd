"""What was deleted at TorBox minutes ago: its lists may show that yet, and it must not be taken up.

Who adds the same hash again would follow an item that is gone until the patience for that is over.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from bridge.core.cleanup import LATE_SECONDS
from bridge.core.model import QueuedItem, RemoteItem


@dataclass(slots=True)
class Buried:
    """Ids, and when each was deleted. After some minutes a list is believed over it."""

    torrents: dict[int, float] = field(default_factory=dict)
    queued: dict[int, float] = field(default_factory=dict)

    def living(self, items: Iterable[RemoteItem], now: float) -> tuple[RemoteItem, ...]:
        """Leave out torrents that are dead."""
        dead = self.torrents = _lately(self.torrents, now)
        return tuple(item for item in items if item.id not in dead)

    def living_queued(self, items: Iterable[QueuedItem], now: float) -> tuple[QueuedItem, ...]:
        """Leave out queued items that are dead."""
        dead = self.queued = _lately(self.queued, now)
        return tuple(item for item in items if item.id not in dead)


def _lately(times: dict[int, float], now: float) -> dict[int, float]:
    return {key: at for key, at in times.items() if abs(now - at) < LATE_SECONDS}
