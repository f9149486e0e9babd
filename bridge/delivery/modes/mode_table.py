"""The delivery of each mode."""

from collections.abc import Mapping

from bridge.delivery.disk.disk_health import DiskHealth, WatchedDelivery
from bridge.delivery.interface import Delivery

FALLBACK = "download"
"""For downloads that ended before a mode was chosen: it cleans up after every mode."""


class Modes:
    """Finds the delivery of a download by the mode in its row."""

    def __init__(
        self, deliveries: Mapping[str, Delivery], disk_health: DiskHealth | None = None
    ) -> None:
        self.disk_health = disk_health or DiskHealth()
        """Errors of the local disk that stay, for the page and /readyz."""
        self._deliveries = {
            mode: WatchedDelivery(delivery, self.disk_health)
            for mode, delivery in deliveries.items()
        }

    def of(self, mode: str) -> Delivery:
        """Return the delivery of a mode; that of `download` for an unknown mode."""
        return self._deliveries.get(mode) or self._deliveries[FALLBACK]
