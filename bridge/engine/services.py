"""What the engine's workers share."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from random import random

from bridge.config import Settings
from bridge.core.follow import Patience
from bridge.core.model import Download
from bridge.core.plan import Rules
from bridge.core.seeding import SeedPolicy
from bridge.delivery import Delivery
from bridge.engine.ledger import Ledger
from bridge.torbox import TorBox


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How patient the engine is. All in seconds."""

    first: float = 5.0
    """The pause after a first failure; each further one is twice as long."""
    longest: float = 900.0
    slot: float = 30.0
    """All slots are taken: before anything is created again."""
    user: float = 60.0
    """Something only the user can mend stands in the way."""
    space: float = 60.0
    """The disk is full."""
    lookup: float = 2.0
    """Before TorBox is asked for what a create made."""
    unclear: float = 10.0
    """A create went unanswered: for how long it is only looked for, not sent again."""
    promised: float = 120.0
    """TorBox said yes to a create without an id: the same."""

    def backoff(self, attempts: int) -> float:
        """Tell how long to wait after so many failures: doubling, with a tenth of jitter."""
        pause = min(self.first * 2.0 ** min(attempts, 20), self.longest)
        return pause * (0.9 + 0.2 * random())  # noqa: S311 - jitter, not a secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The ledger, TorBox, delivery, the settings and the clock."""

    ledger: Ledger
    torbox: TorBox
    delivery: Delivery
    settings: Settings
    clock: Callable[[], float]
    pace: Pace = field(default_factory=Pace)

    def rules(self, category: str) -> Rules:
        """Tell what the settings say for a category."""
        policy = self.settings.policy_for(category)
        patience = Patience(
            stalled_after=policy.stalled_after,
            metadata_after=policy.metadata_after,
            give_up_after=policy.give_up_after,
        )
        return Rules(patience=patience, seed=SeedPolicy(policy.seed))

    def later(self, download: Download, note: str, *, after: float | None = None) -> Download:
        """Try again later, and say what stands in the way.

        `after` in seconds; without it the pauses double from try to try, up to 15 minutes.
        """
        pause = self.pace.backoff(download.attempts) if after is None else after
        return replace(
            download,
            attempts=download.attempts + 1,
            next_attempt_at=self.clock() + pause,
            note=note,
        )
