"""Counters of events since the start.

The composition root connects the methods: aiohttp's tracing counts calls to TorBox and to each
*arr, the state reports changed phases, the fetches report bytes. Only this module and `metrics`
know Prometheus.
"""

import re
from collections.abc import Mapping
from http import HTTPStatus

from prometheus_client import CollectorRegistry, Counter, Histogram, disable_created_metrics
from yarl import URL

from bridge.core.model import Phase

PREFIX = "torbox_bridge"
SECONDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Bounds of the histogram of TorBox's answer times."""

_COMPLETE = frozenset({Phase.DELIVERED, Phase.FINISHED})
_TORBOX_ROOT = "/v1/api/"
_ARR_ENDPOINT = re.compile(r"/api/v\d+/([a-z]+(?:/[a-z]+)*)")

# Without this the library adds a second series, the time of its first event, to each counter.
disable_created_metrics()  # type: ignore[no-untyped-call]


class Counters:
    """The counters of one bridge, in one registry of their own."""

    def __init__(self, registry: CollectorRegistry, arrs: Mapping[str, str] | None = None) -> None:
        """`arrs` maps the URL of each *arr in the settings to its name."""
        self._arrs = {url.rstrip("/"): name for url, name in (arrs or {}).items()}

        def counter(name: str, words: str, *labels: str) -> Counter:
            return Counter(f"{PREFIX}_{name}", words, labels, registry=registry)

        self._added = counter("added", "Downloads that clients added", "category")
        self._completed = counter("completed", "Downloads that were delivered", "category")
        self._failed = counter(
            "failed", "Downloads that failed, by reason code", "category", "reason"
        )
        self._retries = counter("retries", "Attempts that failed and are made again later")
        self._failovers = counter(
            "failovers", "Failed downloads that an *arr was told to blocklist", "arr"
        )
        self._bytes = counter("fetched_bytes", "Bytes fetched from TorBox's CDN by the bridge")
        self._calls = counter(
            "torbox_calls", "Calls to TorBox, by endpoint and outcome", "endpoint", "outcome"
        )
        self._seconds = Histogram(
            f"{PREFIX}_torbox_call_seconds", "Time until TorBox answered, by endpoint",
            ["endpoint"], registry=registry, buckets=SECONDS,
        )  # fmt: skip
        self._arr_calls = counter(
            "arr_calls", "Calls to the API of an *arr, by outcome", "arr", "endpoint", "outcome"
        )

    def phase_changed(
        self, category: str, before: Phase | None, after: Phase, reason: str | None
    ) -> None:
        """Count an add (`before` is None), a completion or a failure."""
        if before is None:
            self._added.labels(category).inc()
        if after in _COMPLETE and before not in _COMPLETE:
            self._completed.labels(category).inc()
        if after is Phase.FAILED and before is not Phase.FAILED:
            self._failed.labels(category, reason or "unknown").inc()

    def retried(self) -> None:
        """Count a failed attempt that is retried later."""
        self._retries.inc()

    def fetched(self, size: int) -> None:
        """Count bytes that arrived from TorBox's CDN."""
        self._bytes.inc(size)

    def called(
        self, method: str, url: URL, status: int | None, _error: str, seconds: float
    ) -> None:
        """Count a call to TorBox or an *arr; `status` is None without an answer."""
        outcome = "unreachable" if status is None else outcome_of(status)
        for base, name in self._arrs.items():
            if str(url).startswith(f"{base}/"):
                self._arr_called(name, method, url, outcome)
                return
        endpoint = torbox_endpoint(url.path)
        self._calls.labels(endpoint, outcome).inc()
        self._seconds.labels(endpoint).observe(seconds)

    def _arr_called(self, name: str, method: str, url: URL, outcome: str) -> None:
        found = _ARR_ENDPOINT.search(url.path)
        endpoint = found[1] if found else "other"
        self._arr_calls.labels(name, endpoint, outcome).inc()
        told = (method, endpoint) in {("DELETE", "queue"), ("POST", "history/failed")}
        if told and outcome == "ok":
            self._failovers.labels(name).inc()


def torbox_endpoint(path: str) -> str:
    """Return the endpoint of a path, without ids and queries: `torrents/mylist`, `user/me`."""
    _, _, below = path.rpartition(_TORBOX_ROOT)
    return "/".join(part for part in below.strip("/").split("/")[:2] if part)


def outcome_of(status: int) -> str:
    """Return the label of an HTTP status."""
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return "rate_limited"
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return "bad_key"
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return "server_error"
    return "refused" if status >= HTTPStatus.BAD_REQUEST else "ok"
