"""How many calls TorBox still allows.

The limits are those that TorBox documents: 300 calls a minute for each endpoint and key, and 60 adds
an hour of what it has not cached. Links are the exception: other clients were refused above some 80
a minute. A 429 counts more than any document: its class of calls waits for as long as TorBox says,
goes on at half the rate, and doubles the rate with every minute without another 429.

Pure: time is an argument, in unix seconds. Nothing waits here; the caller asks when it may call.
"""

from bisect import insort
from collections.abc import Iterable
from copy import copy
from enum import StrEnum
from typing import Final, NamedTuple

import msgspec

MINUTE: Final = 60.0
HOUR: Final = 3600.0


class CallClass(StrEnum):
    """A class of calls that share a limit."""

    CREATE = "create"
    """Every add."""
    UNCACHED = "uncached"
    """Adds of what TorBox has not cached; they count as CREATE, too."""
    LIST = "list"
    """Reads: the list, one item, the queue, the cached check."""
    LINK = "link"
    CONTROL = "control"
    OTHER = "other"
    """Search, metadata, exports, the account: their 429 must not stop the polling."""


class Limit(NamedTuple):
    """At most so many calls within so many seconds."""

    calls: int
    seconds: float


CALLS_PER_MINUTE: Final = 300
LINKS_PER_MINUTE: Final = 80
UNCACHED_PER_HOUR: Final = 60
SLOWEST: Final = 10
"""Calls a minute. No 429 reduces a rate below the lowest limit that TorBox ever documented."""
RECOVERY_SECONDS: Final = 60.0
"""After so long without a 429 the reduced rate doubles."""
LONGEST_BLOCK: Final = 90_000.0
"""Seconds; a little more than TorBox's longest cooldown, a day."""
LONGEST_LINK_BLOCK: Final = 300.0
"""Seconds. A 429 to a link blocks links no longer than this: a user waits for the file."""
_KEPT: Final = (CallClass.CREATE, CallClass.UNCACHED)
"""The classes that limit an uncached add. Their calls are stored, so that a restart does not allow an
hour's adds again. The windows of other classes pass while the bridge restarts."""


class BudgetRow(msgspec.Struct, frozen=True, kw_only=True):
    """The budget of a call class, as it is stored."""

    kind: str
    blocked_until: float = 0.0
    reduced_to: int = 0
    """Calls in the window since the last 429; 0: as many as the limit says."""
    reduced_at: float = 0.0
    calls: tuple[float, ...] = ()


