"""TorBox is down, slow or sends nonsense: clients are served from memory, and work resumes."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from bridge.core.model import Download, DownloadPhase, Grab, Phase
from bridge.simulator import Content, ContentFile, magnet_of
from bridge.simulator.faults import AnyEffect, Error, Html, Malformed, StaleList
from bridge.state import Batch, Database
from tests.support.rig import BRISK, Rig, film, pack


async def test_torbox_away(rig: Rig) -> None:
    """Polls answer at once, adds are accepted, /readyz gives the reason, and work resumes."""
    before, during = film("Before"), [film(f"Film.{n}", is_cached=True) for n in range(12)]
    for content in (before, *during):
        rig.sim.register(content)
    rig.sim.world.change(before.hash, stop_at=0.5)
    async with rig.arr() as arr:
        download_id = await arr.add_magnet(magnet_of(before))
        await rig.reaches(before.hash, Phase.REMOTE)
        fault = rig.sim.faults.add("*", Html(status=502), times=None)
        adds = [await arr.add_magnet(magnet_of(content)) for content in during]
        await rig.until(lambda: bool(rig.service.troubles))
        status, why = await rig.get("/readyz")
        assert status == 503
        assert "TorBox" in why
        assert (await rig.get("/healthz"))[0] == 200
        began = time.monotonic()
        states = {item.download_id: item.status for item in await arr.poll()}
        assert time.monotonic() - began < 0.5
        assert states[download_id] != "warning"
        assert {states[add] for add in adds} == {"queued"}
        await rig.until(lambda: fault.struck >= 6)
        rig.sim.calls.clear()
        rig.sim.faults.clear()
        for add in adds:
            await rig.completed(arr, add)
        assert rig.phase(before.hash) is Phase.REMOTE
    work = {"mylist", "createtorrent", "controltorrent", "requestdl"}
    assert next(call.endpoint for call in rig.sim.calls if call.endpoint in work) == "mylist"
    assert (await rig.get("/readyz"))[0] == 200
    assert len(rig.sim.world.torrents()) == 13


async def test_an_outage_is_probed_by_one_call_at_a_time(rig: Rig) -> None:
    """However many downloads wait, an outage costs TorBox one call now and then."""
    await rig.sim.stop()
    contents = [film(f"Film.{number}") for number in range(20)]
    async with rig.arr() as arr:
        for content in contents:
            await arr.add_magnet(magnet_of(content))
    await rig.until(lambda: bool(rig.service.troubles))
    assert all(rig.phase(content.hash) is Phase.ACCEPTED for content in contents)
    assert sum(bool(rig.note(content.hash)) for content in contents) <= 3


async def test_removals_wait_too(rig: Rig) -> None:
    """A download that is deleted during an outage goes from the disk at once, from TorBox later."""
    content = pack()
    rig.sim.register(content)
    async with rig.arr() as arr:
        download_id = await arr.add_magnet(magnet_of(content))
        item = await rig.completed(arr, download_id)
        rig.sim.faults.add("*", Html(status=503), times=None)
        await arr.remove(download_id)
        await rig.until(lambda: not Path(item.output_path).exists())
        assert rig.sim.world.find(content.hash) is not None
        rig.sim.faults.clear()
        await rig.until(lambda: rig.sim.world.find(content.hash) is None)


LIES: tuple[AnyEffect, ...] = (
    Html(status=502),
    Malformed(),
    Malformed(body='{"success": true, "data": {"not": "a list"}}'),
    Error(500, "DATABASE_ERROR"),
    Error(404, "ENDPOINT_NOT_FOUND"),
    Error(200, None, "nothing", success=False),
    StaleList(seconds=60),
)


async def test_a_list_that_lies_is_no_news(old: Rig) -> None:
    """A list that fails, or is malformed or stale, loses nothing that is followed."""
    faults = [old.sim.faults.add("mylist", effect) for effect in LIES]
    await old.until(lambda: all(fault.struck for fault in faults), within=20)
    assert {download.phase for download in old.state.downloads.values()} == {DownloadPhase.ACTIVE}
    assert not any(download.misses for download in old.state.downloads.values())


@pytest.fixture(name="old")
async def _old(tmp_path: Path) -> AsyncIterator[Rig]:
    """A bridge that follows two hundred downloads of an hour ago, all of them at TorBox."""
    rig = Rig(tmp_path, retry=replace(BRISK, metadata=3600))
    rig.downloads.mkdir()
    await rig.sim.start()
    hour_ago = time.time() - 3600
    batch = Batch()
    async with Database(tmp_path / "bridge.db") as database:
        for number in range(1, 201):
            content = Content(f"{number:040x}", f"Film.{number}", (ContentFile("f.mkv", 1000),))
            rig.sim.world.change(content.hash, stop_at=0.5)
            item = rig.sim.register(content, on_account=True)
            assert item is not None
            batch.put(
                Download(
                    id=number,
                    hash=content.hash,
                    name=content.name,
                    phase=DownloadPhase.ACTIVE,
                    phase_at=hour_ago,
                    remote_at=hour_ago,
                    torrent_id=item.id,
                    submitted_at=hour_ago,
                )
            )
            grab = Grab(
                id=number, download_id=number, save_path=str(rig.downloads), added_at=hour_ago
            )
            batch.put(grab)
        await database.write(batch)
    await rig.start()
    try:
        yield rig
    finally:
        await rig.close()


async def test_two_hundred_downloads_cost_one_list(old: Rig) -> None:
    """A poll reads one list, however many downloads are followed, and nothing else."""
    await old.until(lambda: old.sim.calls.count("mylist") >= 3)
    assert set(old.sim.calls.counts()) == {"mylist"}
    assert all(call.id is None for call in old.sim.calls)


async def test_nothing_active_nothing_asked(rig: Rig) -> None:
    """When all is delivered, TorBox is left alone."""
    content = pack()
    rig.sim.register(content)
    async with rig.arr() as arr:
        await rig.completed(arr, await arr.add_magnet(magnet_of(content)))
        rig.sim.calls.clear()
        for _ in range(20):
            await arr.poll()
            await asyncio.sleep(0.05)
    assert rig.sim.calls.counts() == {}


async def test_links_are_reused(rig: Rig) -> None:
    """A delivery that is taken up again goes on with the links it had."""
    content = pack(episodes=3, size=3_000_000)
    rig.sim.register(content)
    rig.sim.links.cdn.bytes_per_second = 500_000
    async with rig.arr() as arr:
        download_id = await arr.add_magnet(magnet_of(content))
        await rig.until(lambda: rig.sim.calls.count("cdn") >= 3)
        await rig.service.commands.stop([content.hash])
        await rig.until(lambda: not rig.state.meters)
        rig.sim.links.cdn.bytes_per_second = None
        await rig.service.commands.start([content.hash])
        await rig.completed(arr, download_id)
    assert rig.sim.calls.count("requestdl") == 3
