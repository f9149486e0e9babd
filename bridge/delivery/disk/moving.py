"""Delivered content under other names, at another place, or gone. No symbolic link is followed."""

import errno
import os
import shutil
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from bridge.delivery.blocking import in_thread
from bridge.delivery.delivery_errors import DeliveryFailed, TargetTaken
from bridge.delivery.disk.disk_errors import disk_errors, make_directory, sync_directory
from bridge.delivery.disk.publish import is_plain, of_full_size
from bridge.delivery.disk.request_paths import (
    check_request,
    inner,
    split,
    staged_path,
    staging_root,
)
from bridge.delivery.disk.staging import StagedFile
from bridge.delivery.file_state import Ranges
from bridge.delivery.interface import DeliveryRequest


async def rename_files(save_path: Path, pairs: Sequence[tuple[str, str]]) -> None:
    """Give delivered files other paths below the save path: all of them, or none.

    What is not on disk is left out. Folders left empty go.

    Raises:
        TargetTaken: something stands there already.
        DeliveryFailed: the disk refused something.
    """
    await in_thread(_rename_files, save_path, pairs)


def _rename_files(save_path: Path, pairs: Sequence[tuple[str, str]]) -> None:
    done: list[tuple[Path, Path]] = []
    with disk_errors(save_path):
        try:
            for old, new in pairs:
                source, target = _below(save_path, old), _below(save_path, new)
                if os.path.lexists(source):
                    _rename(source, target)
                    done.append((source, target))
        except (OSError, TargetTaken):
            for source, target in reversed(done):
                make_directory(source.parent)
                target.rename(source)
            raise
        for source, _ in done:
            _remove_empty(source.parent, save_path)


def _below(save_path: Path, path: str) -> Path:
    parts = split(path)
    if not is_plain(save_path, path):
        raise DeliveryFailed(f"{path}: a folder on the way is a symbolic link", retryable=False)
    return save_path.joinpath(*parts)


def _rename(source: Path, target: Path) -> None:
    if os.path.lexists(target):
        raise TargetTaken(target.name)
    make_directory(target.parent)
    source.rename(target)
    sync_directory(target.parent)


def _remove_empty(folder: Path, save_path: Path) -> None:
    while folder not in {save_path, folder.parent}:
        try:
            folder.rmdir()
        except OSError:
            return  # something stands in it, or it is gone
        folder = folder.parent


async def move_content(save_path: Path, content_name: str, target: Path) -> None:
    """Move a delivered file or folder, with everything in it, to another save path.

    One rename on the same file system; else a copy, which replaces the original when it is whole.
    May be called again after a crash: what is at the target and no longer here has been moved.

    Raises:
        TargetTaken: something stands there already.
        DeliveryFailed: the disk refused something; the original is where it was.
    """
    await in_thread(_move, save_path / content_name, target / content_name)


def _move(source: Path, target: Path) -> None:
    with disk_errors(target):
        if not os.path.lexists(source):
            return  # moved before a crash, or gone
        if os.path.lexists(target):
            raise TargetTaken(target.name)
        make_directory(target.parent)
        try:
            source.rename(target)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            copy_content(source, target)
        sync_directory(target.parent)
        sync_directory(source.parent)


def copy_content(source: Path, target: Path) -> None:
    """Copy beside the target and rename into place, so that no half of it is seen there."""
    half = target.with_name(f".{target.name}.moving")
    _delete(half)
    try:
        if source.is_dir() and not source.is_symlink():
            shutil.copytree(source, half, symlinks=True)
        else:
            shutil.copy2(source, half, follow_symlinks=False)
        half.rename(target)
    except (OSError, shutil.Error) as error:
        _delete(half)
        if isinstance(error, shutil.Error):
            raise DeliveryFailed(f"{source} cannot be copied to {target}") from error
        raise
    _delete(source)


def _delete(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        with suppress(FileNotFoundError):
            path.unlink()


async def missing_files(request: DeliveryRequest, *, links: bool = False) -> tuple[str, ...]:
    """Tell which files of an order are not at their place in full size; with `links`, not at all."""
    return await in_thread(_missing, request, links=links)


def _missing(request: DeliveryRequest, *, links: bool) -> tuple[str, ...]:
    return tuple(
        file.path
        for file in request.files
        if not is_plain(request.save_path, file.path)
        or not (
            os.path.lexists(request.save_path / file.path)
            if links
            else of_full_size(request.save_path / file.path, file)
        )
    )


async def reclaim(incomplete: Path, request: DeliveryRequest) -> int:
    """Take back into staging what of an order stands whole at its place; tell how many files.

    For an order of which some files are gone: it can be delivered again, and only those are
    fetched. Strangers' files stay where they are.

    Raises:
        DeliveryFailed: the disk refused something.
    """
    check_request(request)
    return await in_thread(_reclaim, staging_root(incomplete, request.staging_name), request)


def _reclaim(root: Path, request: DeliveryRequest) -> int:
    taken = 0
    with disk_errors(root):
        for file in request.files:
            place = request.save_path / file.path
            if not is_plain(request.save_path, file.path):
                continue
            staged = staged_path(root, request, file)
            if of_full_size(place, file):
                make_directory(staged.parent)
                place.replace(staged)
                _known_whole(StagedFile(request, file, root))
                taken += 1
            if inner(request.content_name, file.path):
                _remove_empty(place.parent, request.save_path)
    return taken


def _known_whole(file: StagedFile) -> None:
    file.done = Ranges(((0, file.size),) if file.size else ())
    file.open()
    try:
        file.save()
    finally:
        file.close()
