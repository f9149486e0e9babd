"""At every moment of a busy bridge all endpoints say the same of a download."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from bridge.core.model import Phase
from bridge.simulator import Behaviour, Cdn, Content, ContentFile, Scenario, magnet_of, make_torrent
from bridge.simulator.faults import Html
from tests.support.agreement import Session, all_agree, listed
from tests.support.clients import client_at
from tests.support.http import Client, client_of
from tests.support.rig import PASSWORD, USERNAME, Rig, cached, pack

SLOW = 400_000


def slow(**more: Any) -> Scenario:
    """A TorBox with a slow CDN that takes half a minute for what it has not cached."""
    behaviour = Behaviour(
        download_bytes_per_second=300_000, metadata_seconds=0.5, store_seconds=1,
        promotion_gap_seconds=0, **more,
    )  # fmt: skip
    return Scenario(behaviour=behaviour, cdn=Cdn(bytes_per_second=SLOW))


def film(name: str, size: int) -> Content:
    """A film that TorBox has not cached."""
    file = ContentFile(f"{name}.mkv", size)
    return cached(make_torrent(name, [file], trackers=["http://b.invalid/a"]), is_cached=False)


async def busy(rig: Rig, client: Client) -> None:
    """Do what clients do for some seconds: add, sort, pause, delete, through an outage."""
    packs = [pack(f"Show.S{number:02}", size=500_000) for number in range(1, 5)]
    films = [film(f"Film.{number}", 1_500_000) for number in range(1, 4)]
    for content in (*packs, *films):
        rig.sim.register(content)
    rig.sim.world.change(films[0].hash, state="downloading", stop_at=0.2)
    rig.sim.world.change(films[2].hash, fail="Aborted", stop_at=0.3)
    for content in (*packs, *films):
        kind = "tv" if content in packs else "films"
        await client.post("torrents/add", urls=magnet_of(content), category=kind, tags=kind)
    await client.post("torrents/add", urls=magnet_of(packs[0]), category="anime")
    await rig.until(lambda: rig.followed(films[0].hash).entry.size > 0)
    await client.post("torrents/filePrio", hash=packs[2].hash, id="1", priority="0")
    await asyncio.sleep(0.5)
    await client.post("torrents/pause", hashes=packs[3].hash)
    await client.post("torrents/topPrio", hashes=films[1].hash)
    await client.post("torrents/addTags", hashes=packs[1].hash, tags="keep")
    await asyncio.sleep(1.0)
    rig.sim.faults.add("*", Html(status=502), times=None)
    await rig.until(lambda: rig.service.unreachable)
    await client.post("torrents/resume", hashes=packs[3].hash)
    await client.post("transfer/setDownloadLimit", limit="600000")
    await asyncio.sleep(1.0)
    await client.post("torrents/setCategory", hashes=films[0].hash, category="tv")
    await client.post("torrents/delete", hashes=packs[1].hash, deleteFiles="true")
    rig.sim.faults.clear()
    await rig.until(lambda: not rig.service.unreachable)
    await client.post("transfer/setDownloadLimit", limit="0")
    await rig.reaches(packs[3].hash, Phase.DELIVERED, Phase.FINISHED, within=30)
    await rig.reaches(films[1].hash, Phase.DELIVERED, Phase.FINISHED, within=30)


@asynccontextmanager
async def lookers(rig: Rig) -> AsyncIterator[tuple[Client, list[Session], Session]]:
    """Log in: one that asks for everything, two that follow `sync/maindata`, and a fresh one."""
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(client_of(rig.url)) for _ in range(4)]
        for client in clients:
            await client.login(USERNAME, PASSWORD)
        looker, *others, fresh = clients
        yield looker, [Session(one) for one in others], Session(fresh)


async def look_on(rig: Rig, over: asyncio.Event) -> None:
    """Compare all endpoints until it is over."""
    async with lookers(rig) as (looker, sessions, fresh):
        while not over.is_set():
            await all_agree(looker, sessions, fresh)


@pytest.mark.parametrize("profile", ["4.6", "5.1"])
async def test_all_endpoints_agree_while_the_bridge_is_busy(tmp_path: Path, profile: str) -> None:
    """Also in an outage, and after a restart in one."""
    rig = Rig(
        tmp_path,
        slow(),
        BRIDGE_QBITTORRENT__PROFILE=profile,
        BRIDGE_DELIVERY__PARALLEL_FILES="3",
    )
    await rig.open()
    try:
        over = asyncio.Event()
        async with client_at(rig) as client, asyncio.TaskGroup() as tasks:
            tasks.create_task(look_on(rig, over))
            try:
                await busy(rig, client)
            finally:
                over.set()
        rig.sim.faults.add("*", Html(status=502), times=None)
        await rig.restart()
        async with lookers(rig) as (looker, sessions, fresh):
            assert any(row["progress"] < 1 for row in (await listed(looker)).values())
            await all_agree(looker, sessions, fresh)
            await all_agree(looker, sessions, fresh)
    finally:
        await rig.close()


async def test_the_seeds_of_what_is_finished_are_the_last_known(tmp_path: Path) -> None:
    """TorBox reports 0 seeds of what it has finished: a rule with a minimum would never clean up."""
    rig = Rig(tmp_path, slow())
    await rig.open()
    try:
        content = film("Film", 600_000)
        rig.sim.register(content)
        async with client_at(rig) as client:
            await client.post("torrents/add", urls=magnet_of(content), category="films")
            await rig.until(lambda: rig.followed(content.hash).seeds > 1)
            seeds = (await listed(client))[content.hash]["num_complete"]
            await rig.reaches(content.hash, Phase.FINISHED, within=30)
            assert (await listed(client))[content.hash]["num_complete"] == seeds
        await rig.restart()
        async with client_at(rig) as client:
            assert (await listed(client))[content.hash]["num_complete"] == seeds
            shown = (await client.get(f"torrents/properties?hash={content.hash}")).json()
            assert shown["seeds_total"] == seeds
    finally:
        await rig.close()


async def test_progress_survives_a_restart_in_an_outage(tmp_path: Path) -> None:
    """What was shown of a fetch, and of a download at TorBox, does not go back; nor does a delete."""
    rig = Rig(tmp_path, slow(), BRIDGE_DELIVERY__PARALLEL_FILES="1")
    await rig.open()
    try:
        fetched, remote = pack(size=500_000), film("Film", 3_000_000)
        for content in (fetched, remote):
            rig.sim.register(content)
        async with client_at(rig) as client:
            for content in (fetched, remote):
                await client.post("torrents/add", urls=magnet_of(content), category="tv")

            async def both_move() -> bool:
                return all(row["progress"] > 0.1 for row in (await listed(client)).values())

            async with asyncio.timeout(20):
                while not await both_move():  # noqa: ASYNC110 - the bridge has no event to wait for
                    await asyncio.sleep(0.1)
            rig.sim.faults.add("*", Html(status=502), times=None)
            await rig.until(lambda: rig.service.unreachable)
            before, moved = await listed(client), await ever_moved(client)
        await rig.restart()
        async with client_at(rig) as client:
            after = await listed(client)
            for key, row in before.items():
                assert after[key]["progress"] == row["progress"], row["name"]
                assert after[key]["downloaded"] == row["downloaded"], row["name"]
            assert await ever_moved(client) == moved
            await client.post("torrents/delete", hashes="all", deleteFiles="true")
            assert await listed(client) == {}
            assert await ever_moved(client) == moved
    finally:
        await rig.close()


async def ever_moved(client: Client) -> int:
    """Return what the bridge says was ever downloaded, in bytes."""
    total = (await client.get("sync/maindata")).json()["server_state"]["alltime_dl"]
    assert isinstance(total, int)
    return total


async def test_what_was_ever_moved_stays_counted(tmp_path: Path) -> None:
    """`alltime_dl` never falls: neither when a download is removed, nor by a restart.

    What counts from the start of the bridge begins at 0 again, as in qBittorrent.
    """
    rig = Rig(tmp_path)
    await rig.open()
    try:
        content = pack()
        rig.sim.register(content)
        seen, since_start = [], []
        for removed in (False, True, True):
            async with client_at(rig) as client:
                if removed:
                    await client.post("torrents/delete", hashes=content.hash, deleteFiles="true")
                else:
                    await client.post("torrents/add", urls=magnet_of(content), category="tv")
                    await rig.reaches(content.hash, Phase.FINISHED)
                seen.append(await ever_moved(client))
                since_start.append((await client.get("transfer/info")).json()["dl_info_data"])
            await rig.restart()
        assert seen == [content.size] * 3
        assert since_start == [content.size, 0, 0]
    finally:
        await rig.close()


async def test_what_waits_has_a_place_beside_a_complete_grab(rig: Rig) -> None:
    """Another grab of the hash is complete: the one that waits is in the queue all the same."""
    content = pack()
    rig.sim.register(content)
    async with client_at(rig) as client:
        await client.post("torrents/add", urls=magnet_of(content), category="tv")
        await rig.reaches(content.hash, Phase.FINISHED)
        add = {"urls": magnet_of(content), "category": "tv-4k", "paused": "true"}
        await client.post("torrents/add", **add)
        waits = (await listed(client, "category=tv-4k"))[content.hash]
        assert (waits["state"], waits["priority"]) == ("pausedDL", 1)
        assert (await listed(client, "category=tv"))[content.hash]["priority"] == 0
        other = pack("Another.S01")
        for magnet, category in ((magnet_of(other), "tv"), (magnet_of(content), "tv-hd")):
            await client.post("torrents/add", urls=magnet, category=category, paused="true")
        # Of two that wait, the first has the place.
        assert (await listed(client, "category=tv-4k"))[content.hash]["priority"] == 1
        assert (await listed(client, "category=tv"))[other.hash]["priority"] == 2
