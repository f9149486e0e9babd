"""Remembers for a day what TorBox refused for good, so that the same add is rejected at once.

In memory only, so that a restart after an upgrade of the plan forgets it.
"""

from dataclasses import dataclass
from math import inf

from bridge.core.model import Failure, Reason

KEPT_SECONDS = 86400.0

FOR_GOOD = frozenset({Reason.INVALID, Reason.TOO_LARGE, Reason.REFUSED, Reason.INFECTED})
"""Reasons that a second attempt cannot change."""

TOO_LARGE_FOR_PLAN = "DOWNLOAD_TOO_LARGE"
"""TorBox's code when the content is too large for the plan (not the .torrent)."""


@dataclass(frozen=True, slots=True)
class _Refused:
    failure: Failure
    at: float


class Refusals:
    """Refusals by hash, and the smallest refused size. Times are unix seconds, sizes bytes."""

    def __init__(self) -> None:
        self._by_hash: dict[str, _Refused] = {}
        self._too_large = inf
        self._too_large_at = -inf

    def remember(
        self, info_hash: str, failure: Failure, *, size: int = 0, code: str = "", now: float
    ) -> None:
        """Record that a torrent was refused; `size` is in bytes, 0 when unknown."""
        if failure.reason not in FOR_GOOD:
            return
        self._forget(now)
        self._by_hash[info_hash] = _Refused(failure, now)
        if code == TOO_LARGE_FOR_PLAN and size > 0:
            self._too_large = min(self._too_large, size)
            self._too_large_at = now

    def why(self, info_hash: str, size: int, now: float) -> str:
        """Return why TorBox will refuse a torrent; empty when it may accept it."""
        self._forget(now)
        known = self._by_hash.get(info_hash)
        if known is not None:
            return f"TorBox refused it today: {known.failure.message}"
        if size >= self._too_large:
            return "it is larger than what TorBox refused today as too large for the plan"
        return ""

    def _forget(self, now: float) -> None:
        before = now - KEPT_SECONDS
        self._by_hash = {key: one for key, one in self._by_hash.items() if one.at > before}
        if self._too_large_at <= before:
            self._too_large = inf
