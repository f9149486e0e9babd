"""What a delivery promises, whatever its mode."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from bridge.core.model import DeliveredFile, Download
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
    torrent_id: int = 0
    """Of the remote item."""
    titles: tuple[str, ...] = ()
    """Names that the remote item goes by, the likeliest first. Untrusted."""
    torrent: bytes = field(default=b"", repr=False)
    """The .torrent by whose pieces the bytes are to be checked; empty: they are not checked."""

    @property
    def target(self) -> Path:
        """Where the content appears."""
        return self.save_path / self.content_name


def order_of(
    download: Download, files: Iterable[DeliveredFile], *, title: str = "", torrent: bytes = b""
) -> Order:
    """Order the chosen files of a download; `title` is what TorBox calls it."""
    return Order(
        hash=download.hash,
        save_path=Path(download.save_path),
        content_name=download.content_name,
        files=tuple(file for file in files if file.chosen),
        torrent_id=download.torrent_id or 0,
        titles=tuple(dict.fromkeys(name for name in (title, download.name) if name)),
        torrent=torrent,
    )


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
            NotYet: what is to be delivered is not there yet.
            DeliveryFailed: anything else, with `retryable`.
        """

    async def discard(self, info_hash: str) -> None:
        """Forget what was begun for this download; what is delivered stays."""

    async def remove(self, save_path: Path, content_name: str, paths: Iterable[str]) -> int:
        """Delete what was delivered; see `publish.remove_delivered`, whose errors it raises.

        Returns how many files were deleted.
        """
