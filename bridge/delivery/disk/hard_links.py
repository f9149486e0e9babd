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
from bridge.delivery.disk.build_beside import put_in_place
from bridge.delivery.disk.publish import is_there, of_full_size
from bridge.delivery.disk.request_paths import check_request, hidden_folder, split
from bridge.delivery.disk.safe_paths import Folder, open_folder, open_if_there
from bridge.delivery.disk.staging import discard
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

    Return False when not all of the files are there whole, or where hard links cannot be made:
    then nothing is seen at the target. The content appears by one rename, and is found again after
    a crash.

    Raises:
        TargetTaken: something else is at the target.
        NameRefused: the file system does not take a name.
    """
    check_request(request)
    return await in_thread(_link_existing, source, request)


def _link_existing(source: LinkSource, request: DeliveryRequest) -> bool:
    def link(folder: Folder, name: str, file: RequestedFile) -> None:
        *folders, existing = split(source.paths[file.file_id])
        with open_folder(source.save_path) as top, top.walk(folders) as holder:
            os.link(
                existing,
                name,
                src_dir_fd=holder.fd,
                dst_dir_fd=folder.fd,
                follow_symlinks=False,
            )

    if not all(_is_whole(source, file) for file in request.files):
        return False
    try:
        put_in_place(request, link, of_full_size)
    except DeliveryFailed as error:
        target = str(request.target)
        log.info("not_hard_linked", hash=request.info_hash, target=target, why=str(error))
        discard(hidden_folder(request.save_path, request.staging_name))
        return False
    return True


def _is_whole(source: LinkSource, file: RequestedFile) -> bool:
    path = source.paths.get(file.file_id)
    if path is None:
        return False
    at_source = RequestedFile(
        file_id=file.file_id, remote_name=file.remote_name, size=file.size, path=path
    )
    return is_there(source.save_path, at_source, of_full_size)


async def target_exists(save_path: Path, name: str) -> bool:
    """Return whether anything, even a dangling link, has this name below a save path."""
    return await in_thread(_exists, save_path, name)


def _exists(save_path: Path, name: str) -> bool:
    with open_if_there(save_path) as folder:
        return folder is not None and folder.stat(name) is not None
