"""Delivery mode `none`: the item at TorBox is the end.

An *arr wants a content path below the save path that exists, so an empty folder stands for it.
"""

from collections.abc import Iterable
from pathlib import Path

from bridge.delivery.blocking import in_thread
from bridge.delivery.delivery_errors import TargetTaken
from bridge.delivery.delivery_progress import Progress
from bridge.delivery.disk.disk_errors import disk_errors, make_directory, sync_directory
from bridge.delivery.disk.publish import remove_delivered
from bridge.delivery.disk.request_paths import check_request, inner
from bridge.delivery.interface import Delivered, DeliveryRequest, Links


class NoDelivery:
    """Makes an empty folder."""

    async def deliver(
        self, request: DeliveryRequest, _links: Links, _progress: Progress
    ) -> Delivered:
        """Make the folder; see `Delivery.deliver`."""
        check_request(request)
        await in_thread(_make, request)
        return Delivered(request.target)

    async def discard(self, staging_name: str) -> None:
        """Nothing is ever begun."""

    async def remove(self, save_path: Path, content_name: str, _paths: Iterable[str]) -> int:
        """Delete the folder if it is empty: what is in it is somebody else's."""
        inner(content_name, content_name)  # refuses what is not one plain name
        return await remove_delivered(save_path, content_name, ())


def _make(request: DeliveryRequest) -> None:
    with disk_errors(request.target):
        make_directory(request.save_path)
        try:
            request.target.mkdir()
        except FileExistsError:
            if not _is_empty_folder(request.target):
                raise TargetTaken(request.content_name) from None
        sync_directory(request.save_path)


def _is_empty_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink() and not any(path.iterdir())
