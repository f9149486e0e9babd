"""What holds up more than one download at a time, and until when.

| gate | shut by | opens |
| --- | --- | --- |
| TorBox as a whole | no answer; a key that it does not take | when a single poll got its list |
| slots | ACTIVE_LIMIT, a full queue | when something that was active no longer is, or after a pause |
| a class of calls | MONTHLY_LIMIT, PLAN_RESTRICTED_FEATURE … | after a pause, or at a restart |
| budgets | 429, COOLDOWN_LIMIT | by the budgets alone |

Nobody fails at a gate: who waits at one goes on by itself when it opens.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import structlog

from bridge.core.scene import CREATES
from bridge.engine.services import Pace
from bridge.torbox import (
    BadToken,
    Budgets,
    Cooldown,
    Kind,
    NeedsUser,
    RateLimited,
    TorBoxError,
    WaitForSlot,
)

log = structlog.get_logger()

CALLS = {
    Kind.CREATE: "adds",
    Kind.UNCACHED: "adds",
    Kind.LIST: "the list",
    Kind.LINK: "links to files",
    Kind.CONTROL: "deleting",
    Kind.OTHER: "other calls",
}
"""The classes of calls, for people."""


@dataclass(frozen=True, slots=True)
class Outage:
    """TorBox as a whole cannot be worked with."""

    why: str
    since: float
    probe_at: float
    bad_key: bool
    probes: int = 0
    """Probes in a row that found it so."""

    @property
    def certain(self) -> bool:
        """It is more than one call that went wrong."""
        return self.bad_key or self.probes > 0


class Gates:
    """What is shut just now. Times are unix seconds."""

    def __init__(
        self,
        budgets: Budgets,
        pace: Pace,
        *,
        idle_seconds: float,
        clock: Callable[[], float],
        creates: int = CREATES,
    ) -> None:
        self._budgets = budgets
        self._pace = pace
        self._idle_seconds = idle_seconds
        self._clock = clock
        self._creates = creates
        self._outage: Outage | None = None
        self._closed: dict[Kind, tuple[str, float]] = {}
        self._slot_at = 0.0
        self._slot_tries = 0
        self._active = 0

    @property
    def probe_at(self) -> float | None:
        """When TorBox may be asked again, by one poll; None while it works."""
        return self._outage.probe_at if self._outage else None

    @property
    def bad_key(self) -> bool:
        """TorBox does not take the key."""
        return self._outage is not None and self._outage.bad_key

    @property
    def slot_at(self) -> float:
        """No slot is free: before this time nothing is created that needs one."""
        return self._slot_at

    @property
    def creates(self) -> int:
        """How many creates may be in flight: one, while it is unknown whether a slot is free."""
        return 1 if self._slot_tries else self._creates

    @property
    def troubles(self) -> list[str]:
        """Tell in words what keeps the bridge from its work."""
        now, found = self._clock(), []
        if self._outage and self._outage.certain:
            minutes = (now - self._outage.since) / 60
            found.append(f"TorBox: {self._outage.why} (for {minutes:.0f} min)")
        found += [
            f"TorBox, {CALLS[kind]}: {why}" for kind, (why, until) in self._closed.items()
            if until > now
        ]  # fmt: skip
        return found

    @property
    def blockers(self) -> list[tuple[str, str, float]]:
        """List what blocks work just now: a word for it, why, and when it is tried again."""
        now, found = self._clock(), []
        if self._outage and self._outage.certain:
            word = "key" if self._outage.bad_key else "torbox"
            found.append((word, self._outage.why, self._outage.probe_at))
        if self._slot_at > now:
            found.append(("slots", "All TorBox slots are taken", self._slot_at))
        found += [
            ("calls", f"TorBox refuses {CALLS[kind]}: {why}", until)
            for kind, (why, until) in self._closed.items()
            if until > now
        ]
        return found

    def hold(self, error: TorBoxError, kind: Kind) -> bool:
        """Shut the gate that an error speaks of; tell whether there is one."""
        match error:
            case BadToken():
                self._shut(error, bad_key=True)
            case RateLimited() | Cooldown():
                pass  # the budgets have learnt of it
            case WaitForSlot():
                self._no_slot()
            case NeedsUser():
                self._close(kind, error)
            case _ if error.outage:
                self._shut(error, bad_key=False)
            case _:
                return False
        return True

    def _shut(self, error: TorBoxError, *, bad_key: bool) -> None:
        known = self._outage
        if known and known.bad_key >= bad_key:
            return
        now = self._clock()
        since = known.since if known else now
        self._outage = Outage(error.detail, since, now + self._pace.lookup, bad_key)
        log.warning("torbox_stops", why=str(error), needs_you=bad_key)

    def probe_failed(self, error: TorBoxError) -> None:
        """TorBox does not work yet: probe again later, and more and more seldom."""
        if self._outage is None:
            return
        probes, bad_key = self._outage.probes + 1, isinstance(error, BadToken)
        pause = self._pace.user if bad_key else self._pace.backoff(probes)
        self._outage = replace(
            self._outage,
            why=error.detail,
            probe_at=self._clock() + min(pause, max(self._idle_seconds, self._pace.user)),
            bad_key=bad_key,
            probes=probes,
        )

    def probe_soon(self) -> None:
        """Let the next plan probe TorBox: something that stood in the way may be gone."""
        if self._outage is not None:
            self._outage = replace(self._outage, probe_at=self._clock())

    def answered(self) -> bool:
        """A list was read; tell whether that ends an outage."""
        if self._outage is None:
            return False
        log.info("torbox_answers_again", after=round(self._clock() - self._outage.since))
        self._outage = None
        return True

    def _no_slot(self) -> None:
        self._slot_at = self._clock() + self._pace.backoff(self._slot_tries, first=self._pace.slot)
        self._slot_tries += 1

    def slot_freed(self) -> None:
        """Something of ours left TorBox: the next create may find a slot."""
        self._slot_at = 0.0

    def watched(self, active: int) -> None:
        """Compare how many items are active with the last time."""
        if active < self._active:
            self.slot_freed()
        self._active = active

    def _close(self, kind: Kind, error: NeedsUser) -> None:
        known, _ = self._closed.get(kind, ("", 0.0))
        until = self._clock() + self._pace.plan
        self._closed[kind] = (str(error), until)
        self._budgets.blocked(kind, until)
        if known != str(error):
            log.error("torbox_needs_you", calls=CALLS[kind], why=str(error))

    def passed(self, kind: Kind) -> None:
        """A call of this class did what it should."""
        self._closed.pop(kind, None)

    def created(self, *, cached: bool) -> None:
        """TorBox took an add; unless it had it cached, there was a slot."""
        self.passed(Kind.CREATE)
        if not cached:
            self._slot_tries = 0
