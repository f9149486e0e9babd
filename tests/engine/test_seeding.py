"""Seeding as a whole: the *arr's limits kept at TorBox, shown truly, and the end that lets it go."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from bridge.core.model import Phase
from bridge.simulator import Content, ContentFile, magnet_of, make_torrent
from bridge.simulator.faults import Error, Hang
from bridge.simulator.lifecycle import Torrent
from tests.arr_emulator.arr_client import Arr
from tests.arr_emulator.arr_queue import QueueItem, QueueStatus
from tests.arr_emulator.arr_words import SeedLimits
from tests.support.rig import Rig

APPS = ("sonarr", "radarr", "lidarr", "readarr")
SIZE = 20_000
UPLOAD = 10_000.0
"""Bytes a second: a ratio of 1 takes two seconds."""


@asynccontextmanager
async def bridge(directory: Path, **environ: Any) -> AsyncIterator[Rig]:
    """A bridge that looks once a second while there is only seeding to watch."""
    rig = Rig(directory, BRIDGE_TORBOX__POLL_SECONDS__IDLE="1", **environ)
    rig.sim.world.behaviour.upload_bytes_per_second = UPLOAD
    await rig.open()
    try:
        yield rig
    finally:
        await rig.close()


async def seeding(
    rig: Rig, arr: Arr, limits: SeedLimits, phase: Phase = Phase.DELIVERED
) -> Content:
    """Let an *arr grab something, and wait until it has come so far."""
    content = make_torrent("Show.S01", [ContentFile("show.mkv", SIZE)])
    rig.sim.register(content)
    download_id = await arr.add_magnet(magnet_of(content), limits)
    await rig.completed(arr, download_id)
    await rig.reaches(content.hash, phase)
    return content


async def shown(rig: Rig) -> dict[str, Any]:
    """Read the one entry of torrents/info."""
    _, text = await rig.get("/api/v2/torrents/info")
    (entry,) = json.loads(text)
    assert isinstance(entry, dict)
    return entry


async def queued(arr: Arr) -> QueueItem:
    """Read the *arr's one item; it may be imported at every moment."""
    (item,) = await arr.poll()
    assert item.status is QueueStatus.COMPLETED
    assert Path(item.output_path).exists()
    return item


async def looks(rig: Rig, number: int = 2) -> None:
    """Wait until TorBox's list was read so often."""
    before = rig.sim.calls.count("mylist")
    await rig.until(lambda: rig.sim.calls.count("mylist") >= before + number)


def stops(rig: Rig) -> int:
    """Count the calls that end seeding."""
    calls = rig.sim.calls.to("controltorrent")
    return sum(call.operation == "stop_seeding" for call in calls)


async def lets_go(rig: Rig, arr: Arr, content: Content) -> None:
    """Seeding ends once, the *arr may remove the download then, and TorBox is empty after it."""
    await rig.reaches(content.hash, Phase.FINISHED)
    assert stops(rig) == 1
    assert (await shown(rig))["state"] == "pausedUP"
    item = await queued(arr)
    assert item.can_be_removed
    await arr.remove(item.download_id)
    await rig.until(lambda: not rig.removals)
    assert rig.sim.world.torrents() == []
    assert await arr.poll() == []
    assert not Path(item.output_path).exists()


@pytest.mark.parametrize("app", APPS)
async def test_a_ratio(tmp_path: Path, app: str) -> None:
    """It uploads, with a ratio that grows, until the limit; only then may it be removed."""
    async with bridge(tmp_path) as rig, rig.arr(app) as arr:
        # It begins when it can be watched: a busy machine may take longer to deliver than to seed.
        rig.sim.world.behaviour.upload_bytes_per_second = 0
        content = await seeding(rig, arr, SeedLimits(ratio=1.5))
        rig.sim.world.change(content.hash, upload_bytes_per_second=UPLOAD)
        seen: list[tuple[str, float]] = []
        while rig.phase(content.hash) is Phase.DELIVERED:
            item, entry = await queued(arr), await shown(rig)
            if entry["state"] == "pausedUP":
                break
            assert not item.can_be_removed
            assert entry["ratio_limit"] == 1.5
            seen.append((entry["state"], entry["ratio"]))
            await asyncio.sleep(0.1)
        states, ratios = {state for state, _ in seen}, [ratio for _, ratio in seen]
        assert "uploading" in states <= {"uploading", "stalledUP"}
        assert ratios == sorted(ratios)
        assert len(set(ratios)) > 1
        assert (await shown(rig))["ratio"] >= 1.5
        await lets_go(rig, arr, content)


