"""The HTTP server, with limits on the cost of requests from anybody who reaches the port.

- Connections: limited in total and for each network. At a limit the longest idle connection is
  closed, else a connection that is sending a request; when all are being answered, the new one gets 503. So
  silent connections never keep anybody out.
- Time: a connection ends after a minute without a complete request, whether nothing came or half a
  header did. A client that reads nothing of its reply for a minute is disconnected.
- Bodies: only those with a Content-Length are read (411), and none is decompressed (415), as in
  qBittorrent. Handlers limit the length before they read (`qbittorrent.params`). Unread bytes
  are discarded without being parsed, so that the client can still read its refusal.
- Logs: malformed requests are one debug line each, and running out of file descriptors is one line
  a minute.
"""

import asyncio
import logging
import resource
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any, Final, cast

import structlog
from aiohttp import hdrs, web
from aiohttp.abc import AbstractAccessLogger
from aiohttp.http import HttpProcessingError
from aiohttp.web_log import AccessLogger

from bridge.auth import network_of

log = structlog.get_logger(__name__)

MAX_CONNECTIONS: Final = 512
MAX_CONNECTIONS_OF_ONE: Final = 128
"""For one IPv4 address or IPv6 /64. All clients behind a container's NAT may share an address."""
RESERVED_FILES: Final = 300
"""File descriptors for the database, downloads, TorBox, and a burst of accepts (asyncio takes up to
100 connections before any of them can be refused)."""
IDLE_SECONDS: Final = 60.0
WRITE_SECONDS: Final = 60.0
DISCARD_BYTES: Final = 8 * 1024 * 1024
DISCARD_SECONDS: Final = 5.0
DISCARD_SILENCE: Final = 0.2
READ_BYTES: Final = 64 * 1024
"""Bytes read from a socket at once: parsing 64 KiB of one-byte chunks takes 10 ms."""
HEAD_BYTES: Final = 4 * 1024
"""Bytes parsed at once before a handler has taken the request."""
HELD_BYTES: Final = 1024 * 1024
NAMES_KEPT: Final = 60.0

BUSY: Final = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\nContent-Length: 21\r\n"
    b"Retry-After: 5\r\nConnection: close\r\n\r\nToo many connections\n"
)
BAD_REQUEST: Final = (
    b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: 12\r\n"
    b"Connection: close\r\n\r\nBad Request\n"
)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class ConnectionLimits:
    """Open connections, counted by network. Closes an idle connection to make room for another."""

    def __init__(
        self, *, in_all: int = MAX_CONNECTIONS, of_one: int = MAX_CONNECTIONS_OF_ONE
    ) -> None:
        self._in_all = in_all
        self._of_one = of_one
        self._open: dict[Connection, None] = {}
        """Ordered by the time they became idle, longest ago first."""
        self._by_network: Counter[str] = Counter()
        self._refused = 0
        self._reported_at = 0.0

    def admit(self, connection: "Connection") -> bool:
        """Count a new connection; return False when it has to be refused."""
        network = connection.network
        if self._by_network[network] >= self._of_one and not self._make_room(network):
            return self._refuse(network)
        if len(self._open) >= self._in_all and not self._make_room(self._largest()):
            return self._refuse(network)
        self._open[connection] = None
        self._by_network[network] += 1
        return True

    def release(self, connection: "Connection") -> None:
        """Forget a connection that has ended."""
        if connection in self._open:
            del self._open[connection]
            self._by_network[connection.network] -= 1
            if not self._by_network[connection.network]:
                del self._by_network[connection.network]

    def idle(self, connection: "Connection") -> None:
        """Count a connection as idle from now on."""
        if connection in self._open:
            del self._open[connection]
            self._open[connection] = None

    def _largest(self) -> str:
        """Return the network with the most connections: an attacker loses connections first."""
        return max(self._by_network, key=lambda network: self._by_network[network])

    def _make_room(self, network: str) -> bool:
        """Close the longest idle connection of a network, else a connection that sends a request."""
        own = [connection for connection in self._open if connection.network == network]
        idle = (connection for connection in own if not connection.busy)
        receiving = (connection for connection in own if connection.receiving)
        found = next(idle, None) or next(receiving, None)
        if found is None:
            return False
        self.release(found)
        found.force_close()
        return True

    def _refuse(self, network: str) -> bool:
        self._refused += 1
        now = time.monotonic()
        if now - self._reported_at >= NAMES_KEPT or not self._reported_at:
            log.warning("connections_refused", latest=network, times=self._refused)
            self._reported_at, self._refused = now, 0
        return False


