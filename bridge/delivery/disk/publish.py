"""From staging to the save path with one rename, and away again. Everything here blocks."""

import errno
import os
import stat
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import TypeAlias

from bridge.delivery.blocking import in_thread
from bridge.delivery.delivery_errors import DeliveryFailed, TargetTaken
from bridge.delivery.disk.disk_errors import disk_errors, make_directory, sync_directory
from bridge.delivery.disk.request_paths import CONTENT, directories, inner, staged_path
from bridge.delivery.disk.staging import discard
from bridge.delivery.interface import DeliveryRequest, RequestedFile

_RENAMING = threading.Lock()
"""Between the look at a target and the rename to it nothing else is renamed, in whichever mode."""

Whole: TypeAlias = Callable[[Path, RequestedFile], bool]
"""Whether what stands at the path is this file, as the mode delivers it."""


def of_full_size(path: Path, file: RequestedFile) -> bool:
    """Whether a regular file stands there, in the size that TorBox lists."""
    return _is_file(path, file.size)


def published(root: Path, request: DeliveryRequest, whole: Whole = of_full_size) -> bool:
    """Whether the content is at its target already, put there before a crash or a cancellation.

    It is when nothing is staged any more and every file of the order stands there whole.

    Raises:
        TargetTaken: something else stands at the target.
    """
    with disk_errors(request.target):
        if not os.path.lexists(request.target):
            return False
        if os.path.lexists(root / CONTENT) or not _all_there(request, whole):
            raise TargetTaken(request.content_name)
    return True


def publish(root: Path, request: DeliveryRequest, whole: Whole = of_full_size) -> None:
    """Move the staged content to its target and remove the staging area.

    Every file must be complete and synced. A kill or a power loss leaves the whole content either
    staged or at its target. Nothing is ever overwritten.

    Raises:
        TargetTaken: something stands at the target.
        DeliveryFailed: the disk refused something, or a staged file is not what it should be.
    """
    content = root / CONTENT
    with disk_errors(request.target):
        for file in request.files:
            if not whole(staged_path(root, request, file), file):
                raise DeliveryFailed(f"{file.path}: the fetched file is gone from {root}")
        make_directory(request.save_path)
        _share(root, request)
        _sync_tree(root, request)
        with _RENAMING:
            if os.path.lexists(request.target):
                raise TargetTaken(request.content_name)
            _rename(content, request)
        sync_directory(request.save_path)
    discard(root)


async def remove_delivered(
    save_path: Path, content_name: str, paths: Iterable[str], *, links_only: bool = False
) -> int:
    """Delete files of a delivered content, then the folders left empty, its own included.

    `paths` are relative to the save path. Files not listed stay, and so do their folders; with
    `links_only`, so does what is no symbolic link. What is gone already is fine. No symbolic link
    is followed. Returns how many files were deleted.

    Raises:
        BadOrder: a path leaves the content; nothing was deleted.
        DeliveryFailed: the disk refused something; try again later.
    """
    below = [inner(content_name, path) for path in paths]
    return await in_thread(_remove, save_path / content_name, below, links_only=links_only)


def _all_there(request: DeliveryRequest, whole: Whole) -> bool:
    return all(
        is_plain(request.save_path, file.path) and whole(request.save_path / file.path, file)
        for file in request.files
    )


def is_plain(top: Path, path: str) -> bool:
    """Whether no folder on the way from `top` to the file is a symbolic link."""
    *folders, _ = path.split("/")
    return not any(
        top.joinpath(*folders[:depth]).is_symlink() for depth in range(1, len(folders) + 1)
    )


def _is_file(path: Path, size: int) -> bool:
    try:
        found = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return stat.S_ISREG(found.st_mode) and found.st_size == size


def _share(root: Path, request: DeliveryRequest) -> None:
    """Give the content to the group of a save path that is set so (setgid), as if made there."""
    parent = request.save_path.stat()
    if not parent.st_mode & stat.S_ISGID:
        return
    content = root / CONTENT
    below = [inner(request.content_name, file.path) for file in request.files]
    with suppress(PermissionError):  # whoever is not in that group cannot give files to it
        for path in (*directories(below), *below):
            os.chown(content.joinpath(*path), -1, parent.st_gid, follow_symlinks=False)
        for path in directories(below):
            folder = content.joinpath(*path)
            folder.chmod(stat.S_IMODE(folder.stat().st_mode) | stat.S_ISGID)


def _sync_tree(root: Path, request: DeliveryRequest) -> None:
    """Sync every folder, without a look at the files: a link may lead to a mount that hangs."""
    folders = directories(inner(request.content_name, file.path) for file in request.files)
    for folder in sorted(folders, key=len, reverse=True):
        sync_directory(root.joinpath(CONTENT, *folder))
    sync_directory(root)


def _rename(content: Path, request: DeliveryRequest) -> None:
    try:
        content.rename(request.target)
    except OSError as error:
        match error.errno:
            case errno.EXDEV:
                message = f"{request.save_path} is on another file system than {content.parent}"
                raise DeliveryFailed(message, retryable=False) from error
            case errno.ENOTEMPTY | errno.EEXIST | errno.ENOTDIR | errno.EISDIR:
                raise TargetTaken(request.content_name) from error
            case _:
                raise


def _remove(top: Path, paths: list[tuple[str, ...]], *, links_only: bool) -> int:
    with disk_errors(top):
        deleted = sum(
            _unlink(top.parent, (top.name, *path), links_only=links_only) for path in paths
        )
        _remove_empty(top)
    return deleted


def _unlink(base: Path, parts: tuple[str, ...], *, links_only: bool) -> bool:
    path = base.joinpath(*parts)
    if not is_plain(base, "/".join(parts)) or (links_only and not path.is_symlink()):
        return False
    try:
        path.unlink()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def _remove_empty(top: Path) -> None:
    if top.is_symlink():
        return
    for directory, _, _ in os.walk(top, topdown=False):
        try:
            Path(directory).rmdir()
        except OSError as error:
            if error.errno not in {errno.ENOTEMPTY, errno.EEXIST, errno.ENOENT}:
                raise
