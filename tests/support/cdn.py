"""A CDN of TorBox's kind on loopback, honest by default and hostile on demand."""

import asyncio
import gzip
import hashlib
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Self

from aiohttp import web

Behaviour = Callable[[web.Request, "Served"], Awaitable[web.StreamResponse]]


@dataclass(slots=True, kw_only=True)
class Served:
    """One file, and how the next requests for it are answered; honestly when nothing is left."""

    data: bytes
    etag: str = '"one"'
    last_modified: str = ""
    script: list[Behaviour] = field(default_factory=list)
    always: Behaviour | None = None
    """Answers every request once the script is used up."""
    refuse_with: int = 403
    """The status for a link that has expired."""
    requests: list[web.Request] = field(default_factory=list)
    sent: int = 0
    """Bytes of bodies written so far."""

    @property
    def digest(self) -> str:
        """SHA-256 of the bytes."""
        return hashlib.sha256(self.data).hexdigest()

    @property
    def ranges(self) -> list[str]:
        """The Range headers of all requests, empty where there was none."""
        return [request.headers.get("Range", "") for request in self.requests]


class Cdn:
    """Serves files at `/dld/<file_id>?token=<token>`; a context manager. Gives links, too."""

    def __init__(self) -> None:
        self.files: dict[int, Served] = {}
        self.asked: Counter[bool] = Counter()
        """How often a link was asked for, by `fresh`."""
        self.open = 0
        self.most_open = 0
        self._tokens: dict[int, int] = {}
        self._runner: web.AppRunner
        self._port = 0

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_get("/dld/{file_id}", self._answer, allow_head=False)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    def add(self, file_id: int, data: bytes, *script: Behaviour) -> Served:
        """Serve `data` under this id."""
        self.files[file_id] = Served(data=data, script=list(script))
        return self.files[file_id]

    async def link(self, file_id: int, *, fresh: bool) -> str:
        """Give a link; a fresh one has a new token, and the old ones stay as they are."""
        self.asked[fresh] += 1
        if fresh:
            self._tokens[file_id] = self._tokens.get(file_id, 0) + 1
        token = self._tokens.setdefault(file_id, 0)
        return f"http://127.0.0.1:{self._port}/dld/{file_id}?token=secret-{token}"

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        served = self.files[int(request.match_info["file_id"])]
        served.requests.append(request)
        behaviour = served.script.pop(0) if served.script else served.always or honest
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        try:
            return await behaviour(request, served)
        finally:
            self.open -= 1


async def honest(request: web.Request, served: Served) -> web.StreamResponse:
    """Answer as RFC 9110 says."""
    return await send(request, served)


async def no_ranges(request: web.Request, served: Served) -> web.StreamResponse:
    """Ignore Range, as a server may."""
    return await send(request, served, whole=True)


async def cut_at_once(request: web.Request, served: Served) -> web.StreamResponse:
    """Close the connection without an answer."""
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


def cut_after(size: int, *, then: Behaviour = honest) -> Behaviour:
    """Send so many bytes of the body, then cut the connection."""

    async def behave(request: web.Request, served: Served) -> web.StreamResponse:
        return await send(request, served, cut=size, whole=then is no_ranges)

    return behave


def stall_after(size: int) -> Behaviour:
    """Send so many bytes, then nothing more while the client stays."""

    async def behave(request: web.Request, served: Served) -> web.StreamResponse:
        return await send(request, served, stall=size)

    return behave


def slowly(*, pause: float, step: int) -> Behaviour:
    """Send `step` bytes every `pause` seconds."""

    async def behave(request: web.Request, served: Served) -> web.StreamResponse:
        return await send(request, served, pause=pause, step=step)

    return behave


def status(code: int, **headers: str) -> Behaviour:
    """Answer with a status and nothing of the file."""
    spelled = {name.replace("_", "-"): value for name, value in headers.items()}

    async def behave(request: web.Request, served: Served) -> web.StreamResponse:
        return web.Response(status=code, headers=spelled, text="no")

    return behave


