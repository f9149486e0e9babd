"""GET /metrics for Prometheus, read from memory at each scrape.

`docs/metrics.md` lists every metric. Names and labels are public.
"""

import asyncio
import platform
import re
import time
from collections import Counter as Tally
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager

import msgspec
from aiohttp import web
from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from bridge import __version__
from bridge.auth import Access, authenticate
from bridge.core.model import BEFORE_READY, NOT_DELIVERED, Phase
from bridge.downloads import DownloadService, View
from bridge.web.counters import PREFIX

REGISTRY = web.AppKey("metrics_registry", CollectorRegistry)
DOWNLOADS = web.AppKey("metrics_downloads", DownloadService)
ACCESS = web.AppKey("metrics_access", Access)

LAG_SECONDS = 0.5
"""How often the lag of the event loop is measured."""


class Sources(msgspec.Struct, frozen=True, kw_only=True):
    """Sources of the metrics that are not about downloads. Each scrape calls them again."""

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


class Figures(Collector):
    """The gauges of a scrape. Costs no TorBox call, no SQL, no disk."""

    def __init__(self, downloads: DownloadService, sources: Sources, lag: LagMeter) -> None:
        self._downloads = downloads
        self._sources = sources
        self._lag = lag
        self.free_bytes = 0
        """Set by the handler before each scrape: `collect` must not wait for a disk."""

    def collect(self) -> Iterator[Metric]:
        """Yield every metric, read now."""
        now = time.time()
        views = tuple(self._downloads.queries.views.values())
        yield _build_info()
        yield self._phases()
        yield _by_category(views)
        yield _gauge("fetch_bytes_per_second", "Speed of all fetches together", _fetch_speed(views))
        yield _gauge(
            "oldest_wait_seconds",
            "Age of the oldest download that TorBox has not finished; 0 when there is none",
            _oldest_wait(views, now),
        )
        yield _gauge(
            "waiting_for_retry",
            "Downloads that wait for their next attempt after a failed one",
            sum(_waits_for_retry(view, now) for view in views),
        )
        yield _gauge(
            "torbox_active_items",
            "Downloads that TorBox works on or seeds; each holds a slot",
            sum(
                view.item is not None and view.item.active
                for view in self._downloads.queries.primaries.values()
            ),
        )
        yield _gauge("troubles", "Number of reasons why work waits", len(self._troubles))
        yield self._blocked()
        yield _gauge(
            "invariant_violations",
            "Checks of the bridge on its own data that fail; always 0",
            len(self._downloads.violations),
        )
        yield self._unknown_states()
        yield self._calls_left()
        listed_at = self._sources.listed_at()
        yield _gauge(
            "list_age_seconds",
            "Time since TorBox's whole list was last read; -1: never",
            now - listed_at if listed_at else -1,
        )
        yield _gauge("free_bytes", "Free space below paths.downloads", self.free_bytes)
        yield _gauge(
            "event_loop_lag_seconds",
            "By how much the event loop was late, the worst since the last scrape",
            self._lag.read(),
        )

    @property
    def _troubles(self) -> Sequence[str]:
        return self._downloads.troubles

    def _phases(self) -> Metric:
        primaries = self._downloads.queries.primaries.values()
        counts = Tally(view.phase for view in primaries)
        gauge = GaugeMetricFamily(f"{PREFIX}_downloads", "Downloads by phase", labels=["phase"])
        for phase in Phase:
            gauge.add_metric([phase.value], counts[phase])
        return gauge

    def _blocked(self) -> Metric:
        gauge = GaugeMetricFamily(
            f"{PREFIX}_blocked", "1 for each reason why work waits", labels=["reason"]
        )
        for reason in sorted({blocker_name(text) for text in self._troubles}):
            gauge.add_metric([reason], 1)
        return gauge

    def _unknown_states(self) -> Metric:
        counter = CounterMetricFamily(
            f"{PREFIX}_unknown_states",
            "Times that TorBox showed a download_state that the bridge does not know",
            labels=["state"],
        )
        for state, count in self._downloads.unknown_states.items():
            counter.add_metric([state], count)
        return counter

    def _calls_left(self) -> Metric:
        gauge = GaugeMetricFamily(
            f"{PREFIX}_torbox_calls_left",
            "Calls that TorBox's limits allow now, by class of call",
            labels=["class"],
        )
        for name, left in self._sources.calls_left().items():
            gauge.add_metric([name], left)
        return gauge


def blocker_name(text: str) -> str:
    """Return the name of a blocker, for a label: `TorBox, adds: why` is `torbox_adds`."""
    subject = text.partition(":")[0].lower()
    return re.sub(r"[^a-z0-9]+", "_", subject).strip("_") or "other"


def _build_info() -> Metric:
    gauge = GaugeMetricFamily(
        f"{PREFIX}_build_info", "1; the versions are in the labels", labels=["version", "python"]
    )
    gauge.add_metric([__version__, platform.python_version()], 1)
    return gauge


def _by_category(views: Sequence[View]) -> Metric:
    counts = Tally((view.grab.category, view.phase.value) for view in views)
    gauge = GaugeMetricFamily(
        f"{PREFIX}_downloads_by_category",
        "Downloads by category and phase; a shared download counts in each category",
        labels=["category", "phase"],
    )
    for (category, phase), count in sorted(counts.items()):
        gauge.add_metric([category, phase], count)
    return gauge


def _fetch_speed(views: Sequence[View]) -> int:
    return sum(view.status.download_speed for view in views if view.phase is Phase.DELIVERING)


def _oldest_wait(views: Sequence[View], now: float) -> float:
    waiting = (
        view.grab.added_at
        for view in views
        if view.grab.phase in NOT_DELIVERED and view.download.phase in BEFORE_READY
    )
    return max(0.0, now - min(waiting, default=now))


def _waits_for_retry(view: View, now: float) -> bool:
    tried = (view.download, view.grab)
    pending = view.grab.phase in NOT_DELIVERED and view.failure is None
    return pending and any(one.attempts > 0 and one.next_attempt_at > now for one in tried)


def _gauge(name: str, words: str, value: float) -> Metric:
    return GaugeMetricFamily(f"{PREFIX}_{name}", words, value=value)


FIGURES = web.AppKey("metrics_figures", Figures)


def add_metrics(
    app: web.Application,
    base: str,
    *,
    downloads: DownloadService,
    access: Access,
    registry: CollectorRegistry,
    sources: Sources,
) -> None:
    """Add the route, and the gauges to a registry that has the counters already."""
    lag = LagMeter()
    figures = Figures(downloads, sources, lag)
    registry.register(figures)
    ProcessCollector(registry=registry)
    app[REGISTRY], app[FIGURES] = registry, figures
    app[DOWNLOADS], app[ACCESS] = downloads, access
    app.cleanup_ctx.append(lag.running)
    app.router.add_get(f"{base}/metrics", metrics)


async def metrics(request: web.Request) -> web.Response:
    """Return the metrics to a logged-in client, or to a scraper with the API key as bearer token."""
    if authenticate(request, request.app[ACCESS]) is None:
        raise web.HTTPForbidden
    request.app[FIGURES].free_bytes = await request.app[DOWNLOADS].free_space()
    body = generate_latest(request.app[REGISTRY])
    return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})
