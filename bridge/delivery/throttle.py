"""Limits of bytes per second: one for everything that is fetched, one for each download."""

import asyncio
import time
from collections.abc import Callable
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


class Throttles:
    """The limit of all fetches together, and those of single downloads."""

    def __init__(self, on_bytes: Callable[[int], None] = lambda _size: None) -> None:
        """`on_bytes` is called with the size of everything that arrives."""
        self.on_bytes = on_bytes
        self.total = Throttle()
        self._own: dict[str, Throttle] = {}

    def set_own(self, info_hash: str, bytes_per_second: int | None) -> None:
        """Change the limit of one download at once; None or 0 is without limit."""
        if bytes_per_second:
            self._own.setdefault(info_hash, Throttle()).set_limit(bytes_per_second)
        elif (known := self._own.pop(info_hash, None)) is not None:
            known.set_limit(None)

    def of(self, info_hash: str) -> "OwnThrottle":
        """Find what holds back the fetches of one download."""
        return OwnThrottle(self, info_hash)

    def own(self, info_hash: str) -> Throttle | None:
        """Find a download's own limit, if it has one."""
        return self._own.get(info_hash)


class OwnThrottle:
    """What one download's fetches wait for: its own limit, then everybody's."""

    def __init__(self, throttles: Throttles, info_hash: str) -> None:
        self._throttles = throttles
        self._hash = info_hash

    @property
    def portion(self) -> int:
        """How much to read at most before the next `take`."""
        own = self._throttles.own(self._hash)
        total = self._throttles.total.portion
        return min(own.portion, total) if own is not None else total

    async def take(self, size: int) -> None:
        """Return when `size` more bytes are within both limits."""
        self._throttles.on_bytes(size)
        own = self._throttles.own(self._hash)
        if own is not None:
            await own.take(size)
        await self._throttles.total.take(size)
