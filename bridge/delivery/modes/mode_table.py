"""The delivery of each mode."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from bridge.delivery.delivery_progress import Progress
from bridge.delivery.disk.disk_errors import DiskHealth
from bridge.delivery.interface import Delivered, Delivery, DeliveryRequest, Links

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


class WatchedDelivery:
    """A delivery whose disk errors are collected."""

    def __init__(self, delivery: Delivery, health: DiskHealth) -> None:
        self._delivery = delivery
        self._health = health

    async def deliver(
        self, request: DeliveryRequest, links: Links, progress: Progress
    ) -> Delivered:
        """Deliver; see `Delivery.deliver`."""
        with self._health.watch(request.save_path, request.content_name):
            return await self._delivery.deliver(request, links, progress)

    async def discard(self, staging_name: str) -> None:
        """Discard; see `Delivery.discard`."""
        await self._delivery.discard(staging_name)

    async def remove(self, save_path: Path, content_name: str, paths: Iterable[str]) -> int:
        """Remove; see `Delivery.remove`."""
        with self._health.watch(save_path, content_name):
            return await self._delivery.remove(save_path, content_name, paths)
