"""The errors of the disk, translated in one place."""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bridge.delivery.delivery_errors import LocalDiskError, NameRefused, NotEnoughSpace

_FULL = {errno.ENOSPC, errno.EDQUOT}
_BAD_NAME = {errno.ENAMETOOLONG, errno.EINVAL, errno.EILSEQ}
_USUAL_LONGEST = 255


@contextmanager
def disk_errors(where: Path, *, needed: int = 0) -> Iterator[None]:
    """Raise what the disk refused as DeliveryError; `needed` bytes were about to be written."""
    try:
        yield
    except OSError as error:
        # A quota counts as a full disk: only the user can make room.
        if error.errno in _FULL:
            raise NotEnoughSpace(needed=needed, free=free_bytes(where.parent)) from error
        place = error.filename or where
        raise LocalDiskError(f"{place}: {error.strerror or error}") from error


@contextmanager
def name_errors(folder: Path) -> Iterator[None]:
    """Raise NameRefused for a name that the file system of `folder` does not take.

    Only for calls that create a name: elsewhere EINVAL means something else.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in _BAD_NAME:
            raise
        name = os.fsdecode(error.filename2 or error.filename or "").rpartition("/")[2]
        raise NameRefused(name, longest=longest_name(folder)) from error


def longest_name(folder: Path) -> int:
    """Return how many bytes one component of a path may have (143 on eCryptfs, else mostly 255)."""
    try:
        return os.pathconf(folder, "PC_NAME_MAX")
    except OSError:
        return _USUAL_LONGEST


def free_bytes(directory: Path) -> int:
    """Return how many bytes an ordinary user may still write to the disk of this directory."""
    return shutil.disk_usage(directory).free


def require_space(fd: int, needed: int) -> None:
    """Raise NotEnoughSpace if the file system of an open directory has less room than that."""
    status = os.fstatvfs(fd)
    free = status.f_bavail * status.f_frsize
    if free < needed:
        raise NotEnoughSpace(needed=needed, free=free)
