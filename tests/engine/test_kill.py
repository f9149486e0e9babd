"""kill -9 and SIGTERM: nothing accepted is lost, nothing is added twice, fetches go on."""

import asyncio
import random

import pytest

from bridge.simulator import Content, magnet_of
from bridge.simulator.faults import Error, Lost, Malformed, NoData
from tests.support.process import BRISK, BridgeProcess
from tests.support.rig import PASSWORD, Rig, pack

KILLS = 10


async def test_a_fetch_goes_on_after_a_kill(set_up: Rig) -> None:
    """Half-fetched files resume by range; what was on disk is not fetched again."""
    content = pack(episodes=1, size=6_000_000)
    set_up.sim.register(content)
    set_up.sim.links.cdn.bytes_per_second = 500_000
    process = BridgeProcess(set_up.environ)
    await process.start()
    async with set_up.arr_at(process.url, PASSWORD) as arr:
        download_id = await arr.add_magnet(magnet_of(content))
    await set_up.until(lambda: any((set_up.downloads / ".incomplete").glob("*/content/**/*.mkv")))
    await asyncio.sleep(1.0)
    assert await process.terminate() == 0
    set_up.sim.links.cdn.bytes_per_second = None
    set_up.sim.calls.clear()
    await process.start()
    try:
        async with set_up.arr_at(process.url, PASSWORD) as arr:
            item = await set_up.completed(arr, download_id)
        set_up.compare(content, item.output_path)
        assert set_up.sim.calls.count("createtorrent") == 0
        fetched = sum(call.bytes for call in set_up.sim.calls.to("cdn"))
        assert 0 < fetched < content.size
    finally:
        await process.kill()


@pytest.mark.timeout(300)  # eleven starts, of which each has a bound of its own
async def test_random_kills(set_up: Rig) -> None:
    """Adds between kills at random moments, and faults: every one completes, none is there twice."""
    dice = random.Random(7)
    contents = [pack(f"Pack.{number:02}", episodes=2, size=40_000) for number in range(2 * KILLS)]
    for content in contents:
        set_up.sim.register(content)
    for effect in (Lost(), Malformed(), NoData(), Error(500, "DATABASE_ERROR")):
        set_up.sim.faults.add("createtorrent", effect, times=None, probability=0.1)
    waiting, accepted = list(contents), dict[str, Content]()
    process = BridgeProcess(set_up.environ, BRISK)
    for _ in range(KILLS):
        await process.start()
        accepted |= await _add_some(set_up, process, waiting, dice)
        await asyncio.sleep(dice.uniform(0.0, 0.3))
        await process.kill()
    await process.start()
    try:
        async with set_up.arr_at(process.url, PASSWORD) as arr:
            for download_id, content in accepted.items():
                item = await set_up.completed(arr, download_id, within=30.0)
                set_up.compare(content, item.output_path)
    finally:
        await process.kill()
    assert len(accepted) == len(contents)
    assert not any("invariant_violated" in line for line in process.output)
    hashes = [torrent.hash for torrent in set_up.sim.world.torrents()]
    assert sorted(hashes) == sorted(content.hash for content in contents)


async def _add_some(
    set_up: Rig, process: BridgeProcess, waiting: list[Content], dice: random.Random
) -> dict[str, Content]:
    """Add two."""
    accepted = {}
    async with set_up.arr_at(process.url, PASSWORD) as arr:
        for content in waiting[:2]:
            accepted[await arr.add_magnet(magnet_of(content))] = content
            waiting.remove(content)
            await asyncio.sleep(dice.uniform(0.0, 0.05))
    return accepted
