"""GET /metrics for Prometheus, read from memory at each scrape."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

import msgspec
from aiohttp import web

from bridge.auth import authenticate
from bridge.web.counters import Counters
from bridge.web.web_context import ACCESS, CONTEXT

LAG_SECONDS = 0.5
"""How often the lag of the event loop is measured."""


class Sources(msgspec.Struct, frozen=True, kw_only=True):
    """Sources of the metrics that are not about downloads. Each scrape calls them again."""

    counters: Counters

    calls_left: Callable[[], Mapping[str, int]] = dict
    """Calls that the rate budgets allow now, by class."""
    listed_at: Callable[[], float] = lambda: 0.0
    """When TorBox's list was last read, in unix seconds; 0 if never."""


class LagMeter:
    """Measures the lag of the event loop and keeps the worst since the last read."""

    def __init__(self) -> None:
        self._worst = 0.0
        self._timer: asyncio.TimerHandle | None = None

    @asynccontextmanager
    async def running(self, _app: web.Application) -> AsyncIterator[None]:
        """Measure while the server runs. An aiohttp cleanup context."""
        self._schedule()
        try:
            yield
        finally:
            if self._timer is not None:
                self._timer.cancel()

    def read(self) -> float:
        """Return the worst lag since the last call, in seconds, and reset it."""
        worst, self._worst = self._worst, 0.0
        return worst

    def _schedule(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(LAG_SECONDS, self._measure, loop.time() + LAG_SECONDS)

    def _measure(self, due: float) -> None:
        self._worst = max(self._worst, asyncio.get_running_loop().time() - due)
        self._schedule()


SOURCES = web.AppKey("metrics_sources", Sources)
LAG = web.AppKey("metrics_lag", LagMeter)


def add_metrics(app: web.Application, base: str, sources: Sources) -> None:
    """Add the route, and measure the lag of the event loop."""
    app[SOURCES], app[LAG] = sources, LagMeter()
    app.cleanup_ctx.append(app[LAG].running)
    app.router.add_get(f"{base}/metrics", metrics)


async def metrics(request: web.Request) -> web.Response:
    """Return the metrics to a logged-in client, or to a scraper with the API key as bearer token."""
    if authenticate(request, request.app[ACCESS]) is None:
        raise web.HTTPForbidden
    # Prometheus' library takes more than a megabyte, and most bridges are never scraped.
    from bridge.web.metrics_text import Figures, answer, count  # noqa: PLC0415

    downloads = request.app[CONTEXT].downloads
    free = await downloads.free_space()
    counts = await count(downloads)
    figures = Figures(downloads, counts, request.app[SOURCES], free, request.app[LAG].read())
    return answer(figures)
