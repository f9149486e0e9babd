"""What a stranger can cost, tried through real sockets."""

import asyncio
import os
import socket
import time
import zlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from urllib.parse import urlsplit

import pytest
from aiohttp import web

from bridge.web import http_server
from bridge.web.http_server import BoundedRunner, ConnectionLimits, bound_request
from tests.support.face import API_KEY, Face

FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=b"
LOGIN = "/api/v2/auth/login"
CPU = 0.15
"""Seconds of CPU that one hostile request may cost, client and server together. Without the bounds
each of them costs between one and thirty-five.
"""


def post(path: str, kind: str, body: bytes, headers: str = "") -> bytes:
    """Write a POST with a Content-Length."""
    return (
        f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: {kind}\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n{headers}\r\n"
    ).encode() + body


async def opened(url: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect to a server."""
    parts = urlsplit(url)
    return await asyncio.open_connection(parts.hostname, parts.port)


async def send(url: str, request: bytes, *, within: float = 10.0) -> bytes:
    """Send a request on a connection of its own; answers everything that came until its end."""
    reader, writer = await opened(url)
    try:
        async with asyncio.timeout(within):
            writer.write(request)
            await writer.drain()
            return await reader.read()
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


@asynccontextmanager
async def served(limits: ConnectionLimits, *, idle_seconds: float = 60.0) -> AsyncIterator[str]:
    """Serve `/` within these limits; `/wait` answers after a moment, `/much` is 32 MB."""

    async def index(_request: web.Request) -> web.Response:
        return web.Response(text="here")

    async def wait(_request: web.Request) -> web.Response:
        await asyncio.sleep(1.0)
        return web.Response(text="waited")

    async def much(_request: web.Request) -> web.Response:
        return web.Response(body=b"x" * 32_000_000)

    app = web.Application(middlewares=[bound_request])
    app.router.add_get("/", index)
    app.router.add_get("/wait", wait)
    app.router.add_get("/much", much)
    runner = BoundedRunner(app, limits=limits, idle_seconds=idle_seconds, shutdown_timeout=0.1)
    async with AsyncExitStack() as stack:
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"


GET = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (post(LOGIN, MULTIPART, b"--b\r\n\r\n\r\n" * 1_000_000 + b"--b--\r\n"), 413),
        (post(LOGIN, MULTIPART, b"--b\r\n\r\n\r\n" * 1_500 + b"--b--\r\n"), 413),
        (post(LOGIN, MULTIPART, b"--b\r\n" + b"X: y\r\n" * 2_000 + b"\r\n\r\n--b--"), 400),
        (post(LOGIN, MULTIPART, b"--b\r\n" + b"X: y\r\n" * 400_000 + b"\r\n\r\n--b--"), 413),
        (post(LOGIN, FORM, b"a&" * 1_300_000), 413),
        (post(LOGIN, FORM, b"a&" * 8_000), 413),
        (post("/nope", FORM, b"x" * 5_000_000), 404),
        (post("/api/v2/nope", FORM, b"x" * 5_000_000), 403),
        (
            post(
                "/nope", FORM, zlib.compress(b"\0" * 100_000_000), "Content-Encoding: deflate\r\n"
            ),
            415,
        ),
        (
            b"POST /nope HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
            + b"1\r\nx\r\n" * 500_000
            + b"0\r\n\r\n",
            411,
        ),
        (b"\x16\x03\x01 nonsense\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 100_000 + b"\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * 100_000 + b"\r\n", 400),
    ],
    ids=[
        "empty parts, 9 MB",
        "empty parts, 12 KB",
        "headers of a part, 12 KB",
        "headers of a part, 2.4 MB",
        "fields, 2.6 MB",
        "fields, 16 KB",
        "5 MB to a 404",
        "5 MB to the API",
        "compressed body",
        "one-byte chunks",
        "not HTTP",
        "a long header",
        "many headers",
    ],
)
async def test_a_hostile_request_costs_next_to_nothing(
    face: Face, request_bytes: bytes, status: int, capfd: pytest.CaptureFixture[str]
) -> None:
    """It is refused, the refusal arrives, nothing of it is logged at length."""
    await send(face.url, GET)
    before = time.process_time()
    with suppress(ConnectionError):
        reply = await send(face.url, request_bytes)
        assert reply.startswith(b"HTTP/1.1 %d " % status), reply[:200]
        assert b"\r\nServer:" not in reply
    assert time.process_time() - before < CPU
    out, errors = capfd.readouterr()
    assert "Traceback" not in out + errors


async def test_a_refusal_of_a_large_upload_is_read(face: Face) -> None:
    """A Sonarr that uploads a .torrent with an old session has to see 403 to log in again."""
    body = (
        b'--b\r\nContent-Disposition: form-data; name="t"; filename="t"\r\n\r\n' + b"x" * 2_000_000
    )
    reply = await send(face.url, post("/api/v2/torrents/add", MULTIPART, body + b"\r\n--b--\r\n"))
    assert reply.startswith(b"HTTP/1.1 403 Forbidden")
    assert b"Connection: close" in reply


async def test_a_slow_body_is_cut_off(face: Face) -> None:
    """A login that never ends is 408 after ten seconds."""
    reader, writer = await opened(face.url)
    writer.write(post(LOGIN, FORM, b"x" * 100)[:-50])
    async with asyncio.timeout(20):
        reply = await reader.read()
    writer.close()
    assert reply.startswith(b"HTTP/1.1 408 ")


async def test_silent_connections_keep_nobody_out() -> None:
    """At the limit of an address the connection that was idle longest makes room."""
    async with served(ConnectionLimits(in_all=50, of_one=20)) as url, AsyncExitStack() as stack:
        readers = []
        for _ in range(60):
            reader, writer = await opened(url)
            stack.callback(writer.close)
            readers.append(reader)
        assert (await send(url, GET)).endswith(b"here")
        gone = [reader for reader in readers if reader.at_eof()]
        assert len(gone) >= 40


async def test_half_a_header_is_a_silent_connection() -> None:
    """It neither counts as busy nor lives longer than a silent one."""
    limits = ConnectionLimits(in_all=5, of_one=5)
    async with served(limits, idle_seconds=1.5) as url, AsyncExitStack() as stack:
        readers = []
        for _ in range(5):
            reader, writer = await opened(url)
            stack.callback(writer.close)
            writer.write(b"GET / HTTP/1.1\r\nHos")
            readers.append(reader)
        assert (await send(url, GET)).endswith(b"here")
        async with asyncio.timeout(5):
            assert [await reader.read() for reader in readers] == [b""] * 5


async def test_kept_connections_end_when_they_are_idle() -> None:
    """Also one that has been used."""
    async with served(ConnectionLimits(), idle_seconds=0.5) as url:
        reader, writer = await opened(url)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        async with asyncio.timeout(5):
            assert (await reader.read()).endswith(b"here")
        writer.close()


async def test_when_all_are_answering_a_new_one_is_refused_politely() -> None:
    """503, at once; and those that were there get their answers."""
    async with served(ConnectionLimits(in_all=3, of_one=3)) as url:
        request = b"GET /wait HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        waiting = [asyncio.ensure_future(send(url, request)) for _ in range(3)]  # noqa: TID251 - awaited below
        await asyncio.sleep(0.3)
        assert (await send(url, b"")).startswith(b"HTTP/1.1 503 ")
        assert all(reply.endswith(b"waited") for reply in await asyncio.gather(*waiting))
        assert (await send(url, GET)).endswith(b"here")


async def test_who_reads_nothing_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """A reply that nobody reads is not kept in memory for ever."""
    monkeypatch.setattr(http_server, "WRITE_SECONDS", 0.5)
    limits = ConnectionLimits()
    async with served(limits) as url:
        parts = urlsplit(url)
        with socket.create_connection((parts.hostname or "", parts.port or 0)) as client:
            client.sendall(b"GET /much HTTP/1.1\r\nHost: x\r\n\r\n")
            async with asyncio.timeout(30):
                while not limits._open:  # noqa: ASYNC110 - it has no event
                    await asyncio.sleep(0.01)
                while limits._open:  # noqa: ASYNC110 - same
                    await asyncio.sleep(0.01)
            client.settimeout(30)
            received = 0
            with suppress(ConnectionError):
                while chunk := await asyncio.to_thread(client.recv, 1_000_000):
                    received += len(chunk)
            assert received < 32_000_000


async def test_many_lists_of_labels_are_refused(face: Face) -> None:
    """300,000 tags held the database for 12 s; a thousand are enough for one request."""
    key = f"Authorization: Bearer {API_KEY}\r\n"
    tags = b"tags=" + b",".join(b"t%d" % number for number in range(300_000))
    for path, body in (
        ("/api/v2/torrents/createTags", tags),
        ("/api/v2/torrents/removeCategories", tags.replace(b"tags=", b"categories=").replace(b",", b"%0A")),
        ("/api/v2/torrents/add", b"urls=" + b"x%0A" * 1001),
    ):  # fmt: skip
        reply = await send(face.url, post(path, FORM, body, key))
        assert reply.startswith(b"HTTP/1.1 400 "), path
        assert b"at most 1000 in one request" in reply


def test_the_limit_of_open_files_is_raised() -> None:
    """As far as the system allows, and never below what the limit leaves room for."""
    allowed = http_server.connections_allowed()
    assert 16 <= allowed <= http_server.MAX_CONNECTIONS
    assert os.sysconf("SC_OPEN_MAX") >= allowed
