"""A scenario: the account, how TorBox behaves, what it has and what goes wrong, in one file."""

from contextlib import suppress
from pathlib import Path
from typing import Literal

import msgspec
import yaml

from bridge.simulator.content import Content, Shape
from bridge.simulator.faults import Fault

GIB = 1 << 30
DAY = 86_400.0

Hidden = Literal["list", "id", "both"]


class PlanLimits(msgspec.Struct, frozen=True):
    """The limits of a plan."""

    slots: int
    max_bytes: int


PLANS = {
    0: PlanLimits(slots=1, max_bytes=10 * GIB),
    1: PlanLimits(slots=3, max_bytes=200 * GIB),
    2: PlanLimits(slots=10, max_bytes=500 * GIB),
    3: PlanLimits(slots=5, max_bytes=200 * GIB),
}
"""By TorBox's plan id: Free, Essential, Pro, Standard."""

FREE = 0


class SimulatedAccount(msgspec.Struct, forbid_unknown_fields=True):
    """The user's account and plan."""

    plan: int = 2
    slots: int | None = None
    """Active slots; None: the plan's."""
    additional_slots: int = 0
    seed: int = 1
    """The user's default for `seed`: 1 auto, 2 seed, 3 do not."""
    monthly_limit: int | None = None
    monthly_used: int = 0
    cooldown_until: float | None = None
    """Unix seconds until which adds are refused."""
    expires_at: float = 4070908800.0
    """Unix seconds at which the plan ends: 1 January 2099. The free plan has no such time."""

    def __post_init__(self) -> None:
        if self.plan not in PLANS:
            raise ValueError("plan must be 0, 1, 2 or 3")

    @property
    def all_slots(self) -> int:
        """The number of active items that the account may have."""
        base = PLANS[self.plan].slots if self.slots is None else self.slots
        return base + self.additional_slots

    def seed_of(self, asked: int | None) -> int:
        """Return the `seed` of a request, or the user's default."""
        return self.seed if asked is None else asked


class Behaviour(msgspec.Struct, forbid_unknown_fields=True):
    """Durations in simulated seconds, and which of TorBox's known variants to use."""

    download_bytes_per_second: float = 25_000_000.0
    """How fast TorBox gets an uncached torrent."""
    metadata_seconds: float = 1.0
    cached_seconds: float = 0.0
    """How long a cached item takes to be ready."""
    store_seconds: float = 1.0
    """The window in which an item is finished and not present."""
    seed_seconds: float = 600.0
    """How long `seed=1` seeds; `seed=2` goes on until stop_seeding."""
    upload_bytes_per_second: float = 100_000.0
    """How fast an item uploads while it seeds."""
    expire_seconds: float = 30 * DAY
    list_stale_seconds: float = 120.0
    """How old an answer of mylist and getqueued may be unless bypass_cache is exactly "true"."""
    list_lag_seconds: float = 0.0
    """For how long a new item is missing from the list, whatever bypass_cache says; its id works."""
    promotion_gap_seconds: float = 0.5
    """How long a promoted item is in neither list."""
    promote: bool = True
    """False: the queue stands still."""
    as_queued: Literal["when_full", "always"] = "when_full"
    """Effect of as_queued=true: queue only if no slot is free, or always."""
    when_full: Literal["refuse", "refuse_200", "queue"] = "refuse"
    """An add without a slot and without as_queued: ACTIVE_LIMIT as 400 or 200, or queued."""
    queued_reply: Literal["id", "empty", "refusal"] = "id"
    """The answer to a queued create: queued_id, success without data, or success:false."""
    duplicate: Literal["existing", "refuse", "already"] = "existing"
    """An add of a hash that is there: its id again, DUPLICATE_ITEM, or only a sentence that says so."""
    missing_id: Literal["not_found", "not_owner", "database_error"] = "not_found"
    """How control and links answer for an id that is gone."""
    nothing_cached: Literal["empty", "null"] = "empty"
    """checkcached's data when nothing is cached."""
    single_file: Shape = "folder"
    collide_ids: bool = False
    """Queue ids and torrent ids count from the same number."""
    allow_private: bool = True
    cached_only_plan: bool = False
    """An uncached add is refused with PLAN_RESTRICTED_FEATURE."""
    link_failures: int = 0
    """How many requestdl calls for each new item answer DATABASE_ERROR."""


