"""A map whose entries expire after a time."""

from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class TtlMap(Generic[K, V]):
    """Values that are forgotten `keep_seconds` after they were put. `now` is in seconds.

    An entry that lies in the future is forgotten as well: the clock was put back, so its age is
    unknown.
    """

    def __init__(self, keep_seconds: float) -> None:
        self._keep_seconds = keep_seconds
        self._entries: dict[K, tuple[V, float, float]] = {}
        """Value, when it was put, and for how many seconds."""
        self._sweep_at = 64
        """How many entries there may be until the expired are dropped. A sweep costs what is there,
        so the next one waits for twice as many."""

    def put(self, key: K, value: V, now: float, *, keep_seconds: float | None = None) -> None:
        """Remember a value, for `keep_seconds` if it is to last longer or shorter than others."""
        keep = self._keep_seconds if keep_seconds is None else keep_seconds
        self._entries[key] = (value, now, keep)
        if len(self._entries) >= self._sweep_at:
            self.items(now)
            self._sweep_at = max(64, 2 * len(self._entries))

    def get(self, key: K, now: float) -> V | None:
        """Return the value; None if it has expired or was never put."""
        value, at, keep = self._entries.get(key, (None, now, 0.0))
        return value if 0.0 <= now - at < keep else None

    def pop(self, key: K) -> None:
        """Forget a value."""
        self._entries.pop(key, None)

    def items(self, now: float) -> dict[K, V]:
        """Return everything that is remembered, and drop what has expired."""
        kept = {key: one for key, one in self._entries.items() if 0.0 <= now - one[1] < one[2]}
        self._entries = kept
        return {key: value for key, (value, _, _) in kept.items()}
