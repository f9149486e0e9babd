"""The simulator's clock, and the life of a torrent at TorBox from its add to its expiry.

The clock is real time, which can run faster and jump forward. Every stage follows from the time.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

import msgspec

from bridge.simulator.content import Content
from bridge.simulator.releases import Source
from bridge.simulator.scenario import Behaviour, Tricks


class Clock:
    """Unix time that runs at `speed` times the real pace. Call it for the time."""

    def __init__(self, *, speed: float = 1.0, real: Callable[[], float] = time.monotonic) -> None:
        self._real = real
        self._speed = speed
        self._since = real()
        self._base = time.time()

    def __call__(self) -> float:
        """Return the simulated time in unix seconds."""
        return self._base + (self._real() - self._since) * self._speed

    @property
    def speed(self) -> float:
        """Simulated seconds per real second."""
        return self._speed

    @speed.setter
    def speed(self, speed: float) -> None:
        self._base, self._since = self(), self._real()
        self._speed = speed

    def advance(self, seconds: float) -> None:
        """Jump `seconds` into the future at once."""
        self._base += seconds


def timestamp(at: float) -> str:
    """Return a date as TorBox writes it."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


INFINITE_ETA = 8_640_000
"""Seconds; qBittorrent's way to say never."""

SEED_FOREVER = 2
SEED_NEVER = 3


class Stage(StrEnum):
    """The stage an item is really in. `download_state` is only its text."""

    CACHING = "caching"
    """A cached item on its way to the account."""
    METADATA = "metadata"
    DOWNLOADING = "downloading"
    STORING = "storing"
    """Finished and not present."""
    SEEDING = "seeding"
    READY = "ready"
    EXPIRED = "expired"
    FAILED = "failed"


ACTIVE = frozenset({Stage.METADATA, Stage.DOWNLOADING, Stage.STORING, Stage.SEEDING})
"""The stages that hold a slot: seeding too."""
PRESENT = frozenset({Stage.SEEDING, Stage.READY})
FINISHED = PRESENT | {Stage.STORING, Stage.EXPIRED}


class Order(msgspec.Struct, frozen=True):
    """The parameters of a createtorrent."""

    source: Source
    magnet: str | None = None
    seed: int | None = None
    """1 auto, 2 seed, 3 do not; None: the account's default."""
    allow_zip: bool = True
    name: str | None = None
    as_queued: bool = False
    only_if_cached: bool = False


@dataclass(slots=True)
class Queued:
    """An entry of TorBox's queue. It has no size, progress or files."""

    id: int
    content: Content
    created_at: float
    order: Order


