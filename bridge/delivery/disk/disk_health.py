"""Lasting errors of the local disk, for the log, the page and /readyz.

A disk error never fails a download: the delivery is tried again until it works. So the user has to
be told, or it looks as if the bridge did nothing.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import structlog

from bridge.delivery.delivery_errors import LocalDiskError

log = structlog.get_logger()

REPEATED = 2
"""After so many failures in a row an error is no accident any longer."""


@dataclass(frozen=True, slots=True)
class DiskProblem:
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
        """Count a LocalDiskError in here, and forget the earlier ones if there is none.

        `release` is for the log. Other errors pass: they say nothing about the disk.
        """
        try:
            yield
        except LocalDiskError as error:
            self._failed(directory, release, str(error))
            raise
        if self._known.pop(directory, None) is not None:
            log.info("disk_works_again", directory=str(directory))

    def _failed(self, directory: Path, release: str, message: str) -> None:
        known = self._known.get(directory)
        if known is None:
            known = DiskProblem(directory, message, self._clock(), 0)
        self._known[directory] = replace(known, message=message, failures=known.failures + 1)
        log.error(
            "disk_error",
            directory=str(directory),
            release=release,
            error=message,
            failures=known.failures + 1,
            next="the delivery is tried again; nothing is deleted at TorBox",
        )
