"""What the workers share: state, TorBox, delivery, the *arr, the settings and the clock."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from functools import partial
from secrets import token_bytes
from typing import Protocol

from bridge.arr import Arrs
from bridge.config import Settings
from bridge.core.model import Download, Entry, Grab, Job
from bridge.core.patience import Patience
from bridge.core.planner_input import CleanupRules, Rules
from bridge.core.preferences import with_global_limits
from bridge.core.seeding import SeedPolicy
from bridge.core.streams import KEY_BYTES
from bridge.delivery import Delivery, Modes, Throttles
from bridge.engine.link_books import LinkBooks
from bridge.engine.refusals import Refusals
from bridge.engine.retry_times import RetryTimes
from bridge.state import State
from bridge.torbox import ApiKey, TorBox


class GrabHolder(Protocol):
    """Keeps the engine away from a grab for a while."""

    def held(self, grab_id: int) -> AbstractAsyncContextManager[None]:
        """Stop what is being done for a grab, and begin nothing for it meanwhile."""


async def _unprobed(_link: str) -> bool:
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineContext:
    """Everything a worker needs. Built once, by `app`."""

    state: State
    torbox: TorBox
    deliveries: Modes
    settings: Settings
    clock: Callable[[], float]
    link_books: LinkBooks
    key: ApiKey
    arrs: Arrs = field(default_factory=Arrs)
    """The *arr whose own API may be used."""
    retry: RetryTimes = field(default_factory=RetryTimes)
    refusals: Refusals = field(default_factory=Refusals)
    throttles: Throttles = field(default_factory=Throttles)
    """The speed limits: of all fetches together, and of single grabs."""
    link_works: Callable[[str], Awaitable[bool]] = _unprobed
    """Asks the CDN for the first byte behind a link."""
    stream_key: bytes = field(default_factory=partial(token_bytes, KEY_BYTES), repr=False)
    """Signs the tokens in `.strm` files."""

    def rules(self, category: str) -> Rules:
        """Return what the settings say for a category, as the planner wants it."""
        policy = self.settings.policy_for(category)
        return Rules(
            patience=Patience(
                stalled_after=policy.stalled_after,
                metadata_after=policy.metadata_after,
                stored_after=policy.stored_after,
                give_up_after=policy.give_up_after,
            ),
            seed=SeedPolicy(policy.seed),
            cached_only=policy.cached == "only",
            adopt=policy.adopt,
            mode=self.settings.delivery_mode(category),
            cleanup=CleanupRules(
                after_import=policy.clean_up.after_import,
                after=policy.clean_up.after,
                dry_run=policy.clean_up.dry_run,
                has_arr=bool(self.arrs.of(category)),
            ),
        )

    def mode_of(self, grab: Grab) -> str:
        """Return how a grab is delivered: as was decided for it, or as the settings say now."""
        return grab.delivery_mode or self.settings.delivery_mode(grab.category)

    def delivery_of(self, grab: Grab) -> Delivery:
        """Return what delivers a grab."""
        return self.deliveries.of(self.mode_of(grab))

    def with_limits(self, grab: Grab) -> Grab:
        """Return the grab with the global seed limits where it has none of its own."""
        return with_global_limits(grab, self.state.preferences)

    def entry_with_limits(self, entry: Entry) -> Entry:
        """Return the entry with the global seed limits where its grab has none of its own."""
        return Entry(entry.download, self.with_limits(entry.grab))

    def download_later(
        self, download: Download, note: str, *, after: float | None = None
    ) -> Download:
        """Return the download with its next attempt put off, and why.

        `after` in seconds; without it the pauses double from attempt to attempt, up to 15 minutes.
        """
        return replace(
            download,
            attempts=download.attempts + 1,
            next_attempt_at=self._later(download.attempts, after),
            note=note,
        )

    def grab_later(self, grab: Grab, note: str, *, after: float | None = None) -> Grab:
        """Return the grab with its next attempt put off, and why; see `download_later`."""
        return replace(
            grab,
            attempts=grab.attempts + 1,
            next_attempt_at=self._later(grab.attempts, after),
            note=note,
        )

    def job_later(self, job: Job, *, after: float | None = None) -> Job:
        """Return the job with its next attempt put off; see `download_later`."""
        return replace(
            job, attempts=job.attempts + 1, next_attempt_at=self._later(job.attempts, after)
        )

    def _later(self, attempts: int, after: float | None) -> float:
        return self.clock() + (self.retry.backoff(attempts) if after is None else after)
