"""Rate limits: counted in simulated time, told in TorBox's words."""

import pytest

from bridge.simulator import RateLimits
from bridge.simulator.backend import UNCACHED, RateLimiter
from tests.simulator.conftest import Start
from tests.simulator.support import A, B, C, film


def test_a_window_fills_and_opens_again() -> None:
    """The third call in a minute is refused, the next minute is new."""
    limiter = RateLimiter(RateLimits(enforce=True, per_minute=2))
    told = [limiter.take("mylist", at).allowed for at in (0, 1, 2, 59, 60, 61)]
    assert told == [True, True, False, False, True, True]
    assert limiter.take("other", 2).allowed


def test_headers_tell_the_window() -> None:
    """Limit, remaining, reset and the seconds to wait."""
    verdict = RateLimiter(RateLimits(enforce=True, per_minute=5)).take("mylist", 100.0)
    assert verdict.headers(100.5) == {
        "x-ratelimit-limit": "5",
        "x-ratelimit-remaining": "4",
        "x-ratelimit-reset": "160.000000",
        "retry-after": "60",
    }


def test_off_means_off() -> None:
    """Without enforce everything passes and nothing seems used."""
    limiter = RateLimiter(RateLimits(uncached_per_hour=1))
    verdicts = [limiter.take(UNCACHED, 0.0) for _ in range(5)]
    assert all(verdict.allowed for verdict in verdicts)


async def test_the_sixty_an_hour_count_uncached_adds_only(start: Start) -> None:
    """Cached adds pass when the uncached budget is used; its 429 has no rate headers."""
    api = await start(film(B), limits={"enforce": True, "uncached_per_hour": 1})
    assert (await api.add(A)).status == 200
    refused = await api.add(C)
    assert (refused.status, refused.json) == (429, {"detail": "1 per 1 hour"})
    assert "x-ratelimit-limit" not in refused.headers
    assert (await api.add(B)).status == 200
    api.sim.clock.advance(3600)
    assert (await api.add(C)).status == 200


@pytest.mark.parametrize("shape", ["json", "text"])
async def test_an_endpoints_own_limit_has_headers(start: Start, shape: str) -> None:
    """Beyond per_minute: 429 with retry-after, as JSON or plain text."""
    api = await start(limits={"enforce": True, "per_minute": 1, "shape": shape})
    await api.get("/user/me")
    refused = await api.get("/user/me")
    assert refused.status == 429
    assert int(refused.headers["retry-after"]) > 0
    expected = b'{"detail":"1 per 1 minute"}' if shape == "json" else b"rate limit exceeded"
    assert refused.body == expected
