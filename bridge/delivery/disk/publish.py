"""From staging to the save path with one rename, and removing it again. Everything here blocks."""

import errno
import os
import re
import stat
from collections.abc import Callable, Generator, Iterable
from contextlib import suppress
from pathlib import Path
from typing import TypeAlias

from bridge.delivery.blocking import in_thread
from bridge.delivery.delivery_errors import LocalDiskError, TargetTaken, UnsafePath
from bridge.delivery.disk.copying import copy_tree, tree_bytes
from bridge.delivery.disk.disk_errors import disk_errors, name_errors, require_space
from bridge.delivery.disk.request_paths import (
    CONTENT,
    hidden_folder,
    inner,
    split,
    staged_folders,
    staged_parts,
)
from bridge.delivery.disk.safe_paths import Folder, open_folder, open_if_there
from bridge.delivery.disk.staging import discard
from bridge.delivery.interface import DeliveryRequest, RequestedFile

Whole: TypeAlias = Callable[[Folder, str, RequestedFile], bool]
"""Returns whether what has this name in the folder is the file, as the mode delivers it."""

COPIED = "copied.json"
"""In staging: the path of the target that a copy of the content is about to be renamed to."""
_COPY = "copy"
_USUAL = re.compile(r"[\w.,()\[\]{}+&'!#@=~ -]{1,120}", re.ASCII)
r"""Names that every file system takes. `\w` may be two bytes elsewhere, so only ASCII."""
_LONGEST_MARKER = 8192


def of_full_size(folder: Folder, name: str, file: RequestedFile) -> bool:
    """Return whether it is a regular file of the size that TorBox lists."""
    found = folder.regular(name)
    return found is not None and found.st_size == file.size


def published(root: Path, request: DeliveryRequest, whole: Whole = of_full_size) -> bool:
    """Return whether the content is at its target, put there before a crash or a cancellation.

    It is when nothing is staged any longer and every file of the request is there whole.

    Raises:
        TargetTaken: something else is at the target.
        UnsafePath: the save path, or a directory above it, is a link.
    """
    with disk_errors(request.target):
        try:
            with open_folder(request.save_path) as save:
                target = save.stat(request.content_name)
        except FileNotFoundError:
            return False
        if target is None:
            return False
        with open_if_there(root) as staged:
            unpublished = staged is not None and staged.stat(CONTENT) is not None
            if staged is not None and unpublished and _copied(staged, request):
                return True
        # With content still staged, files at the target are not ours, whatever their sizes.
        if unpublished or not all_there(request.save_path, request.files, whole):
            raise TargetTaken(request.content_name)
    return True


def check_names(request: DeliveryRequest) -> None:
    """Try the request's unusual names on the file system of the save path, before the fetch.

    Raises:
        NameRefused: it does not take one.
        LocalDiskError: the disk refused something else.
    """
    names = {part for file in request.files for part in split(file.path)}
    unusual = sorted(name for name in names if not _USUAL.fullmatch(name))
    if not unusual:
        return
    hidden = hidden_folder(request.save_path, request.staging_name).name
    with disk_errors(request.save_path), open_folder(request.save_path, make=True) as save:
        if save.stat(request.content_name) is not None:
            return  # it takes that name, and publishing decides about the rest
        save.remove_tree(hidden)
        with save.child(hidden, make=True) as probe:
            try:
                for name in unusual:
                    with name_errors(save.path):
                        probe.mkdir(name)
                    probe.rmdir(name)
            finally:
                save.remove_tree(hidden)


def publish(root: Path, request: DeliveryRequest, whole: Whole = of_full_size) -> None:
    """Publish in one go; see `publish_steps`."""
    for _ in publish_steps(root, request, whole):
        pass


def publish_steps(
    root: Path, request: DeliveryRequest, whole: Whole = of_full_size
) -> Generator[None, None, None]:
    """Move the staged content to its target and remove the staging area.

    Every file must be complete and synced. A kill or a power loss leaves the whole content either
    staged or at its target. Nothing is ever overwritten. On one file system it is a single rename;
    between two, the content is copied to a hidden folder in the save path first. Yields during a copy, at
    which points the caller may stop.

    Raises:
        TargetTaken: something is at the target.
        NameRefused: the file system does not take the name.
        NotEnoughSpace: the other file system has no room for the copy.
        LocalDiskError: the disk refused something, or a staged file is not what it should be.
    """
    with (
        disk_errors(request.target),
        open_folder(root) as staged,
    ):
        for file in request.files:
            *folders, name = staged_parts(request, file)
            with staged.walk(folders) as folder:
                if not whole(folder, name, file):
                    raise LocalDiskError(f"{file.path}: the staged file is gone from {root}")
        with open_folder(request.save_path, make=True) as save:
            _share_with_group(staged, save, request)
            _sync_folders(staged, request)
            try:
                _rename(staged, CONTENT, save, request)
            except OSError as error:
                if error.errno != errno.EXDEV:
                    raise
                yield from _publish_copy(staged, save, request, whole)
            else:
                _refuse_swapped(staged, CONTENT, save, request, whole)
            save.sync()
    # Only now: until the rename is durable the staged content is the only copy.
    discard(root)


