"""What TorBox still lets us call.

Limits as TorBox documents them: 300 calls a minute for each endpoint and key, and 60 adds an hour
of what it has not cached. A 429 is believed over any document. Pure: time is an argument, in unix
seconds. Nothing waits here; the caller asks when it may.
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
    """Adds of what TorBox has not cached; they count as CREATE too."""
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
UNCACHED_PER_HOUR: Final = 60
_CAREFUL_CREATE: Final = Limit(10, MINUTE)
"""The edge limit of older documents: kept to for an hour after a 429 to an add."""
_KEPT: Final = (CallClass.CREATE, CallClass.UNCACHED)
"""Whose calls are worth writing down: the other windows are over before a restart is."""


class BudgetRow(msgspec.Struct, frozen=True, kw_only=True):
    """One class of calls, as it is stored."""

    kind: str
    blocked_until: float = 0.0
    careful_until: float = 0.0
    calls: tuple[float, ...] = ()


class _Budget:
    """One class of calls: the times of the recent ones, oldest first, and a block."""

    def __init__(self, kind: CallClass, limit: Limit) -> None:
        self.kind = kind
        self.limit = limit
        self.blocked_until = 0.0
        self.careful_until = 0.0
        self.calls: list[float] = []

    def ready_at(self, now: float) -> float:
        self._forget(now)
        ready = max(now, self.blocked_until, self._free_at(self.limit, now))
        if now < self.careful_until:
            ready = max(ready, self._free_at(_CAREFUL_CREATE, now))
        return ready

    def _free_at(self, limit: Limit, now: float) -> float:
        if len(self.calls) < limit.calls:
            return now
        return self.calls[-limit.calls] + limit.seconds

    def _forget(self, now: float) -> None:
        """Drop what left the window, and what lies ahead because the clock was put back."""
        since = now - self.limit.seconds
        self.calls = [at for at in self.calls if since < at <= now]

    def left(self, now: float) -> int:
        self._forget(now)
        return 0 if self.blocked_until > now else max(0, self.limit.calls - len(self.calls))

    def row(self) -> BudgetRow:
        return BudgetRow(
            kind=self.kind.value,
            blocked_until=self.blocked_until,
            careful_until=self.careful_until,
            calls=tuple(self.calls) if self.kind in _KEPT else (),
        )


class Budgets:
    """Counts calls and remembers refusals. `dirty` tells that `rows()` should be stored."""

    def __init__(
        self,
        *,
        calls_per_minute: int = CALLS_PER_MINUTE,
        uncached_per_hour: int = UNCACHED_PER_HOUR,
    ) -> None:
        minute = Limit(calls_per_minute, MINUTE)
        self._budgets = {kind: _Budget(kind, minute) for kind in CallClass}
        self._budgets[CallClass.UNCACHED].limit = Limit(uncached_per_hour, HOUR)
        self.dirty = False

    def ready_at(self, kind: CallClass, now: float, *, cached: bool = False) -> float:
        """Tell the earliest time a call may be made: `now` when it may be made at once.

        `cached` says of an add that TorBox is known to have it cached.
        """
        ready = self._budgets[kind].ready_at(now)
        if kind is CallClass.CREATE and not cached:
            ready = max(ready, self._budgets[CallClass.UNCACHED].ready_at(now))
        return ready

    def left(self, kind: CallClass, now: float) -> int:
        """Tell how many more calls of a kind may be made now."""
        return self._budgets[kind].left(now)

    def forecast(self, count: int, now: float) -> list[float]:
        """Tell when the next adds of what is not cached may be made, one after the other."""
        kinds = [copy(self._budgets[kind]) for kind in _KEPT]
        times: list[float] = []
        for _ in range(count):
            now = max(budget.ready_at(now) for budget in kinds)
            times.append(now)
            for budget in kinds:
                budget.calls = [*budget.calls, now]
        return times

    def spend(self, kind: CallClass, now: float, *, cached: bool = False) -> None:
        """Count a call that is being made."""
        insort(self._budgets[kind].calls, now)
        if kind is CallClass.CREATE and not cached:
            insort(self._budgets[CallClass.UNCACHED].calls, now)
        self.dirty |= kind in _KEPT

    def refund(self, kind: CallClass, at: float) -> None:
        """Take back a call that was counted at `at` and turned out not to count."""
        calls = self._budgets[kind].calls
        if at in calls:
            calls.remove(at)
            self.dirty |= kind in _KEPT

    def blocked(self, kind: CallClass, until: float) -> None:
        """Make no call of this kind before `until`: TorBox said so."""
        budget = self._budgets[kind]
        budget.blocked_until = max(budget.blocked_until, until)
        self.dirty = True

    def careful(self, now: float) -> None:
        """Add slowly for an hour: a 429 to an add showed that the documented limit is not it."""
        self._budgets[CallClass.CREATE].careful_until = now + HOUR
        self.dirty = True

    def rows(self) -> tuple[BudgetRow, ...]:
        """Give what has to survive a restart, and count it as stored."""
        self.dirty = False
        return tuple(budget.row() for budget in self._budgets.values())

    def load(self, rows: Iterable[BudgetRow]) -> None:
        """Take up what was stored; rows of kinds that are no more are passed over."""
        for row in rows:
            if row.kind in self._budgets:
                budget = self._budgets[CallClass(row.kind)]
                budget.blocked_until = row.blocked_until
                budget.careful_until = row.careful_until
                budget.calls = sorted(row.calls)
