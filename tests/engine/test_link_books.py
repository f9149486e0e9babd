"""LinkBooks to files: few, and never too old."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from bridge.engine.torbox_memory import LINK_SECONDS, LinkBooks
from bridge.simulator import Simulator
from bridge.torbox import Budgets, TorBox
from tests.support.rig import pack


class Clock:
    """A clock that stands still until it is pushed."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


@pytest.fixture(name="sim")
async def _sim() -> AsyncIterator[Simulator]:
    """A TorBox that has a pack, under the id 1 or so."""
    async with Simulator() as sim:
        sim.register(pack(), on_account=True)
        yield sim


async def test_a_link_lasts_fifty_minutes(sim: Simulator) -> None:
    """A link is reused for as long as it is good, also by another attempt; then a new one is made."""
    clock = Clock()
    (item,) = sim.world.torrents()
    async with aiohttp.ClientSession() as session:
        torbox = TorBox(
            session, base_url=sim.url, api_key=sim.key, timeout=5, budgets=Budgets(), clock=clock
        )
        links = LinkBooks(torbox, clock)
        first = await links.of(item.id).link(0, fresh=False)
        clock.now += LINK_SECONDS - 1
        assert await links.of(item.id).link(0, fresh=False) == first
        assert await links.of(item.id).link(1, fresh=False) != first
        assert sim.calls.count("requestdl") == 2
        clock.now += 1
        assert await links.of(item.id).link(0, fresh=False) != first
        await links.of(item.id).link(1, fresh=True)
        clock.now -= 86_400
        await links.of(item.id).link(1, fresh=False)
        assert sim.calls.count("requestdl") == 5
