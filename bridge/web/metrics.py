"""GET /metrics: figures for Prometheus, read from memory when they are asked for."""

from collections import Counter
from collections.abc import Iterator

from aiohttp import web
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from bridge.auth import Access, authenticate
from bridge.core.model import Phase
from bridge.downloads import Downloads

PREFIX = "torbox_bridge"
REGISTRY = web.AppKey("metrics_registry", CollectorRegistry)
ACCESS = web.AppKey("metrics_access", Access)


class Figures(Collector):
    """What a scrape shows. Costs no TorBox call, no SQL, no disk."""

    def __init__(self, downloads: Downloads) -> None:
        self._downloads = downloads

    def collect(self) -> Iterator[Metric]:
        """Read everything afresh."""
        yield self._phases()
        yield self._speed()
        yield _gauge(
            "troubles", "What keeps the bridge from its work", len(self._downloads.troubles)
        )
        yield _gauge(
            "invariant_violations",
            "What does not hold of the downloads though it should at every moment",
            len(self._downloads.violations),
        )
        yield self._unknown_states()

    def _phases(self) -> Metric:
        counts = Counter(view.download.phase for view in self._downloads.all())
        gauge = GaugeMetricFamily(f"{PREFIX}_downloads", "Downloads by phase", labels=["phase"])
        for phase in Phase:
            gauge.add_metric([phase.value], counts[phase])
        return gauge

    def _speed(self) -> Metric:
        speed = sum(
            view.status.download_speed
            for view in self._downloads.all()
            if view.download.phase is Phase.DELIVERING
        )
        return _gauge("fetch_bytes_per_second", "Speed of all fetches together", speed)

    def _unknown_states(self) -> Metric:
        counter = CounterMetricFamily(
            f"{PREFIX}_unknown_states",
            "Times that TorBox showed a download_state which the bridge does not know",
            labels=["state"],
        )
        for state, count in self._downloads.unknown_states.items():
            counter.add_metric([state], count)
        return counter


def _gauge(name: str, words: str, value: float) -> Metric:
    return GaugeMetricFamily(f"{PREFIX}_{name}", words, value=value)


def registry(downloads: Downloads) -> CollectorRegistry:
    """Make the registry of one bridge; nothing is kept in the library's global one."""
    made = CollectorRegistry(auto_describe=False)
    made.register(Figures(downloads))
    return made


async def metrics(request: web.Request) -> web.Response:
    """Answer the figures to who may come in: a scraper brings the API key as its bearer token."""
    if authenticate(request, request.app[ACCESS]) is None:
        raise web.HTTPForbidden
    body = generate_latest(request.app[REGISTRY])
    return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})
