"""Creates that fail, hang or must not be sent: none of them holds up another."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from time import monotonic

import pytest
from msgspec.structs import replace

from bridge.core.model import Phase, Reason
from bridge.simulator import Content, ContentFile, magnet_of, make_torrent
from bridge.simulator.faults import AnyEffect, Error, Hang, Malformed
from tests.arr_emulator.arr_client import Arr
from tests.arr_emulator.arr_queue import QueueStatus
from tests.support.rig import BRISK, Rig, cached


def film(name: str, *, is_cached: bool = True) -> Content:
    """Make a film, cached at TorBox or not."""
    return cached(make_torrent(name, [ContentFile(f"{name}.mkv", 9_000)]), is_cached=is_cached)


@pytest.fixture(name="only")
async def _only(tmp_path: Path) -> AsyncIterator[Rig]:
    """A bridge that takes only what is cached; Sonarr is told of failures by its own API."""
    arr = '[{"name": "sonarr", "kind": "sonarr", "url": "http://127.0.0.1:9", "api_key": "key",'
    arr += ' "categories": ["tv-sonarr"]}]'
    rig = Rig(tmp_path, BRIDGE_POLICY__CACHED="only", BRIDGE_ARR=arr)
    await rig.open()
    try:
        yield rig
    finally:
        await rig.close()


async def test_only_cached_is_checked_before_the_create(only: Rig) -> None:
    """What TorBox has cached is asked for first; what it has not fails with no create at all."""
    contents = [film("Cached"), film("Uncached", is_cached=False)]
    async with only.arr() as arr:
        for content in contents:
            only.sim.register(content)
            await arr.add_magnet(magnet_of(content))
        await only.reaches(contents[0].hash, Phase.FINISHED)
        download = await only.reaches(contents[1].hash, Phase.FAILED)
    assert download.failure_reason is Reason.NOT_CACHED
    assert only.sim.calls.count("createtorrent") == 1
    order = [call.endpoint for call in only.sim.calls]
    assert order.index("checkcached") < order.index("createtorrent")


async def test_only_cached_waits_for_the_check(only: Rig) -> None:
    """While TorBox does not say whether it is cached, nothing is created and nothing fails."""
    content = film("Cached")
    only.sim.register(content)
    fault = only.sim.faults.add("checkcached", Error(500, "DATABASE_ERROR"), times=None)
    async with only.arr() as arr:
        await arr.add_magnet(magnet_of(content))
        await only.until(lambda: fault.struck >= 1)
        assert only.phase(content.hash) is Phase.ACCEPTED
        assert only.sim.calls.count("createtorrent") == 0
        only.sim.faults.clear()
        await only.reaches(content.hash, Phase.FINISHED, within=25)


@pytest.mark.parametrize("effect", [Hang(60), Error(500, "DATABASE_ERROR"), Malformed()])
async def test_failing_creates_hold_up_nobody(rig: Rig, effect: AnyEffect) -> None:
    """However many creates hang or fail, the healthy ones behind them have their turn."""
    bad, good = [film(f"Bad.{n}") for n in range(6)], [film(f"Good.{n}") for n in range(3)]
    for content in (*bad, *good):
        rig.sim.register(content)
    for content in bad:
        rig.sim.faults.add("createtorrent", effect, hash=content.hash, times=None)
    async with rig.arr() as arr:
        for content in (*bad, *good):
            await arr.add_magnet(magnet_of(content))
        began = monotonic()
        for content in good:
            await rig.reaches(content.hash, Phase.FINISHED, within=25)
    assert monotonic() - began < 16
    assert not rig.service.unreachable
    rig.sim.faults.clear()


async def test_one_hash_after_the_other_is_trouble(rig: Rig) -> None:
    """One failing hash is no trouble; three different ones are, until a create works."""
    contents = [film(f"Film.{n}") for n in range(3)]
    for content in contents:
        rig.sim.register(content)
    fault = rig.sim.faults.add("createtorrent", Error(500, "DATABASE_ERROR"), times=None)
    async with rig.arr() as arr:
        await arr.add_magnet(magnet_of(contents[0]))
        await rig.until(lambda: fault.struck >= 4)
        assert (await rig.get("/readyz"))[0] == 200
        for content in contents[1:]:
            await arr.add_magnet(magnet_of(content))
        await rig.until(lambda: any("adds in a row failed" in why for why in rig.service.troubles))
        rig.sim.faults.clear()
        for content in contents:
            await rig.reaches(content.hash, Phase.FINISHED)
    assert (await rig.get("/readyz"))[0] == 200


async def test_a_stuck_magnet_is_created_from_its_torrent(rig: Rig) -> None:
    """A .torrent of a hash whose magnet finds no metadata replaces the item that is ours."""
    content = film("Film", is_cached=False)
    rig.sim.register(content)
    rig.sim.world.change(content.hash, metadata_seconds=9e9)
    assert content.torrent is not None
    async with rig.arr() as arr:
        await arr.add_magnet(magnet_of(content))
        await rig.reaches(content.hash, Phase.REMOTE)
        await rig.until(lambda: rig.followed(content.hash).seen_at is not None)
        rig.sim.world.change(content.hash, metadata_seconds=None)
        await arr.add_torrent(content.torrent, content.name, content.hash)
        await rig.reaches(content.hash, Phase.FINISHED)
    assert rig.sim.calls.count("createtorrent") == 2
    assert len(rig.sim.world.torrents()) == 1


async def grabbed_and_removed(rig: Rig, arr: Arr, content: Content) -> None:
    """Grab a release, have it delivered, and remove it."""
    download_id = await arr.add_magnet(magnet_of(content))
    await rig.reaches(content.hash, Phase.FINISHED)
    await arr.remove(download_id)
    await rig.until(lambda: rig.entry(content.hash) is None)


async def test_one_hash_is_not_created_again_and_again(tmp_path: Path) -> None:
    """From the third add within the hour on, what was removed minutes ago is used again."""
    rig = Rig(tmp_path, retry=replace(BRISK, create_again=60.0, reuse=60.0))
    await rig.open()
    content = film("Film")
    rig.sim.register(content)
    async with rig.arr() as arr:
        await grabbed_and_removed(rig, arr, content)
        await rig.until(lambda: not rig.sim.world.torrents())  # the first is deleted at once
        for _ in range(4):
            await grabbed_and_removed(rig, arr, content)
            await rig.until(lambda: not list(rig.downloads.rglob("*.mkv")))
        # How often a hash was created is not stored: the item must be kept before the restart.
        await rig.until(lambda: any(job.next_attempt_at for job in rig.removals))
    await rig.restart()
    async with rig.arr() as arr:
        download_id = await arr.add_magnet(magnet_of(content))
        item = await rig.completed(arr, download_id)
        rig.compare(content, item.output_path)
    assert rig.sim.calls.count("createtorrent") == 2
    assert len(rig.sim.world.torrents()) == 1
    await rig.close()


async def test_what_nobody_adds_again_is_deleted(tmp_path: Path) -> None:
    """An item that is kept for another add is deleted at TorBox when its time is over."""
    rig = Rig(tmp_path, retry=replace(BRISK, reuse=1.5))
    await rig.open()
    content = film("Film")
    rig.sim.register(content)
    async with rig.arr() as arr:
        for _ in range(2):
            await rig.until(lambda: not rig.removals)
            await grabbed_and_removed(rig, arr, content)
        await asyncio.sleep(0.5)
        assert len(rig.sim.world.torrents()) == 1
        await rig.until(lambda: not rig.sim.world.torrents() and not rig.removals)
    await rig.close()


async def test_what_is_gone_is_not_used_again(tmp_path: Path) -> None:
    """If the kept item has vanished at TorBox meanwhile, the torrent is created, after a pause."""
    rig = Rig(tmp_path, retry=replace(BRISK, reuse=60.0))
    await rig.open()
    content = film("Film")
    rig.sim.register(content)
    async with rig.arr() as arr:
        for _ in range(2):
            await rig.until(lambda: not rig.removals)
            await grabbed_and_removed(rig, arr, content)
        await rig.until(lambda: any(job.next_attempt_at for job in rig.removals))
        for torrent in rig.sim.world.torrents():
            rig.sim.world.control(torrent.id, "delete")
        await arr.add_magnet(magnet_of(content))
        await rig.reaches(content.hash, Phase.FINISHED)
    assert rig.sim.calls.count("createtorrent") == 3
    await rig.close()


async def test_a_pause_between_creates_of_one_hash(tmp_path: Path) -> None:
    """What TorBox has not finished cannot be used again: its third create has to wait."""
    rig = Rig(tmp_path, retry=replace(BRISK, create_again=60.0, reuse=60.0))
    await rig.open()
    content = film("Film", is_cached=False)
    rig.sim.register(content)
    rig.sim.world.change(content.hash, metadata_seconds=9e9)
    async with rig.arr() as arr:
        for _ in range(2):
            download_id = await arr.add_magnet(magnet_of(content))
            await rig.reaches(content.hash, Phase.REMOTE)
            await arr.remove(download_id)
            await rig.until(lambda: rig.entry(content.hash) is None and not rig.removals)
            assert not rig.sim.world.torrents()  # it holds no slot while nobody wants it
        await arr.add_magnet(magnet_of(content))
        await asyncio.sleep(1.0)
        assert rig.phase(content.hash) is Phase.ACCEPTED
        (queued,) = await arr.poll()
        assert queued.status is QueueStatus.QUEUED
    assert rig.sim.calls.count("createtorrent") == 2
    await rig.close()
