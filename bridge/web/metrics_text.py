"""What a scrape of /metrics returns, in Prometheus' format.

`docs/metrics.md` lists every metric. Names and labels are public.
"""

import asyncio
import platform
import re
import time
from collections import Counter as Tally
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Any

from aiohttp import web
from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from bridge import __version__
from bridge.core.change_log import batched
from bridge.core.model import BEFORE_READY, NOT_DELIVERED, Phase
from bridge.downloads import DownloadService, View
from bridge.web.counters import COUNTED, SECONDS, AnswerTimes, Counters
from bridge.web.metrics import Sources

PREFIX = "torbox_bridge"
BATCH = 1000


def answer(figures: "Figures") -> web.Response:
    """Return these figures, and those of the process."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(figures)
    ProcessCollector(registry=registry)
    return web.Response(
        body=generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST}
    )


class Tallies:
    """Counts of all downloads."""

    def __init__(self) -> None:
        self.by_phase: Tally[Phase] = Tally()
        """Each hash counts once."""
        self.active_items = 0
        self.by_category: Tally[tuple[str, Phase]] = Tally()
        self.undelivered: list[View] = []


async def count(downloads: DownloadService) -> Tallies:
    """Count all downloads, a thousand at a time: others have their turn in between."""
    await downloads.queries.prepare()
    counts = Tallies()
    for views in batched(downloads.queries.views.values(), BATCH):
        counts.by_category.update((view.grab.category, view.phase) for view in views)
        counts.undelivered += (view for view in views if view.grab.phase in NOT_DELIVERED)
        await asyncio.sleep(0)
    for views in batched(downloads.queries.primaries.values(), BATCH):
        counts.by_phase.update(view.phase for view in views)
        counts.active_items += sum(view.item is not None and view.item.active for view in views)
        await asyncio.sleep(0)
    return counts


class Figures(Collector):
    """The figures of one scrape. Costs no TorBox call, no SQL, no disk."""

    def __init__(
        self,
        downloads: DownloadService,
        counts: Tallies,
        sources: Sources,
        free_bytes: int,
        lag: float,
    ) -> None:
        self._downloads = downloads
        self._counts = counts
        self._sources = sources
        self._free_bytes = free_bytes
        self._lag = lag

    def collect(self) -> Iterator[Metric]:
        """Yield every metric but those of the process, read now."""
        yield from of_counters(self._sources.counters)
        now, undelivered = time.time(), self._counts.undelivered
        yield _labelled(
            "build_info",
            "1; the versions are in the labels",
            ("version", "python"),
            {(__version__, platform.python_version()): 1},
        )
        by_phase = {(phase.value,): self._counts.by_phase[phase] for phase in Phase}
        yield _labelled("downloads", "Downloads by phase", ("phase",), by_phase)
        yield _labelled(
            "downloads_by_category",
            "Downloads by category and phase; a shared download counts in each category",
            ("category", "phase"),
            {
                (category, phase.value): number
                for (category, phase), number in self._counts.by_category.items()
            },
        )
        yield _gauge(
            "fetch_bytes_per_second",
            "Speed of all fetches together",
            sum(
                view.status.download_speed for view in undelivered if view.phase is Phase.DELIVERING
            ),
        )
        yield _gauge(
            "oldest_wait_seconds",
            "Age of the oldest download that TorBox has not finished; 0 when there is none",
            _oldest_wait(undelivered, now),
        )
        yield _gauge(
            "waiting_for_retry",
            "Downloads that wait for their next attempt after a failed one",
            sum(_waits_for_retry(view, now) for view in undelivered),
        )
        yield _gauge(
            "torbox_active_items",
            "Downloads that TorBox works on or seeds; each holds a slot",
            self._counts.active_items,
        )
        troubles = self._downloads.troubles
        yield _gauge("troubles", "Number of reasons why work waits", len(troubles))
        yield _labelled(
            "blocked",
            "1 for each reason why work waits",
            ("reason",),
            {(blocker_name(text),): 1 for text in troubles},
        )
        yield _gauge(
            "invariant_violations",
            "Checks of the bridge on its own data that fail; always 0",
            len(self._downloads.violations),
        )
        yield _labelled(
            "unknown_states",
            "Times that TorBox showed a download_state that the bridge does not know",
            ("state",),
            {(state,): count for state, count in self._downloads.unknown_states.items()},
            kind=CounterMetricFamily,
        )
        yield _labelled(
            "torbox_calls_left",
            "Calls that TorBox's limits allow now, by class of call",
            ("class",),
            {(name,): left for name, left in self._sources.calls_left().items()},
        )
        listed_at = self._sources.listed_at()
        yield _gauge(
            "list_age_seconds",
            "Time since TorBox's whole list was last read; -1: never",
            now - listed_at if listed_at else -1,
        )
        yield _gauge("free_bytes", "Free space below paths.downloads", self._free_bytes)
        yield _gauge(
            "event_loop_lag_seconds",
            "By how much the event loop was late, the worst since the last scrape",
            self._lag,
        )


def blocker_name(text: str) -> str:
    """Return the name of a blocker, for a label: `TorBox, adds: why` is `torbox_adds`."""
    subject = text.partition(":")[0].lower()
    return re.sub(r"[^a-z0-9]+", "_", subject).strip("_") or "other"


def _labelled(
    name: str,
    words: str,
    labels: tuple[str, ...],
    values: Mapping[Any, float],
    kind: type[GaugeMetricFamily | CounterMetricFamily] = GaugeMetricFamily,
) -> Metric:
    """Return a metric with labels. The keys of `values` are the values of the labels."""
    family = kind(f"{PREFIX}_{name}", words, labels=labels)
    for key, value in sorted(values.items()):
        family.add_metric(key, value)
    return family


def _oldest_wait(views: Sequence[View], now: float) -> float:
    waiting = (view.grab.added_at for view in views if view.download.phase in BEFORE_READY)
    return max(0.0, now - min(waiting, default=now))


def _waits_for_retry(view: View, now: float) -> bool:
    tried = (view.download, view.grab)
    return view.failure is None and any(
        one.attempts > 0 and one.next_attempt_at > now for one in tried
    )


def _gauge(name: str, words: str, value: float) -> Metric:
    return GaugeMetricFamily(f"{PREFIX}_{name}", words, value=value)


def of_counters(counters: Counters) -> Iterator[Metric]:
    """Yield each counter, and the histogram of TorBox's answer times."""
    for name, (words, labels) in COUNTED.items():
        counts = counters.counts[name] if labels else {(): counters.counts[name].total()}
        yield _labelled(name, words, labels, counts, kind=CounterMetricFamily)
    times = HistogramMetricFamily(
        f"{PREFIX}_torbox_call_seconds", "Time until TorBox answered, by endpoint",
        labels=("endpoint",),
    )  # fmt: skip
    for endpoint, measured in counters.answer_times.items():
        times.add_metric((endpoint,), _buckets(measured), measured.total)
    yield times


def _buckets(times: AnswerTimes) -> list[tuple[str, float]]:
    """Return how many took at most each bound: Prometheus wants the sums."""
    bounds = [*map(str, SECONDS), "+Inf"]
    return list(zip(bounds, accumulate(times.counts), strict=True))
