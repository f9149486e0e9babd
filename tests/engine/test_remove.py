"""Removing at TorBox: a removal comes to its end, whatever TorBox calls an item that is gone."""

import json
from pathlib import Path

import pytest

from bridge.core.model import Phase
from bridge.core.planner_input import MANY_JOBS
from bridge.simulator import magnet_of
from bridge.simulator.faults import Hang, Lost, Slow
from tests.arr_emulator.arr_words import ArrSettings, InitialState
from tests.bench.growth import write_database
from tests.support.rig import Rig, pack


@pytest.mark.parametrize("manner", ["not_found", "not_owner", "database_error"])
async def test_what_is_gone_already_is_removed(rig: Rig, manner: str) -> None:
    """An item that was deleted on the website does not keep a removal from its end."""
    content = pack()
    rig.sim.register(content)
    rig.sim.world.behaviour.missing_id = manner  # type: ignore[assignment]  # one of the three
    async with rig.arr() as arr:
        download_id = await arr.add_magnet(magnet_of(content))
        await rig.reaches(content.hash, Phase.FINISHED)
        rig.sim.world.forget(content.hash)
        await arr.remove(download_id)
        await rig.until(lambda: not rig.removals)


@pytest.mark.parametrize("between", ["", "removed meanwhile", "another life"])
async def test_a_create_that_outlived_its_download(rig: Rig, between: str) -> None:
    """Removed before its create was answered, and not listed yet: it is ours when it is added again.

    So it is when that is while it is removed, and when the next one has not come to a create.
    """
    content = pack()
    rig.sim.register(content)
    rig.sim.world.behaviour.list_lag_seconds = 30.0
    rig.sim.faults.add("createtorrent", Slow(1.0), times=1)
    async with rig.arr() as arr:
        download_id = await arr.add_magnet(magnet_of(content))
        await rig.until(lambda: rig.sim.world.find(content.hash) is not None)
        if between == "removed meanwhile":
            rig.sim.faults.add("mylist", Hang(1.0), times=1)
        await arr.remove(download_id)
        if between != "removed meanwhile":
            await rig.until(lambda: not rig.removals)
        if between == "another life":
            stopped = ArrSettings(initial_state=InitialState.STOP)
            async with rig.arr("sonarr", stopped) as careful:
                await careful.add_magnet(magnet_of(content))
                await careful.remove(download_id)
        assert rig.sim.world.find(content.hash) is not None
        await arr.add_magnet(magnet_of(content))
        await rig.completed(arr, download_id)
        await arr.remove(download_id)
        await rig.until(lambda: rig.sim.world.find(content.hash) is None)


async def test_what_is_to_stay_is_not_the_work_of_a_later_create(tmp_path: Path) -> None:
    """Played from TorBox, and added again at once by an unanswered create: it stays after that."""
    url = "http://bridge.invalid"
    categories = json.dumps({"tv-sonarr": {"policy": {"delivery": "strm"}}})
    rig = Rig(tmp_path, BRIDGE_CATEGORIES=categories, BRIDGE_DELIVERY__PUBLIC_URL=url)
    await rig.open()
    try:
        content = pack()
        rig.sim.register(content)
        download_id = content.hash.upper()
        async with rig.arr("sonarr") as sonarr, rig.arr("radarr") as radarr:
            for arr in (sonarr, radarr):
                await arr.add_magnet(magnet_of(content))
                await rig.completed(arr, download_id)
                await arr.remove(download_id)
                await rig.until(lambda: not rig.removals)
                rig.sim.faults.add("createtorrent", Lost(), times=1)
            rig.sim.faults.add("createtorrent", Slow(1.0), times=None)
            await radarr.add_magnet(magnet_of(content))
            await rig.reaches(content.hash, Phase.SUBMITTING)
            await radarr.remove(download_id)
            await rig.until(lambda: not rig.removals)
        assert rig.sim.world.find(content.hash) is not None
    finally:
        await rig.close()


async def test_an_older_item_is_not_the_work_of_a_create_that_outlived_its_download(
    rig: Rig,
) -> None:
    """On the account from elsewhere: it stays, though a create of it was cut short before."""
    content, other = pack(), pack("Other")
    rig.sim.register(other)
    rig.sim.world.put(content).created_at -= 3600
    rig.sim.faults.add("createtorrent", Lost(), times=1)  # so that the list is read
    async with rig.arr() as arr:
        await arr.add_magnet(magnet_of(other))
        await rig.until(lambda: rig.state.snapshot.item_by_hash(content.hash) is not None)
        rig.sim.faults.add("createtorrent", Slow(1.0), times=1)
        download_id = await arr.add_magnet(magnet_of(content))
        await rig.reaches(content.hash, Phase.SUBMITTING)
        await arr.remove(download_id)
        await rig.until(lambda: not rig.removals)
        assert rig.state.removed_downloads[content.hash].unclear
        await arr.add_magnet(magnet_of(content))
        rig.compare(content, (await rig.completed(arr, download_id)).output_path)
        await arr.remove(download_id)
        await rig.until(lambda: not rig.removals)
    assert rig.sim.world.find(content.hash) is not None


async def test_what_the_user_moved_to_another_category(rig: Rig) -> None:
    """Lidarr, which has listed its own category alone, removes what its user has moved elsewhere.

    Its queue shows the download until its next look. The only grab of the hash is what it means.
    """
    content = pack()
    rig.sim.register(content)
    async with rig.arr("lidarr") as lidarr:
        download_id = await lidarr.add_magnet(magnet_of(content))
        item = await rig.completed(lidarr, download_id)
        await rig.post("/api/v2/torrents/createCategory", category="elsewhere")
        await rig.post("/api/v2/torrents/setCategory", hashes=content.hash, category="elsewhere")
        await lidarr.remove(download_id)
        await rig.until(lambda: rig.entry(content.hash) is None)
    await rig.until(lambda: rig.sim.world.find(content.hash) is None)
    assert not Path(item.output_path).exists()


async def test_a_session_that_lists_something_else(rig: Rig) -> None:
    """A delete by hash from a session that has listed another category is carried out."""
    content, other = pack(), pack("Other.S01")
    for one in (content, other):
        rig.sim.register(one)
    async with rig.arr("sonarr") as sonarr, rig.arr("lidarr") as lidarr:
        await lidarr.add_magnet(magnet_of(other))
        await lidarr.poll()
        download_id = await sonarr.add_magnet(magnet_of(content))
        await lidarr.remove(download_id)
    assert rig.entry(content.hash) is None


async def test_hundreds_of_jobs_all_come_to_an_end(tmp_path: Path) -> None:
    """A plan is given some of the rechecks and removals, and then the next."""
    rig = Rig(tmp_path)
    rig.downloads.mkdir()
    many = 3 * MANY_JOBS
    write_database(tmp_path / "bridge.db", rig.downloads, many)
    await rig.sim.start()
    await rig.start()
    try:
        await rig.post("/api/v2/torrents/recheck", hashes="all")
        await rig.until(lambda: not rig.state.jobs, within=60)
        assert all(grab.missing_files for grab in rig.state.grabs.values())
        await rig.post("/api/v2/torrents/delete", hashes="all", deleteFiles="true")
        assert not rig.state.grabs
        await rig.until(lambda: not rig.removals, within=60)
    finally:
        await rig.close()
