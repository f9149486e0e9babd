"""Delivery mode `strm`: a small text file for each video, with a URL that plays it.

The URL is the bridge's own and holds a signed token, never a key and never a link of TorBox's
CDN: those die within hours, while a media server keeps the file for years.
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeAlias

from bridge.delivery.blocking import in_thread
from bridge.delivery.delivery_errors import NotYet
from bridge.delivery.delivery_progress import Progress
from bridge.delivery.disk.build_beside import put_in_place
from bridge.delivery.disk.publish import remove_delivered
from bridge.delivery.disk.request_paths import check_request
from bridge.delivery.disk.safe_paths import Folder
from bridge.delivery.interface import DeliveryRequest, Links, RequestedFile

Address: TypeAlias = Callable[[DeliveryRequest, RequestedFile], str]
"""Returns the URL that plays a file."""


class StrmDelivery:
    """Writes the `.strm` files. Without an address it can only remove earlier files."""

    def __init__(self, address: Address | None) -> None:
        self._address = address

    async def deliver(self, request: DeliveryRequest, _links: Links, progress: Progress) -> None:
        """Write and publish; see `Delivery.deliver`."""
        check_request(request)
        if self._address is None:
            raise NotYet("delivery.public_url is not set: the URL of the bridge is unknown")
        texts = {
            file.file_id: f"{self._address(request, file)}\n".encode() for file in request.files
        }
        await in_thread(_put, request, texts)
        for file in request.files:
            progress.at(file.file_id, file.size)

    async def discard(self, staging_name: str) -> None:
        """Do nothing: this mode never leaves anything unfinished."""

    async def remove(self, save_path: Path, content_name: str, paths: Iterable[str]) -> int:
        """Delete the files; see `Delivery.remove`."""
        return await remove_delivered(save_path, content_name, paths)


def _put(request: DeliveryRequest, texts: dict[int, bytes]) -> None:
    def write(folder: Folder, name: str, file: RequestedFile) -> None:
        folder.create(name, texts[file.file_id])

    def whole(folder: Folder, name: str, file: RequestedFile) -> bool:
        text = texts[file.file_id]
        return folder.read(name, limit=len(text)) == text

    put_in_place(request, write, whole)
