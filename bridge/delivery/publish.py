"""From staging to the save path with one rename, and away again. Everything here blocks."""

import errno
import os
import stat
from collections.abc import Iterable
from pathlib import Path

from bridge.delivery.base import Order
from bridge.delivery.disk import disk_errors, make_directory, sync_directory
from bridge.delivery.errors import DeliveryFailed, TargetTaken
from bridge.delivery.layout import CONTENT, inner, staged_path
from bridge.delivery.staging import discard
from bridge.delivery.tasks import in_thread


def published(root: Path, order: Order) -> bool:
    """Whether the content is at its target already, put there before a crash or a cancellation.

    It is when nothing is staged any more and every file of the order stands there in its size.

    Raises:
        TargetTaken: something else stands at the target.
    """
    with disk_errors(order.target):
        if not os.path.lexists(order.target):
            return False
        if os.path.lexists(root / CONTENT) or not _all_there(order):
            raise TargetTaken(order.content_name)
    return True


def publish(root: Path, order: Order) -> None:
    """Move the staged content to its target and remove the staging area.

    Every file must be complete and synced. A kill or a power loss leaves the whole content either
    staged or at its target. Nothing is ever overwritten; calls for one save path must not overlap.

    Raises:
        TargetTaken: something stands at the target.
        DeliveryFailed: the disk refused something, or a staged file is not what it should be.
    """
    content = root / CONTENT
    with disk_errors(order.target):
        for file in order.files:
            if not _is_file(staged_path(root, order, file), file.size):
                raise DeliveryFailed(f"{file.path}: the fetched file is gone from {root}")
        _sync_tree(content)
        make_directory(order.save_path)
        if os.path.lexists(order.target):
            raise TargetTaken(order.content_name)
        _rename(content, order)
        sync_directory(order.save_path)
    discard(root)


async def remove_delivered(save_path: Path, content_name: str, paths: Iterable[str]) -> int:
    """Delete files of a delivered content, then the folders left empty, its own included.

    `paths` are relative to the save path. Files not listed stay, and so do their folders. What is gone already is fine. No symbolic link
    is followed. Returns how many files were deleted.

    Raises:
        BadOrder: a path leaves the content; nothing was deleted.
        DeliveryFailed: the disk refused something; try again later.
    """
    below = [inner(content_name, path) for path in paths]
    return await in_thread(_remove, save_path / content_name, below)


def _all_there(order: Order) -> bool:
    return all(
        _is_plain(order.save_path, file.path) and _is_file(order.save_path / file.path, file.size)
        for file in order.files
    )


def _is_plain(top: Path, path: str) -> bool:
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


def _sync_tree(content: Path) -> None:
    for directory, _, _ in os.walk(content, topdown=False):
        sync_directory(Path(directory))
    sync_directory(content.parent)


def _rename(content: Path, order: Order) -> None:
    try:
        content.rename(order.target)
    except OSError as error:
        match error.errno:
            case errno.EXDEV:
                message = f"{order.save_path} is on another file system than {content.parent}"
                raise DeliveryFailed(message, retryable=False) from error
            case errno.ENOTEMPTY | errno.EEXIST | errno.ENOTDIR | errno.EISDIR:
                raise TargetTaken(order.content_name) from error
            case _:
                raise


def _remove(top: Path, paths: list[tuple[str, ...]]) -> int:
    with disk_errors(top):
        deleted = sum(_unlink(top.parent, (top.name, *path)) for path in paths)
        _remove_empty(top)
    return deleted


def _unlink(base: Path, parts: tuple[str, ...]) -> bool:
    path = base.joinpath(*parts)
    if not _is_plain(base, "/".join(parts)):
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
