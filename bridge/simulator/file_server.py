"""The CDN: GET with ranges behind links with tokens, and everything that can go wrong there."""

import asyncio
import gzip
from collections.abc import Iterator
from dataclasses import dataclass, field

from aiohttp import web

from bridge.simulator.backend import Backend, CallRecord
from bridge.simulator.envelopes import Envelope, Reply, cut, instead_of, kind_of, send
from bridge.simulator.faults import (
    CDN,
    AnyEffect,
    Cut,
    CutBody,
    DeadLink,
    Gzip,
    Hang,
    LongBody,
    Lost,
    Malformed,
    NewEtag,
    NoRange,
    ShortBody,
    Slow,
    Subject,
    Trickle,
    WrongBytes,
    WrongRange,
)
from bridge.simulator.file_links import GONE, Link, Span, Unsatisfiable, parse_range

NOT_VALID = Envelope(False, None, "Link is not valid.", None)
CHUNK = 256 * 1024
TICKS_PER_SECOND = 20
MIN_CHUNK = 16


@dataclass(slots=True)
class BodyPlan:
    """The part of a file to send, and how to send it."""

    span: Span
    partial: bool
    headers: dict[str, str] = field(default_factory=dict)
    told: Span | None = None
    """The range in Content-Range, if it is not the span."""
    padding: int = 0
    """Bytes sent past the span."""
    stop_after: int | None = None
    """Cut the connection after so many bytes."""
    flip_at: int | None = None
    bytes_per_second: float | None = None
    gzipped: bool = False


class FileServer:
    """Serves links."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """GET only: HEAD answers 405, as TorBox's CDN does."""
        router.add_get("/dld/{link}", self._handle, allow_head=False)

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        backend = self._backend
        token = request.query.get("token", "")
        link = backend.links.open(request.path, token)
        subject = _subject(link)
        record = backend.note(request, subject)
        effect = backend.faults.take(subject)
        record.fault = kind_of(effect)
        if isinstance(link, int):
            return _finish(record, Reply(link, NOT_VALID))
        return await self._serve(request, link, effect, record)

    async def _serve(
        self, request: web.Request, link: Link, effect: AnyEffect | None, record: CallRecord
    ) -> web.StreamResponse:
        if (instead := _instead(link, effect, self._backend.clock())) is not None:
            return _finish(record, instead)
        if isinstance(effect, (Cut, Lost, Hang)):
            await asyncio.sleep(0 if isinstance(effect, Cut) else effect.seconds)
            record.outcome = f"fault:{record.fault}"
            return cut(request)
        late = effect.seconds if isinstance(effect, Slow) else 0.0
        await asyncio.sleep(late + self._backend.links.cdn.latency_seconds)
        plan = _plan(request, link, effect)
        if isinstance(plan, Reply):
            return _finish(record, plan)
        plan.bytes_per_second = plan.bytes_per_second or self._backend.links.cdn.bytes_per_second
        return await _stream(request, link, plan, record, effect)


def _subject(link: Link | int) -> Subject:
    if isinstance(link, int):
        return Subject(CDN)
    return Subject(CDN, hash=link.content.hash, id=link.torrent_id, operation=link.file.path)


def _finish(record: CallRecord, reply: Reply) -> web.Response:
    record.status, record.outcome = reply.status, reply.outcome
    return send(reply)


def _instead(link: Link, effect: AnyEffect | None, now: float) -> Reply | None:
    if isinstance(effect, Malformed):
        # TorBox's CDN has answered 200 with a short JSON error, which clients stored as a video.
        return Reply(200, effect.body.encode())
    if isinstance(effect, DeadLink):
        link.dead = effect.status
        return Reply(effect.status, NOT_VALID)
    return instead_of(effect, now)


def _plan(request: web.Request, link: Link, effect: AnyEffect | None) -> BodyPlan | Reply:
    size = link.file.size
    # Another ETag for every answer, as nodes of a CDN that do not agree on it.
    etag = f'"changed-{size}-{id(request)}"' if isinstance(effect, NewEtag) else link.etag
    asked = None if isinstance(effect, NoRange) else request.headers.get("Range")
    # RFC 9110: If-Range with another ETag means the whole file, with 200.
    if request.headers.get("If-Range", etag) != etag:
        asked = None
    span = parse_range(asked, size)
    if isinstance(span, Unsatisfiable):
        return Reply(416, b"", "text/plain", {"Content-Range": f"bytes */{size}"})
    plan = BodyPlan(Span(0, size) if span is None else span, partial=span is not None)
    plan.headers = {
        "ETag": etag,
        "Last-Modified": "Thu, 01 Jan 2026 00:00:00 GMT",
        "Content-Type": link.file.mimetype or "application/octet-stream",
    }
    if not isinstance(effect, NoRange):
        plan.headers["Accept-Ranges"] = "bytes"
    _bend(plan, size, effect)
    return plan


