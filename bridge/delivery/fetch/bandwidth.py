"""Limits of bytes per second: one for all fetches together, one for each delivery."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress

_BURST = 0.25
"""Seconds of the limit that may be saved up."""
_PORTION = 256 * 1024
_SMALLEST = 2 * 1024


class Throttle:
    """A token bucket that may run into debt: bytes that arrived are paid for afterwards.

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
        # The lock is fair, so connections alternate; the one in front waits for its debt.
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
    """The limit of all fetches together, and the limits of single deliveries."""

    def __init__(self, on_bytes: Callable[[int], None] = lambda _size: None) -> None:
        """`on_bytes` is called with the size of everything that arrives."""
        self.on_bytes = on_bytes
        self.total = Throttle()
        self._own: dict[str, Throttle] = {}

    def set_own(self, staging_name: str, bytes_per_second: int | None) -> None:
        """Change the limit of one delivery at once, by its staging name; None or 0 is without limit."""
        if bytes_per_second:
            self._own.setdefault(staging_name, Throttle()).set_limit(bytes_per_second)
        elif (known := self._own.pop(staging_name, None)) is not None:
            known.set_limit(None)

    def of(self, staging_name: str) -> "OwnThrottle":
        """Return the limits of one delivery, by its staging name."""
        return OwnThrottle(self, staging_name)

    def own(self, staging_name: str) -> Throttle | None:
        """Return the own limit of a delivery, if it has one."""
        return self._own.get(staging_name)


class OwnThrottle:
    """The limits of one delivery: its own, then the limit of all together."""

    def __init__(self, throttles: Throttles, staging_name: str) -> None:
        self._throttles = throttles
        self._key = staging_name

    @property
    def limited(self) -> bool:
        """Whether there is any limit."""
        own = self._throttles.own(self._key)
        return own is not None or self._throttles.total.limit is not None

    @property
    def portion(self) -> int:
        """How much to read at most before the next `take`."""
        own = self._throttles.own(self._key)
        total = self._throttles.total.portion
        return min(own.portion, total) if own is not None else total

    async def take(self, size: int) -> None:
        """Return when `size` more bytes are within both limits."""
        self._throttles.on_bytes(size)
        own = self._throttles.own(self._key)
        if own is not None:
            await own.take(size)
        await self._throttles.total.take(size)
