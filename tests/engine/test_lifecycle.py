"""The lifecycle of downloads, with the real bridge, the simulated TorBox and an *arr client."""

import asyncio
import time
from pathlib import Path

import pytest

from bridge.core.model import Phase, Reason
from bridge.simulator import ContentFile, magnet_of, make_torrent
from bridge.simulator.faults import Error
from tests.arr_emulator.arr_words import ArrSettings, InitialState
from tests.support.rig import Rig, cached, pack


async def test_a_cached_pack_is_imported_and_leaves_nothing(rig: Rig) -> None:
    """A .torrent that TorBox has cached: at most three calls and a link per file."""
    content = pack(episodes=4)
    rig.sim.register(content)
    async with rig.arr("sonarr") as arr:
        assert content.torrent is not None
        download_id = await arr.add_torrent(content.torrent, content.name, content.hash)
        item = await rig.completed(arr, download_id)
        rig.compare(content, item.output_path)
        assert item.can_be_removed
        assert Path(item.output_path).parent == rig.downloads / "tv-sonarr"
        counts = rig.sim.calls.counts()
        assert counts.pop("requestdl") == 4
        assert counts.pop("cdn") == 4
        assert sum(counts.values()) <= 3, counts

        await arr.remove(download_id)
        assert await arr.poll() == []
        await rig.until(lambda: rig.sim.world.find(content.hash) is None)
        await rig.until(lambda: not Path(item.output_path).exists())
        assert (rig.downloads / "tv-sonarr").is_dir()


async def test_a_cached_pack_takes_less_than_two_seconds(rig: Rig) -> None:
    """From the add to the import. The fastest of four counts: other programs use the processor, too."""
    took = []
    async with rig.arr("sonarr") as arr:
        for number in range(4):
            content = pack(f"Show.S0{number}", episodes=4)
            rig.sim.register(content)
            began = time.monotonic()
            await rig.completed(arr, await arr.add_magnet(magnet_of(content)))
            took.append(time.monotonic() - began)
    assert min(took) < 2.0


async def test_a_magnet_that_torbox_has_not_cached(rig: Rig) -> None:
    """TorBox downloads it first; no complete state is shown before the files are there."""
    content = make_torrent("Movie.2024.1080p-GRP", [ContentFile("Movie.2024.mkv", 3_000_000)])
    rig.sim.register(content)
    async with rig.arr("radarr") as arr:
        download_id = await arr.add_magnet(magnet_of(content))
        assert [item.download_id for item in await arr.poll()] == [content.hash.upper()]
        item = await rig.completed(arr, download_id)
        rig.compare(content, item.output_path)


@pytest.mark.parametrize("shape", ["folder", "bare", "extension"])
async def test_single_files_in_each_shape(rig: Rig, shape: str) -> None:
    """However TorBox names a single file, content_path is what is on disk, below save_path."""
    made = make_torrent("Film.mkv", [ContentFile("Film.mkv", 100_000)], single_file=True)
    rig.sim.world.behaviour.single_file = shape  # type: ignore[assignment]  # one of the three
    rig.sim.register(cached(made))
    async with rig.arr("radarr") as arr:
        item = await rig.completed(arr, await arr.add_magnet(magnet_of(made)))
        rig.compare(made, item.output_path)
        assert Path(item.output_path).parent == rig.downloads / "radarr"


async def test_the_queue_of_torbox(rig: Rig) -> None:
    """A queued item is followed through its promotion to a new id, also where ids collide."""
    rig.sim.world.account.slots = 1
    rig.sim.world.behaviour.when_full = "queue"
    rig.sim.world.behaviour.collide_ids = True
    first = make_torrent("First", [ContentFile("first.mkv", 20_000_000)])
    second = make_torrent("Second", [ContentFile("second.mkv", 1_000_000)])
    rig.sim.register(first)
    rig.sim.register(second)
    rig.sim.world.change(first.hash, stop_at=0.5)  # it holds its slot until the second waits
    async with rig.arr() as arr:
        await arr.add_magnet(magnet_of(first))
        await rig.reaches(first.hash, Phase.REMOTE)
        download_id = await arr.add_magnet(magnet_of(second))
        await rig.reaches(second.hash, Phase.QUEUED)
        rig.sim.world.change(first.hash, stop_at=None)
        item = await rig.completed(arr, download_id)
        rig.compare(second, item.output_path)


