"""The known bytes of a partly fetched file, and the version that they are of."""

from collections.abc import Iterable

import msgspec

Span = tuple[int, int]
"""From the first byte to before the last: [start, end)."""


class Ranges:
    """Spans of bytes: sorted, disjoint, never touching."""

    def __init__(self, spans: Iterable[Span] = ()) -> None:
        self._spans: tuple[Span, ...] = ()
        for start, end in spans:
            self.add(start, end)

    @property
    def spans(self) -> tuple[Span, ...]:
        """The spans as they are now; a later `add` does not change what was returned."""
        return self._spans

    @property
    def total(self) -> int:
        """How many bytes are known."""
        return sum(end - start for start, end in self._spans)

    def add(self, start: int, end: int) -> None:
        """Add the bytes from `start` to before `end`."""
        if start >= end:
            return
        before = tuple(span for span in self._spans if span[1] < start)
        after = tuple(span for span in self._spans if span[0] > end)
        touched = self._spans[len(before) : len(self._spans) - len(after)]
        merged = (
            min(start, *(span[0] for span in touched)) if touched else start,
            max(end, *(span[1] for span in touched)) if touched else end,
        )
        self._spans = (*before, merged, *after)

    def remove(self, start: int, end: int) -> None:
        """Remove the bytes from `start` to before `end`."""
        before = ((first, min(last, start)) for first, last in self._spans)
        after = ((max(first, end), last) for first, last in self._spans)
        self._spans = Ranges((*before, *after)).spans if start < end else self._spans

    def missing(self, size: int) -> list[Span]:
        """Return the unknown spans of a file of `size` bytes."""
        edges = [0, *(edge for span in self._spans for edge in span), size]
        pairs = zip(edges[::2], edges[1::2], strict=True)
        return [(start, end) for start, end in pairs if start < end]


def pieces(spans: Iterable[Span], longest: int) -> list[Span]:
    """Cut spans into pieces of at most `longest` bytes, in order."""
    return [
        (at, min(at + longest, end)) for start, end in spans for at in range(start, end, longest)
    ]


class Validator(msgspec.Struct, frozen=True):
    """Tells one version of a file from another: an ETag, or a date."""

    etag: str = ""
    last_modified: str = ""

    @property
    def if_range(self) -> str:
        """The value for If-Range: a strong ETag, else the date. RFC 9110 forbids weak ones."""
        if self.etag and not self.etag.startswith("W/"):
            return self.etag
        return self.last_modified

    def contradicts(self, other: "Validator") -> bool:
        """Return whether both name different versions. A value that only one has says nothing."""
        if self.etag and other.etag:
            return self.etag != other.etag
        both = self.last_modified and other.last_modified
        return bool(both) and self.last_modified != other.last_modified


UNKNOWN = Validator()
