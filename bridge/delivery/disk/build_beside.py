"""Publishing content that takes no time and no space to build: links, small texts, hard links.

It is built in a hidden folder next to its target, so that both are on the same file system, and
appears by one rename like everything else. Every function without `async` blocks.
"""

import os
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec
import structlog

from bridge.delivery.blocking import in_thread
from bridge.delivery.delivery_errors import DeliveryFailed
from bridge.delivery.disk.disk_errors import disk_errors, name_errors
from bridge.delivery.disk.publish import Whole, is_there, of_full_size, publish, published
from bridge.delivery.disk.request_paths import check_request, hidden_folder, split, staged_parts
from bridge.delivery.disk.safe_paths import Folder, open_folder, open_if_there
from bridge.delivery.disk.staging import discard, make_folders
from bridge.delivery.interface import DeliveryRequest, RequestedFile

log = structlog.get_logger(__name__)

Write = Callable[[Folder, str, RequestedFile], None]
"""Creates one file under this name in the folder."""


def put_in_place(request: DeliveryRequest, write: Write, whole: Whole) -> None:
    """Make the content appear at its target; do nothing if it is there already.

    Raises:
        TargetTaken: something else is at the target.
        NameRefused: the file system does not take a name.
        LocalDiskError: the disk refused something.
        NotEnoughSpace: the disk is full.
    """
    root = hidden_folder(request.save_path, request.staging_name)
    discard(root)
    if published(root, request, whole):
        return
    with disk_errors(root), open_folder(root, make=True) as folder:
        make_folders(folder, request)
        for file in request.files:
            *folders, name = staged_parts(request, file)
            with folder.walk(folders) as parent, name_errors(root.parent):
                write(parent, name, file)
    publish(root, request, whole)


async def discard_beside(save_path: Path, staging_name: str) -> None:
    """Remove what was built below a save path under this staging name and never got to its target.

    Raises:
        LocalDiskError: the disk refused something.
    """
    await in_thread(discard, hidden_folder(save_path, staging_name))


class LinkSource(msgspec.Struct, frozen=True):
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
