"""The errors of the disk in one place, and names that survive a power loss. Everything blocks."""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bridge.delivery.delivery_errors import DeliveryFailed, NotEnoughSpace

_FULL = {errno.ENOSPC, errno.EDQUOT}


@contextmanager
def disk_errors(where: Path, *, needed: int = 0) -> Iterator[None]:
    """Tell what the disk refused in this room's words; `needed` bytes were to be written."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise NotEnoughSpace(needed=needed, free=free_bytes(where.parent)) from error
        place = error.filename or where
        raise DeliveryFailed(f"{place}: {error.strerror or error}") from error


def free_bytes(directory: Path) -> int:
    """Bytes that an ordinary user may still write there."""
    return shutil.disk_usage(directory).free


def sync_directory(directory: Path) -> None:
    """Make names made in or renamed into `directory` survive a power loss."""
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def make_directory(directory: Path) -> None:
    """`mkdir -p` that survives a power loss."""
    if directory.is_dir():
        return
    make_directory(directory.parent)
    directory.mkdir(exist_ok=True)
    sync_directory(directory.parent)
