"""Failing over, as a whole: TorBox refuses, the *arr is told by its own API, nothing is left."""

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bridge.core.model import Phase, Reason
from bridge.simulator import ContentFile, magnet_of, make_torrent
from tests.arr_emulator.arr_wire import ArrError
from tests.support.arr_api import KINDS, ArrApi
from tests.support.arr_world import (
    TOLD,
    TOLD_BY_HISTORY,
    TOLD_WITH_REASON,
    World,
    refused,
    world,
)
from tests.support.process import BridgeProcess
from tests.support.rig import BRISK, PASSWORD, JumpingClock, Rig


@pytest.fixture(name="here")
async def _here(tmp_path: Path) -> AsyncIterator[World]:
    """A Sonarr and a bridge."""
    async with world(tmp_path) as made:
        yield made


@pytest.mark.parametrize("kind", KINDS)
async def test_the_release_is_blocklisted_and_searched_again(tmp_path: Path, kind: str) -> None:
    """Each kind is told once, deletes the download itself, and nothing is left behind."""
    async with world(tmp_path, kind) as here:
        info_hash = await here.fails()
        await here.settled(info_hash)
        assert here.api.blocklist == here.api.searches == [info_hash.upper()]
        told = TOLD_WITH_REASON if here.api.kind.message_api else TOLD
        assert [call for call in here.api.calls if call.startswith("DELETE")] == [told]
        assert here.rig.entry(info_hash) is None
        assert await here.arr.poll() == []
        await here.rig.until(lambda: not here.rig.removals)
        status, story = await here.rig.get(f"/api/bridge/downloads/{info_hash}")
        assert status == 200
        assert "searches for another release" in story


async def test_what_the_arr_did_not_grab(here: World) -> None:
    """A download that no *arr grabbed stays as an error, and its note says why."""
    info_hash = await here.fails(grabbed=False)
    here.api.track(info_hash, matched=False)
    await here.settled(info_hash)
    assert "did not grab it" in here.rig.note(info_hash)
    assert [item.status for item in await here.arr.poll()] == ["warning"]
    assert here.api.blocklist == []
    assert TOLD not in here.api.calls
    assert TOLD_BY_HISTORY not in here.api.calls


async def test_another_category(here: World) -> None:
    """A failed download without an *arr is reported to none."""
    async with here.rig.arr("radarr") as radarr:
        content = refused(here.rig)
        await radarr.add_magnet(magnet_of(content))
        await here.rig.reaches(content.hash, Phase.FAILED)
    assert not here.rig.failovers
    assert here.api.calls == []


async def test_an_arr_that_is_slow_to_note_it(tmp_path: Path) -> None:
    """The history and then the queue come to know it a moment later: it is waited for."""
    async with world(tmp_path, retry=BRISK) as here:
        info_hash = await here.fails(grabbed=False)
        await here.says("in its history yet", info_hash)
        here.api.grab(info_hash, queued=False)
        await here.says("does not show it in its queue", info_hash)
        here.api.track(info_hash)
        await here.settled(info_hash)
        assert here.api.blocklist == [info_hash.upper()]
        assert here.api.calls.count(TOLD) == 1


async def test_without_a_record_in_the_queue(here: World) -> None:
    """The *arr is told by its history, and the download is removed, as it would have done."""
    info_hash = await here.fails(queued=False)
    await here.settled(info_hash)
    await here.rig.until(lambda: here.rig.entry(info_hash) is None)
    assert here.api.blocklist == here.api.searches == [info_hash.upper()]
    assert TOLD not in here.api.calls


@pytest.mark.parametrize("kind", ["lidarr", "readarr"])
async def test_an_arr_that_says_blacklist(tmp_path: Path, kind: str) -> None:
    """Old versions delete without a blocklist, and are then told by the history: once."""
    async with world(tmp_path, kind) as here:
        here.api.says_blocklist = "blacklist"
        info_hash = await here.fails()
        await here.settled(info_hash)
        assert here.api.blocklist == here.api.searches == [info_hash.upper()]
        assert here.rig.entry(info_hash) is None


async def test_what_waits_for_its_grab_is_left_alone(here: World) -> None:
    """A release that stands in the queue without a download is never taken for a failed one."""
    waiting = here.api.pend("Show.1")
    info_hash = await here.fails()
    await here.settled(info_hash)
    assert here.api.blocklist == [info_hash.upper()]
    assert here.api.queue == [waiting]


@pytest.mark.parametrize("kind", KINDS)
async def test_what_was_imported_by_hand(tmp_path: Path, kind: str) -> None:
    """Files that are in the library already are no reason to search again, for any kind."""
    async with world(tmp_path, kind) as here:
        content = refused(here.rig)
        here.api.grab(content.hash)
        here.api.imported(content.hash)
        await here.arr.add_magnet(magnet_of(content))
        await here.settled(content.hash)
        assert here.api.blocklist == []


