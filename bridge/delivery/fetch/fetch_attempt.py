"""A single attempt to fetch the missing bytes of a file.

The first connection finds out whether the CDN serves ranges; if it does, others join and each takes
the next missing segment until none is left. A connection that fails ends; the others go on for a
while, and the next attempt fetches what is missing then.

Some of TorBox's CDN nodes limit each connection, others the client as a whole. So `ConnectionTuner`
tries out how many connections a file gets: more while that makes it faster, fewer when it does not.
"""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Literal

import aiohttp

from bridge.delivery.blocking import in_thread, together
from bridge.delivery.delivery_errors import FetchTrouble, Interrupted, StartOver, WrongContent
from bridge.delivery.delivery_progress import Progress
from bridge.delivery.disk.staging import StagedFile
from bridge.delivery.fetch.bandwidth import OwnThrottle
from bridge.delivery.fetch.cdn_connection import (
    Body,
    RangeRequest,
    StallDetector,
    check_response,
    looks_like_error,
    open_response,
)
from bridge.delivery.fetch.fetch_settings import FetchSettings
from bridge.delivery.fetch.slots import Slot
from bridge.delivery.file_state import UNKNOWN, Span, pieces


class Writer:
    """Writes the blocks of all connections of a file."""

    def __init__(self, file: StagedFile, settings: FetchSettings, progress: Progress) -> None:
        self.file = file
        self._settings = settings
        self._progress = progress
        self._saving = asyncio.Lock()
        self._unsaved = 0
        self._saved_at = time.monotonic()

    @asynccontextmanager
    async def saved(self) -> AsyncIterator[None]:
        """At the end, also after a cancellation, save everything written, and close the file."""
        try:
            yield
        finally:
            # A checkpoint that cannot be written must not leave the file open.
            try:
                await self._save()
            finally:
                self.file.close()

    async def write(self, offset: int, parts: Sequence[bytes]) -> None:
        """Write a block, count it, and save the checkpoint when it is due."""
        before, size = self.file.done.total, sum(map(len, parts))
        if size == self.file.size:
            # Nobody else writes to it. Packs have many small files, and each thread costs time.
            await in_thread(self.file.write_whole, *parts)
            self._progress.fetched(self.file.file_id, size - before)
            return
        await in_thread(self.file.write, offset, *parts)
        before = self.file.done.total
        self.file.done.add(offset, offset + size)
        # Counted by what is new: a connection that was cancelled may have written this block before.
        self._progress.fetched(self.file.file_id, self.file.done.total - before)
        self._unsaved += size
        # Only one connection saves; the others need not wait for its fsync.
        if self._due() and not self._saving.locked():
            await self._save()

    async def forget(self) -> None:
        """Forget every byte of the file."""
        await in_thread(self.file.reset)
        self._progress.at(self.file.file_id, 0)

    def _due(self) -> bool:
        return (
            self._unsaved >= self._settings.checkpoint_bytes
            or time.monotonic() - self._saved_at >= self._settings.checkpoint_every
        )

    async def _save(self) -> None:
        async with self._saving:
            if self._unsaved:
                # Before the save: bytes that arrive during the fsync are not part of it.
                self._unsaved = 0
                await in_thread(self.file.save)
                self._saved_at = time.monotonic()


_GAIN = 1.25
"""Twice the connections have to bring so much more; less could be chance."""
_LOSS = 0.9
"""Half the connections may bring so much less."""
_REST = 20
"""Measurements before the next trial: a node may get busy, or a neighbour's download end."""


