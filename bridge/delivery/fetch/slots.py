"""Slots for files: every download gets a fair share."""

import asyncio
import time
from collections import Counter, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Slot:
    """A slot, held by a file of a download."""

    def __init__(self, slots: "Slots", key: str, length: float) -> None:
        self._slots = slots
        self._key = key
        self._until = time.monotonic() + length

    @property
    def over(self) -> bool:
        """Whether another download should have this slot now."""
        return time.monotonic() >= self._until and self._slots.unfair(self._key)


class Slots:
    """A fixed number of slots, given to the waiting download that holds the fewest.

    Among equals the download that was served longest ago comes first, so a small download never
    waits for all files of a big download. Files of a download are served in order of arrival.
    """

    def __init__(self, slots: int, *, length: float) -> None:
        self._free = slots
        self._length = length
        self._held: Counter[str] = Counter()
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}

    @asynccontextmanager
    async def hold(self, key: str) -> AsyncIterator[Slot]:
        """Hold a slot for the download `key`."""
        await self._acquire(key)
        try:
            yield Slot(self, key, self._length)
        finally:
            self._release(key)

    def unfair(self, key: str) -> bool:
        """Return whether a waiting download holds fewer slots than `key`."""
        return any(self._held[other] < self._held[key] for other in self._waiting)

    async def _acquire(self, key: str) -> None:
        granted = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(key, deque()).append(granted)
        self._grant()
        try:
            await granted
        except asyncio.CancelledError:
            self._leave(key, granted)
            raise

    def _leave(self, key: str, granted: asyncio.Future[None]) -> None:
        if not granted.cancelled():
            # The slot was granted in the same loop iteration as the cancellation: pass it on.
            self._release(key)
            return
        queue = self._waiting[key]
        queue.remove(granted)
        if not queue:
            del self._waiting[key]

    def _release(self, key: str) -> None:
        self._free += 1
        self._held[key] -= 1
        if not self._held[key]:
            del self._held[key]
        self._grant()

    def _grant(self) -> None:
        while self._free and (key := self._next()) is not None:
            # Removed and added again, which puts the download behind its equals: a dict keeps the
            # order of insertion.
            queue = self._waiting.pop(key)
            granted = next(waiter for waiter in queue if not waiter.done())
            queue.remove(granted)
            if queue:
                self._waiting[key] = queue
            self._free -= 1
            self._held[key] += 1
            granted.set_result(None)

    def _next(self) -> str | None:
        """Return the download to serve next. Waiters whose cancellation is under way do not count."""
        waiting = (
            key
            for key, queue in self._waiting.items()
            if any(not waiter.done() for waiter in queue)
        )
        return min(waiting, key=lambda key: self._held[key], default=None)
