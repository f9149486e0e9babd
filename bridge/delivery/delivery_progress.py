"""Counters of one delivery, for the engine to show."""

import math
import time
from collections.abc import Callable

_MEMORY = 5.0
"""Seconds after which a byte counts for about a third in the speed."""


class Progress:
    """Bytes done by file, and a smoothed speed. Written by the delivery, read by the engine."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self.checking = False
        """The fetched bytes are being compared with the torrent's hashes."""
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
        return self._rate * math.exp((self._rate_at - self._clock()) / _MEMORY)
