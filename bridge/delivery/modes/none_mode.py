"""Delivery mode `none`: the files stay at TorBox.

An *arr wants a content path that exists below the save path, so an empty folder is created.
"""

from collections.abc import Iterable
from pathlib import Path

from bridge.delivery.blocking import in_thread
from bridge.delivery.delivery_errors import TargetTaken, UnsafePath
from bridge.delivery.delivery_progress import Progress
from bridge.delivery.disk.disk_errors import disk_errors, name_errors
from bridge.delivery.disk.publish import remove_delivered
from bridge.delivery.disk.request_paths import check_request, inner
from bridge.delivery.disk.safe_paths import open_folder
from bridge.delivery.interface import DeliveryRequest, Links


class NoDelivery:
    """Creates an empty folder."""

    async def deliver(self, request: DeliveryRequest, _links: Links, _progress: Progress) -> None:
        """Create the folder; see `Delivery.deliver`."""
        check_request(request)
        await in_thread(_make, request)

    async def discard(self, staging_name: str) -> None:
        """Do nothing: this mode never leaves anything unfinished."""

    async def remove(self, save_path: Path, content_name: str, _paths: Iterable[str]) -> int:
        """Delete the folder if it is empty: files in it are not the bridge's."""
        inner(content_name, content_name)  # refuses what is not one plain name
        return await remove_delivered(save_path, content_name, ())


def _make(request: DeliveryRequest) -> None:
    with disk_errors(request.target), open_folder(request.save_path, make=True) as save:
        name = request.content_name
        try:
            with name_errors(save.path):
                save.mkdir(name)
            with save.child(name) as folder:
                empty = not folder.names()
        except (FileExistsError, UnsafePath):
            empty = False  # a file, or a link
        if not empty:
            raise TargetTaken(name)
        save.sync()
