"""Counters of events since the start, which `metrics_text` writes for Prometheus.

The composition root connects the methods: a middleware of aiohttp counts calls to TorBox and to
each *arr, the state reports changed phases, the fetches report bytes.
"""

import re
from bisect import bisect_left
from collections import Counter as Tally
from collections import defaultdict
from collections.abc import Mapping
from http import HTTPStatus

from yarl import URL

from bridge.core.model import Phase

COUNTED = {
    "added": ("Downloads that clients added", ("category",)),
    "completed": ("Downloads that were delivered", ("category",)),
    "failed": ("Downloads that failed, by reason code", ("category", "reason")),
    "retries": ("Attempts that failed and are made again later", ()),
    "failovers": ("Failed downloads that an *arr was told to blocklist", ("arr",)),
    "fetched_bytes": ("Bytes fetched from TorBox's CDN by the bridge", ()),
    "torbox_calls": ("Calls to TorBox, by endpoint and outcome", ("endpoint", "outcome")),
    "arr_calls": ("Calls to the API of an *arr, by outcome", ("arr", "endpoint", "outcome")),
}
"""What is counted: name, description and labels."""

SECONDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Bounds of the histogram of TorBox's answer times."""

_COMPLETE = frozenset({Phase.DELIVERED, Phase.FINISHED})
_TORBOX_ROOT = "/v1/api/"
_ARR_ENDPOINT = re.compile(r"/api/v\d+/([a-z]+(?:/[a-z]+)*)")


class AnswerTimes:
    """A histogram of the answer times of one endpoint."""

    def __init__(self) -> None:
        self.counts = [0] * (len(SECONDS) + 1)
        """How many took longer than the bound before, and at most the bound at this place."""
        self.total = 0.0
        """Seconds of all together."""

    def add(self, seconds: float) -> None:
        """Count one answer."""
        self.counts[bisect_left(SECONDS, seconds)] += 1
        self.total += seconds


class Counters:
    """The counters of one bridge."""

    def __init__(self, arrs: Mapping[str, str] | None = None) -> None:
        """`arrs` maps the URL of each *arr in the settings to its name."""
        self._arrs = {f"{url.rstrip('/')}/": name for url, name in (arrs or {}).items()}
        self.counts: dict[str, Tally[tuple[str, ...]]] = {name: Tally() for name in COUNTED}
        """Each counter of `COUNTED` by the values of its labels."""
        self.answer_times: defaultdict[str, AnswerTimes] = defaultdict(AnswerTimes)
        """TorBox's answer times by endpoint."""

    def phase_changed(
        self, category: str, before: Phase | None, after: Phase, reason: str | None
    ) -> None:
        """Count an add (`before` is None), a completion or a failure."""
        if before is None:
            self._count("added", category)
        if after in _COMPLETE and before not in _COMPLETE:
            self._count("completed", category)
        if after is Phase.FAILED and before is not Phase.FAILED:
            self._count("failed", category, reason or "unknown")

    def retried(self) -> None:
        """Count a failed attempt that is retried later."""
        self._count("retries")

    def fetched(self, size: int) -> None:
        """Count bytes that arrived from TorBox's CDN."""
        self._count("fetched_bytes", by=size)

    def called(
        self, method: str, url: URL, status: int | None, _error: str, seconds: float
    ) -> None:
        """Count a call to TorBox or an *arr; `status` is None without an answer."""
        outcome = "unreachable" if status is None else outcome_of(status)
        for base, name in self._arrs.items():
            if str(url).startswith(base):
                self._arr_called(name, method, url, outcome)
                return
        endpoint = torbox_endpoint(url.path)
        self._count("torbox_calls", endpoint, outcome)
        self.answer_times[endpoint].add(seconds)

    def _count(self, name: str, *labels: str, by: int = 1) -> None:
        self.counts[name][labels] += by

    def _arr_called(self, name: str, method: str, url: URL, outcome: str) -> None:
        found = _ARR_ENDPOINT.search(url.path)
        endpoint = found[1] if found else "other"
        self._count("arr_calls", name, endpoint, outcome)
        told = (method, endpoint) in {("DELETE", "queue"), ("POST", "history/failed")}
        if told and outcome == "ok":
            self._count("failovers", name)


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
