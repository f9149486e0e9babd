"""Delivery mode `none`: the item at TorBox is the end.

An *arr wants a content path below the save path that exists, so an empty folder stands for it.
"""

from collections.abc import Iterable
from pathlib import Path

from bridge.delivery.base import Delivered, Links, Order
from bridge.delivery.disk import disk_errors, make_directory, sync_directory
from bridge.delivery.errors import TargetTaken
from bridge.delivery.layout import check_order, inner
from bridge.delivery.progress import Progress
from bridge.delivery.publish import remove_delivered
from bridge.delivery.tasks import in_thread


class NoDelivery:
    """Makes an empty folder."""

    async def deliver(self, order: Order, _links: Links, _progress: Progress) -> Delivered:
        """Make the folder; see `Delivery.deliver`."""
        check_order(order)
        await in_thread(_make, order)
        return Delivered(order.target)

    async def discard(self, info_hash: str) -> None:
        """Nothing is ever begun."""

    async def remove(self, save_path: Path, content_name: str, _paths: Iterable[str]) -> int:
        """Delete the folder if it is empty: what is in it is somebody else's."""
        inner(content_name, content_name)  # refuses what is not one plain name
        return await remove_delivered(save_path, content_name, ())


def _make(order: Order) -> None:
    with disk_errors(order.target):
        make_directory(order.save_path)
        try:
            order.target.mkdir()
        except FileExistsError:
            if not _is_empty_folder(order.target):
                raise TargetTaken(order.content_name) from None
        sync_directory(order.save_path)


def _is_empty_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink() and not any(path.iterdir())
