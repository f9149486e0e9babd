"""What is wrong with the local disk, for the log, the page and /readyz.

An error of the disk never fails a download: the delivery is tried again, for as long as it takes.
So somebody has to be told, or it looks as if nothing happened.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import structlog

from bridge.delivery.delivery_errors import LocalDiskError
from bridge.delivery.delivery_progress import Progress
from bridge.delivery.interface import Delivered, Delivery, DeliveryRequest, Links

log = structlog.get_logger()

REPEATED = 2
"""After so many failures in a row an error is no accident any longer."""


@dataclass(frozen=True, slots=True)
class DiskProblem:
    """An error of the local disk that stays."""

    directory: Path
    """The save path that is concerned."""
    message: str
    """The last error, with its path."""
    since: float
    """When it was first seen, in unix seconds."""
    failures: int


class DiskHealth:
    """Collects errors of the local disk by save path, until something succeeds there again."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._known: dict[Path, DiskProblem] = {}

    @property
    def problems(self) -> Sequence[DiskProblem]:
        """The errors that were seen at least twice in a row, the oldest first."""
        lasting = (one for one in self._known.values() if one.failures >= REPEATED)
        return tuple(sorted(lasting, key=lambda one: one.since))

    @contextmanager
    def watch(self, directory: Path, release: str) -> Iterator[None]:
        """Count a LocalDiskError in here, and forget the earlier ones if there is none.

        `release` is for the log. Other errors pass: they say nothing about the disk.
        """
        try:
            yield
        except LocalDiskError as error:
            self._failed(directory, release, str(error))
            raise
        if self._known.pop(directory, None) is not None:
            log.info("disk_works_again", directory=str(directory))

    def _failed(self, directory: Path, release: str, message: str) -> None:
        known = self._known.get(directory)
        if known is None:
            known = DiskProblem(directory, message, self._clock(), 0)
        self._known[directory] = replace(known, message=message, failures=known.failures + 1)
        log.error(
            "disk_error",
            directory=str(directory),
            release=release,
            error=message,
            failures=known.failures + 1,
            next="the delivery is tried again; nothing is deleted at TorBox",
        )


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
