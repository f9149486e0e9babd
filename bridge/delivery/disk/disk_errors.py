"""The errors of the local disk: translated in one place, and remembered while they last.

A disk error never fails a download: the delivery is tried again until it works. So the user has to
be told, or it looks as if the bridge did nothing.
"""

import errno
import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec
import structlog
from msgspec.structs import replace

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
        place, why = error.filename or where, error.strerror or error
        if error.errno == errno.EFBIG:
            why = "the file system takes no file as large as this (FAT32: 4 GiB)"
        raise LocalDiskError(f"{place}: {why}") from error


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


log = structlog.get_logger(__name__)

REPEATED = 2
"""After so many failures in a row an error is no accident any longer."""


class DiskProblem(msgspec.Struct, frozen=True):
    """An error of the local disk that stays."""

    directory: Path
    """The save path that is concerned."""
    message: str
    """The last error, with its path."""
    since: float
    """When it was first seen, in unix seconds."""
    failures: int


class DiskHealth:
    """Collects errors of the local disk by save path, until something succeeds there again."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._known: dict[Path, DiskProblem] = {}

    @property
    def problems(self) -> Sequence[DiskProblem]:
        """The errors that were seen at least twice in a row, the oldest first."""
        lasting = (one for one in self._known.values() if one.failures >= REPEATED)
        return tuple(sorted(lasting, key=lambda one: one.since))

    @contextmanager
    def watch(self, directory: Path, release: str) -> Iterator[None]:
        """Count the disk errors in here, and forget the earlier ones if there is none.

        `release` is for the log. Other errors pass: they say nothing about the disk.
        """
        try:
            yield
        except (LocalDiskError, NotEnoughSpace) as error:
            self._failed(directory, release, str(error))
            raise
        if self._known.pop(directory, None) is not None:
            log.info("disk_works_again", directory=str(directory))

    def _failed(self, directory: Path, release: str, message: str) -> None:
        known = self._known.get(directory)
        if known is None:
            known = DiskProblem(directory, message, self._clock(), 0)
        failures = known.failures + 1
        self._known[directory] = replace(known, message=message, failures=failures)
        # The 1st, 2nd, 4th, 8th ...: a full disk may last for days, with many downloads waiting.
        if failures & (failures - 1) == 0:
            log.error(
                "disk_error",
                directory=str(directory),
                release=release,
                error=message,
                failures=failures,
                next="the delivery is tried again; nothing is deleted at TorBox",
            )
