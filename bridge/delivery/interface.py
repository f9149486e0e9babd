"""The interface that every delivery mode implements, and the table that finds a grab's mode."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import msgspec

from bridge.delivery.delivery_progress import Progress
from bridge.delivery.disk.disk_errors import DiskHealth


class RequestedFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file to deliver."""

    file_id: int
    """TorBox's id of the file within its item."""
    remote_name: str
    """Its path at TorBox, `/` separated. Untrusted."""
    size: int
    """In bytes, as TorBox lists it."""
    path: str
    """Relative to the save path, `/` separated, made safe."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryRequest:
    """The content to deliver and its target. A delivery needs no other information.

    The same info-hash may be delivered several times, also at one time, under different staging
    names; such deliveries share nothing.
    """

    info_hash: str
    staging_name: str = ""
    """Names the unfinished delivery: its directory below `.incomplete`, its transfers in aria2.
    Unique per delivery, and the same after a restart: the info-hash, or the info-hash followed by
    `-` and up to 32 letters and digits. Empty: the info-hash."""
    save_path: Path
    """Absolute."""
    content_name: str
    """Top-level file or folder below save_path: `Show.S01`, `Movie.mkv`."""
    files: tuple[RequestedFile, ...]
    """At least one. Their paths are `content_name`, or below it."""
    torrent_id: int = 0
    """Of the remote item."""
    titles: tuple[str, ...] = ()
    """Names that the remote item goes by, the likeliest first. Untrusted."""
    torrent: bytes = field(default=b"", repr=False)
    """The .torrent whose pieces the bytes are checked against; empty: they are not checked."""
    limit: int | None = None
    """Bytes per second for this delivery alone, as of its start; `Throttles.set_own` with the
    staging name changes it later. None: leave what was set there."""

    def __post_init__(self) -> None:
        # A frozen dataclass cannot make one default depend on another field.
        if not self.staging_name:
            object.__setattr__(self, "staging_name", self.info_hash)

    @property
    def target(self) -> Path:
        """Where the content appears."""
        return self.save_path / self.content_name


class Delivered(msgspec.Struct, frozen=True):
    """Every file of the request is whole below `content_path`, and will be after a power loss."""

    content_path: Path


class Links(Protocol):
    """Gives links to the files of one remote item."""

    async def link(self, file_id: int, *, fresh: bool) -> str:
        """Return a link to the file; with `fresh`, a link that TorBox made just now.

        Raises what asking TorBox raises; a delivery lets it pass.
        """


class Delivery(Protocol):
    """A way to make a finished remote item appear on disk."""

    async def deliver(
        self, request: DeliveryRequest, links: Links, progress: Progress
    ) -> Delivered:
        """Return when the whole content is at its target; until then nothing is visible there.

        May be cancelled and called again at any time, also after a crash; it then resumes. Only
        one call at a time for a staging name. After TargetTaken or NameRefused the same request
        under other names loses nothing.

        Raises:
            TargetTaken: something that is not this request's stands at the target.
            NotEnoughSpace: the disk is too full.
            NameRefused: the file system does not take a name.
            NotYet: the files are not visible yet.
            DeliveryFailed: anything else, with `retryable`.
        """

    async def discard(self, staging_name: str) -> None:
        """Delete the unfinished delivery of this name; delivered content stays."""

    async def remove(self, save_path: Path, content_name: str, paths: Iterable[str]) -> int:
        """Delete delivered files; see `publish.remove_delivered`, whose errors it raises.

        Returns how many files were deleted.
        """


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
