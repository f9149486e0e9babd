"""Counters of one delivery, for the engine to show."""

import math
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TypeVar

T = TypeVar("T")

_MEMORY = 5.0
"""Seconds after which a byte counts for about a third in the speed."""
_SILENCE = 20.0
"""Seconds without a byte after which the speed is 0. What is left of it by then is a fiftieth, and
a client would compute an eta from it.
"""


class Progress:
    """Bytes done by file, and a smoothed speed. Written by the delivery, read by the engine."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self.checking = False
        """The fetched bytes are being compared with the torrent's hashes."""
        self._waiting = 0
        self._holding = 0
        self._done: dict[int, int] = {}
        self._rate = 0.0
        self._rate_at = clock()

    @property
    def bytes_done(self) -> int:
        """Bytes on disk, of all files together."""
        return sum(self._done.values())

    @property
    def speed(self) -> int:
        """Bytes per second lately; falls to 0 when nothing arrives."""
        return round(self._faded())

    @property
    def in_line(self) -> bool:
        """Whether files wait for a slot and none has one."""
        return self._waiting > 0 and not self._holding

    @asynccontextmanager
    async def turn(self, slot: AbstractAsyncContextManager[T]) -> AsyncIterator[T]:
        """Hold a slot for a file, and count the file as waiting until the slot is given."""
        self._waiting += 1
        given = False
        try:
            async with slot as held:
                given = True
                self._waiting -= 1
                self._holding += 1
                yield held
        finally:
            if given:
                self._holding -= 1
            else:
                self._waiting -= 1

    def done(self, file_id: int) -> int:
        """Bytes of this file on disk."""
        return self._done.get(file_id, 0)

    def at(self, file_id: int, size: int) -> None:
        """Set how many bytes of a file are on disk, without counting them as just fetched."""
        self._done[file_id] = size

    def fetched(self, file_id: int, size: int) -> None:
        """Count `size` more bytes of a file, just fetched."""
        self._done[file_id] = self.done(file_id) + size
        self._rate = self._faded() + size / _MEMORY
        self._rate_at = self._clock()

    def _faded(self) -> float:
        if self._clock() - self._rate_at >= _SILENCE:
            return 0.0
        return self._rate * math.exp((self._rate_at - self._clock()) / _MEMORY)
