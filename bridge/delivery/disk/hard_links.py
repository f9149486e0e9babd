"""The same files once more, at another place: hard links to files that another grab has.

Nothing is copied and nothing is fetched. Afterwards each grab may move or delete its own.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import structlog

from bridge.delivery.blocking import in_thread
from bridge.delivery.delivery_errors import DeliveryFailed
from bridge.delivery.disk.build_beside import abandon, put_in_place
from bridge.delivery.disk.publish import is_plain, of_full_size
from bridge.delivery.disk.request_paths import check_request
from bridge.delivery.interface import DeliveryRequest, RequestedFile

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class LinkSource:
    """Delivered files of the same torrent that may be linked."""

    save_path: Path
    """Absolute."""
    paths: Mapping[int, str]
    """By TorBox's file id: relative to the save path, `/` separated."""


async def link_existing(source: LinkSource, request: DeliveryRequest) -> bool:
    """Deliver a request as hard links to files that are on disk already.

    Return False when not all of them are there whole, or where hard links cannot be made: then
    nothing is seen at the target. The content appears by one rename, and is found again after a
    crash.

    Raises:
        TargetTaken: something else stands at the target.
    """
    check_request(request)
    return await in_thread(_link_existing, source, request)


def _link_existing(source: LinkSource, request: DeliveryRequest) -> bool:
    def there(file: RequestedFile) -> bool:
        path = source.paths.get(file.file_id)
        plain = path is not None and is_plain(source.save_path, path)
        return plain and of_full_size(source.save_path / source.paths[file.file_id], file)

    def link(path: Path, file: RequestedFile) -> None:
        os.link(source.save_path / source.paths[file.file_id], path, follow_symlinks=False)

    if not all(map(there, request.files)):
        return False
    try:
        put_in_place(request, link, of_full_size)
    except DeliveryFailed as error:
        target = str(request.target)
        log.info("not_hard_linked", hash=request.info_hash, target=target, why=str(error))
        abandon(request)
        return False
    return True


async def target_exists(save_path: Path, name: str) -> bool:
    """Return whether anything, even a dangling link, has this name below a save path."""
    return await in_thread(os.path.lexists, save_path / name)
