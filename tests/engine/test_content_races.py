"""Files are renamed, chosen or moved at the moment at which something else happens to them."""

import json
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from bridge.core.model import GrabPhase, Move
from bridge.simulator import Content, ContentFile, magnet_of, make_torrent
from tests.arr_emulator.arr_client import Arr
from tests.arr_emulator.arr_words import ArrSettings, InitialState
from tests.support.rig import Rig, cached
from tests.support.shared_hash import TV, fetched, names

API = "/api/v2/torrents"
FILES = {"a.mkv": 200_000, "b.mkv": 300_000}


def film(*, private: bool = False) -> Content:
    """A folder with two files; there are two torrents of it."""
    files = [ContentFile(path, size) for path, size in FILES.items()]
    return cached(make_torrent("Film", files, private=private))


@pytest.fixture(name="sonarr")
async def _sonarr(rig: Rig) -> AsyncIterator[Arr]:
    async with rig.arr("sonarr") as sonarr:
        yield sonarr


@pytest.fixture(name="other_disk")
def _other_disk(tmp_path: Path) -> Iterator[Path]:
    """A directory on another file system."""
    directory = Path(tempfile.mkdtemp(dir="/dev/shm"))
    if directory.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is one file system only")
    yield directory
    shutil.rmtree(directory)


async def paths(rig: Rig, content: Content) -> list[str]:
    """Return the paths of the files below the save path."""
    return [file.path for file in await rig.state.files(rig.grab_id(content.hash))]


async def put_in_place_only(rig: Rig, content: Content) -> None:
    """Leave things as a cancellation or a kill just after the last rename does, and stop it."""
    grab_id = rig.grab_id(content.hash)
    async with rig.state.unit_of_work() as work:
        work.put_files(
            grab_id, [replace(one, done=False) for one in await rig.state.files(grab_id)]
        )
        work.update_grab(
            grab_id,
            lambda grab: replace(
                grab,
                phase=GrabPhase.DELIVERING,
                completed_at=None,
                stopped=True,
                staging_name=content.hash,
            ),
        )


async def interrupted(rig: Rig, *left_out: int) -> Content:
    """Deliver a film without some of its files, all but the last commit."""
    content = film()
    assert content.torrent is not None
    rig.sim.register(content)
    async with rig.arr("sonarr", ArrSettings(initial_state=InitialState.STOP)) as sonarr:
        download_id = await sonarr.add_torrent(content.torrent, content.name, content.hash)
        for index in left_out:
            await rig.post(f"{API}/filePrio", hash=content.hash, id=str(index), priority="0")
        await rig.post(f"{API}/resume", hashes=content.hash)
        await rig.completed(sonarr, download_id)
    await put_in_place_only(rig, content)
    return content


@pytest.mark.parametrize(
    ("endpoint", "old", "new", "folder"),
    [
        ("renameFile", "Film/a.mkv", "Film/new.mkv", "Film"),
        ("renameFolder", "Film", "Movie", "Movie"),
    ],
)
async def test_renamed_between_publishing_and_recording(
    rig: Rig, sonarr: Arr, endpoint: str, old: str, new: str, folder: str
) -> None:
    """What is at its target already is renamed there, and not delivered a second time beside it."""
    content = await interrupted(rig)
    sent = await fetched(rig, content)
    await rig.post(f"{API}/{endpoint}", hash=content.hash, oldPath=old, newPath=new)
    await rig.post(f"{API}/resume", hashes=content.hash)
    done = await rig.completed(sonarr, content.hash.upper())
    assert names(rig, TV) == [folder]
    assert done.output_path == str(rig.downloads / TV / folder)
    for path in await paths(rig, content):
        assert (rig.downloads / TV / path).is_file()
    assert await fetched(rig, content) == sent


async def test_left_out_between_publishing_and_recording(rig: Rig, sonarr: Arr) -> None:
    """A file that is on disk by then stays part of the grab, and goes with it."""
    content = await interrupted(rig)
    await rig.post(f"{API}/filePrio", hash=content.hash, id="1", priority="0")
    await rig.post(f"{API}/resume", hashes=content.hash)
    await rig.completed(sonarr, content.hash.upper())
    await sonarr.remove(content.hash)
    await rig.until(lambda: not rig.removals)
    assert names(rig, TV) == []


async def test_another_file_between_publishing_and_recording(rig: Rig, sonarr: Arr) -> None:
    """Another file that is wanted by then joins the others, and nothing is fetched twice."""
    content = await interrupted(rig, 1)
    await rig.post(f"{API}/filePrio", hash=content.hash, id="1", priority="1")
    await rig.post(f"{API}/resume", hashes=content.hash)
    done = await rig.completed(sonarr, content.hash.upper())
    assert names(rig, TV) == ["Film"]
    rig.compare(content, done.output_path)
    assert await fetched(rig, content) == content.size


async def test_moved_while_a_namesake_holds_the_place(rig: Rig, sonarr: Arr) -> None:
    """A move takes along nothing of another download that has the same names and sizes."""
    first, second = film(), film(private=True)
    rig.sim.register(first)
    rig.sim.register(second)
    first_id = await sonarr.add_magnet(magnet_of(first))
    path = (await rig.completed(sonarr, first_id)).output_path
    second_id = await sonarr.add_magnet(magnet_of(second))
    await rig.completed(sonarr, second_id)
    async with rig.state.unit_of_work() as work:  # as it is before its name is found to be taken
        grab_id = rig.grab_id(second.hash)
        files = await rig.state.files(grab_id)
        plain = [replace(one, done=False, path=one.path.replace(" (2)", "")) for one in files]
        work.put_files(grab_id, plain)
        work.update_grab(
            grab_id,
            lambda grab: replace(
                grab,
                phase=GrabPhase.DELIVERING,
                completed_at=None,
                stopped=True,
                staging_name=second.hash,
                content_name="Film",
            ),
        )
    location = str(rig.downloads / "elsewhere")
    await rig.post(f"{API}/setLocation", hashes=second.hash, location=location)
    await rig.until(lambda: rig.followed(second.hash).entry.grab.save_path == location)
    rig.compare(first, path)


@pytest.mark.parametrize("back", [False, True])
async def test_sent_elsewhere_during_a_move(
    tmp_path: Path, other_disk: Path, *, back: bool
) -> None:
    """The last place that was named is where it ends up, even if that is the first one."""
    there = str(other_disk / "there")
    categories = json.dumps({"there": {"save_path": there}})
    rig = Rig(tmp_path, BRIDGE_CATEGORIES=categories)
    await rig.open()
    try:
        big = [ContentFile(f"{number}.mkv", 15_000_000) for number in range(3)]
        content = cached(make_torrent("Film", big))
        rig.sim.register(content)
        async with rig.arr("sonarr") as sonarr:
            download_id = await sonarr.add_magnet(magnet_of(content))
            await rig.completed(sonarr, download_id, within=60)
            place = str(rig.downloads / (TV if back else "last"))
            for location in (there, place):
                await rig.post(f"{API}/setLocation", hashes=download_id, location=location)
            await rig.until(lambda: not moves(rig), within=60)
            done = await rig.completed(sonarr, download_id)
        assert done.output_path == f"{place}/Film"
        rig.compare(content, done.output_path)
        assert list((other_disk / "there").iterdir()) == []
    finally:
        await rig.close()


def moves(rig: Rig) -> list[object]:
    """Return the moves that are not done, and the grabs that wait for one."""
    jobs = [job for job in rig.state.jobs.values() if isinstance(job.task, Move)]
    return [*jobs, *(grab for grab in rig.state.grabs.values() if grab.moving_to)]
