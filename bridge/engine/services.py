"""What the engine's workers share."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from random import random
from secrets import token_bytes

from bridge.arr import Arrs
from bridge.config import Settings
from bridge.core.claims import seen_by
from bridge.core.follow import Patience
from bridge.core.model import Download
from bridge.core.preferences import with_global_limits
from bridge.core.scene import CleaningRules, Rules
from bridge.core.seeding import SeedPolicy
from bridge.core.streams import KEY_BYTES
from bridge.delivery import Delivery, Modes, Throttles
from bridge.engine.ledger import Ledger
from bridge.engine.links import Links
from bridge.engine.refusals import Refusals
from bridge.torbox import ApiKey, TorBox


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How patient the engine is. All in seconds."""

    first: float = 5.0
    """The pause after a first failure; each further one is twice as long."""
    longest: float = 900.0
    slot: float = 30.0
    """All slots are taken: before anything is created again."""
    user: float = 60.0
    """The key is not taken: before another one is looked for."""
    plan: float = 900.0
    """The account's plan forbids a class of calls: before another of it is tried."""
    space: float = 60.0
    """The disk is full."""
    mount: float = 30.0
    """Between two looks for files that the user's mount does not show yet; shorter at first."""
    metadata: float = 8.0
    """Before TorBox is asked what is in a magnet of which it tells nothing by itself."""
    link: float = 3.0
    """How long an add may wait for a link to a .torrent; it goes on in the background."""
    lookup: float = 2.0
    """Before TorBox is asked for what a create made."""
    unclear: float = 10.0
    """A create went unanswered: for how long it is only looked for, not sent again."""
    promised: float = 120.0
    """TorBox said yes to a create without an id: the same."""
    told: float = 30.0
    """An *arr was told of a failure and did not answer: before it is asked what it knows."""

    def backoff(self, attempts: int, *, first: float | None = None) -> float:
        """Tell how long to wait after so many failures: doubling, with a tenth of jitter."""
        start = self.first if first is None else first
        pause = min(start * 2.0 ** min(attempts, 20), self.longest)
        return pause * (0.9 + 0.2 * random())  # noqa: S311 - jitter, not a secret

    def soon(self) -> float:
        """Tell how long to wait so that not all go at once."""
        return self.lookup * random()  # noqa: S311 - jitter, not a secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The ledger, TorBox, delivery, the settings and the clock."""

    ledger: Ledger
    torbox: TorBox
    deliveries: Modes
    settings: Settings
    clock: Callable[[], float]
    links: Links
    key: ApiKey
    arrs: Arrs = field(default_factory=Arrs)
    """The *arr whose own API may be used."""
    pace: Pace = field(default_factory=Pace)
    refusals: Refusals = field(default_factory=Refusals)
    throttles: Throttles = field(default_factory=Throttles)
    """What holds the fetches back: all of them, and those of single downloads."""
    stream_key: bytes = field(default_factory=partial(token_bytes, KEY_BYTES), repr=False)
    """Signs the tokens in `.strm` files."""

    def rules(self, category: str) -> Rules:
        """Tell what the settings say for a category."""
        policy = self.settings.policy_for(category)
        patience = Patience(
            stalled_after=policy.stalled_after,
            metadata_after=policy.metadata_after,
            stored_after=policy.stored_after,
            give_up_after=policy.give_up_after,
        )
        return Rules(
            patience=patience,
            seed=SeedPolicy(policy.seed),
            cached_only=policy.cached == "only",
            adopt=policy.adopt,
            cleaning=CleaningRules(
                after_import=policy.clean_up.after_import,
                after=policy.clean_up.after,
                dry_run=policy.clean_up.dry_run,
                asks=bool(self.arrs.of(category)),
            ),
        )

    def held(self, download: Download, note: str) -> Download:
        """Let it go on as soon as what holds up others too is over, and say what that is."""
        return replace(download, next_attempt_at=self.clock() + self.pace.soon(), note=note)

    def mode(self, download: Download) -> str:
        """Tell how a download is delivered: as was decided for it, or as the settings say now."""
        return download.delivery_mode or self.settings.delivery_mode(download.category)

    def delivery(self, download: Download) -> Delivery:
        """Find what delivers a download."""
        return self.deliveries.of(self.mode(download))

    def everyone(self, download: Download) -> dict[int, Download]:
        """Show a download as each who asked for it sees it, by the number of the claim; 0 first."""
        claims = self.ledger.claims(download.hash)
        return {0: download, **{claim.number: seen_by(claim, download) for claim in claims}}

    def limited(self, download: Download) -> Download:
        """Put the global seed limits where the download has none of its own."""
        return with_global_limits(download, self.ledger.preferences)

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