async def test_a_full_account_is_waited_for(rig: Rig) -> None:
    """ACTIVE_LIMIT is no error: the download waits as queuedDL until a slot is free."""
    rig.sim.world.account.slots = 1
    first = make_torrent("First", [ContentFile("first.mkv", 30_000_000)])
    second = make_torrent("Second", [ContentFile("second.mkv", 1_000_000)])
    rig.sim.register(first)
    rig.sim.register(second)
    rig.sim.world.change(first.hash, stop_at=0.5)  # it holds its slot until the second waits
    async with rig.arr() as arr:
        await arr.add_magnet(magnet_of(first))
        await rig.reaches(first.hash, Phase.REMOTE)
        download_id = await arr.add_magnet(magnet_of(second))
        await rig.until(lambda: "limit" in rig.note(second.hash))
        assert [item.status for item in await arr.poll()][1] == "queued"
        rig.sim.world.change(first.hash, stop_at=None)
        item = await rig.completed(arr, download_id)
        rig.compare(second, item.output_path)


async def test_what_was_there_before_is_not_deleted(rig: Rig) -> None:
    """An item that the user added on TorBox's site outlives the removal of our download."""
    content = pack()
    rig.sim.register(content, on_account=True)
    async with rig.arr() as arr:
        download_id = await arr.add_magnet(magnet_of(content))
        await rig.completed(arr, download_id)
        await arr.remove(download_id)
        await rig.until(lambda: not rig.removals)
        assert rig.sim.world.find(content.hash) is not None


async def test_removed_and_added_again_at_once(rig: Rig) -> None:
    """The same hash may come back the moment after it was deleted; it is one item in the end."""
    content = pack()
    rig.sim.register(content)
    async with rig.arr() as arr:
        download_id = await arr.add_magnet(magnet_of(content))
        await rig.reaches(content.hash, Phase.REMOTE, Phase.READY, Phase.DELIVERING, Phase.FINISHED)
        await arr.remove(download_id)
        await arr.add_magnet(magnet_of(content))
        item = await rig.completed(arr, download_id)
        rig.compare(content, item.output_path)
        assert len(rig.sim.world.torrents()) == 1


async def test_removed_while_torbox_works_on_it(rig: Rig) -> None:
    """A download that is deleted half-way leaves nothing at TorBox and nothing on disk."""
    content = make_torrent("Long", [ContentFile("long.mkv", 2_000_000_000)])
    rig.sim.register(content)
    async with rig.arr() as arr:
        download_id = await arr.add_magnet(magnet_of(content))
        await rig.reaches(content.hash, Phase.REMOTE)
        await arr.remove(download_id)
        await rig.until(lambda: rig.sim.world.find(content.hash) is None)
        assert not (rig.downloads / ".incomplete" / content.hash).exists()


async def test_removed_while_it_is_fetched(rig: Rig) -> None:
    """Half-fetched bytes go too."""
    content = pack(episodes=2, size=4_000_000)
    rig.sim.register(content)
    rig.sim.links.cdn.bytes_per_second = 1_000_000
    async with rig.arr() as arr:
        download_id = await arr.add_magnet(magnet_of(content))
        await rig.reaches(content.hash, Phase.DELIVERING)
        staged = rig.downloads / ".incomplete" / content.hash
        await rig.until(staged.exists)
        await arr.remove(download_id)
        await rig.until(lambda: rig.sim.world.find(content.hash) is None)
        await rig.until(lambda: not staged.exists())


async def test_keeping_the_files(rig: Rig) -> None:
    """Without deleteFiles the files stay, but TorBox's item is deleted."""
    content = pack()
    rig.sim.register(content)
    async with rig.arr() as arr:
        download_id = await arr.add_magnet(magnet_of(content))
        item = await rig.completed(arr, download_id)
        await arr.remove(download_id, delete_data=False)
        await rig.until(lambda: rig.sim.world.find(content.hash) is None)
        rig.compare(content, item.output_path)


async def test_only_its_own_files_are_deleted(rig: Rig) -> None:
    """Foreign files next to the delivered ones are kept."""
    content = pack()
    rig.sim.register(content)
    async with rig.arr() as arr:
        download_id = await arr.add_magnet(magnet_of(content))
        item = await rig.completed(arr, download_id)
        subtitle = Path(item.output_path) / "mine.srt"
        subtitle.write_text("1")
        await arr.remove(download_id)
        await rig.until(lambda: rig.sim.world.find(content.hash) is None)
        await rig.until(lambda: list(Path(item.output_path).iterdir()) == [subtitle])


async def test_a_taken_name_gets_a_number(rig: Rig) -> None:
    """Somebody else's folder of the same name is left alone."""
    content = pack()
    rig.sim.register(content)
    taken = rig.downloads / "tv-sonarr" / content.name
    taken.mkdir(parents=True)
    (taken / "somebody.txt").write_text("else")
    async with rig.arr() as arr:
        item = await rig.completed(arr, await arr.add_magnet(magnet_of(content)))
        assert Path(item.output_path).name == f"{content.name} (2)"
        rig.compare(content, item.output_path)
        assert [path.name for path in taken.iterdir()] == ["somebody.txt"]


