"""Why a kind of work waits, and until when.

| blocker | caused by | ends |
| --- | --- | --- |
| outage | no answer; a rejected key | when one list could be read |
| no slot | ACTIVE_LIMIT, a full queue | when something that was active no longer is, or after a pause |
| plan limit | MONTHLY_LIMIT, PLAN_RESTRICTED_FEATURE ... | after a pause, or at a restart |
| rate limit | 429, COOLDOWN_LIMIT | by the rate budgets alone |
| adds fail | creates of several hashes in a row | with the next create that works |

A blocked download waits; it never fails because of the blocker. A create that fails for no reason of
these concerns its own hash alone, which backs off. Only where one hash after the other fails is it
TorBox: then one create is in flight at a time.
"""

from collections.abc import Callable

import msgspec
import structlog
from msgspec.structs import replace

from bridge.core.planner_input import MAX_CREATES
from bridge.engine.retry_times import RetryTimes
from bridge.torbox import (
    BadToken,
    Budgets,
    CallClass,
    Cooldown,
    NeedsUser,
    PlanRestricted,
    RateLimited,
    TorBoxError,
    WaitForSlot,
)

log = structlog.get_logger(__name__)

MANY_FAILED = 3
"""Creates of so many different hashes, with no success between them, mean trouble at TorBox."""

FAILED_LATELY = 1800.0
"""A failed create is tried again within this time; what is older is no news (seconds)."""

CALL_WORDS = {
    CallClass.CREATE: "adds",
    CallClass.UNCACHED: "adds",
    CallClass.LIST: "the list",
    CallClass.LINK: "links to files",
    CallClass.CONTROL: "deleting",
    CallClass.OTHER: "other calls",
}
"""The call classes in words for the user."""


class Outage(msgspec.Struct, frozen=True):
    """TorBox as a whole is unusable."""

    why: str
    since: float
    probe_at: float
    bad_key: bool
    probes: int = 0
    """Consecutive probes that failed."""

    @property
    def certain(self) -> bool:
        """Whether more than a single call has failed."""
        return self.bad_key or self.probes > 0


class Blocker(msgspec.Struct, frozen=True):
    """A reason why work waits, for the user."""

    name: str
    """`outage`, `bad_key`, `no_slot`, `plan_limit`, `adds_fail`, `list` or `disk`."""
    text: str
    since: float | None = None
    """Unix seconds; None when unknown."""
    next_attempt_at: float | None = None


