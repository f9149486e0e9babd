"""Cleaning up unasked, as a whole: imported, old, left behind, turned up too late."""

import asyncio
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bridge.core.model import Phase
from bridge.simulator import Content, ContentFile, magnet_of, make_torrent
from bridge.simulator.faults import Lost
from tests.arr_emulator.arr_words import SeedLimits
from tests.support.arr_world import World, world
from tests.support.rig import Rig, cached, pack

AFTER_IMPORT: dict[str, Any] = {"BRIDGE_POLICY__CLEAN_UP__AFTER_IMPORT": "1s"}
AFTER: dict[str, Any] = {"BRIDGE_POLICY__CLEAN_UP__AFTER": "1s"}


async def completed(here: World, content: Content | None = None) -> Content:
    """Let the *arr grab a pack, and wait until it is done."""
    content = content or pack()
    here.rig.sim.register(content)
    await here.arr.add_magnet(magnet_of(content))
    here.api.grab(content.hash)
    await here.rig.reaches(content.hash, Phase.FINISHED)
    return content


async def an_hour_ago(rig: Rig, content: Content) -> None:
    """Let it have been complete for an hour: its *arr is asked now."""
    await rig.put_back(content.hash, 3600, "completed_at")
    await rig.service.commands.to_top([content.hash])  # which wakes the engine


async def gone(rig: Rig, content: Content) -> None:
    """Wait until nothing is left of it: no entry, no file, no remote item."""
    await rig.until(lambda: rig.entry(content.hash) is None and not rig.removals)
    assert rig.sim.world.find(content.hash) is None
    assert not any(path.is_file() for path in rig.downloads.rglob("*"))


@pytest.mark.parametrize("kind", ["sonarr", "radarr", "lidarr", "readarr", "whisparr"])
async def test_what_is_imported_and_not_removed_goes(tmp_path: Path, kind: str) -> None:
    """After its *arr has all of it in the library and its queue shows no more of it."""
    async with world(tmp_path, kind, **AFTER_IMPORT) as here:
        content = await completed(here)
        here.api.imported(content.hash)
        here.api.queue.clear()
        await an_hour_ago(here.rig, content)
        await gone(here.rig, content)
        events = await here.rig.service.queries.events(content.hash)
        assert any(f"{here.api.name} has imported it" in event.why for event in events)
        assert any("cleaned up" in event.why for event in events)
        assert here.api.blocklist == []


def not_imported(here: World, content: Content) -> None:
    """Leave the history as it is after a grab."""
    here.api.queue.clear()


def still_queued(here: World, content: Content) -> None:
    """Import one episode of several: the others wait in the queue."""
    here.api.imported(content.hash)


@pytest.mark.parametrize("leave", [not_imported, still_queued])
async def test_what_may_still_be_wanted_stays(
    tmp_path: Path, leave: Callable[[World, Content], None]
) -> None:
    """Not imported, or only in part: it stays, however often the *arr is asked."""
    async with world(tmp_path, **AFTER_IMPORT) as here:
        content = await completed(here)
        leave(here, content)
        await an_hour_ago(here.rig, content)
        await here.rig.until(lambda: "GET /history" in here.api.calls)
        await asyncio.sleep(0.3)
        assert here.rig.followed(content.hash).imported_at is None


async def test_an_arr_that_cannot_be_asked_loses_nothing(tmp_path: Path) -> None:
    """Its trouble is no import; it is asked again later."""
    async with world(tmp_path, **AFTER_IMPORT) as here:
        content = await completed(here)
        here.api.imported(content.hash)
        here.api.queue.clear()
        here.api.trouble = {"GET /history": [500]}
        await an_hour_ago(here.rig, content)
        await here.rig.until(lambda: "GET /history" in here.api.calls)
        await asyncio.sleep(0.3)
        assert here.rig.phase(content.hash) is Phase.FINISHED


async def test_what_is_old_goes_without_any_arr(tmp_path: Path) -> None:
    """After its time, imported or not; what was on the account before stays there."""
    rig = Rig(tmp_path, **AFTER)
    await rig.open()
    try:
        ours, theirs = pack("Ours"), pack("Theirs")
        rig.sim.register(ours)
        rig.sim.world.put(theirs)
        async with rig.arr() as arr:
            for content in (ours, theirs):
                await arr.add_magnet(magnet_of(content))
            await rig.until(lambda: not rig.state.downloads and not rig.removals)
            assert await arr.poll() == []
        assert rig.sim.world.find(ours.hash) is None
        assert rig.sim.world.find(theirs.hash) is not None
        assert not any(path.is_file() for path in rig.downloads.rglob("*"))
    finally:
        await rig.close()


async def test_only_the_category_that_says_so(tmp_path: Path) -> None:
    """One of two *arr is cleaned up after; the other keeps its files."""
    rules = {"radarr": {"policy": {"clean_up": {"after": "1s"}}}}
    rig = Rig(tmp_path, BRIDGE_CATEGORIES=json.dumps(rules))
    await rig.open()
    try:
        content = pack()
        rig.sim.register(content)
        async with rig.arr("sonarr") as sonarr, rig.arr("radarr") as radarr:
            for arr in (sonarr, radarr):
                download_id = await arr.add_magnet(magnet_of(content))
                await rig.completed(arr, download_id)
            await rig.until(lambda: len(rig.service.queries.views) == 1 and not rig.removals)
            assert await radarr.poll() == []
            (item,) = await sonarr.poll()
            rig.compare(content, item.output_path)
        assert rig.sim.world.find(content.hash) is not None
    finally:
        await rig.close()


