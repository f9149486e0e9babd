"""What a delivery is asked for, made from a download's rows."""

from collections.abc import Iterable
from pathlib import Path

from bridge.core.model import DeliveredFile, Download
from bridge.delivery import DeliveryRequest, LinkSource, RequestedFile


def request_of(
    download: Download, files: Iterable[DeliveredFile], *, title: str = "", torrent: bytes = b""
) -> DeliveryRequest:
    """Request the chosen files of a download; `title` is what TorBox calls it."""
    return DeliveryRequest(
        info_hash=download.hash,
        save_path=Path(download.save_path),
        content_name=download.content_name,
        files=tuple(map(requested, (file for file in files if file.chosen))),
        torrent_id=download.torrent_id or 0,
        titles=tuple(dict.fromkeys(name for name in (title, download.name) if name)),
        torrent=torrent,
    )


def requested(file: DeliveredFile) -> RequestedFile:
    """Return what a delivery has to know of a file."""
    return RequestedFile(
        file_id=file.file_id, remote_name=file.remote_name, size=file.size, path=file.path
    )


def link_source(download: Download, files: Iterable[DeliveredFile]) -> LinkSource:
    """Return where a download's delivered files are, for hard links to them."""
    paths = {file.file_id: file.path for file in files if file.chosen}
    return LinkSource(Path(download.save_path), paths)