def instead(body: bytes, content_type: str, *, chunked: bool = False) -> Behaviour:
    """Answer 200 with something else than the file; chunked bodies do not tell their length."""

    async def behave(request: web.Request, served: Served) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": content_type})
        if chunked:
            response.enable_chunked_encoding()
        else:
            response.content_length = len(body)
        await response.prepare(request)
        await response.write(body)
        return response

    return behave


def with_headers(code: int, **headers: str) -> Behaviour:
    """Send the whole file with this status and these headers, whatever was asked for."""
    spelled = {name.replace("_", "-"): value for name, value in headers.items()}

    async def behave(request: web.Request, served: Served) -> web.StreamResponse:
        return web.Response(status=code, body=served.data, headers=spelled)

    return behave


def only_token(number: int) -> Behaviour:
    """Serve links with this token; refuse others with the file's `refuse_with`."""

    async def behave(request: web.Request, served: Served) -> web.StreamResponse:
        if request.query["token"] == f"secret-{number}":
            return await send(request, served)
        return web.Response(status=served.refuse_with, text="expired")

    return behave


def changed(data: bytes, etag: str, *, then: Behaviour = honest) -> Behaviour:
    """From this request on, the file is another one."""

    async def behave(request: web.Request, served: Served) -> web.StreamResponse:
        served.data, served.etag = data, etag
        return await then(request, served)

    return behave


async def compressed(request: web.Request, served: Served) -> web.StreamResponse:
    """Send gzip though only identity was accepted."""
    assert request.headers["Accept-Encoding"] == "identity"
    body = gzip.compress(served.data)
    return web.Response(body=body, headers={"Content-Encoding": "gzip", "ETag": served.etag})


async def garbage(request: web.Request, served: Served) -> web.StreamResponse:
    """Answer with what is not HTTP inside a chunked body."""
    assert request.transport is not None
    request.transport.write(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\nnonsense\r\n"
    )
    request.transport.close()
    return web.Response()


async def send(
    request: web.Request,
    served: Served,
    *,
    whole: bool = False,
    cut: int | None = None,
    stall: int | None = None,
    pause: float = 0.0,
    step: int = 64 * 1024,
) -> web.StreamResponse:
    """Serve the range that was asked for, with a fault in the body if told."""
    start, end = (0, len(served.data)) if whole else _range(request, served)
    response = web.StreamResponse(status=200 if _is_all(start, end, served) else 206)
    if _ranged(request, served) and not whole:
        response.set_status(206)
        response.headers["Content-Range"] = f"bytes {start}-{end - 1}/{len(served.data)}"
    response.content_length = end - start
    response.headers.update(_validators(served))
    await response.prepare(request)
    stop = min(size for size in (end - start, cut, stall) if size is not None)
    await _body(response, served, (start, start + stop), pause, step)
    if cut is not None and cut < end - start:
        await asyncio.sleep(0.01)
        assert request.transport is not None
        request.transport.abort()
    if stall is not None and stall < end - start:
        await asyncio.sleep(30)
    return response


async def _body(
    response: web.StreamResponse,
    served: Served,
    span: Sequence[int],
    pause: float,
    step: int,
) -> None:
    for at in range(span[0], span[1], step):
        part = served.data[at : min(at + step, span[1])]
        await response.write(part)
        served.sent += len(part)
        if pause:
            await asyncio.sleep(pause)


def _is_all(start: int, end: int, served: Served) -> bool:
    return (start, end) == (0, len(served.data))


def _ranged(request: web.Request, served: Served) -> bool:
    condition = request.headers.get("If-Range", served.etag)
    return "Range" in request.headers and condition in {served.etag, served.last_modified}


def _range(request: web.Request, served: Served) -> tuple[int, int]:
    if not _ranged(request, served):
        return 0, len(served.data)
    first, _, last = request.headers["Range"].removeprefix("bytes=").partition("-")
    return int(first), min(int(last) + 1, len(served.data))


def _validators(served: Served) -> dict[str, str]:
    found = {"ETag": served.etag, "Last-Modified": served.last_modified}
    return {name: value for name, value in found.items() if value}
