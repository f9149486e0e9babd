"""Moving and renaming delivered content, and taking it back. No symbolic link is followed."""

import errno
import os
from collections.abc import Generator, Sequence
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path

from bridge.delivery.blocking import in_steps, in_thread
from bridge.delivery.delivery_errors import TargetTaken, UnsafePath
from bridge.delivery.disk.copying import copy_tree, tree_bytes
from bridge.delivery.disk.disk_errors import disk_errors, name_errors, require_space
from bridge.delivery.disk.publish import Whole, all_there, is_there, of_full_size
from bridge.delivery.disk.request_paths import (
    Parts,
    check_request,
    split,
    staged_parts,
    staging_root,
)
from bridge.delivery.disk.safe_paths import Folder, open_folder
from bridge.delivery.disk.staging import StagedFile
from bridge.delivery.interface import DeliveryRequest, RequestedFile
from bridge.delivery.modes.mount_lookup import Mount


async def rename_files(save_path: Path, pairs: Sequence[tuple[str, str]]) -> None:
    """Give delivered files other paths below the save path: all files or none.

    Files that are not on disk are left out. Folders left empty are deleted.

    Raises:
        BadRequest: a path leaves the save path; nothing was renamed.
        TargetTaken: something has one of the new paths already.
        NameRefused: the file system does not take a new name.
        LocalDiskError: the disk refused something, or a folder in the way is a link.
    """
    checked = [(split(old), split(new)) for old, new in pairs]
    await in_thread(_rename_files, save_path, checked)


def _rename_files(save_path: Path, pairs: Sequence[tuple[Parts, Parts]]) -> None:
    done: list[tuple[Parts, Parts]] = []
    with disk_errors(save_path), open_folder(save_path) as save:
        try:
            for old, new in pairs:
                if _rename(save, old, new):
                    done.append((old, new))
        except BaseException:
            # All or none: an *arr must not find half of the files under their new names.
            for old, new in reversed(done):
                _rename(save, new, old)
            raise
        for folder in dict.fromkeys(old[:-1] for old, _ in done):
            _remove_empty(save, folder)


def _rename(save: Folder, old: Parts, new: Parts) -> bool:
    """Rename one file; return whether it was there."""
    with ExitStack() as stack:
        try:
            source = stack.enter_context(save.walk(old[:-1]))
        except FileNotFoundError:
            return False
        if source.stat(old[-1]) is None:
            return False
        with name_errors(save.path):
            target = stack.enter_context(save.walk(new[:-1], make=True))
            try:
                source.rename_new(old[-1], target, new[-1])
            except FileExistsError as error:
                raise TargetTaken(new[-1]) from error
        target.sync()
    return True


def _remove_empty(save: Folder, folder: Parts) -> None:
    """Delete a folder and those above it, below the save path, as far as they are empty."""
    while folder:
        with suppress(FileNotFoundError, UnsafePath), save.walk(folder[:-1]) as parent:
            if not parent.remove_if_empty(folder[-1]):
                return
        folder = folder[:-1]


async def move_content(save_path: Path, content_name: str, target: Path) -> None:
    """Move a delivered file or folder, with everything in it, to another save path.

    On the same file system it is a rename; else a copy, which replaces the original when it is
    whole and synced. May be cancelled, and called again after a crash: content that is at the target and
    no longer here has been moved.

    Raises:
        TargetTaken: something is there already.
        NotEnoughSpace: the other file system is too full.
        LocalDiskError: the disk refused something; the original is where it was.
    """
    await in_steps(_move_steps(save_path, content_name, target))


def _move_steps(save_path: Path, name: str, target: Path) -> Generator[None, None, None]:
    with ExitStack() as stack:
        stack.enter_context(disk_errors(target))
        try:
            old = stack.enter_context(open_folder(save_path))
        except FileNotFoundError:
            return
        if old.stat(name) is None and old.stat(_replaced(name)) is None:
            return  # moved before a crash, or gone
        new = stack.enter_context(open_folder(target, make=True))
        try:
            if old.stat(_replaced(name)) is None:
                old.rename_new(name, new, name)
            else:
                _finish_copy(old, new, name)
        except FileExistsError as error:
            raise TargetTaken(name) from error
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            yield from copy_over(old, new, name)
        new.sync()
        old.sync()


