"""`debug` logs of HTTP calls, in and out: method, path, status and milliseconds.

Query strings, bodies and headers are left out: they hold passwords and tokens.
"""

import asyncio
import logging
from types import SimpleNamespace
from typing import Final

import aiohttp
import structlog
from aiohttp import web
from aiohttp.abc import AbstractAccessLogger

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


def outgoing_calls(*, paths: bool = True) -> aiohttp.TraceConfig:
    """Return a trace that logs each call of a client session.

    `paths=False` leaves out the path: a CDN link holds its token there.
    """
    trace = aiohttp.TraceConfig()

    async def start(
        _session: aiohttp.ClientSession,
        context: SimpleNamespace,
        _params: aiohttp.TraceRequestStartParams,
    ) -> None:
        context.began = asyncio.get_running_loop().time()

    async def end(
        _session: aiohttp.ClientSession,
        context: SimpleNamespace,
        params: aiohttp.TraceRequestEndParams,
    ) -> None:
        _log_out(context, params, paths=paths, status=params.response.status)

    async def failed(
        _session: aiohttp.ClientSession,
        context: SimpleNamespace,
        params: aiohttp.TraceRequestExceptionParams,
    ) -> None:
        _log_out(context, params, paths=paths, error=type(params.exception).__name__)

    trace.on_request_start.append(start)
    trace.on_request_end.append(end)
    trace.on_request_exception.append(failed)
    return trace


def _log_out(
    context: SimpleNamespace,
    params: aiohttp.TraceRequestEndParams | aiohttp.TraceRequestExceptionParams,
    *,
    paths: bool,
    **outcome: object,
) -> None:
    log.debug(
        "call_out",
        method=params.method,
        host=params.url.host,
        path=params.url.path[:MAX_PATH] if paths else "…",
        **outcome,
        ms=round((asyncio.get_running_loop().time() - context.began) * 1000, 1),
    )
