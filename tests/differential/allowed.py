"""What a row of the table is, and which differences it allows. Pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cache
from typing import Final

from tests.differential.compare import Compared, Kind


class Why(Enum):
    """Why a difference is allowed; the heading of its rows in the documentation."""

    LATER = "As a later qBittorrent has it"
    CHOICE = "On purpose"
    TORBOX = "TorBox does what BitTorrent would do"
    ODDITY = "Oddities of qBittorrent 4.5.2 that no client relies on"
    SETUP = "The clock, the machine and the set-up of the comparison"
    """Values that need not differ each time."""
    OPEN = "Open"


ANY: Final = object()
"""A value that a row does not pin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed:
    """A difference that may be. `*` in a pattern stands for any text; one of each has to match."""

    why: Why
    reason: str
    endpoints: tuple[str, ...]
    fields: tuple[str, ...]
    """As in `Compared.field`."""
    requests: tuple[str, ...] = ("*",)
    """The names of the requests it is about."""
    theirs: object = ANY
    ours: object = ANY
    """Pins the values: any other difference in these fields is still a failure."""
    everywhere: bool = False
    """Every answer has it, so that it does not count when identical answers are counted."""

    def covers(self, seen: Compared) -> bool:
        """Return whether it speaks of this value."""
        return (
            _any(self.endpoints, seen.step.endpoint)
            and _any(self.fields, seen.field)
            and _any(self.requests, str(seen.step))
            and (self.theirs is ANY or self.theirs == seen.theirs)
            and (self.ours is ANY or self.ours == seen.ours)
        )

    def unused(self, seen: Sequence[Compared]) -> Iterable[str]:
        """Name the patterns that match none of these values."""
        for pattern in self.endpoints:
            if not any(_matches(pattern, value.step.endpoint) for value in seen):
                yield pattern
        for pattern in self.fields:
            if not any(_matches(pattern, value.field) for value in seen):
                yield pattern
        for pattern in self.requests:
            if not any(_matches(pattern, str(value.step)) for value in seen):
                yield pattern


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a comparison ended."""

    allowed: Mapping[Allowed, Sequence[Compared]]
    surprises: Sequence[Compared]
    """Differences that no row allows."""
    idle: Sequence[str]
    """Rows, or patterns of rows, that nothing needs any more."""


def judge(compared: Iterable[Compared], table: Sequence[Allowed]) -> Verdict:
    """Hold what was compared against the table."""
    found: dict[Allowed, list[Compared]] = {row: [] for row in table}
    surprises: list[Compared] = []
    moving = [row for row in table if row.why is Why.SETUP]
    for value in compared:
        candidates = moving if value.kind is Kind.SAME else table
        rows = [row for row in candidates if row.covers(value)]
        for row in rows:
            found[row].append(value)
        if value.kind is not Kind.SAME and not rows:
            surprises.append(value)
    idle = [f"{row.reason}: {name}" for row, seen in found.items() for name in row.unused(seen)]
    return Verdict(found, surprises, idle)


def _any(patterns: Iterable[str], value: str) -> bool:
    return any(_matches(pattern, value) for pattern in patterns)


@cache
def _matches(pattern: str, value: str) -> bool:
    if "*" not in pattern:
        return pattern == value
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), value, re.DOTALL) is not None
