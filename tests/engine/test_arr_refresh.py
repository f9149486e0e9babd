"""An *arr looks at its queue when something of its own is complete or failed, not a minute later."""

import asyncio
from pathlib import Path

from bridge.core.model import Phase
from bridge.simulator import magnet_of
from tests.support.arr_world import World, refused, world
from tests.support.rig import pack

REFRESH = "RefreshMonitoredDownloads"


async def test_one_call_for_all_that_becomes_complete(tmp_path: Path) -> None:
    """Three downloads at about the same time are one call."""
    async with world(tmp_path) as here:
        packs = [pack(f"Show.S0{number}", episodes=1) for number in (1, 2, 3)]
        for one in packs:
            here.rig.sim.register(one)
            await here.arr.add_magnet(magnet_of(one))
        for one in packs:
            await here.rig.reaches(one.hash, Phase.DELIVERED, Phase.FINISHED)
        await here.rig.until(lambda: bool(here.api.commands))
        assert here.api.commands == [REFRESH]
        await asyncio.sleep(2.5)  # longer than calls are gathered: there is no other
        assert here.api.commands == [REFRESH]


async def test_what_fails(tmp_path: Path) -> None:
    """A failure is told as well, though the *arr did not grab it."""
    async with world(tmp_path) as here:
        info_hash = await here.fails(grabbed=False)
        await here.settled(info_hash)
        await here.rig.until(lambda: here.api.commands == [REFRESH])


async def test_only_the_one_of_the_category(tmp_path: Path) -> None:
    """Nobody is called for what is in a category of nobody."""
    async with world(tmp_path) as here, here.rig.arr("radarr") as radarr:
        content = refused(here.rig)
        await radarr.add_magnet(magnet_of(content))
        await here.rig.reaches(content.hash, Phase.FAILED)
        await asyncio.sleep(2.5)
        assert here.api.commands == []


async def test_a_call_that_fails_changes_nothing(tmp_path: Path) -> None:
    """The download is complete all the same; the next one is told again."""
    async with world(tmp_path) as here:
        here.api.trouble["POST /command"] = [500]
        await _delivered(here, 1)
        await here.rig.until(lambda: here.api.calls.count("POST /command") == 1)
        assert here.api.commands == []
        await _delivered(here, 2)
        await here.rig.until(lambda: here.api.commands == [REFRESH])


async def _delivered(here: World, season: int) -> None:
    one = pack(f"Show.S0{season}", episodes=1)
    here.rig.sim.register(one)
    await here.arr.add_magnet(magnet_of(one))
    await here.rig.reaches(one.hash, Phase.DELIVERED, Phase.FINISHED)
