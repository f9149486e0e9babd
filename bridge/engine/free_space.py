"""Measures free disk space rarely, and without blocking a request."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import structlog

from bridge.delivery.disk.disk_errors import free_bytes

log = structlog.get_logger()

KEEP_SECONDS = 5.0
WAIT_SECONDS = 1.0
"""A network disk that hangs must not delay a poll."""


class FreeSpace:
    """The free bytes below one directory, some seconds old."""

    def __init__(
        self,
        directory: Path,
        clock: Callable[[], float] = time.monotonic,
        *,
        measure: Callable[[Path], int] = free_bytes,
        wait_seconds: float = WAIT_SECONDS,
    ) -> None:
        self._directory = directory
        self._clock = clock
        self._measure = measure
        self._wait_seconds = wait_seconds
        self._known = 0
        self._asked_at: float | None = None
        self._question: asyncio.Future[int] | None = None

    async def bytes(self) -> int:
        """Return the free bytes: the last figure while the disk does not answer, at first 0."""
        if self._question is None and self._due():
            self._asked_at = self._clock()
            loop = asyncio.get_running_loop()
            self._question = loop.run_in_executor(None, self._measure, self._directory)
        if self._question is not None:
            await asyncio.wait({self._question}, timeout=self._wait_seconds)
            self._take()
        return self._known

    def _due(self) -> bool:
        return self._asked_at is None or self._clock() - self._asked_at >= KEEP_SECONDS

    def _take(self) -> None:
        if self._question is None or not self._question.done():
            return
        try:
            self._known = self._question.result()
        except OSError as error:
            log.warning("free_space_unknown", directory=str(self._directory), error=str(error))
        self._question = None