async def test_an_arr_in_trouble(here: World) -> None:
    """A report that is answered with 500, 401 or 404 is retried, and made once."""
    here.api.trouble = {"GET /history": [500, 401], "GET /queue": [503], TOLD: [500, 404]}
    info_hash = await here.fails()
    await here.settled(info_hash)
    assert here.api.blocklist == [info_hash.upper()]
    assert here.api.calls.count(TOLD) == 3


async def test_a_client_that_does_not_delete(here: World) -> None:
    """As long as the *arr cannot delete in its client nothing is blocklisted; then once."""
    tries = iter([True, True])

    async def delete(info_hash: str) -> None:
        if next(tries, False):
            raise ArrError("no")
        await here.arr.remove(info_hash)

    here.api.delete_in_client = delete
    info_hash = await here.fails()
    await here.settled(info_hash)
    assert here.api.blocklist == [info_hash.upper()]
    assert here.api.calls.count(TOLD) == 3


async def test_a_dry_run(tmp_path: Path) -> None:
    """With `failover.dry_run` the *arr is only asked, and the note says what would be done."""
    async with world(tmp_path, BRIDGE_FAILOVER__DRY_RUN="true") as here:
        info_hash = await here.fails()
        await here.settled(info_hash)
        assert "would blocklist it" in here.rig.note(info_hash)
        assert here.api.blocklist == []
        assert {call.partition(" ")[0] for call in here.api.calls} == {"GET"}


async def test_so_many_an_hour(tmp_path: Path) -> None:
    """A whole season that fails is not blocklisted at once: the others wait, and are shown."""
    async with world(tmp_path, BRIDGE_FAILOVER__PER_HOUR="2") as here:
        hashes = [await here.fails(number) for number in range(1, 5)]
        await here.rig.until(lambda: len(here.api.blocklist) == 2)
        waiting = [one for one in hashes if one.upper() not in here.api.blocklist]
        await here.rig.until(lambda: all(map(here.rig.note, waiting)))
        await asyncio.sleep(0.2)
        assert len(here.api.blocklist) == 2
        assert len(await here.arr.poll()) == 2


async def test_removed_by_the_user(here: World) -> None:
    """A failed download that is removed before the report is never reported."""
    here.api.trouble = {"GET /history": [500] * 1000}
    info_hash = await here.fails()
    await here.says("report to the *arr failed", info_hash)
    await here.arr.remove(info_hash)
    assert not here.rig.failovers
    here.api.trouble.clear()
    await asyncio.sleep(0.2)
    assert here.api.blocklist == []


async def test_added_again(here: World) -> None:
    """The same hash, grabbed anew while the *arr could not be told: the new grab goes on."""
    here.api.trouble = {"GET /history": [500] * 1000}
    info_hash = await here.fails()
    await here.says("report to the *arr failed", info_hash)
    here.rig.sim.faults.clear()
    content = make_torrent("Show.1", [ContentFile("show.1.mkv", 100_000)])
    await here.arr.add_magnet(magnet_of(content))
    assert not here.rig.failovers
    here.api.trouble.clear()
    await here.rig.completed(here.arr, info_hash.upper())
    assert here.api.blocklist == []


async def test_a_jump_of_the_clock_ends_no_report(here: World) -> None:
    """An *arr that is unreachable for a moment is told, though by the clock a month has passed."""
    here.api.trouble = {"GET /history": [500] * 4}
    info_hash = await here.fails()
    await here.says("report to the *arr failed", info_hash)
    await here.rig.stop()
    here.api.trouble = {"GET /history": [500] * 4}
    clock = JumpingClock()
    clock.ahead = 30 * 86_400.0
    here.rig.clock = clock
    await here.rig.start()
    async with here.rig.arr("sonarr") as arr:
        here.api.delete_in_client = arr.remove
        await here.settled(info_hash)
    assert here.api.blocklist == [info_hash.upper()]


async def test_a_restart_forgets_nothing(here: World) -> None:
    """A job that could not be done is done after a restart, and what is done stays done."""
    here.api.trouble = {"GET /history": [500] * 1000}
    info_hash = await here.fails()
    await here.says("report to the *arr failed", info_hash)
    await here.rig.stop()
    here.api.trouble.clear()
    await here.rig.start()
    async with here.rig.arr("sonarr") as arr:
        here.api.delete_in_client = arr.remove
        await here.settled(info_hash)
    await here.rig.stop()
    await here.rig.start()
    await asyncio.sleep(0.1)
    assert here.api.blocklist == [info_hash.upper()]


