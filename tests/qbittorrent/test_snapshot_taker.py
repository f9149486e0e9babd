"""Snapshots of everything, made anew only where something has changed."""

import asyncio
from typing import Any, cast

import msgspec
import pytest

from bridge.core.model import Phase
from bridge.downloads import AddOptions, DownloadService
from bridge.qbittorrent.responses import PROFILES
from bridge.qbittorrent.sync_sessions import SnapshotTaker
from bridge.qbittorrent.sync_snapshot import difference, encoded
from bridge.qbittorrent.torrent_list import BATCH, EntryCache
from tests.support.face import Face, magnet

ONE, TWO = "1" * 40, "2" * 40


@pytest.fixture(name="taker")
async def _taker(face: Face) -> SnapshotTaker:
    for info_hash in (ONE, TWO):
        await face.downloads.adds.magnet(magnet(info_hash), AddOptions(category="tv"))
    profile = PROFILES["4.6"]
    return SnapshotTaker(face.downloads, EntryCache(face.downloads, profile), profile)


async def test_nothing_new_is_the_same_snapshot(taker: SnapshotTaker) -> None:
    """Of a thousand downloads that rest, an idle poll compares none."""
    assert await taker.take(1.0) is await taker.take(1000.0)


async def test_what_rests_is_the_same_entry(taker: SnapshotTaker, face: Face) -> None:
    """Of a thousand downloads one that moves is one comparison of fields."""
    before = await taker.take(1.0)
    await face.put(ONE, name="Renamed")
    after = await taker.take(1.0)
    assert after is not before
    assert after.torrents[ONE] is not before.torrents[ONE]
    assert after.torrents[TWO] is before.torrents[TWO]


async def test_seeding_time_makes_another_snapshot(taker: SnapshotTaker, face: Face) -> None:
    """What passes with time alone is seen after some seconds."""
    await face.put(ONE, phase=Phase.DELIVERED, completed_at=100.0)
    before = await taker.take(110.0)
    assert await taker.take(114.0) is before
    assert (await taker.take(116.0)).torrents[ONE].seeding_time == 16


async def test_trackers_list_their_downloads(taker: SnapshotTaker) -> None:
    """Each URL once, with the hashes of all that have it."""
    found = (await taker.take(1.0)).trackers
    assert list(found.values()) == [[ONE, TWO]]


async def test_a_removed_download_leaves_its_trackers(taker: SnapshotTaker, face: Face) -> None:
    """What is removed is in no list, and the snapshot before keeps its own."""
    before = await taker.take(1.0)
    await face.downloads.commands.remove([ONE], delete_files=False)
    after = await taker.take(1.0)
    assert list(after.torrents) == [TWO]
    assert list(after.trackers.values()) == [[TWO]]
    assert list(before.torrents) == [ONE, TWO]
    assert list(before.trackers.values()) == [[ONE, TWO]]


async def test_what_a_cancelled_take_left_is_taken_next(face: Face) -> None:
    """A client that hangs up in the middle takes nothing from the next snapshot."""
    wanted = [f"{number:040x}" for number in range(1, 3 * BATCH)]
    for info_hash in wanted:
        await face.downloads.adds.magnet(magnet(info_hash), AddOptions(category="tv"))
    profile = PROFILES["4.6"]
    taker = SnapshotTaker(face.downloads, EntryCache(face.downloads, profile), profile)
    for turns in range(1, 8):
        taking = asyncio.get_running_loop().create_task(taker.take(1.0))
        for _ in range(turns):
            await asyncio.sleep(0)
        taking.cancel()
        await asyncio.wait({taking})
    found = await taker.take(1.0)
    assert sorted(found.torrents) == wanted
    assert [sorted(hashes) for hashes in found.trackers.values()] == [wanted]


async def test_a_tracker_that_changed(taker: SnapshotTaker, face: Face) -> None:
    """A download is listed under its trackers of now."""
    await taker.take(1.0)
    await face.downloads.commands.set_trackers(ONE, ["http://new.example/announce"])
    found = (await taker.take(1.0)).trackers
    assert found["http://new.example/announce"] == [ONE]
    assert sorted(map(len, found.values())) == [1, 1]


class _FillingUp:
    """The downloads, on a disk that has a byte less each time."""

    def __init__(self, downloads: DownloadService) -> None:
        self._downloads = downloads
        self._free = 1000

    def __getattr__(self, name: str) -> Any:
        return getattr(self._downloads, name)

    async def free_space(self) -> int:
        self._free -= 1
        return self._free


async def test_free_space_alone_copies_no_list(face: Face) -> None:
    """A disk that fills up while all rests costs no look at the downloads."""
    await face.downloads.adds.magnet(magnet(ONE), AddOptions(category="tv"))
    downloads, profile = cast(DownloadService, _FillingUp(face.downloads)), PROFILES["4.6"]
    taker = SnapshotTaker(downloads, EntryCache(downloads, profile), profile)
    before, after = await taker.take(1.0), await taker.take(1.0)
    assert after.torrents is before.torrents
    assert after.categories is before.categories
    shown = difference(before, after, 2, set())
    assert msgspec.json.decode(b"".join(encoded(shown))) == {
        "rid": 2,
        "server_state": {"free_space_on_disk": 998},
    }