async def test_stopped_and_started(rig: Rig) -> None:
    """An add that is stopped asks nothing of TorBox until it is started."""
    content = pack()
    rig.sim.register(content)
    async with rig.arr("sonarr", ArrSettings(initial_state=InitialState.STOP)) as arr:
        download_id = await arr.add_magnet(magnet_of(content))
        assert [item.status for item in await arr.poll()] == ["paused"]
        await rig.until(lambda: rig.state.snapshot.listed_at > 0)
        assert rig.sim.calls.counts() == {"mylist": 1}, "what every start reads, and nothing else"
        await rig.service.commands.start([content.hash])
        await rig.completed(arr, download_id)


async def test_a_refusal_is_kept_with_its_reason(rig: Rig) -> None:
    """A refusal for good is a failure with a reason, shown as `error`."""
    huge = make_torrent("Huge", [ContentFile("huge.mkv", 100_000)])
    rig.sim.faults.add(
        "createtorrent",
        Error(400, "DOWNLOAD_TOO_LARGE", "larger than your plan allows"),
    )
    rig.sim.register(huge)
    async with rig.arr() as arr:
        await arr.add_magnet(magnet_of(huge))
        download = await rig.reaches(huge.hash, Phase.FAILED)
        assert download.failure_reason is Reason.TOO_LARGE
        assert "larger" in download.failure_message
        assert [item.status for item in await arr.poll()] == ["warning"]


async def test_the_story_of_a_download(rig: Rig) -> None:
    """Every turn of a life is told at /api/bridge/downloads/{hash}, to those who may come in."""
    content = pack()
    rig.sim.register(content)
    async with rig.arr() as arr:
        await rig.completed(arr, await arr.add_magnet(magnet_of(content)))
    status, text = await rig.get(f"/api/bridge/downloads/{content.hash}")
    assert status == 200
    for phase in ("submitting", "remote", "ready", "delivering", "delivered", "finished"):
        assert f'"after":"{phase}"' in text


async def test_one_hash_added_by_many_at_once(rig: Rig) -> None:
    """However many add the same hash in the same moment, it is one create, seen by each once."""
    content = pack()
    rig.sim.register(content)
    async with rig.arr("sonarr") as one, rig.arr("radarr") as other:
        adds = [arr.add_magnet(magnet_of(content)) for arr in (one, other) for _ in range(5)]
        assert len(set(await asyncio.gather(*adds))) == 1
        await rig.reaches(content.hash, Phase.FINISHED)
        assert rig.sim.calls.count("createtorrent") == 1
        assert [len(await one.poll()), len(await other.poll())] == [1, 1]


async def test_a_full_account_may_queue(tmp_path: Path) -> None:
    """With `when_full: queue` a download waits in TorBox's own queue, and gets through."""
    rig = Rig(tmp_path, BRIDGE_POLICY__WHEN_FULL="queue")
    rig.sim.world.account.slots = 1
    first = make_torrent("First", [ContentFile("first.mkv", 20_000_000)])
    second = make_torrent("Second", [ContentFile("second.mkv", 1_000_000)])
    rig.sim.register(first)
    rig.sim.register(second)
    await rig.open()
    try:
        async with rig.arr() as arr:
            await arr.add_magnet(magnet_of(first))
            await rig.reaches(first.hash, Phase.REMOTE)
            download_id = await arr.add_magnet(magnet_of(second))
            await rig.reaches(second.hash, Phase.QUEUED)
            rig.compare(second, (await rig.completed(arr, download_id)).output_path)
    finally:
        await rig.close()


@pytest.mark.parametrize("form", ["magnet", "torrent"])
async def test_grabbed_again_after_an_import_by_moving(rig: Rig, form: str) -> None:
    """A complete download whose files are gone is delivered again; one that has them is not."""
    content = pack()
    rig.sim.register(content)
    async with rig.arr("sonarr") as arr:

        async def grab() -> str:
            if form == "magnet":
                return await arr.add_magnet(magnet_of(content))
            assert content.torrent is not None
            return await arr.add_torrent(content.torrent, content.name, content.hash)

        download_id = await grab()
        imported = Path((await rig.completed(arr, download_id)).output_path)
        fetched = rig.sim.calls.counts()["cdn"]
        await grab()
        assert (await rig.completed(arr, download_id)).output_path == str(imported)
        assert rig.sim.calls.counts()["cdn"] == fetched
        imported.rename(rig.directory / "library")
        await grab()
        item = await rig.completed(arr, download_id)
        assert item.output_path == str(imported)
        rig.compare(content, item.output_path)
    assert rig.sim.calls.count("createtorrent") == 1
