"""Deliveries are complete: every file of the torrent, and every byte of its pieces."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace

from bridge.core.model import Phase, Reason
from bridge.listen import CannotStart
from bridge.simulator import Cdn, Content, ContentFile, Scenario, magnet_of, make_torrent
from bridge.simulator.faults import WrongBytes
from tests.support.aria2 import SECRET, Aria2Daemon
from tests.support.rig import BRISK, Rig, pack, quick


def without(content: Content, number: int) -> Content:
    """The content as TorBox lists it while one of its files is missing."""
    fields = {name: getattr(content, name) for name in content.__struct_fields__}
    files = [file for index, file in enumerate(content.files) if index != number]
    return Content(**fields | {"files": tuple(files)})


@asynccontextmanager
async def bridge(directory: Path, **environ: str) -> AsyncIterator[Rig]:
    """A bridge with other settings."""
    directory.mkdir(exist_ok=True)
    rig = Rig(directory, None, retry=BRISK, **environ)
    await rig.open()
    try:
        yield rig
    finally:
        await rig.close()


async def test_a_pack_with_a_missing_episode_waits(rig: Rig) -> None:
    """A list that lacks an episode is not delivered; once the episode is listed, all of it is."""
    content = pack(episodes=3)
    rig.sim.register(without(content, 1))
    assert content.torrent is not None
    async with rig.arr("sonarr") as arr:
        download_id = await arr.add_torrent(content.torrent, content.name, content.hash)
        await rig.until(lambda: "does not list" in rig.note(content.hash))
        assert "E02" in rig.note(content.hash)
        download = rig.entry(content.hash)
        assert download is not None
        assert download.phase is Phase.REMOTE
        assert rig.sim.calls.counts().get("requestdl", 0) == 0

        item = rig.sim.world.find(content.hash)
        assert item is not None
        item.content = content
        queued = await rig.completed(arr, download_id)
        rig.compare(content, queued.output_path)


async def test_a_pack_that_stays_incomplete_fails(tmp_path: Path) -> None:
    """After `stalled_after` it is given up, and the reason names what is missing."""
    environ = {"BRIDGE_POLICY__STALLED_AFTER": "1s"}
    content = pack(episodes=3)
    async with bridge(tmp_path, **environ) as rig, rig.arr("sonarr") as arr:
        rig.sim.register(without(content, 2))
        assert content.torrent is not None
        await arr.add_torrent(content.torrent, content.name, content.hash)
        download = await rig.reaches(content.hash, Phase.FAILED)
        assert download.failure_reason is Reason.INCOMPLETE
        assert "E03" in download.failure_message


async def test_a_missing_file_that_nobody_wants(tmp_path: Path) -> None:
    """A file that the category leaves out is not waited for."""
    environ = {"BRIDGE_POLICY__FILES__EXCLUDE": "*E02*"}
    content = pack(episodes=3)
    async with bridge(tmp_path, **environ) as rig, rig.arr("sonarr") as arr:
        rig.sim.register(without(content, 1))
        assert content.torrent is not None
        await rig.completed(arr, await arr.add_torrent(content.torrent, content.name, content.hash))


async def test_a_missing_text_beside_videos(rig: Rig) -> None:
    """Where there are videos only those are waited for: a text is not worth six hours."""
    files = [ContentFile("Movie.mkv", 300_000), ContentFile("read me.txt", 300)]
    content = make_torrent("Movie.2024", files)
    rig.sim.register(without(content, 1))
    assert content.torrent is not None
    async with rig.arr("radarr") as arr:
        await rig.completed(arr, await arr.add_torrent(content.torrent, content.name, content.hash))


async def test_wrong_bytes_are_fetched_again(tmp_path: Path) -> None:
    """With `delivery.verify: pieces` a wrong byte does not survive."""
    content = pack(episodes=2)
    async with bridge(tmp_path, BRIDGE_DELIVERY__VERIFY="pieces") as rig, rig.arr() as arr:
        rig.sim.register(content)
        rig.sim.faults.add("cdn", WrongBytes(at=1000))
        assert content.torrent is not None
        download_id = await arr.add_torrent(content.torrent, content.name, content.hash)
        item = await rig.completed(arr, download_id)
        rig.compare(content, item.output_path)
        assert rig.sim.calls.counts()["requestdl"] > 2


async def test_bytes_that_stay_wrong_fail(tmp_path: Path) -> None:
    """Bytes that never match the torrent's hashes are not delivered."""
    content = pack(episodes=2)
    async with bridge(tmp_path, BRIDGE_DELIVERY__VERIFY="pieces") as rig, rig.arr() as arr:
        rig.sim.register(content)
        rig.sim.faults.add("cdn", WrongBytes(at=1000), times=99)
        assert content.torrent is not None
        await arr.add_torrent(content.torrent, content.name, content.hash)
        download = await rig.reaches(content.hash, Phase.FAILED)
        assert download.failure_reason is Reason.INCOMPLETE
        assert "hashes" in download.failure_message
        assert not (rig.downloads / "tv-sonarr" / content.name).exists()


