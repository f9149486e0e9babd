"""What a delivery promises, whatever its mode."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bridge.core.model import DeliveredFile
from bridge.delivery.progress import Progress


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What to deliver."""

    hash: str
    save_path: Path
    """Absolute."""
    content_name: str
    """Top-level file or folder below save_path: `Show.S01`, `Movie.mkv`."""
    files: tuple[DeliveredFile, ...]
    """The chosen ones. Their paths are `content_name`, or stand below it."""

    @property
    def target(self) -> Path:
        """Where the content appears."""
        return self.save_path / self.content_name


@dataclass(frozen=True, slots=True)
class Delivered:
    """Every file of the order is whole below `content_path`, and will be after a power loss."""

    content_path: Path


class Links(Protocol):
    """Gives links to the files of one remote item."""

    async def link(self, file_id: int, *, fresh: bool) -> str:
        """Return a link to the file; with `fresh`, one that TorBox made just now.

        Raises what asking TorBox raises; a delivery lets it pass.
        """


class Delivery(Protocol):
    """A way to make a finished remote item appear on disk."""

    async def deliver(self, order: Order, links: Links, progress: Progress) -> Delivered:
        """Return when the content is at its target: all of it, or nothing is seen there.

        May be cancelled and called again at any time, also after a crash; it then goes on where it
        was. One call at a time for one info-hash. After TargetTaken the same order under another
        content name loses nothing.

        Raises:
            TargetTaken: something that is not this order's stands at the target.
            NotEnoughSpace: the disk is too full.
            DeliveryFailed: anything else, with `retryable`.
        """

    async def discard(self, info_hash: str) -> None:
        """Forget what was begun for this download; what is delivered stays."""