class Connection(web.RequestHandler):
    """A connection of a client."""

    __slots__ = (
        "_discarded",
        "_discarding",
        "_held",
        "_limits",
        "_received_at",
        "_request",
        "_stalled",
        "network",
    )

    def __init__(self, limits: ConnectionLimits, server: web.Server, **options: Any) -> None:
        super().__init__(server, **options)
        self.network = ""
        """The IPv4 address or IPv6 /64 of the client; connections are counted by it."""
        self._limits = limits
        self._request: web.Request | None = None
        self._held = bytearray()
        self._discarding = False
        self._discarded = 0
        self._received_at = 0.0
        self._stalled: asyncio.TimerHandle | None = None

    @property
    def busy(self) -> bool:
        """Return whether a request is being received or answered."""
        return self._request is not None

    @property
    def receiving(self) -> bool:
        """Return whether the body of a request has not arrived completely."""
        return self._request is not None and not self._request.content.is_eof()

    def begin(self, request: web.Request) -> None:
        """Mark the connection as busy with a request."""
        self._request = request

    def end(self) -> None:
        """Mark the connection as idle from now on."""
        self._request = None
        self._limits.idle(self)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Accept the connection, or refuse it without reading anything."""
        stream = cast(asyncio.Transport, transport)
        peer = stream.get_extra_info("peername")
        self.network = network_of(str(peer[0])) if isinstance(peer, tuple) and peer else ""
        if not self._limits.admit(self):
            stream.write(BUSY)
            stream.close()
            return
        if hasattr(stream, "max_size"):
            stream.max_size = READ_BYTES
        super().connection_made(transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Release the connection's place and its buffers."""
        self._limits.release(self)
        self._held.clear()
        self._stop_write_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Pass bytes on: piece by piece until a handler has taken the request, then as they come.

        A refusal may follow from the headers alone; the pieces after them are never parsed then.
        """
        if self._discarding:
            self._discarded += len(data)
            self._received_at = time.monotonic()
            return
        if self._held:
            self._held += data
        elif self.busy or len(data) <= HEAD_BYTES:
            super().data_received(data)
        else:
            self._held += data
            self._feed()

    def _feed(self) -> None:
        if self._discarding or not self._held:
            self._held.clear()
            return
        everything = self.busy or len(self._held) > HELD_BYTES
        piece = bytes(self._held) if everything else bytes(self._held[:HEAD_BYTES])
        del self._held[: len(piece)]
        super().data_received(piece)
        if self._held:
            asyncio.get_running_loop().call_soon(self._feed)

    async def discard(self, length: int | None) -> None:
        """Read and discard the rest of the request: `length` bytes, if known.

        Closing a socket with unread bytes resets it, and the client may lose the reply: a Sonarr
        that uploads a .torrent with an old session has to see the 403 to log in again.
        """
        self._discarded = len(self._held)
        self._held.clear()
        self._discarding = True
        self._received_at = time.monotonic()
        stream = self.transport
        if stream is None:
            return
        if not stream.is_reading():
            stream.resume_reading()
        most = DISCARD_BYTES if length is None else min(length, DISCARD_BYTES)
        deadline = time.monotonic() + DISCARD_SECONDS
        while self._discarded < most and not stream.is_closing():
            now = time.monotonic()
            silent = length is None and now - self._received_at > DISCARD_SILENCE
            if silent or now >= deadline:
                return
            await asyncio.sleep(DISCARD_SILENCE / 10)

    def pause_writing(self) -> None:
        """Start the timer for a client that does not read its reply."""
        super().pause_writing()
        if self._stalled is None:
            loop = asyncio.get_running_loop()
            self._stalled = loop.call_later(WRITE_SECONDS, self._abort)

    def resume_writing(self) -> None:
        """Stop the timer: the client reads."""
        super().resume_writing()
        self._stop_write_timer()

    def _stop_write_timer(self) -> None:
        """Stop the timer of `pause_writing`."""
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None

    def _abort(self) -> None:
        self._stalled = None
        stream = self.transport
        if stream is not None:
            stream.abort()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = HTTPStatus.INTERNAL_SERVER_ERROR,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer a malformed request briefly, without a traceback in the log.

        Raises:
            ConnectionError: the reply was written here; the connection ends.
        """
        if isinstance(exc, ConnectionError):
            raise exc
        if isinstance(exc, HttpProcessingError):
            log.debug("malformed_request", client=request.remote, why=type(exc).__name__)
            stream = self.transport
            if stream is not None and not stream.is_closing():
                stream.write(BAD_REQUEST)
            raise ConnectionResetError("a malformed request")
        return super().handle_error(request, status, exc, message)