@pytest.mark.parametrize("app", ["sonarr", "readarr"])
async def test_a_seeding_time(tmp_path: Path, app: str) -> None:
    """The minutes count from completion."""
    async with bridge(tmp_path) as rig, rig.arr(app) as arr:
        content = await seeding(rig, arr, SeedLimits(minutes=10))
        await rig.put_back(content.hash, 590, "completed_at")
        await looks(rig)
        assert 590 <= (await shown(rig))["seeding_time"] < 600
        assert not (await queued(arr)).can_be_removed
        await rig.put_back(content.hash, 10, "completed_at")
        await lets_go(rig, arr, content)


@pytest.mark.parametrize("app", ["sonarr", "readarr"])
async def test_an_inactive_seeding_time(tmp_path: Path, app: str) -> None:
    """The minutes count from the last upload; Readarr, which does not know them, may remove too."""
    async with bridge(tmp_path) as rig, rig.arr(app) as arr:
        content = await seeding(rig, arr, SeedLimits(ratio=1000))
        await rig.post(
            "/api/v2/torrents/setShareLimits",
            hashes=content.hash,
            ratioLimit="1000",
            seedingTimeLimit="-2",
            inactiveSeedingTimeLimit="10",
        )
        await rig.put_back(content.hash, 3600, "completed_at", "phase_at")
        await looks(rig)
        assert rig.phase(content.hash) is Phase.DELIVERED
        rig.sim.world.change(content.hash, upload_bytes_per_second=0)
        await looks(rig)
        assert (await shown(rig))["state"] == "stalledUP"
        last = rig.followed(content.hash).active_at
        assert last is not None
        assert (await shown(rig))["last_activity"] == int(last)
        await rig.put_back(content.hash, 600, "uploaded_at")
        await rig.reaches(content.hash, Phase.FINISHED)
        assert (await shown(rig))["last_activity"] == int(last - 600)
        await lets_go(rig, arr, content)


async def test_an_outage_ends_no_seeding(tmp_path: Path) -> None:
    """An outage, or uploads during it, do not count as inactivity."""
    async with bridge(tmp_path) as rig, rig.arr() as arr:
        content = await seeding(rig, arr, SeedLimits(ratio=1000))
        await rig.post(
            "/api/v2/torrents/setShareLimits",
            hashes=content.hash,
            ratioLimit="1000",
            seedingTimeLimit="-2",
            inactiveSeedingTimeLimit="10",
        )
        await looks(rig)
        rig.sim.faults.add("mylist", Error(), times=None)
        await looks(rig, 1)
        await rig.put_back(content.hash, 3600, "completed_at", "phase_at", "uploaded_at", "seen_at")
        await looks(rig, 1)
        assert rig.phase(content.hash) is Phase.DELIVERED
        rig.sim.world.change(content.hash, upload_bytes_per_second=0)
        rig.sim.faults.clear()
        await rig.until(lambda: seen_lately(rig, content))
        await looks(rig)
        assert rig.phase(content.hash) is Phase.DELIVERED
        assert stops(rig) == 0


def seen_lately(rig: Rig, content: Content) -> bool:
    """Return whether TorBox has shown it since the outage."""
    return (rig.followed(content.hash).seen_at or 0.0) > rig.state.clock() - 60


