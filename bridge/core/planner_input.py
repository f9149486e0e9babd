"""Everything that the planner's decisions depend on, as data."""

from collections.abc import Collection, Mapping, Sequence
from heapq import nsmallest
from math import inf
from types import MappingProxyType

import msgspec

from bridge.core.model import (
    NOT_DELIVERED,
    Download,
    Entry,
    Grab,
    GrabPhase,
    Job,
    Recheck,
    Removal,
    RemovedDownload,
    Snapshot,
)
from bridge.core.patience import Patience
from bridge.core.seeding import SeedPolicy

MAX_CREATES = 3
"""Maximum number of creates in flight."""

MAX_DELIVERIES = 8
"""Maximum number of grabs delivered at the same time; their files share the fetch slots."""

MANY_JOBS = 100
"""Beyond, a plan is given only the next so many removals and rechecks."""


class CleanupRules(msgspec.Struct, frozen=True, kw_only=True):
    """When a grab is removed although its *arr did not ask for it, in seconds; None is never."""

    after_import: float | None = None
    """After its *arr was seen to have imported it."""
    after: float | None = None
    """After it was complete, imported or not."""
    dry_run: bool = False
    has_arr: bool = False
    """There is an *arr that can be asked what it has imported."""


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """The settings of one category."""

    patience: Patience = msgspec.field(default_factory=Patience)
    seed: SeedPolicy = SeedPolicy.AUTO
    cached_only: bool = False
    """Only torrents that TorBox has cached are created."""
    adopt: bool = False
    """Items that are already on the account are looked up and adopted before anything is created.
    """
    mode: str = "download"
    """How its grabs are delivered, unless that was decided earlier."""
    cleanup: CleanupRules = msgspec.field(default_factory=CleanupRules)


DEFAULT_RULES = Rules()


class LiveDownload(msgspec.Struct, frozen=True):
    """A download with unfinished work, and all its grabs, oldest first.

    The grabs' seed limits include the global limits.
    """

    download: Download
    grabs: tuple[Grab, ...]

    @property
    def pending(self) -> tuple[Grab, ...]:
        """The grabs that have no files yet."""
        return tuple(grab for grab in self.grabs if grab.phase in NOT_DELIVERED)

    @property
    def waiting(self) -> tuple[Grab, ...]:
        """The grabs that are still waiting for their files."""
        return tuple(grab for grab in self.grabs if grab.phase is GrabPhase.WAITING)


class PlannerInput(msgspec.Struct, frozen=True, kw_only=True):
    """The bridge's knowledge at one moment. Times are unix seconds, pauses are seconds."""

    now: float
    steady_since: float = 0.0
    """Since when the clock has gone on steadily. Before, it jumped or the machine was suspended."""
    live: Sequence[LiveDownload] = ()
    jobs: Collection[Job] = ()
    """Unfinished jobs, and the failover reports of the last hour."""
    removed: Collection[RemovedDownload] = ()
    """Recently removed downloads whose hashes were not added again."""
    snapshot: Snapshot = msgspec.field(default_factory=Snapshot)
    rules: Mapping[str, Rules] = MappingProxyType({})
    """By category; a missing category has the defaults."""

    busy_downloads: frozenset[int] = frozenset()
    """Downloads with a task in progress, by id."""
    busy_grabs: frozenset[int] = frozenset()
    busy_jobs: frozenset[int] = frozenset()
    busy_hashes: frozenset[str] = frozenset()
    """Info-hashes of everything that has a task in progress."""
    polling: bool = False
    checking_cached: bool = False
    """TorBox is being asked which hashes it has cached."""
    submitting: int = 0
    """Creates in flight, but for those that take long."""
    delivering: frozenset[int] = frozenset()
    """Grabs that are being delivered, by id."""
    refreshing: int = 0
    """Number of items that are being read by id."""
    asking_import: bool = False
    """An *arr is being asked what it has imported."""

    last_lookup_at: Mapping[int, float] = MappingProxyType({})
    """When each download was last asked for by id, by download id."""
    cached: Mapping[str, bool | None] = MappingProxyType({})
    """Recent cache checks by hash; None: TorBox was asked and did not answer."""
    polled_at: float = -inf
    active_seconds: float = 5.0
    """Pause between two lists while anything is followed (`torbox.poll_seconds.active`)."""
    idle_seconds: float = 60.0
    """The same while there is only seeding to watch."""
    poll_seconds: float = 5.0
    """The pause before the next list: longer than `active_seconds` after failures."""
    probe_at: float | None = None
    """TorBox does not answer, or rejects the key: it is not called before this time, and then only
    with one list. None while TorBox works.
    """
    max_creates: int = MAX_CREATES
    next_place_at: float = inf
    """When a create that takes long no longer counts among those in flight."""
    create_again_at: Mapping[str, float] = MappingProxyType({})
    """Before when a hash that was created often lately must not be created again."""
    next_create_at: float = 0.0
    """When the rate budget allows the next create of an uncached torrent."""
    next_cached_create_at: float = 0.0
    """When the rate budget allows the next create of a cached torrent."""
    creates_are_scarce: bool = False
    """Few creates are left, or no slot is free: it is worth finding cached torrents first."""
    slot_at: float = 0.0
    """No slot is free: no uncached torrent is created before this time."""
    list_at: float = 0.0
    """When the rate budget allows the next list or lookup."""
    link_at: float = 0.0
    """When the rate budget allows the next link."""

    offset_seconds: float = 0.0
    """TorBox's clock minus ours."""
    failovers_per_hour: int = 10
    cleanup_due: Sequence[Entry] = ()
    """Finished entries that are due for clean-up, or for a question to their *arr."""
    next_cleanup_at: float = inf
    """When the next finished entry is due."""

    def rules_of(self, grab: Grab) -> Rules:
        """Return the rules of a grab's category."""
        return self.rules.get(grab.category, DEFAULT_RULES)

    def mode_of(self, grab: Grab) -> str:
        """Return how a grab is delivered."""
        return grab.delivery_mode or self.rules_of(grab).mode


def jobs_to_plan(
    jobs: Sequence[Job], busy: Collection[int], *, met: Collection[str]
) -> Sequence[Job]:
    """Return the jobs, but of thousands of removals and rechecks only the next.

    After a command for everything, each plan would look at all of them several times. `busy` are
    the ids of jobs in progress, `met` the hashes that the plan is about besides; theirs are given.
    """
    if len(jobs) <= MANY_JOBS:
        return jobs
    others, alone = list[Job](), list[Job]()
    for job in jobs:
        many = isinstance(job.task, Removal | Recheck)
        waits = many and job.id not in busy and job.subject not in met
        (alone if waits else others).append(job)
    return (*others, *nsmallest(MANY_JOBS, alone, key=lambda job: job.next_attempt_at))