async def test_handed_to_aria2(tmp_path: Path) -> None:
    """In mode aria2 a pack reaches the *arr by way of a real aria2."""
    content = pack(episodes=3)
    async with Aria2Daemon(tmp_path / "aria2") as daemon:
        environ = {
            "BRIDGE_DELIVERY__MODE": "aria2",
            "BRIDGE_DELIVERY__ARIA2__URL": daemon.url,
            "BRIDGE_DELIVERY__ARIA2__SECRET": SECRET,
        }
        async with bridge(tmp_path / "rig", **environ) as rig, rig.arr("sonarr") as arr:
            rig.sim.register(content)
            assert content.torrent is not None
            download_id = await arr.add_torrent(content.torrent, content.name, content.hash)
            item = await rig.completed(arr, download_id)
            rig.compare(content, item.output_path)
            assert len(await daemon.gids()) == 3


async def test_aria2_ends_what_it_began_when_the_mode_is_changed(tmp_path: Path) -> None:
    """While its section stays in the settings, so that nothing is left at the daemon."""
    content = pack(episodes=3, size=400_000)
    async with Aria2Daemon(tmp_path / "aria2") as daemon:
        rig = Rig(
            tmp_path,
            Scenario(behaviour=quick(), cdn=Cdn(bytes_per_second=200_000)),
            BRIDGE_DELIVERY__MODE="aria2",
            BRIDGE_DELIVERY__ARIA2__URL=daemon.url,
            BRIDGE_DELIVERY__ARIA2__SECRET=SECRET,
        )
        await rig.open()
        try:
            rig.sim.register(content)
            async with rig.arr("sonarr") as arr:
                download_id = await arr.add_magnet(magnet_of(content))
            await rig.reaches(content.hash, Phase.DELIVERING)
            await rig.until(lambda: bool(rig.state.meters))
            rig.change(BRIDGE_DELIVERY__MODE="download")
            await rig.restart()
            assert rig.phase(content.hash) is Phase.DELIVERING
            async with rig.arr("sonarr") as arr:
                item = await rig.completed(arr, download_id, within=30)
            rig.compare(content, item.output_path)
            assert len(await daemon.gids()) == 3
            assert rig.followed(content.hash).delivery_mode == "aria2"
        finally:
            await rig.close()


async def test_aria2_without_its_address(tmp_path: Path) -> None:
    """Without an address the bridge does not start, and says which setting is missing."""
    rig = Rig(tmp_path, BRIDGE_DELIVERY__MODE="aria2")
    with pytest.raises(CannotStart, match=r"delivery\.aria2\.url"):
        await rig.open()
    await rig.close()


def album() -> Content:
    """An album with a bonus clip and a cover."""
    files = [
        ContentFile("01 First.flac", 300_000),
        ContentFile("02 Second.flac", 310_000),
        ContentFile("bonus clip.mkv", 400_000),
        ContentFile("cover.jpg", 3_000),
    ]
    return make_torrent("Artist - Album (2024) [FLAC]", files)


async def test_an_album_with_a_clip_waits_for_its_tracks(rig: Rig) -> None:
    """A video beside the tracks does not make the tracks things that nobody waits for."""
    content = album()
    rig.sim.register(without(content, 1))
    assert content.torrent is not None
    async with rig.arr("lidarr") as arr:
        download_id = await arr.add_torrent(content.torrent, content.name, content.hash)
        await rig.until(lambda: "02 Second.flac" in rig.note(content.hash))
        await rig.until(lambda: rig.sim.calls.count("mylist") >= 4)
        assert rig.phase(content.hash) is Phase.REMOTE

        item = rig.sim.world.find(content.hash)
        assert item is not None
        item.content = content
        queued = await rig.completed(arr, download_id)
        rig.compare(content, queued.output_path)


async def test_an_album_whose_cover_is_never_listed(tmp_path: Path) -> None:
    """A cover is waited for, not long, and fails nothing, however little patience there is."""
    content = album()
    lacking = without(content, 3)
    async with bridge(tmp_path, BRIDGE_POLICY__STALLED_AFTER="1s") as rig, rig.arr("lidarr") as arr:
        rig.sim.register(lacking)
        assert content.torrent is not None
        download_id = await arr.add_torrent(content.torrent, content.name, content.hash)
        await rig.until(lambda: "cover.jpg" in rig.note(content.hash))
        assert rig.phase(content.hash) is Phase.REMOTE
        queued = await rig.completed(arr, download_id)
        rig.compare(lacking, queued.output_path)


async def test_a_cover_that_comes_late_is_delivered(tmp_path: Path) -> None:
    """A file beside the content that TorBox lists a moment later is part of the release."""
    content = album()
    patient = replace(BRISK, beside_content=60.0)
    rig = Rig(tmp_path, retry=patient)
    await rig.open()
    rig.sim.register(without(content, 3))
    assert content.torrent is not None
    async with rig.arr("lidarr") as arr:
        download_id = await arr.add_torrent(content.torrent, content.name, content.hash)
        await rig.until(lambda: "cover.jpg" in rig.note(content.hash))
        item = rig.sim.world.find(content.hash)
        assert item is not None
        item.content = content
        queued = await rig.completed(arr, download_id)
        rig.compare(content, queued.output_path)
    await rig.close()
