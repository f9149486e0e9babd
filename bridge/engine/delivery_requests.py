"""What a delivery is asked for, made from a grab, its download and its files."""

from collections.abc import Collection, Iterable
from pathlib import Path

from bridge.core.model import DeliveredFile, Entry, Grab
from bridge.delivery import DeliveryRequest, LinkSource, RequestedFile


def request_of(
    entry: Entry, files: Iterable[DeliveredFile], *, title: str = "", torrent: bytes = b""
) -> DeliveryRequest:
    """Return the request for the chosen files of a grab; `title` is what TorBox calls the item."""
    grab = entry.grab
    names = (title, entry.download.remote_name, entry.name)
    return DeliveryRequest(
        info_hash=entry.hash,
        staging_name=grab.staging_name,
        save_path=Path(grab.save_path),
        content_name=grab.content_name,
        files=tuple(map(requested, (file for file in files if file.chosen))),
        torrent_id=entry.download.torrent_id or 0,
        titles=tuple(dict.fromkeys(name for name in names if name)),
        torrent=torrent,
        limit=grab.download_limit or None,
    )


def requested(file: DeliveredFile) -> RequestedFile:
    """Return what a delivery has to know of a file."""
    return RequestedFile(
        file_id=file.file_id, remote_name=file.remote_name, size=file.size, path=file.path
    )


def link_source(grab: Grab, files: Iterable[DeliveredFile]) -> LinkSource:
    """Return where the delivered files of a grab are, for hard links to them."""
    paths = {file.file_id: file.path for file in files if file.chosen}
    return LinkSource(Path(grab.save_path), paths)


def staging_name_of(entry: Entry, taken: Collection[str]) -> str:
    """Return the name of a grab's directory below `paths.incomplete`.

    The info-hash alone, unless that is `taken`.
    """
    if entry.grab.staging_name:
        return entry.grab.staging_name
    return f"{entry.hash}-{entry.grab.id}" if entry.hash in taken else entry.hash