class Tricks(msgspec.Struct, forbid_unknown_fields=True):
    """The oddities of one item, by hash, so that they can be set before the item exists."""

    state: str | None = None
    """Shown as download_state, whatever the item really does."""
    progress: float | None = None
    """Shown as progress."""
    name: str | None = None
    """Shown as name."""
    stop_at: float | None = None
    """The share (0..1) at which the download stands still, as "stalled (no seeds)"."""
    fail: str | None = None
    """At `stop_at` (or at once) the item fails as "failed (<this>)" and frees its slot."""
    metadata_seconds: float | None = None
    download_seconds: float | None = None
    store_seconds: float | None = None
    expire_seconds: float | None = None
    upload_bytes_per_second: float | None = None
    """While it seeds; 0 is nobody to upload to. What was uploaded before stays counted."""
    no_files: bool = False
    """`files` stays null."""
    link_failures: int | None = None
    """How many requestdl calls answer DATABASE_ERROR; counts down."""
    hidden: Hidden | None = None
    """Missing in the list, by id, or both, although the item exists."""
    upper_hash: bool = False
    """The hash is reported in upper case."""
    infected: bool = False
    """All files are reported as infected."""


class RateLimits(msgspec.Struct, forbid_unknown_fields=True):
    """Rate limits. Off unless `enforce`."""

    enforce: bool = False
    per_minute: int = 300
    """For each endpoint."""
    uncached_per_hour: int = 60
    shape: Literal["json", "text"] = "json"


class Cdn(msgspec.Struct, forbid_unknown_fields=True):
    """The CDN."""

    bytes_per_second: float | None = None
    """For each connection; None: as fast as it goes."""
    latency_seconds: float = 0.0
    """Real seconds before the first byte."""


DEFAULT_KEY = "simulator-key"


class ScenarioError(ValueError):
    """The file cannot be read or is no scenario; the text says where."""


class Scenario(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Everything has a default: an empty scenario is an ordinary Pro account."""

    key: str = DEFAULT_KEY
    speed: float = 1.0
    """Simulated seconds per real second."""
    seed: int = 0
    """Of probabilities and link tokens."""
    account: SimulatedAccount = msgspec.field(default_factory=SimulatedAccount)
    behaviour: Behaviour = msgspec.field(default_factory=Behaviour)
    limits: RateLimits = msgspec.field(default_factory=RateLimits)
    cdn: Cdn = msgspec.field(default_factory=Cdn)
    contents: list[Content] = msgspec.field(default_factory=list)
    items: list[str] = msgspec.field(default_factory=list)
    """Hashes among `contents` that are on the account from the start."""
    tricks: dict[str, Tricks] = msgspec.field(default_factory=dict)
    """By hash."""
    faults: list[Fault] = msgspec.field(default_factory=list)

    def __post_init__(self) -> None:
        known = {content.hash for content in self.contents}
        if unknown := [info_hash for info_hash in self.items if info_hash not in known]:
            raise ValueError(f"items names {unknown[0]}, which contents does not have")


def load(path: Path) -> Scenario:
    """Read a scenario file, YAML or JSON.

    Raises:
        ScenarioError: it cannot be read, or holds something else than a scenario.
    """
    try:
        text = path.read_text(encoding="utf-8")
        return msgspec.convert(_parsed(text, json=path.suffix.lower() == ".json") or {}, Scenario)
    except (OSError, UnicodeDecodeError, yaml.YAMLError, msgspec.MsgspecError) as error:
        raise ScenarioError(f"{path}: {error}") from error


def _parsed(text: str, *, json: bool) -> object:
    """Return what a file holds. JSON is read as JSON, as YAML is not quite its superset.

    JSON escapes an emoji as two surrogates, which YAML takes for two characters that no text may hold.
    """
    if text.lstrip().startswith("{"):
        with suppress(msgspec.DecodeError):
            return msgspec.json.decode(text)
    return msgspec.json.decode(text) if json and text.strip() else yaml.safe_load(text)
