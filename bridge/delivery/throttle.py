"""One limit of bytes per second for everything that is fetched."""

import asyncio
import time
from contextlib import suppress

_BURST = 0.25
"""Seconds of the limit that may be saved up."""
_PORTION = 256 * 1024
_SMALLEST = 2 * 1024


class Throttle:
    """A token bucket that may run into debt: what arrived is paid for afterwards.

    First come, first served, so connections share the limit evenly.
    """

    def __init__(self, bytes_per_second: int | None = None) -> None:
        self._limit = bytes_per_second or None
        self._tokens = 0.0
        self._at = time.monotonic()
        self._line = asyncio.Lock()
        self._changed = asyncio.Event()

    @property
    def limit(self) -> int | None:
        """Bytes per second; None is without limit."""
        return self._limit

    @property
    def portion(self) -> int:
        """How much to read at most before the next `take`, so that connections alternate."""
        if self._limit is None:
            return _PORTION
        return min(max(self._limit // 32, _SMALLEST), _PORTION)

    def set_limit(self, bytes_per_second: int | None) -> None:
        """Change the limit at once, also for those who wait already."""
        self._refill()
        self._limit = bytes_per_second or None
        self._changed.set()

    async def take(self, size: int) -> None:
        """Return when `size` more bytes are within the limit."""
        if self._limit is None:
            return
        async with self._line:
            self._tokens -= size
            while (wait := self._wait()) > 0:
                self._changed.clear()
                with suppress(TimeoutError):
                    async with asyncio.timeout(wait):
                        await self._changed.wait()

    def _wait(self) -> float:
        self._refill()
        if self._limit is None:
            self._tokens = 0.0
            return 0.0
        return -self._tokens / self._limit

    def _refill(self) -> None:
        now = time.monotonic()
        if self._limit is not None:
            earned = (now - self._at) * self._limit
            self._tokens = min(self._tokens + earned, self._limit * _BURST)
        self._at = now