async def test_a_dry_run_only_lists(tmp_path: Path) -> None:
    """The page lists what would go, and nothing does; without it, it lists what goes and when."""
    rig = Rig(tmp_path, **AFTER, BRIDGE_POLICY__CLEAN_UP__DRY_RUN="true")
    await rig.open()
    try:
        content = pack()
        rig.sim.register(content)
        async with rig.arr() as arr:
            await rig.completed(arr, await arr.add_magnet(magnet_of(content)))
            await rig.reaches(content.hash, Phase.FINISHED)
            await an_hour_ago(rig, content)
            (listed,) = json.loads((await rig.get("/api/bridge/status"))[1])["clean_up"]
            assert (listed["name"], listed["category"]) == (content.name, "tv-sonarr")
            assert (listed["why"][:7], listed["at"]) == ("dry run", None)
            assert len(await arr.poll()) == 1
        await rig.stop()
        rig.change(BRIDGE_POLICY__CLEAN_UP__DRY_RUN="false", BRIDGE_POLICY__CLEAN_UP__AFTER="2h")
        await rig.start()
        (listed,) = json.loads((await rig.get("/api/bridge/status"))[1])["clean_up"]
        completed_at = rig.followed(content.hash).completed_at
        assert completed_at is not None
        assert listed["at"] == completed_at + 7200
    finally:
        await rig.close()


async def test_what_still_seeds_stays(tmp_path: Path) -> None:
    """The seed rule that the *arr sent goes before any clean-up."""
    rig = Rig(tmp_path, **AFTER)
    await rig.open()
    try:
        content = cached(make_torrent("Film", [ContentFile("Film.mkv", 50_000)]), is_cached=False)
        rig.sim.register(content)
        async with rig.arr() as arr:
            await arr.add_magnet(magnet_of(content), SeedLimits(ratio=50.0))
            await rig.reaches(content.hash, Phase.DELIVERED)
            await an_hour_ago(rig, content)
            (item,) = await arr.poll()
            assert not item.can_be_removed
        assert rig.service.cleanup.scheduled() == []
    finally:
        await rig.close()


async def removed_unseen(rig: Rig, content: Content) -> None:
    """Remove a download whose create went unanswered, before TorBox shows what it made."""
    rig.sim.register(content)
    rig.sim.faults.add("createtorrent", Lost(), hash=content.hash)
    async with rig.arr() as arr:
        download_id = await arr.add_magnet(magnet_of(content))
        await rig.until(lambda: rig.sim.world.find(content.hash) is not None)
        rig.sim.world.change(content.hash, hidden="both")
        await arr.remove(download_id)
    await rig.until(lambda: not rig.removals and not rig.state.downloads)
    assert rig.state.removed_downloads[content.hash].unclear


def long_gone(rig: Rig) -> None:
    """Let all removals have been over for ten minutes. The bridge must not run."""
    database = rig.environ["BRIDGE_PATHS__DATABASE"]
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("UPDATE removed_downloads SET left_at = left_at - 600")


async def test_what_turned_up_late_is_removed_at_the_next_start(rig: Rig) -> None:
    """A create that was thought lost, and that TorBox shows after its removal was over."""
    content = pack()
    await removed_unseen(rig, content)
    await rig.stop()
    long_gone(rig)
    rig.sim.world.change(content.hash, hidden=None)
    await rig.start()
    await rig.until(lambda: rig.sim.world.find(content.hash) is None)
    events = await rig.service.queries.events(content.hash)
    assert any("appeared at TorBox after its removal" in event.why for event in events)


async def test_what_was_added_again_and_is_to_stay_stays(tmp_path: Path) -> None:
    """Removed, added again at once, and then played from TorBox: it is nothing that turned up late."""
    url = "http://bridge.invalid"
    rig = Rig(tmp_path, BRIDGE_DELIVERY__MODE="strm", BRIDGE_DELIVERY__PUBLIC_URL=url)
    await rig.open()
    try:
        content = cached(pack(), is_cached=False)
        rig.sim.register(content)
        rig.sim.world.change(content.hash, stop_at=0.5)
        async with rig.arr() as arr:
            download_id = await arr.add_magnet(magnet_of(content))
            await rig.reaches(content.hash, Phase.REMOTE)
            await arr.remove(download_id)
            rig.sim.world.change(content.hash, stop_at=None)
            await arr.add_magnet(magnet_of(content))
            await rig.completed(arr, download_id)
            await arr.remove(download_id)
            await rig.until(lambda: not rig.removals)
        assert rig.sim.world.find(content.hash) is not None
        await rig.stop()
        long_gone(rig)
        await rig.start()
        await asyncio.sleep(2)
        assert rig.sim.world.find(content.hash) is not None
    finally:
        await rig.close()


async def test_what_somebody_else_added_meanwhile_stays(rig: Rig) -> None:
    """The same torrent, added on the site after it was removed here, is not the bridge's."""
    content = pack()
    await removed_unseen(rig, content)
    await rig.stop()
    long_gone(rig)
    rig.sim.world.forget(content.hash)
    rig.sim.clock.advance(600)
    rig.sim.world.put(content)
    rig.sim.world.change(content.hash, hidden=None)
    await rig.start()
    await rig.until(lambda: bool(rig.state.snapshot.listed))
    async with rig.arr() as arr:  # something happens: whatever was to be done is done
        other = pack("Other")
        rig.sim.register(other)
        await rig.completed(arr, await arr.add_magnet(magnet_of(other)))
    assert rig.sim.world.find(content.hash) is not None
    (told,) = rig.service.cleanup.left_alone()
    assert (told.name, told.category) == (content.name, "TorBox")