def _publish_copy(
    staged: Folder, save: Folder, request: DeliveryRequest, whole: Whole
) -> Generator[None, None, None]:
    """Publish to another file system: copy to a hidden folder there, sync, then rename."""
    require_space(save.fd, tree_bytes(staged, CONTENT))
    hidden = hidden_folder(save.path, request.staging_name).name
    save.remove_tree(hidden)
    with save.child(hidden, make=True) as beside:
        try:
            with name_errors(save.path):
                yield from copy_tree(staged, CONTENT, beside, _COPY)
            # Without the marker a crash after the rename would look as if a stranger's content
            # were at the target, and the release would be delivered a second time next to it.
            staged.replace_file(COPIED, os.fsencode(request.target))
            staged.sync()
            beside.sync()
            _rename(beside, _COPY, save, request)
            _refuse_swapped(beside, _COPY, save, request, whole)
        finally:
            save.remove_tree(hidden)


def _copied(staged: Folder, request: DeliveryRequest) -> bool:
    """Return whether the target is a copy of the staged content, made before a crash.

    It is if the copy was complete and is no longer in its hidden folder. Inodes could not tell:
    mergerfs gives a folder another inode when it is renamed.
    """
    if staged.read(COPIED, limit=_LONGEST_MARKER) != os.fsencode(request.target):
        return False
    with open_if_there(hidden_folder(request.save_path, request.staging_name)) as beside:
        return beside is None or beside.stat(_COPY) is None


def _rename(source: Folder, name: str, save: Folder, request: DeliveryRequest) -> None:
    try:
        with name_errors(save.path):
            source.rename_new(name, save, request.content_name)
    except OSError as error:
        if error.errno in {errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR, errno.EISDIR}:
            raise TargetTaken(request.content_name) from error
        raise


def _refuse_swapped(
    source: Folder, name: str, save: Folder, request: DeliveryRequest, whole: Whole
) -> None:
    """Make sure that a link was not put in place of the content just before it was renamed."""
    top = request.content_name
    if save.stat(top) is None:
        return  # an *arr was quicker
    single = next((file for file in request.files if file.path == top), None)
    if not (save.is_folder(top) if single is None else whole(save, top, single)):
        save.rename_new(top, source, name)
        raise UnsafePath(save.path / top, "the content that was staged", "a link")


def _share_with_group(staged: Folder, save: Folder, request: DeliveryRequest) -> None:
    """Give the content the group of a setgid save path, as if it had been created there."""
    parent = os.fstat(save.fd)
    if not parent.st_mode & stat.S_ISGID:
        return
    with suppress(PermissionError):  # only a member of the group may give files to it
        for parts in staged_folders(request):
            with staged.walk(parts) as folder:
                os.fchown(folder.fd, -1, parent.st_gid)
                os.fchmod(folder.fd, stat.S_IMODE(os.fstat(folder.fd).st_mode) | stat.S_ISGID)
        for file in request.files:
            *folders, name = staged_parts(request, file)
            with staged.walk(folders) as folder:
                found = folder.stat(name)
                if found is not None and found.st_nlink == 1:  # a hard link is another file, too
                    os.chown(name, -1, parent.st_gid, dir_fd=folder.fd, follow_symlinks=False)


def _sync_folders(staged: Folder, request: DeliveryRequest) -> None:
    """Sync every folder but no file: a staged link may lead to a mount that hangs."""
    for parts in reversed(staged_folders(request)):
        with staged.walk(parts) as folder:
            folder.sync()
    staged.sync()


def all_there(save_path: Path, files: Iterable[RequestedFile], whole: Whole) -> bool:
    """Return whether every file is below the save path, reached without a link."""
    return all(is_there(save_path, file, whole) for file in files)


def is_there(save_path: Path, file: RequestedFile, whole: Whole) -> bool:
    """Return whether the file is below the save path, reached without a link."""
    *folders, name = split(file.path)
    with open_if_there(save_path, folders) as folder:
        return folder is not None and whole(folder, name, file)


async def remove_delivered(
    save_path: Path, content_name: str, paths: Iterable[str], *, links_only: bool = False
) -> int:
    """Delete files of a delivered content, then the folders left empty, its own included.

    `paths` are relative to the save path. Files not listed stay, and so do their folders; with
    `links_only`, everything stays that is no symbolic link. Missing files are fine. No symbolic
    link is followed. Return how many files were deleted.

    Raises:
        BadRequest: a path leaves the content; nothing was deleted.
        LocalDiskError: the disk refused something, or the save path is a link; try again later.
    """
    below = [inner(content_name, path) for path in paths]
    return await in_thread(_remove, save_path, content_name, below, links_only=links_only)


def _remove(
    save_path: Path, content_name: str, paths: list[tuple[str, ...]], *, links_only: bool
) -> int:
    deleted = 0
    with disk_errors(save_path / content_name):
        try:
            with open_folder(save_path) as save:
                for path in paths:
                    deleted += _unlink(save, (content_name, *path), links_only=links_only)
                save.prune(content_name)
        except FileNotFoundError:
            return deleted  # the save path itself is gone
    return deleted


def _unlink(save: Folder, parts: tuple[str, ...], *, links_only: bool) -> bool:
    with suppress(FileNotFoundError, UnsafePath), save.walk(parts[:-1]) as folder:
        found = folder.stat(parts[-1])
        if found is None or stat.S_ISDIR(found.st_mode):
            return False
        if links_only and not stat.S_ISLNK(found.st_mode):
            return False
        return folder.unlink(parts[-1])
    return False
