"""Rate limits as TorBox has them: fixed windows per endpoint, told in headers."""

from dataclasses import dataclass

from bridge.simulator.settings import Limits

MINUTE = 60.0
HOUR = 3600.0
CREATE = "createtorrent"
UNCACHED = "createtorrent:uncached"


@dataclass(slots=True)
class _Window:
    start: float
    used: int = 0


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a call may pass, and what the headers say."""

    allowed: bool
    limit: int
    remaining: int
    reset: float
    """Unix seconds."""
    rule: str

    def headers(self, now: float, *, float_reset: bool) -> dict[str, str]:
        """x-ratelimit-* and retry-after; TorBox sends them with every 200."""
        wait = max(0.0, self.reset - now)
        return {
            "x-ratelimit-limit": str(self.limit),
            "x-ratelimit-remaining": str(self.remaining),
            "x-ratelimit-reset": f"{self.reset:.6f}" if float_reset else str(int(self.reset)),
            "retry-after": str(int(wait) + 1),
        }


class RateLimiter:
    """Counts calls. With `enforce` off everything passes and nothing seems used."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._windows: dict[str, _Window] = {}

    def take(self, bucket: str, now: float) -> Verdict:
        """Count one call in a bucket: an endpoint's name, or `UNCACHED`."""
        limit, seconds = self._rule(bucket)
        rule = f"{limit} per 1 {'hour' if seconds == HOUR else 'minute'}"
        if not self.limits.enforce:
            return Verdict(True, limit, limit - 1, now + seconds, rule)
        window = self._windows.get(bucket)
        if window is None or now >= window.start + seconds:
            window = self._windows[bucket] = _Window(now)
        allowed = window.used < limit
        window.used += allowed
        return Verdict(allowed, limit, limit - window.used, window.start + seconds, rule)

    def _rule(self, bucket: str) -> tuple[int, float]:
        if bucket == UNCACHED:
            return self.limits.uncached_per_hour, HOUR
        if bucket == CREATE:
            return self.limits.create_per_minute, MINUTE
        return self.limits.per_minute, MINUTE
