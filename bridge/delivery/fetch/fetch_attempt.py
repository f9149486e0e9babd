"""One attempt to fetch what is missing of a file.

The first connection finds out whether the CDN serves ranges; if so, others join it and each takes
the next missing segment until none is left. A connection that meets trouble leaves; the others go
on for a while, and what is still missing then is the next attempt's.
"""

import asyncio
import time
from collections import deque

import aiohttp

from bridge.delivery.blocking import together
from bridge.delivery.delivery_errors import FetchTrouble, Interrupted, StartOver, WrongContent
from bridge.delivery.disk.staging import StagedFile
from bridge.delivery.fetch.bandwidth import OwnThrottle
from bridge.delivery.fetch.cdn_connection import StallDetector, answer
from bridge.delivery.fetch.cdn_response import Body, RangeRequest, check_response, looks_like_error
from bridge.delivery.fetch.fetch_settings import FetchSettings
from bridge.delivery.fetch.slots import Slot
from bridge.delivery.fetch.writer import Writer
from bridge.delivery.file_state import UNKNOWN, Span, pieces


class Attempt:
    """Fetches once over what is missing."""

    def __init__(
        self,
        *,
        session: aiohttp.ClientSession,
        url: str,
        sink: Writer,
        turn: Slot,
        throttle: OwnThrottle,
        settings: FetchSettings,
    ) -> None:
        self._session = session
        self._url = url
        self._sink = sink
        self._file = sink.file
        self._turn = turn
        self._throttle = throttle
        self._settings = settings
        self._segments: deque[Span] = deque()
        self._scouted = asyncio.Event()
        self._trouble: FetchTrouble | None = None
        self._stop_at: float | None = None

    async def run(self, segments: list[Span]) -> FetchTrouble | None:
        """Fetch the segments. Return the first trouble, or None when all is there or the turn over.

        After StartOver nothing that is on disk of this file can be used.
        """
        self._segments.extend(segments)
        others = min(self._settings.connections_per_file, len(segments)) - 1
        followers = (self._connection(scout=False) for _ in range(others))
        try:
            await together(self._connection(scout=True), *followers)
        except StartOver as trouble:
            return trouble
        return self._trouble

    async def _connection(self, *, scout: bool) -> None:
        try:
            if scout:
                await self._fetch(self._segments.popleft())
            await self._scouted.wait()
            while self._may_go_on():
                await self._fetch(self._segments.popleft())
        except StartOver:
            raise
        except FetchTrouble as trouble:
            self._note(trouble)
        finally:
            self._scouted.set()

    def _may_go_on(self) -> bool:
        stopped = self._stop_at is not None and time.monotonic() >= self._stop_at
        return bool(self._segments) and not stopped and not self._turn.over

    def _note(self, trouble: FetchTrouble) -> None:
        if self._trouble is None:
            self._trouble = trouble
            self._stop_at = time.monotonic() + self._settings.regroup_after
        if not self._scouted.is_set():
            self._segments.clear()

    async def _fetch(self, span: Span) -> None:
        ask = self._range_request(span)
        async with answer(self._session, self._url, ask.headers, self._settings) as response:
            body = check_response(ask, response.status, response.headers, now=time.time())
            self._accept(ask, body)
            reached = await self._read(response.content, body)
        if reached < body.end:
            # A cut raises; this body ended properly, so it is not what it claimed to be.
            raise StartOver("the CDN sent less than is due")
        if body.ranges and body.end < ask.end:
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

    def _accept(self, ask: RangeRequest, body: Body) -> None:
        if not ask.begun or self._file.validator == UNKNOWN:
            self._file.validator = body.validator
        if not body.ranges:
            self._segments.clear()
        self._scouted.set()

    async def _read(self, content: aiohttp.StreamReader, body: Body) -> int:
        """Write the body to disk; return the offset that was reached."""
        offset, held, flushed_at = body.start, 0, time.monotonic()
        parts: list[bytes] = []
        pace = StallDetector(self._settings)
        try:
            while chunk := await self._some(content, pace):
                await self._throttle.take(len(chunk))
                if offset + held + len(chunk) > body.end:
                    raise StartOver("the CDN sent more than it announced")
                parts.append(chunk)
                held += len(chunk)
                if held >= self._settings.block or self._slow_since(flushed_at):
                    await self._write(offset, parts)
                    offset, held, flushed_at = offset + held, 0, time.monotonic()
                    parts = []
        finally:
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
        if offset == 0 and looks_like_error(self._file.name, b"".join(parts)[:256]):
            raise WrongContent("the CDN sent an error page in place of the file")
        if parts:
            await self._sink.write(offset, parts)


def missing_segments(file: StagedFile, settings: FetchSettings) -> list[Span]:
    """Return what is missing, in the pieces to be asked for."""
    missing = file.done.missing(file.size)
    if file.size <= settings.split_above:
        return missing
    share = -(-sum(end - start for start, end in missing) // settings.connections_per_file)
    return pieces(missing, max(min(share, settings.segment), settings.block))
