"""`debug` logs of HTTP calls, in and out: method, path, status and milliseconds.

Query strings, bodies and headers are left out: they hold passwords and tokens.
"""

import logging
from collections.abc import Callable
from time import perf_counter
from typing import Final, TypeAlias

import aiohttp
import structlog
from aiohttp import web
from aiohttp.abc import AbstractAccessLogger
from yarl import URL

log = structlog.get_logger(__name__)

MAX_PATH: Final = 200
INCOMING: Final = logging.getLogger("bridge.call_logs")
"""The logger that aiohttp asks whether to log at all; structlog writes the lines."""


class IncomingCalls(AbstractAccessLogger):
    """Logs each request that the bridge has answered. Pass it to aiohttp as access log class."""

    @property
    def enabled(self) -> bool:
        """Return whether the level lets the lines through; aiohttp times no request otherwise."""
        return self.logger.isEnabledFor(logging.DEBUG)

    def log(self, request: web.BaseRequest, response: web.StreamResponse, time: float) -> None:
        """Log one request; `time` is in seconds."""
        log.debug(
            "call_in",
            method=request.method,
            path=_path_in(request),
            status=response.status,
            ms=round(time * 1000, 1),
            client=request.remote,
        )


def _path_in(request: web.BaseRequest) -> str:
    """Return the path, without the token that a `.strm` address holds in it."""
    path = request.path
    token = request.match_info.get("token") if isinstance(request, web.Request) else None
    return (path.replace(token, "{token}") if token else path)[:MAX_PATH]


CallEnded: TypeAlias = Callable[[str, URL, int | None, str, float], None]
"""Takes the method, URL and status of a call (None without an answer), the name of the exception,
and the seconds that it took."""


def told_of_calls(*listeners: CallEnded) -> aiohttp.ClientMiddlewareType:
    """Return a middleware for a client session that tells the listeners of each call."""

    async def call(
        request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        began, status, error = perf_counter(), None, ""
        try:
            response = await send(request)
            status = response.status
        except BaseException as failure:
            error = type(failure).__name__
            raise
        finally:
            for listener in listeners:
                listener(request.method, request.url, status, error, perf_counter() - began)
        return response

    return call


def log_call(method: str, url: URL, status: int | None, error: str, seconds: float) -> None:
    """Log a call of a client session."""
    log.debug(
        "call_out",
        method=method,
        host=url.host,
        path=url.path[:MAX_PATH],
        **({"error": error} if status is None else {"status": status}),
        ms=round(seconds * 1000, 1),
    )