def _bend(plan: BodyPlan, size: int, effect: AnyEffect | None) -> None:
    """Apply a fault to what is sent."""
    match effect:
        case CutBody(after):
            plan.stop_after = after
        case ShortBody(end):
            plan.span = Span(plan.span.start, max(plan.span.start, min(plan.span.end, end)))
        case LongBody(extra):
            plan.padding = extra
        case Trickle(bytes_per_second):
            plan.bytes_per_second = bytes_per_second
        case WrongRange(shift):
            start = min(plan.span.start + shift, size)
            plan.span, plan.partial = Span(start, min(plan.span.end + shift, size)), True
        case WrongBytes(at):
            plan.flip_at = at
        case Gzip():
            plan.gzipped = True
        case _:
            pass


async def _stream(
    request: web.Request,
    link: Link,
    plan: BodyPlan,
    record: CallRecord,
    effect: AnyEffect | None,
) -> web.StreamResponse:
    response = _head(link, plan)
    # Assumed until the body has been sent, so that an aborted fetch is logged as such.
    record.status, record.outcome = response.status, "client left"
    try:
        await response.prepare(request)
        await _write(response, link, plan, record)
    except ConnectionError:
        return response
    if plan.stop_after is None:
        record.outcome = "ok"
        return response
    record.outcome = f"fault:{record.fault}"
    if isinstance(effect, CutBody) and effect.kill_link:
        link.dead = GONE
    if request.transport is not None:
        # Without a proper end of the body: aiohttp would otherwise finish the response cleanly.
        request.transport.close()
    return response


def _head(link: Link, plan: BodyPlan) -> web.StreamResponse:
    response = web.StreamResponse(status=206 if plan.partial else 200, headers=plan.headers)
    if plan.partial:
        last = plan.span.end - 1
        response.headers["Content-Range"] = f"bytes {plan.span.start}-{last}/{link.file.size}"
    if plan.gzipped:
        response.headers["Content-Encoding"] = "gzip"
        # The length of the compressed body is not known beforehand.
        response.enable_chunked_encoding()
    else:
        response.content_length = plan.span.length + plan.padding
    return response


async def _write(
    response: web.StreamResponse, link: Link, plan: BodyPlan, record: CallRecord
) -> None:
    rate = plan.bytes_per_second
    for chunk in _body(link, plan):
        if rate is not None:
            await asyncio.sleep(len(chunk) / rate)
        await response.write(chunk)
        record.bytes += len(chunk)


def _body(link: Link, plan: BodyPlan) -> Iterator[bytes]:
    if plan.gzipped:
        whole = b"".join(_pieces(link, plan))
        yield gzip.compress(whole, compresslevel=1)
        return
    left = plan.stop_after
    for piece in _pieces(link, plan):
        if left is not None:
            if left <= 0:
                return
            yield piece[:left]
            left -= len(piece)
        else:
            yield piece


def _pieces(link: Link, plan: BodyPlan) -> Iterator[bytes]:
    step = CHUNK
    if plan.bytes_per_second is not None:
        # Small steps, so that a slow transfer is slow in its first second as well.
        step = max(MIN_CHUNK, min(CHUNK, int(plan.bytes_per_second / TICKS_PER_SECOND)))
    for offset in range(plan.span.start, plan.span.end, step):
        piece = link.content.read(link.file, offset, min(step, plan.span.end - offset))
        yield _flipped(piece, offset, plan.flip_at)
    if plan.padding:
        yield b"\0" * plan.padding


def _flipped(piece: bytes, offset: int, at: int | None) -> bytes:
    if at is None or not offset <= at < offset + len(piece):
        return piece
    index = at - offset
    return piece[:index] + bytes([piece[index] ^ 0xFF]) + piece[index + 1 :]
