"""All that a decision depends on."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf

from bridge.core.follow import Patience
from bridge.core.model import Claim, Download, Failover, Removal, Snapshot, Trace
from bridge.core.seeding import SeedPolicy

CREATES = 3
"""Creates in flight at one time."""

DELIVERIES = 8
"""Downloads delivered at one time; their files share the fetch slots."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CleaningRules:
    """When downloads are removed though no *arr asks for it, in seconds; None is never."""

    after_import: float | None = None
    """After the *arr was seen to have imported it."""
    after: float | None = None
    """After it was complete, imported or not."""
    dry_run: bool = False
    asks: bool = False
    """There is an *arr that can be asked what it has imported."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What the user's settings say for one category."""

    patience: Patience = field(default_factory=Patience)
    seed: SeedPolicy = SeedPolicy.AUTO
    cached_only: bool = False
    """Only what TorBox has cached is ever created."""
    adopt: bool = False
    """What is on the account already is looked for and taken over before anything is created."""
    cleaning: CleaningRules = field(default_factory=CleaningRules)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What is known at one moment. Times are unix seconds, pauses seconds."""

    now: float
    downloads: Collection[Download] = ()
    claims: Mapping[str, Sequence[Claim]] = field(default_factory=dict)
    """What further *arr asked for, by the hash of the download."""
    removals: Collection[Removal] = ()
    failovers: Collection[Failover] = ()
    """Those to be done, and those of the last hour."""
    failing_over: bool = False
    """An *arr is being told of a failed download."""
    failovers_per_hour: int = 10
    asking_import: bool = False
    """An *arr is being asked what it has imported."""
    imports_asked: Mapping[tuple[str, str], float] = field(default_factory=dict)
    """When it was last asked, by hash and category."""
    traces: Collection[Trace] = ()
    """Of downloads that are gone."""
    offset_seconds: float = 0.0
    """TorBox's clock minus ours."""
    snapshot: Snapshot = field(default_factory=Snapshot)
    busy: frozenset[str] = frozenset()
    """Hashes that something is being done for just now."""
    polling: bool = False
    checking: bool = False
    """TorBox is being asked what it has cached."""
    submitting: int = 0
    delivering: int = 0
    asked: Mapping[str, float] = field(default_factory=dict)
    """When each download was last asked for by id."""
    cached: Mapping[str, bool] = field(default_factory=dict)
    """What TorBox said lately of what it has cached."""
    polled_at: float = -inf
    poll_seconds: float = 5.0
    """Pause between two shared lists: grows as nothing moves."""
    idle_seconds: float = 60.0
    """The same while there is only seeding to watch."""
    brisk_seconds: float = 5.0
    """The same while the outcome of a create is unclear."""
    probe_at: float | None = None
    """TorBox gives no answer, or does not take the key: it is asked nothing before this time, and
    then by one poll alone. None while all is well.
    """
    creates: int = CREATES
    """Creates that may be in flight at one time."""
    create_at: float = 0.0
    """When the budget allows the next create of what TorBox has not cached."""
    cached_at: float = 0.0
    """The same of what it has cached."""
    scarce: bool = False
    """Few creates are left, or no slot is: worth to ask first what needs none."""
    slot_at: float = 0.0
    """No slot is free: nothing uncached is created before this time."""
    list_at: float = 0.0
    """When the budget allows the next list or look."""
    link_at: float = 0.0
    """When the budget allows the next link."""
    rules: Callable[[str], Rules] = lambda _category: Rules()
    limited: Callable[[Download], Download] = lambda download: download
    """Puts the global seed limits where a download has none of its own."""
