"""`debug` logs of HTTP calls, in and out: method, path, status and milliseconds.

Query strings, bodies and headers are left out: they hold passwords and tokens.
"""

import logging
from collections.abc import Callable
from time import perf_counter
from types import SimpleNamespace
from typing import Final, TypeAlias

import aiohttp
import structlog
from aiohttp import web
from aiohttp.abc import AbstractAccessLogger
from yarl import URL

log = structlog.get_logger()

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


def trace_calls(*listeners: CallEnded) -> aiohttp.TraceConfig:
    """Return a trace that tells the listeners of each call of a client session."""
    trace = aiohttp.TraceConfig()

    async def start(
        _session: aiohttp.ClientSession,
        context: SimpleNamespace,
        _params: aiohttp.TraceRequestStartParams,
    ) -> None:
        context.began = perf_counter()

    async def end(
        _session: aiohttp.ClientSession,
        context: SimpleNamespace,
        params: aiohttp.TraceRequestEndParams | aiohttp.TraceRequestExceptionParams,
    ) -> None:
        status, error = None, ""
        if isinstance(params, aiohttp.TraceRequestEndParams):
            status = params.response.status
        else:
            error = type(params.exception).__name__
        for listener in listeners:
            listener(params.method, params.url, status, error, perf_counter() - context.began)

    trace.on_request_start.append(start)
    trace.on_request_end.append(end)
    trace.on_request_exception.append(end)
    return trace


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
