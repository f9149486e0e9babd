"""The workers' shared objects: state, TorBox, delivery, the *arr, the settings and the clock."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from functools import partial
from secrets import token_bytes
from typing import Protocol, TypeVar

import msgspec
from msgspec.structs import replace

from bridge.arr import Arrs
from bridge.config import Settings
from bridge.core.model import Download, Grab, Job
from bridge.core.patience import Patience
from bridge.core.planner_input import CleanupRules, Rules
from bridge.core.preferences import with_global_limits
from bridge.core.seeding import SeedPolicy
from bridge.core.streams import KEY_BYTES
from bridge.delivery import Delivery, Modes, Throttles
from bridge.engine.retry_times import CreatePauses, RetryTimes
from bridge.engine.torbox_memory import LinkBooks, Refusals
from bridge.state import State
from bridge.torbox import ApiKey, TorBox

Row = TypeVar("Row", Download, Grab, Job)


class GrabHolder(Protocol):
    """Keeps the engine from working on a grab."""

    def held(self, grab_id: int) -> AbstractAsyncContextManager[None]:
        """Cancel the work for a grab, and start none inside the context."""


async def _unprobed(_link: str) -> bool:
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineContext:
    """Everything that a worker needs. Built once, by `app`."""

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
    create_pauses: CreatePauses = field(default_factory=CreatePauses)
    throttles: Throttles = field(default_factory=Throttles)
    """The speed limits: the global limit, and those of single grabs."""
    link_works: Callable[[str], Awaitable[bool]] = _unprobed
    """Asks the CDN for the first byte of a link."""
    stream_key: bytes = field(default_factory=partial(token_bytes, KEY_BYTES), repr=False)
    """Signs the tokens in `.strm` files."""

    def rules(self, category: str) -> Rules:
        """Return the settings of a category in the planner's form."""
        policy = self.settings.policy_for(category)
        return Rules(
            patience=msgspec.convert(policy, Patience, from_attributes=True),
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
        """Return the mode in which a grab was planned, or the mode in the settings before that."""
        return grab.delivery_mode or self.settings.delivery_mode(grab.category)

    def delivery_of(self, grab: Grab) -> Delivery:
        """Return the delivery of a grab's mode."""
        return self.deliveries.of(self.mode_of(grab))

    def with_limits(self, grab: Grab) -> Grab:
        """Return the grab with the global seed limits wherever it has none of its own."""
        return with_global_limits(grab, self.state.preferences)

    def later(self, row: Row, *, after: float | None = None, **changes: object) -> Row:
        """Return a download, grab or job with its next attempt postponed, and with these changes.

        `after` is in seconds. Without it the pauses double from attempt to attempt, up to 15
        minutes.
        """
        pause = self.retry.backoff(row.attempts) if after is None else after
        return replace(
            row, attempts=row.attempts + 1, next_attempt_at=self.clock() + pause, **changes
        )