async def test_a_restart_ends_no_seeding(tmp_path: Path) -> None:
    """Uploads while the bridge was down count as activity."""
    async with bridge(tmp_path) as rig:
        async with rig.arr() as arr:
            content = await seeding(rig, arr, SeedLimits(ratio=1000))
        await rig.put_back(content.hash, 1e6, "completed_at")
        await rig.service.commands.set_share_limits(
            [content.hash], ratio=None, seeding_minutes=None, inactive_minutes=10
        )
        await rig.stop()
        await asyncio.sleep(0.2)
        rig.sim.world.change(content.hash, upload_bytes_per_second=0)
        await rig.start()
        await looks(rig)
        assert rig.phase(content.hash) is Phase.DELIVERED
        active_at = rig.followed(content.hash).active_at
        assert active_at is not None
        assert active_at > rig.state.clock() - 60


async def test_limits_of_the_preferences(tmp_path: Path) -> None:
    """A ratio for all downloads is kept like one of their own."""
    async with bridge(tmp_path) as rig, rig.arr("radarr") as arr:
        preferences: dict[str, Any] = {"max_ratio_enabled": True, "max_ratio": 1000}
        await rig.post("/api/v2/app/setPreferences", json=json.dumps(preferences))
        content = await seeding(rig, arr, SeedLimits())
        await looks(rig)
        assert (await shown(rig))["state"] == "uploading"
        assert not (await queued(arr)).can_be_removed
        preferences["max_ratio"] = 0.1
        await rig.post("/api/v2/app/setPreferences", json=json.dumps(preferences))
        await lets_go(rig, arr, content)


async def test_torbox_stops_by_itself(tmp_path: Path) -> None:
    """A torrent that TorBox no longer seeds may be removed."""
    async with bridge(tmp_path) as rig, rig.arr() as arr:
        content = await seeding(rig, arr, SeedLimits(ratio=1000))
        item = rig.sim.world.find(content.hash)
        assert isinstance(item, Torrent)
        rig.sim.world.control(item.id, "stop_seeding")
        await lets_go(rig, arr, content)


async def test_a_list_without_it(tmp_path: Path) -> None:
    """An item missing from one list still seeds; missing repeatedly, it is done."""
    async with bridge(tmp_path) as rig, rig.arr() as arr:
        content = await seeding(rig, arr, SeedLimits(ratio=1000))
        await rig.put_back(content.hash, 3600, "remote_at")
        rig.sim.world.change(content.hash, hidden="list")
        await rig.until(lambda: rig.followed(content.hash).misses > 0)
        rig.sim.world.change(content.hash, hidden=None)
        await rig.until(lambda: rig.followed(content.hash).misses == 0)
        assert rig.phase(content.hash) is Phase.DELIVERED
        rig.sim.world.change(content.hash, hidden="list")
        await rig.reaches(content.hash, Phase.FINISHED)


async def test_where_nobody_seeds(tmp_path: Path) -> None:
    """With `policy.seed: never` TorBox does not seed, and limits hold nothing up."""
    async with bridge(tmp_path, BRIDGE_POLICY__SEED="never") as rig, rig.arr() as arr:
        content = await seeding(rig, arr, SeedLimits(ratio=5, minutes=600), Phase.FINISHED)
        item = rig.sim.world.find(content.hash)
        assert isinstance(item, Torrent)
        assert not item.active
        assert stops(rig) == 0
        assert (await queued(arr)).can_be_removed


async def test_a_torbox_that_does_not_answer_holds_up_nobody_else(rig: Rig) -> None:
    """While one is waited for to stop seeding, another is fetched, shown and finished."""
    contents = [make_torrent(name, [ContentFile("x.mkv", SIZE)]) for name in ("One", "Other")]
    rig.sim.faults.add("controltorrent", Hang(4.0), operation="stop_seeding", times=1)
    async with rig.arr() as arr:
        for content in contents:
            rig.sim.register(content)
            download_id = await arr.add_magnet(magnet_of(content), SeedLimits(ratio=0.0))
            await rig.completed(arr, download_id, within=3)
        await rig.reaches(contents[1].hash, Phase.FINISHED, within=2)
        assert rig.phase(contents[0].hash) is Phase.DELIVERED
        await rig.reaches(contents[0].hash, Phase.FINISHED)