class _Budget:
    """The budget of a call class: recent calls, oldest first, and the effect of the last 429."""

    def __init__(self, call_class: CallClass, limit: Limit) -> None:
        self.call_class = call_class
        self.limit = limit
        self.blocked_until = 0.0
        self.reduced_to = 0
        self.reduced_at = 0.0
        self.calls: list[float] = []

    def ready_at(self, now: float) -> float:
        self._forget(now)
        ready = max(now, self.blocked_until) if self._blocked(now) else now
        allowed = self.allowed(ready)
        if len(self.calls) < allowed:
            return ready
        return max(ready, self.calls[-allowed] + self.limit.seconds)

    def _blocked(self, now: float) -> bool:
        """Return whether calls are blocked. A block set by a clock far ahead is ignored."""
        return now < self.blocked_until <= now + LONGEST_BLOCK

    def allowed(self, now: float) -> int:
        """Return how many calls a window may hold, given the last 429."""
        if not self.reduced_to or self.reduced_at > now + LONGEST_BLOCK:
            return self.limit.calls
        doublings = int(max(0.0, now - self.reduced_at) / RECOVERY_SECONDS)
        # Bounded, as the shift of a 429 of last year would be an enormous number.
        return min(self.reduced_to << min(doublings, 16), self.limit.calls)

    def reduce(self, now: float, until: float) -> None:
        """Halve the rate. It recovers from `until` on, when calls are allowed again.

        Of several 429s to calls that were in flight together, only the first one halves.
        """
        if self._blocked(now):
            return
        halved = max(SLOWEST, self.allowed(now) // 2)
        self.reduced_to, self.reduced_at = min(halved, self.limit.calls), until

    def _forget(self, now: float) -> None:
        """Drop calls that left the window, and calls in the future (the clock was set back)."""
        since = now - self.limit.seconds
        self.calls = [at for at in self.calls if since < at <= now]

    def left(self, now: float) -> int:
        self._forget(now)
        return 0 if self._blocked(now) else max(0, self.allowed(now) - len(self.calls))

    def full_at(self, now: float) -> float:
        self._forget(now)
        full = max(now, self.blocked_until) if self._blocked(now) else now
        if self.calls:
            full = max(full, self.calls[-1] + self.limit.seconds)
        if self.allowed(now) < self.limit.calls:
            doublings = ((self.limit.calls - 1) // self.reduced_to).bit_length()
            full = max(full, self.reduced_at + doublings * RECOVERY_SECONDS)
        return full

    def row(self) -> BudgetRow:
        return BudgetRow(
            kind=self.call_class.value,
            blocked_until=self.blocked_until,
            reduced_to=self.reduced_to,
            reduced_at=self.reduced_at,
            calls=tuple(self.calls) if self.call_class in _KEPT else (),
        )


class Budgets:
    """Counts calls and remembers refusals. `dirty` means that `rows()` should be stored."""

    def __init__(
        self,
        *,
        calls_per_minute: int = CALLS_PER_MINUTE,
        uncached_per_hour: int = UNCACHED_PER_HOUR,
    ) -> None:
        minute = Limit(calls_per_minute, MINUTE)
        self._budgets = {call_class: _Budget(call_class, minute) for call_class in CallClass}
        self._budgets[CallClass.UNCACHED].limit = Limit(uncached_per_hour, HOUR)
        links = min(calls_per_minute, LINKS_PER_MINUTE)
        self._budgets[CallClass.LINK].limit = Limit(links, MINUTE)
        self.dirty = False

    def ready_at(self, call_class: CallClass, now: float, *, cached: bool = False) -> float:
        """Return the earliest time for a call: `now` if it may be made at once.

        `cached` says of an add that TorBox is known to have it cached.
        """
        ready = self._budgets[call_class].ready_at(now)
        if call_class is CallClass.CREATE and not cached:
            ready = max(ready, self._budgets[CallClass.UNCACHED].ready_at(now))
        return ready

    def left(self, call_class: CallClass, now: float) -> int:
        """Return how many more calls of a class may be made now."""
        return self._budgets[call_class].left(now)

    def full_at(self, call_class: CallClass, now: float) -> float:
        """Return when the whole limit is allowed again, if no call is made until then."""
        return self._budgets[call_class].full_at(now)

    def limit(self, call_class: CallClass) -> Limit:
        """Return the limit of a class, without the effect of a 429."""
        return self._budgets[call_class].limit

    def forecast(self, count: int, now: float) -> list[float]:
        """Return when the next `count` uncached adds may be made, one after the other."""
        # Copies: a forecast must not spend anything.
        budgets = [copy(self._budgets[call_class]) for call_class in _KEPT]
        times: list[float] = []
        for _ in range(count):
            now = max(budget.ready_at(now) for budget in budgets)
            times.append(now)
            for budget in budgets:
                budget.calls = [*budget.calls, now]
        return times

    def spend(self, call_class: CallClass, now: float, *, cached: bool = False) -> None:
        """Count a call that is being made."""
        insort(self._budgets[call_class].calls, now)
        if call_class is CallClass.CREATE and not cached:
            insort(self._budgets[CallClass.UNCACHED].calls, now)
        self.dirty |= call_class in _KEPT

    def refund(self, call_class: CallClass, at: float) -> None:
        """Take back a call that was counted at `at` and turned out not to count."""
        calls = self._budgets[call_class].calls
        if at in calls:
            calls.remove(at)
            self.dirty |= call_class in _KEPT

    def blocked(self, call_class: CallClass, until: float) -> None:
        """Allow no call of this class before `until`: TorBox said so."""
        budget = self._budgets[call_class]
        budget.blocked_until = max(budget.blocked_until, until)
        self.dirty = True

    def refused(self, call_class: CallClass, now: float, retry_after: float) -> None:
        """Note a 429: wait for `retry_after` seconds, then go on at half the rate.

        The hourly limit of uncached adds is known exactly, so its 429 halves nothing.
        """
        if call_class is CallClass.LINK:
            retry_after = min(retry_after, LONGEST_LINK_BLOCK)
        if call_class is not CallClass.UNCACHED:
            self._budgets[call_class].reduce(now, now + retry_after)
        self.blocked(call_class, now + retry_after)

    def clock_put_back(self, seconds: float) -> None:
        """Take the seconds by which the clock was put back off every time."""
        for budget in self._budgets.values():
            budget.blocked_until -= seconds
            budget.reduced_at -= seconds
            budget.calls = [at - seconds for at in budget.calls]
        self.dirty = True

    def rows(self) -> tuple[BudgetRow, ...]:
        """Return the rows to store, and clear `dirty`."""
        self.dirty = False
        return tuple(budget.row() for budget in self._budgets.values())

    def load(self, rows: Iterable[BudgetRow]) -> None:
        """Restore what was stored; rows of classes that no longer exist are skipped."""
        for row in rows:
            if row.kind in self._budgets:
                budget = self._budgets[CallClass(row.kind)]
                budget.blocked_until = row.blocked_until
                budget.reduced_to = row.reduced_to
                budget.reduced_at = row.reduced_at
                budget.calls = sorted(row.calls)