@dataclass(slots=True)
class Torrent:
    """An item of the account. Times are unix seconds, `since` is when its stage began."""

    id: int
    content: Content
    stage: Stage
    since: float
    created_at: float
    seed: int
    behaviour: Behaviour
    tricks: Tricks
    from_cache: bool = False
    allow_zip: bool = True
    magnet: str | None = None
    name: str | None = None
    cached_at: float | None = None
    link_failures: int = 0
    uploaded: float = 0.0
    """Bytes uploaded until `counted_at`."""
    counted_at: float = 0.0

    @property
    def hash(self) -> str:
        """The info-hash, lower case."""
        return self.content.hash

    @property
    def active(self) -> bool:
        """Whether the item holds a slot."""
        return self.stage in ACTIVE

    @property
    def present(self) -> bool:
        """Whether links to its files work."""
        return self.stage in PRESENT

    @property
    def finished(self) -> bool:
        """Whether TorBox has all pieces, in its storage or not."""
        return self.stage in FINISHED

    @property
    def stalled(self) -> bool:
        """Whether the download stopped half-way and will never continue."""
        return (
            self.stage is Stage.DOWNLOADING
            and self.tricks.stop_at is not None
            and (self.tricks.fail is None)
        )

    @property
    def due(self) -> float:
        """When the stage ends; infinity if it does not."""
        return self.since + self._lasts()

    def next_stage(self) -> Stage:
        """Return the stage that follows the current one."""
        match self.stage:
            case Stage.METADATA:
                return Stage.DOWNLOADING
            case Stage.DOWNLOADING:
                # TorBox copies a finished torrent to its storage before links to it work.
                return Stage.STORING if self.tricks.fail is None else Stage.FAILED
            # A cached item skips STORING, so it never seeds.
            case Stage.STORING if self.seed != SEED_NEVER:
                return Stage.SEEDING
            case Stage.STORING | Stage.SEEDING | Stage.CACHING:
                return Stage.READY
            case Stage.READY | Stage.EXPIRED | Stage.FAILED:
                return Stage.EXPIRED

    def progress(self, now: float) -> float:
        """Return the share that TorBox has, 0..1."""
        if self.tricks.progress is not None:
            return self.tricks.progress
        if self.finished:
            return 1.0
        limit = 1.0 if self.tricks.stop_at is None else self.tricks.stop_at
        if self.stage is Stage.FAILED:
            return limit if self.tricks.stop_at is not None else 0.0
        if self.stage is not Stage.DOWNLOADING:
            return 0.0
        return min(limit, (now - self.since) / max(self._download_seconds(), 1e-9))

    def speed(self, now: float) -> float:
        """Return the bytes per second that TorBox downloads now."""
        if self.stage is not Stage.DOWNLOADING or self._halted(now):
            return 0.0
        return self.content.size / max(self._download_seconds(), 1e-3)

    @property
    def upload_speed(self) -> float:
        """Bytes per second that TorBox uploads; only while it seeds."""
        if self.stage is not Stage.SEEDING:
            return 0.0
        tricks, behaviour = self.tricks, self.behaviour
        return _either(tricks.upload_bytes_per_second, behaviour.upload_bytes_per_second)

    def total_uploaded(self, now: float) -> float:
        """Return the bytes uploaded so far."""
        return self.uploaded + max(0.0, now - self.counted_at) * self.upload_speed

    def count_uploaded(self, now: float) -> None:
        """Record what was uploaded, because the speed is about to change."""
        self.uploaded, self.counted_at = self.total_uploaded(now), now

    def enter(self, stage: Stage, at: float) -> None:
        """Enter another stage."""
        self.count_uploaded(at)
        self.stage, self.since = stage, at

    def eta(self, now: float) -> int:
        """Return the seconds until finished, 8640000 if unknown."""
        if self.finished:
            return 0
        if self.stage is not Stage.DOWNLOADING or self._halted(now):
            return INFINITE_ETA
        return math.ceil(max(0.0, self.since + self._download_seconds() - now))

    def state(self, now: float) -> str:
        """Return the text for `download_state`."""
        if self.tricks.state is not None:
            return self.tricks.state
        match self.stage:
            case Stage.CACHING | Stage.DOWNLOADING:
                return "stalled (no seeds)" if self._halted(now) else "downloading"
            case Stage.METADATA:
                return "metaDL"
            case Stage.STORING:
                return self.behaviour.store_state
            case Stage.SEEDING:
                return "uploading" if self.upload_speed else "uploading (no peers)"
            case Stage.READY:
                return "cached"
            case Stage.EXPIRED:
                return "expired"
            case Stage.FAILED:
                return f"failed ({self.tricks.fail or 'Aborted'})"

    def _halted(self, now: float) -> bool:
        return self.stalled and self.progress(now) >= (self.tricks.stop_at or 0.0)

    def _download_seconds(self) -> float:
        if self.tricks.download_seconds is not None:
            return self.tricks.download_seconds
        return self.content.size / self.behaviour.download_bytes_per_second

    def _lasts(self) -> float:
        tricks, behaviour = self.tricks, self.behaviour
        match self.stage:
            case Stage.CACHING:
                return behaviour.cached_seconds
            case Stage.METADATA if not self.content.metadata:
                return math.inf
            case Stage.METADATA:
                return _either(tricks.metadata_seconds, behaviour.metadata_seconds)
            case Stage.DOWNLOADING:
                return self._downloading_lasts()
            case Stage.STORING:
                return _either(tricks.store_seconds, behaviour.store_seconds)
            case Stage.SEEDING:
                return math.inf if self.seed == SEED_FOREVER else behaviour.seed_seconds
            case Stage.READY:
                return _either(tricks.expire_seconds, behaviour.expire_seconds)
            case Stage.EXPIRED | Stage.FAILED:
                return math.inf

    def _downloading_lasts(self) -> float:
        if self.tricks.fail is not None:
            return self._download_seconds() * (self.tricks.stop_at or 0.0)
        return math.inf if self.tricks.stop_at is not None else self._download_seconds()


def _either(first: float | None, second: float) -> float:
    return second if first is None else first