class Blockers:
    """The current blockers. Times are unix seconds."""

    def __init__(
        self,
        budgets: Budgets,
        retry: RetryTimes,
        *,
        idle_seconds: float,
        clock: Callable[[], float],
        creates: int = MAX_CREATES,
    ) -> None:
        self._budgets = budgets
        self._retry = retry
        self._idle_seconds = idle_seconds
        self._clock = clock
        self._creates = creates
        self._outage: Outage | None = None
        self._closed: dict[CallClass, tuple[str, float]] = {}
        self._slot_at = 0.0
        self._slot_tries = 0
        self._active = 0
        self._failed: dict[str, tuple[str, float]] = {}

    @property
    def probe_at(self) -> float | None:
        """When TorBox may be called again, with one list; None while it works."""
        return self._outage.probe_at if self._outage else None

    @property
    def bad_key(self) -> bool:
        """Whether TorBox rejects the key."""
        return self._outage is not None and self._outage.bad_key

    @property
    def slot_at(self) -> float:
        """No slot is free: before this time no uncached torrent is created."""
        return self._slot_at

    @property
    def max_creates(self) -> int:
        """How many creates may be in flight: one, while it is unknown whether the next will work."""
        return 1 if self._slot_tries or self._adds_fail else self._creates

    @property
    def _adds_fail(self) -> bool:
        return len(self._failing()) >= MANY_FAILED

    def _failing(self) -> list[str]:
        """Return why creates failed since the last that worked, for each hash the latest reason."""
        now = self._clock()
        recent = [one for one in self._failed.values() if abs(now - one[1]) < FAILED_LATELY]
        return [why for why, _ in sorted(recent, key=lambda one: one[1])]

    @property
    def texts(self) -> list[str]:
        """The blockers in words, without a wait for a slot, which is part of normal operation."""
        return [blocker.text for blocker in self.all if blocker.name != "no_slot"]

    @property
    def all(self) -> list[Blocker]:
        """Every blocker, with the time of the next attempt."""
        now, found = self._clock(), []
        if (outage := self._outage) and outage.certain:
            minutes = (now - outage.since) / 60
            found.append(
                Blocker(
                    "bad_key" if outage.bad_key else "outage",
                    f"TorBox: {outage.why} (for {minutes:.0f} min)",
                    outage.since,
                    outage.probe_at,
                )
            )
        found += [
            Blocker("plan_limit", f"TorBox, {CALL_WORDS[kind]}: {why}", None, until)
            for kind, (why, until) in self._closed.items()
            if until > now
        ]
        if self._adds_fail:
            reasons = self._failing()
            text = f"TorBox: {len(reasons)} adds in a row failed, the last: {reasons[-1]}"
            found.append(Blocker("adds_fail", text))
        if self._slot_at > now:
            found.append(Blocker("no_slot", "TorBox: all slots are taken", None, self._slot_at))
        return found

    def hold(self, error: TorBoxError, kind: CallClass) -> bool:
        """Set the blocker that an error calls for; return whether there is one."""
        match error:
            case BadToken():
                self._stop(error, bad_key=True)
            case RateLimited() | Cooldown():
                # The rate budgets already delay the calls of this class.
                pass
            case WaitForSlot():
                self._no_slot()
            case NeedsUser():
                self._close(kind, error)
            case _ if error.outage:
                self._stop(error, bad_key=False)
            case _:
                return False
        return True

    def _stop(self, error: TorBoxError, *, bad_key: bool) -> None:
        known = self._outage
        # A rejected key outranks an outage: only the user can end it.
        if known and known.bad_key >= bad_key:
            return
        now = self._clock()
        since = known.since if known else now
        self._outage = Outage(error.detail, since, now + self._retry.lookup, bad_key)
        log.warning("torbox_stopped", why=str(error), needs_you=bad_key)

    def probe_failed(self, error: TorBoxError) -> None:
        """Record a failed probe. The pause before the next probe grows."""
        if self._outage is None:
            return
        probes, bad_key = self._outage.probes + 1, isinstance(error, BadToken)
        # Only a new key helps, so calls with the rejected key stay a minute apart.
        pause = self._retry.bad_key if bad_key else self._retry.backoff(probes)
        self._outage = replace(
            self._outage,
            why=error.detail,
            probe_at=self._clock() + min(pause, max(self._idle_seconds, self._retry.bad_key)),
            bad_key=bad_key,
            probes=probes,
        )

    def probe_now(self) -> None:
        """Let TorBox be asked at once, if it does not work: something has changed here."""
        if self._outage is not None:
            self._outage = replace(self._outage, probe_at=self._clock())

    def clock_put_back(self, seconds: float) -> None:
        """Take the seconds by which the clock was put back off every wait."""
        if self._outage is not None:
            self._outage = replace(self._outage, probe_at=self._outage.probe_at - seconds)
        self._slot_at -= seconds
        self._closed = {kind: (why, at - seconds) for kind, (why, at) in self._closed.items()}
        self._budgets.clock_put_back(seconds)

    def answered(self) -> bool:
        """Record that a list was read; return whether that ends an outage."""
        if self._outage is None:
            return False
        log.info("torbox_answers_again", after=round(self._clock() - self._outage.since))
        self._outage = None
        return True

    def _no_slot(self) -> None:
        pause = self._retry.backoff(self._slot_tries, first=self._retry.no_slot)
        self._slot_at = self._clock() + pause
        self._slot_tries += 1

    def slot_freed(self) -> None:
        """Record that an item of ours left TorBox: the next create may find a slot."""
        self._slot_at = 0.0

    def watch_slots(self, active: int) -> None:
        """Compare the number of items that hold a slot with the last count."""
        if active < self._active:
            self.slot_freed()
        self._active = active

    def _close(self, kind: CallClass, error: NeedsUser) -> None:
        known, _ = self._closed.get(kind, ("", 0.0))
        until = self._clock() + self._retry.plan_limit
        self._closed[kind] = (str(error), until)
        self._budgets.blocked(kind, until)
        # Logged once, not at every attempt: a monthly limit may last for weeks.
        if known != str(error):
            log.error("torbox_needs_you", calls=CALL_WORDS[kind], why=str(error))

    def passed(self, kind: CallClass) -> None:
        """Record that a call of this class succeeded."""
        self._closed.pop(kind, None)

    def create_failed(self, info_hash: str, error: TorBoxError) -> None:
        """Note that TorBox failed to take an add, for a reason that blocks no others."""
        if isinstance(error, PlanRestricted):
            return  # it is that torrent
        failed_before = self._adds_fail
        self._failed[info_hash] = str(error), self._clock()
        if self._adds_fail and not failed_before:
            log.warning("adds_fail", in_a_row=MANY_FAILED, why=str(error))

    def created(self, *, cached: bool) -> None:
        """Record that TorBox accepted a create. Unless the torrent was cached, there was a slot."""
        self.passed(CallClass.CREATE)
        self._failed.clear()
        if not cached:
            self._slot_tries = 0