@pytest.mark.parametrize("moment", ["before_delete", "before_answer"])
async def test_killed_while_it_tells(tmp_path: Path, moment: str) -> None:
    """A kill -9 while the *arr is being told: in the end it has blocklisted the release once."""
    async with ArrApi() as api:
        rig = Rig(tmp_path, BRIDGE_ARR=json.dumps([api.settings()]))
        rig.downloads.mkdir()
        await rig.sim.start()
        process = BridgeProcess(rig.environ)

        async def delete(info_hash: str) -> None:
            async with rig.arr_at(process.url, PASSWORD) as arr:
                await arr.remove(info_hash)

        api.delete_in_client = delete
        content = refused(rig)
        api.grab(content.hash)
        held = asyncio.Event()
        setattr(api, moment, held)
        try:
            await process.start()
            async with rig.arr_at(process.url, PASSWORD) as arr:
                await arr.add_magnet(magnet_of(content))
            done = moment == "before_answer"
            await rig.until(lambda: TOLD in api.calls and bool(api.blocklist) is done)
            await process.kill()
            held.set()
            _let_time_pass(Path(rig.environ["BRIDGE_PATHS__DATABASE"]))
            await process.start()
            await rig.until(lambda: any("failover" in line for line in process.output))
            assert api.blocklist == [content.hash.upper()]
            assert api.calls.count(TOLD) == (1 if done else 2)
        finally:
            await process.kill()
            await rig.sim.stop()


def _let_time_pass(database: Path) -> None:
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("UPDATE jobs SET next_attempt_at = 0")


async def test_what_is_not_cached_fails_over_in_sonarr(tmp_path: Path) -> None:
    """Sonarr, which parks all its torrents after a refusal, is told by its API instead."""
    async with world(tmp_path, BRIDGE_POLICY__CACHED="only") as here:
        content = make_torrent("Show", [ContentFile("show.mkv", 100_000)])
        here.rig.sim.register(content)
        here.api.grab(content.hash)
        here.api.before_delete = asyncio.Event()
        await here.arr.add_magnet(magnet_of(content))
        download = await here.rig.reaches(content.hash, Phase.FAILED)
        assert download.failure_reason is Reason.NOT_CACHED
        here.api.before_delete.set()
        await here.settled(content.hash)
        assert here.api.blocklist == [content.hash.upper()]
        assert here.rig.sim.world.find(content.hash) is None


@pytest.mark.parametrize(
    ("kind", "environ"),
    [
        ("sonarr", {"BRIDGE_POLICY__REFUSE": "always"}),
        ("radarr", {}),
        ("radarr", {"BRIDGE_ARR": "[]"}),
        ("lidarr", {}),
        ("readarr", {}),
    ],
)
async def test_the_others_are_refused_at_once(
    tmp_path: Path, kind: str, environ: dict[str, Any]
) -> None:
    """They take the next release of the same search; so does Sonarr where the user says so."""
    async with ArrApi(kind) as api:
        entries = json.dumps([api.settings()])
        rig = Rig(tmp_path, **{"BRIDGE_ARR": entries, "BRIDGE_POLICY__CACHED": "only"} | environ)
        await rig.open()
        try:
            content = make_torrent("Show", [ContentFile("show.mkv", 100_000)])
            rig.sim.register(content)
            async with rig.arr(kind) as arr:
                with pytest.raises(ArrError):
                    await arr.add_magnet(magnet_of(content))
            assert rig.entry(content.hash) is None
            assert rig.sim.calls.count("createtorrent") == 0
            assert api.calls == []
        finally:
            await rig.close()


async def test_a_sonarr_without_an_entry_is_never_parked(tmp_path: Path) -> None:
    """It takes `Fails.` for a client that is down; so it sees a failed download, with advice."""
    rig = Rig(tmp_path, BRIDGE_POLICY__CACHED="only")
    await rig.open()
    try:
        content = make_torrent("Show", [ContentFile("show.mkv", 100_000)])
        rig.sim.register(content)
        async with rig.arr("sonarr") as sonarr:
            await sonarr.add_magnet(magnet_of(content))
            failed = await rig.reaches(content.hash, Phase.FAILED)
            assert failed.failure_reason is Reason.NOT_CACHED
            assert "add this Sonarr under `arr`" in rig.note(content.hash)
            assert [item.status for item in await sonarr.poll()] == ["warning"]
            status, story = await rig.get(f"/api/bridge/downloads/{content.hash}")
            assert status == 200
            assert "add this Sonarr under `arr`" in story
            await sonarr.remove(content.hash)
        assert rig.sim.world.find(content.hash) is None
    finally:
        await rig.close()


async def test_the_history_says_why(tmp_path: Path) -> None:
    """Sonarr 5 shows the reason of TorBox, not that somebody marked it as failed."""
    async with world(tmp_path, "sonarr-5") as here:
        info_hash = await here.fails()
        await here.settled(info_hash)
        assert here.api.messages == ["TorBox: too large"]
        assert here.api.calls.count(TOLD_BY_HISTORY) == 0


async def test_older_ones_have_no_reason(here: World) -> None:
    """A Sonarr 4 is told as ever."""
    info_hash = await here.fails()
    await here.settled(info_hash)
    assert here.api.messages == ["Manually marked as failed"]