class ConnectionTuner:
    """Finds the number of connections by doubling and halving. Reports speeds, reads `target`."""

    def __init__(self, start: int, most: int) -> None:
        self._most = most
        self.target = max(1, min(start, most))
        """How many connections there should be now."""
        self._settled_at = self.target
        self._speed = 0.0
        """Speed with `_settled_at` connections; 0 until it is measured."""
        self._trial: Literal["more", "fewer"] | None = None
        self._rest = 0
        self._next: Literal["more", "fewer"] = "more"

    def measured(self, speed: float) -> None:
        """Take the speed of exactly `target` connections together, in any unit, and set `target`."""
        if self._trial is None:
            self._speed = speed
            self._rest -= 1
            if self._rest <= 0:
                self._try(self._next)
            return
        factor = _GAIN if self._trial == "more" else _LOSS
        if speed >= self._speed * factor:
            self._settled_at, self._speed = self.target, speed
            self._try(self._trial)
        else:
            # The trial did not pay. After more, fewer are tried once; then it rests.
            after = self._trial
            self._settle()
            if after == "more":
                self._try("fewer")
                return
            self._rest = _REST

    def _try(self, direction: Literal["more", "fewer"]) -> None:
        count = self._settled_at * 2 if direction == "more" else self._settled_at // 2
        count = max(1, min(count, self._most))
        if count == self._settled_at:
            self._settle()
            self._rest = _REST
            self._next = "fewer" if direction == "more" else "more"
            return
        self.target, self._trial = count, direction

    def _settle(self) -> None:
        self.target, self._trial = self._settled_at, None
        self._next = "more"