def copy_over(old: Folder, new: Folder, name: str) -> Generator[None, None, None]:
    """Copy to a hidden name, put the copy in the place of the original, and delete that.

    The original is renamed before the copy appears: so a crash never leaves both under the name,
    which would look like a stranger's content at the target.
    """
    half = _half(name)
    new.remove_tree(half)
    require_space(new.fd, tree_bytes(old, name))
    try:
        yield from copy_tree(old, name, new, half)
        new.sync()
    except BaseException:
        new.remove_tree(half)
        raise
    old.rename(name, old, _replaced(name))
    old.sync()
    _finish_copy(old, new, name)


def _finish_copy(old: Folder, new: Folder, name: str) -> None:
    if new.stat(_half(name)) is not None:
        try:
            new.rename_new(_half(name), new, name)
        except FileExistsError:
            new.remove_tree(_half(name))
            old.rename_new(_replaced(name), old, name)
            raise
        new.sync()
    old.remove_tree(_replaced(name))


def _half(name: str) -> str:
    return f".{_short(name)}.moving"


def _replaced(name: str) -> str:
    return f".{_short(name)}.moved"


def _short(name: str) -> str:
    """Return the name in so few bytes that something can be added."""
    return name.encode()[:200].decode("utf-8", "ignore")


async def missing_files(request: DeliveryRequest, *, links: bool = False) -> tuple[str, ...]:
    """Return which files are not at their place in full size.

    With `links` any size will do, and a link that leads nowhere is missing.

    Raises:
        MountGone: what the links lead to does not answer.
    """
    if links:
        # A link leads into the user's mount, where a call may hang for ever.
        return await Mount(request.save_path).ask(partial(_missing, request, links=True))
    return await in_thread(_missing, request, links=False)


def _missing(request: DeliveryRequest, *, links: bool) -> tuple[str, ...]:
    whole = _anything if links else of_full_size
    with disk_errors(request.save_path):
        return tuple(
            file.path for file in request.files if not is_there(request.save_path, file, whole)
        )


def _anything(folder: Folder, name: str, _file: RequestedFile) -> bool:
    try:
        os.stat(name, dir_fd=folder.fd)
    except OSError:
        return False
    return True


async def all_in_place(request: DeliveryRequest, *, links: bool = False) -> bool:
    """Return whether all files are at their place, in full size or, with `links`, as any file or link.

    Where a link leads is not asked.

    Raises:
        LocalDiskError: the disk refused something.
    """
    return await in_thread(_all_in_place, request, _named if links else of_full_size)


def _all_in_place(request: DeliveryRequest, whole: Whole) -> bool:
    with disk_errors(request.save_path):
        return all_there(request.save_path, request.files, whole)


def _named(folder: Folder, name: str, _file: RequestedFile) -> bool:
    return folder.stat(name) is not None


async def reclaim(incomplete: Path, request: DeliveryRequest) -> int:
    """Move files that are whole at their place back into staging; return how many.

    For a delivery of which some files are gone: it can be delivered again, and only those are
    fetched. Files that are not the bridge's stay where they are.

    Raises:
        LocalDiskError: the disk refused something.
    """
    check_request(request)
    root = staging_root(incomplete, request.staging_name)
    return await in_steps(_reclaim(root, request))


def _reclaim(root: Path, request: DeliveryRequest) -> Generator[None, None, int]:
    taken = 0
    with disk_errors(root), open_folder(root, make=True) as staged, ExitStack() as stack:
        try:
            save = stack.enter_context(open_folder(request.save_path))
        except FileNotFoundError:
            return taken
        for file in request.files:
            if is_there(request.save_path, file, of_full_size):
                yield from _take_back(save, staged, request, file)
                StagedFile(request, file, root).mark_whole()
                taken += 1
            _remove_empty(save, split(file.path)[:-1])
    return taken


def _take_back(
    save: Folder, staged: Folder, request: DeliveryRequest, file: RequestedFile
) -> Generator[None, None, None]:
    *folders, name = split(file.path)
    *staged_folders, staged_name = staged_parts(request, file)
    with save.walk(folders) as place, staged.walk(staged_folders, make=True) as target:
        target.remove_tree(staged_name)
        try:
            place.rename(name, target, staged_name)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            # From another file system it is copied; the original goes when the copy is whole.
            yield from copy_tree(place, name, target, staged_name)
            place.unlink(name)
