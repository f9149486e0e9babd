"""One limit of bytes per second."""

import asyncio
import time
from collections.abc import Coroutine
from typing import Any

from bridge.delivery.fetch.bandwidth import Throttle, Throttles


async def spend(throttle: Throttle, size: int, times: int) -> None:
    """Take `size` bytes so many times."""
    for _ in range(times):
        await throttle.take(size)


def passes_at_once(taking: Coroutine[Any, Any, None]) -> bool:
    """Return whether a coroutine ends without waiting for anything."""
    try:
        taking.send(None)
    except StopIteration:
        return True
    taking.close()
    return False


async def test_no_limit_costs_no_time() -> None:
    """Without a limit nobody waits; 0 is no limit, as in qBittorrent."""
    throttle = Throttle(0)
    assert passes_at_once(spend(throttle, 1 << 30, 100))
    assert throttle.limit is None


async def test_the_limit_is_for_all_together() -> None:
    """Several takers share the limit. The fastest of three counts: the machine may be busy."""
    took = []
    for _ in range(3):
        throttle = Throttle(100_000)
        began = time.monotonic()
        await asyncio.gather(*(spend(throttle, 1000, 5) for _ in range(4)))
        took.append(time.monotonic() - began)
    assert 0.15 <= min(took) < 0.5


async def test_lifting_the_limit_wakes_those_who_wait() -> None:
    """A changed limit counts at once, also for those in line."""
    throttle = Throttle(1)
    takers = asyncio.gather(*(throttle.take(1000) for _ in range(3)))
    await asyncio.sleep(0.02)
    assert not takers.done()
    throttle.set_limit(1_000_000)
    async with asyncio.timeout(5):
        await takers
    throttle.set_limit(1)
    again = asyncio.gather(*(throttle.take(1000) for _ in range(3)))
    await asyncio.sleep(0.02)
    throttle.set_limit(None)
    async with asyncio.timeout(5):
        await again


async def test_a_cancelled_taker_lets_the_next_one_pass() -> None:
    """Who is cancelled in line blocks nobody."""
    throttle = Throttle(10_000)
    first = asyncio.get_running_loop().create_task(throttle.take(1000))
    second = asyncio.get_running_loop().create_task(throttle.take(10))
    await asyncio.sleep(0.01)
    first.cancel()
    async with asyncio.timeout(5):
        await second


def test_portions_follow_the_limit() -> None:
    """The slower the limit, the less is read at a time, within bounds."""
    assert Throttle(None).portion == Throttle(1 << 40).portion == 256 * 1024
    assert Throttle(1).portion == 2048
    assert Throttle(320_000).portion == 10_000


async def test_a_download_has_a_limit_of_its_own() -> None:
    """It holds back that download alone, together with the limit of all."""
    throttles = Throttles()
    throttles.set_own("a", 10_000)
    slow, free = throttles.of("a"), throttles.of("b")
    assert all(passes_at_once(free.take(10_000)) for _ in range(10))
    began = time.monotonic()
    await slow.take(1000)
    assert time.monotonic() - began > 0.08
    assert (slow.portion, free.portion) == (2048, 256 * 1024)
    waiting = asyncio.get_running_loop().create_task(slow.take(1_000_000))
    await asyncio.sleep(0)
    throttles.set_own("a", None)
    await asyncio.wait_for(waiting, 1)
    throttles.total.set_limit(10_000)
    assert free.portion == 2048