class BoundedRunner(web.AppRunner):
    """An application runner whose connections are bounded."""

    __slots__ = ("_limits", "_options")

    def __init__(
        self,
        app: web.Application,
        *,
        limits: ConnectionLimits | None = None,
        idle_seconds: float = IDLE_SECONDS,
        shutdown_timeout: float = 60.0,
        access_log: logging.Logger | None = None,
        access_log_class: type[AbstractAccessLogger] = AccessLogger,
    ) -> None:
        super().__init__(app, access_log=access_log, shutdown_timeout=shutdown_timeout)
        self._limits = limits or ConnectionLimits(in_all=connections_allowed())
        self._options = {
            "access_log": access_log,
            "access_log_class": access_log_class,
            "keepalive_timeout": idle_seconds,
            "lingering_time": 0,
            "auto_decompress": False,
        }
        _quieten_accept()

    @property
    def server(self) -> web.Server | None:
        """Return the factory of each new connection's protocol; sites call it."""
        server = super().server
        if server is None:
            return None

        def connect() -> Connection:
            loop = asyncio.get_running_loop()
            return Connection(self._limits, server, loop=loop, **self._options)

        return cast(web.Server, connect)


@web.middleware
async def bound_request(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse bodies that cannot be bounded; discard the rest that the handler did not read."""
    connection = request.protocol
    if not isinstance(connection, Connection):
        return await handler(request)
    connection.begin(request)
    try:
        refusal = _refusal(request)
        response = await handler(request) if refusal is None else refusal
        if not request.content.is_eof():
            await _discard(request, connection, response)
    except web.HTTPException as error:
        if not request.content.is_eof():
            await _discard(request, connection, error)
        raise
    finally:
        connection.end()
    return response


def _refusal(request: web.Request) -> web.Response | None:
    if hdrs.TRANSFER_ENCODING in request.headers:
        # qBittorrent does not read chunked bodies either, and each byte of one may cost a chunk.
        return _plain(HTTPStatus.LENGTH_REQUIRED)
    if request.headers.get(hdrs.CONTENT_ENCODING, "identity").strip().lower() != "identity":
        return _plain(HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
    return None


def _plain(status: HTTPStatus) -> web.Response:
    return web.Response(status=status, text=status.phrase)


async def _discard(
    request: web.Request, connection: Connection, response: web.StreamResponse
) -> None:
    response.force_close()
    length = request.content_length
    await connection.discard(None if length is None else length - request.content.total_bytes)


def connections_allowed() -> int:
    """Return how many connections the limit of open files leaves room for; raises that limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 4 * (MAX_CONNECTIONS + RESERVED_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        raised = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        if raised > soft:
            resource.setrlimit(resource.RLIMIT_NOFILE, (raised, hard))
            soft = raised
    if soft == resource.RLIM_INFINITY:
        return MAX_CONNECTIONS
    return max(min(MAX_CONNECTIONS, soft - RESERVED_FILES), 16)


class _OncePerMinute(logging.Filter):
    """Lets asyncio log a failed accept only once a minute."""

    def __init__(self) -> None:
        super().__init__()
        self._at = -NAMES_KEPT

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether to log it. A hundred accepts fail at once when files run out."""
        if "socket.accept() out of system resource" not in record.getMessage():
            return True
        now = time.monotonic()
        if now - self._at < NAMES_KEPT:
            return False
        self._at = now
        record.exc_info = None
        return True


_ACCEPT_FILTER: Final = _OncePerMinute()


def _quieten_accept() -> None:
    logger = logging.getLogger("asyncio")
    if _ACCEPT_FILTER not in logger.filters:
        logger.addFilter(_ACCEPT_FILTER)
