"""Everything behind the simulator's HTTP server: account, key, faults, limits, log of the calls."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
from aiohttp import web

from bridge.simulator.faults import FaultBook, Subject
from bridge.simulator.file_links import FileLinks
from bridge.simulator.lifecycle import Clock
from bridge.simulator.releases import Catalogue
from bridge.simulator.remote_account import World
from bridge.simulator.scenario import RateLimits, Scenario

MINUTE = 60.0
HOUR = 3600.0
CREATE = "createtorrent"
UNCACHED = "createtorrent:uncached"


@dataclass(slots=True)
class _Window:
    start: float
    used: int = 0


class Usage(msgspec.Struct, frozen=True):
    """Whether a call is allowed, and the numbers for the headers."""

    allowed: bool
    limit: int
    remaining: int
    reset: float
    """Unix seconds."""
    rule: str

    def headers(self, now: float, *, float_reset: bool) -> dict[str, str]:
        """Return x-ratelimit-* and retry-after, which TorBox sends with every 200."""
        wait = max(0.0, self.reset - now)
        return {
            "x-ratelimit-limit": str(self.limit),
            "x-ratelimit-remaining": str(self.remaining),
            "x-ratelimit-reset": f"{self.reset:.6f}" if float_reset else str(int(self.reset)),
            "retry-after": str(int(wait) + 1),
        }


class RateLimiter:
    """Counts calls. Without `enforce` every call is allowed and none is counted."""

    def __init__(self, limits: RateLimits) -> None:
        self.limits = limits
        self._windows: dict[str, _Window] = {}

    def take(self, bucket: str, now: float) -> Usage:
        """Count one call in a bucket: an endpoint's name, or `UNCACHED`."""
        limit, seconds = self._rule(bucket)
        rule = f"{limit} per 1 {'hour' if seconds == HOUR else 'minute'}"
        if not self.limits.enforce:
            return Usage(True, limit, limit - 1, now + seconds, rule)
        window = self._windows.get(bucket)
        if window is None or now >= window.start + seconds:
            window = self._windows[bucket] = _Window(now)
        allowed = window.used < limit
        window.used += allowed
        return Usage(allowed, limit, limit - window.used, window.start + seconds, rule)

    def _rule(self, bucket: str) -> tuple[int, float]:
        if bucket == UNCACHED:
            return self.limits.uncached_per_hour, HOUR
        if bucket == CREATE:
            return self.limits.create_per_minute, MINUTE
        return self.limits.per_minute, MINUTE


class CallRecord(msgspec.Struct):
    """A request. `outcome` is the error code, `ok`, or `fault:<kind>`."""

    at: float
    endpoint: str
    method: str
    hash: str | None = None
    id: int | None = None
    operation: str | None = None
    range: str | None = None
    user_agent: str | None = None
    status: int | None = None
    outcome: str = "pending"
    fault: str | None = None
    bytes: int = 0
    """Body bytes sent, for the CDN."""


class CallLog:
    """The requests, oldest first."""

    def __init__(self) -> None:
        self._records: list[CallRecord] = []

    def __iter__(self) -> Iterator[CallRecord]:
        return iter(self._records)

    def __len__(self) -> int:
        return len(self._records)

    def add(self, record: CallRecord) -> None:
        """Append a request."""
        self._records.append(record)

    def to(self, endpoint: str) -> list[CallRecord]:
        """Return the requests to one endpoint."""
        return [record for record in self._records if record.endpoint == endpoint]

    def count(self, endpoint: str) -> int:
        """Return the number of requests to one endpoint."""
        return len(self.to(endpoint))

    def counts(self) -> dict[str, int]:
        """Return the number of requests by endpoint."""
        return dict(Counter(record.endpoint for record in self._records))

    def clear(self) -> None:
        """Forget them."""
        self._records.clear()


class StaleCopies:
    """The last answers by name, to be repeated while they count as fresh."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[float, Any]] = {}

    def get(self, name: str, now: float, max_age: float, make: Callable[[], Any]) -> Any:
        """Return the last answer if it is younger than `max_age` seconds, else a new one."""
        kept = self._kept.get(name)
        if kept is not None and now - kept[0] < max_age:
            return kept[1]
        fresh = make()
        self._kept[name] = (now, fresh)
        return fresh


class Backend:
    """An account, its API key, the faults in force, and the log of calls."""

    def __init__(self, scenario: Scenario, *, real: Callable[[], float] = time.monotonic) -> None:
        self.key = scenario.key
        self.keys_made = 0
        self.clock = Clock(speed=scenario.speed, real=real)
        self.world = World(
            self.clock,
            account=scenario.account,
            behaviour=scenario.behaviour,
            catalogue=Catalogue(scenario.contents),
        )
        self.faults = FaultBook(seed=scenario.seed)
        self.calls = CallLog()
        self.limiter = RateLimiter(scenario.limits)
        self.links = FileLinks(scenario.cdn, seed=scenario.seed)
        self.copies = StaleCopies()
        self._set_up(scenario)

    def note(self, request: web.Request, subject: Subject) -> CallRecord:
        """Log a request; the outcome is filled in later."""
        record = CallRecord(
            at=self.clock(),
            endpoint=subject.endpoint,
            method=request.method,
            hash=subject.hash,
            id=subject.id,
            operation=subject.operation,
            range=request.headers.get("Range"),
            user_agent=request.headers.get("User-Agent"),
        )
        self.calls.add(record)
        return record

    def rotate_key(self, key: str | None = None) -> str:
        """Replace the API key, which kills every link; return the new key."""
        self.keys_made += 1
        self.key = key or f"simulator-key-{self.keys_made}"
        self.links.kill()
        return self.key

    def _set_up(self, scenario: Scenario) -> None:
        for info_hash, tricks in scenario.tricks.items():
            self.world.change(info_hash, **msgspec.structs.asdict(tricks))
        for content in scenario.contents:
            if content.hash in scenario.items:
                self.world.put(content)
        for fault in scenario.faults:
            self.faults.put(fault)
