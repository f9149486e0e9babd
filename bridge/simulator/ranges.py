"""The Range header, as far as the CDN understands it: one range of bytes."""

import re
from dataclasses import dataclass

_RANGE = re.compile(r"bytes=(\d*)-(\d*)$")


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes `start` up to, not including, `end`."""

    start: int
    end: int

    @property
    def length(self) -> int:
        """Number of bytes."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Unsatisfiable:
    """The range lies past the end: 416."""


def parse_range(header: str | None, size: int) -> Span | Unsatisfiable | None:
    """What is asked for; None for the whole file, also when the header cannot be understood."""
    found = _RANGE.match((header or "").strip())
    if found is None or found[1] == found[2] == "":
        return None
    if not found[1]:
        return _satisfiable(max(0, size - int(found[2])), size, size)
    end = int(found[2]) + 1 if found[2] else size
    return None if end <= int(found[1]) < size else _satisfiable(int(found[1]), end, size)


def _satisfiable(start: int, end: int, size: int) -> Span | Unsatisfiable:
    return Unsatisfiable() if start >= size else Span(start, min(end, size))