class Attempt:
    """Fetches the missing segments once."""

    def __init__(
        self,
        *,
        session: aiohttp.ClientSession,
        url: str,
        sink: Writer,
        slot: Slot,
        throttle: OwnThrottle,
        settings: FetchSettings,
    ) -> None:
        self._session = session
        self._url = url
        self._sink = sink
        self._file = sink.file
        self._slot = slot
        self._throttle = throttle
        self._settings = settings
        self._segments: deque[Span] = deque()
        self._scouted = asyncio.Event()
        self._tuner = ConnectionTuner(settings.first_connections, settings.connections_per_file)
        self._active = 0
        self._received = 0
        """Bytes of all connections together, for the tuner."""
        self._given_out = asyncio.Event()
        """Set when a connection ended because it could not go on: then none is added either."""
        self._trouble: FetchTrouble | None = None
        self._stop_at: float | None = None

    async def run(self, segments: list[Span]) -> FetchTrouble | None:
        """Fetch the segments. Return the first error; None if all is there or the slot is taken away.

        After StartOver no byte of the file that is on disk can be used.
        """
        self._segments.extend(segments)
        try:
            await together(self._connection(self._segments.popleft()), self._add_connections())
        except StartOver as trouble:
            return trouble
        return self._trouble

    async def _connection(self, segment: Span) -> None:
        self._active += 1
        try:
            await self._fetch(segment)
            while self._may_go_on() and self._active <= self._tuner.target:
                await self._fetch(self._segments.popleft())
        except StartOver:
            raise
        except FetchTrouble as trouble:
            self._note(trouble)
        finally:
            self._active -= 1
            self._scouted.set()
            if not self._may_go_on():
                self._given_out.set()

    async def _add_connections(self) -> None:
        """Open as many connections as make the file faster, until every segment has one."""
        await self._scouted.wait()
        try:
            async with asyncio.TaskGroup() as group:
                # A connection that failed is not replaced: the node may be down, and the next
                # attempt waits before it asks again.
                while self._may_add():
                    while self._may_add() and self._active < self._tuner.target:
                        group.create_task(self._connection(self._segments.popleft()))
                        await asyncio.sleep(0)  # lets it start, and count itself
                    await self._measure()
        except BaseExceptionGroup as failures:
            raise failures.exceptions[0] from None

    async def _measure(self) -> None:
        """Wait a moment, and tell the tuner how fast this number of connections was."""
        count, received, began = self._active, self._received, time.monotonic()
        with suppress(TimeoutError):
            async with asyncio.timeout(self._settings.tune_every):
                await self._given_out.wait()
        full = count == self._active == self._tuner.target
        # A file that is held back by the user's own limit would not get faster with anything.
        if full and not self._throttle.limited:
            self._tuner.measured((self._received - received) / (time.monotonic() - began))

    def _may_add(self) -> bool:
        # The event and not the state alone: a slot that is wanted may be free again a moment later,
        # and `_measure` would no longer wait.
        return self._may_go_on() and self._trouble is None and not self._given_out.is_set()

    def _may_go_on(self) -> bool:
        stopped = self._stop_at is not None and time.monotonic() >= self._stop_at
        return bool(self._segments) and not stopped and not self._slot.over

    def _note(self, trouble: FetchTrouble) -> None:
        if self._trouble is None:
            self._trouble = trouble
            self._stop_at = time.monotonic() + self._settings.regroup_after
        if not self._scouted.is_set():
            # Without a first answer nobody knows whether there are ranges: nobody else may start.
            self._segments.clear()

    async def _fetch(self, span: Span) -> None:
        wanted = self._range_request(span)
        async with open_response(
            self._session, self._url, wanted.headers, self._settings
        ) as response:
            body = check_response(wanted, response.status, response.headers, now=time.time())
            self._accept(wanted, body)
            reached = await self._read(response.content, body)
        if reached < body.end:
            # A cut raises; this body ended properly, so it is not what it claimed to be.
            raise StartOver("the CDN sent less than is due")
        if body.ranges and body.end < wanted.end:
            raise Interrupted("the CDN sent a smaller part than was asked for")

    def _range_request(self, span: Span) -> RangeRequest:
        start, end = span
        return RangeRequest(
            name=self._file.name,
            size=self._file.size,
            start=start,
            end=end,
            validator=self._file.validator,
            others=self._file.others,
            begun=self._scouted.is_set() or bool(self._file.done.spans),
        )

    def _accept(self, wanted: RangeRequest, body: Body) -> None:
        if not wanted.begun or self._file.validator == UNKNOWN:
            self._file.validator = body.validator
        if not body.ranges:
            # This one answer brings the whole file; a second request would fetch it twice.
            self._segments.clear()
        self._scouted.set()

    async def _read(self, content: aiohttp.StreamReader, body: Body) -> int:
        """Write the body to disk; return the offset that was reached."""
        offset, held, flushed_at = body.start, 0, time.monotonic()
        parts: list[bytes] = []
        pace = StallDetector(self._settings)
        try:
            while chunk := await self._some(content, pace):
                # Paid for after it arrived: what is in the socket's buffer cannot be taken back.
                await self._throttle.take(len(chunk))
                if offset + held + len(chunk) > body.end:
                    raise StartOver("the CDN sent more than it announced")
                parts.append(chunk)
                self._received += len(chunk)
                held += len(chunk)
                if held >= self._settings.block or self._slow_since(flushed_at):
                    await self._write(offset, parts)
                    offset, held, flushed_at = offset + held, 0, time.monotonic()
                    parts = []
        finally:
            # Also when the connection was cut: these bytes are good, and need not come again.
            await self._write(offset, parts)
        return offset + held

    async def _some(self, content: aiohttp.StreamReader, pace: StallDetector) -> bytes:
        began = time.monotonic()
        chunk = await content.read(self._throttle.portion)
        if pace.too_slow(len(chunk), time.monotonic() - began):
            raise Interrupted("the CDN sends next to nothing")
        return chunk

    def _slow_since(self, flushed_at: float) -> bool:
        return time.monotonic() - flushed_at >= self._settings.flush_every

    async def _write(self, offset: int, parts: list[bytes]) -> None:
        # Some error pages come as 200 with the right type and length; their first bytes tell.
        if offset == 0 and looks_like_error(self._file.name, b"".join(parts)[:256]):
            raise WrongContent("the CDN sent an error page in place of the file")
        if parts:
            await self._sink.write(offset, parts)


def missing_segments(file: StagedFile, settings: FetchSettings) -> list[Span]:
    """Return the missing spans, cut into segments, each for one request."""
    missing = file.done.missing(file.size)
    if file.size <= settings.split_above:
        return missing
    share = -(-sum(end - start for start, end in missing) // settings.connections_per_file)
    return pieces(missing, max(min(share, settings.segment), settings.block))
