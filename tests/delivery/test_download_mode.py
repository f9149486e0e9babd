"""The download mode as a whole: what was ordered stands at its place, byte by byte."""

import asyncio
from pathlib import Path

import pytest
from msgspec.structs import force_setattr, replace

from bridge.delivery.delivery_errors import BadRequest, DeliveryFailed, NotEnoughSpace, TargetTaken
from bridge.delivery.delivery_progress import Progress
from bridge.delivery.fetch.fetch_settings import KIB
from bridge.delivery.interface import RequestedFile
from tests.support.cdn import Cdn, cut_after, instead, slowly, status
from tests.support.delivery import (
    FAST,
    HASH,
    Room,
    begin,
    below,
    open_files,
    some_bytes,
    until,
)

OTHER = "d" * 40


async def test_delivers_a_folder(room: Room) -> None:
    """Big, small and empty files arrive whole in their folders, and staging is gone."""
    for file_id, size in enumerate((900 * KIB + 7, 1, 0)):
        room.cdn.add(file_id, some_bytes(size, file_id))
    request = room.request("Show.S01/e01.mkv", "Show.S01/Subs/e01.srt", "Show.S01/empty.nfo")
    await room.deliver(request)
    assert room.same(request)
    assert below(room.save_path) == {
        "Show.S01",
        *("Show.S01/" + name for name in ("e01.mkv", "Subs", "Subs/e01.srt", "empty.nfo")),
    }
    assert list(room.incomplete.iterdir()) == []
    assert not room.cdn.files[2].requests
    assert room.progress.bytes_done == 900 * KIB + 8


async def test_delivers_a_single_file(room: Room) -> None:
    """A content that is one file has no folder around it."""
    room.cdn.add(0, some_bytes(100 * KIB))
    request = room.request("Movie.mkv")
    await room.deliver(request)
    assert room.same(request)


async def test_sends_its_user_agent_and_asks_for_each_link_once(room: Room) -> None:
    """The CDN sees who asks, and TorBox is asked for one link a file."""
    served = room.cdn.add(0, some_bytes(900 * KIB))
    await room.deliver(room.request("Movie.mkv"))
    assert {request.headers["User-Agent"] for request in served.requests} == {"torbox-bridge/test"}
    assert room.cdn.asked == {False: 1}


async def test_nothing_is_seen_before_all_is_there(room: Room) -> None:
    """The moment the target exists, every file in it is whole."""
    room.cdn.add(0, some_bytes(10))
    room.cdn.add(1, some_bytes(100 * KIB), slowly(pause=0.03, step=20 * KIB))
    request = room.request("Show/a.mkv", "Show/b.mkv")
    task = begin(room.deliver(request))
    await until(lambda: task.done() or request.target.exists())
    assert room.same(request)
    await task


async def test_delivering_twice_changes_nothing(room: Room) -> None:
    """What was published before a crash is recognised, and nothing is fetched again."""
    served = room.cdn.add(0, some_bytes(5000))
    request = room.request("Show/a.mkv")
    await room.deliver(request)
    before = len(served.requests)
    room.delivery = room.build()
    await room.deliver(request)
    assert len(served.requests) == before


async def test_does_not_touch_what_stands_at_the_target(room: Room) -> None:
    """A foreign file is left alone; under another name the fetched bytes are used."""
    room.cdn.add(0, some_bytes(5000), slowly(pause=0.02, step=1000))
    request = room.request("Movie.mkv")
    task = begin(room.deliver(request))
    await asyncio.sleep(0.03)
    room.save_path.mkdir(parents=True)
    request.target.write_text("mine")
    with pytest.raises(TargetTaken, match=r"Movie\.mkv"):
        await task
    assert request.target.read_text() == "mine"
    (file,) = request.files
    renamed = replace(
        request, content_name="Movie (2).mkv", files=(replace(file, path="Movie (2).mkv"),)
    )
    await room.deliver(renamed)
    assert room.same(renamed)
    assert len(room.cdn.files[0].requests) == 1


async def test_a_taken_target_costs_no_fetch(room: Room) -> None:
    """A target that is taken from the start is told before anything is fetched."""
    served = room.cdn.add(0, some_bytes(5000))
    request = room.request("Show/a.mkv")
    request.target.mkdir(parents=True)
    with pytest.raises(TargetTaken):
        await room.deliver(request)
    assert served.requests == []
    assert list(request.target.iterdir()) == []


async def test_a_symbolic_link_at_the_target_is_taken(room: Room, tmp_path: Path) -> None:
    """A link at the target is neither followed nor replaced, even if it leads nowhere."""
    room.cdn.add(0, some_bytes(50))
    request = room.request("Movie.mkv")
    room.save_path.mkdir(parents=True)
    request.target.symlink_to(tmp_path / "nowhere")
    with pytest.raises(TargetTaken):
        await room.deliver(request)
    assert request.target.is_symlink()


async def test_checks_space_first(room: Room) -> None:
    """Too little room is told with both numbers, before anything is fetched or allocated."""
    served = room.cdn.add(0, some_bytes(5000))
    delivery = room.build(replace(FAST, min_free_bytes=1 << 60))
    with pytest.raises(NotEnoughSpace) as caught:
        await delivery.deliver(room.request("Show/a.mkv"), room.cdn, room.progress)
    assert caught.value.needed == (1 << 60) + 5000
    assert 0 < caught.value.free < 1 << 60
    assert served.requests == []
    assert not (room.staging / "content" / "a.mkv").exists()


async def test_takes_space_for_all_files_at_once(room: Room) -> None:
    """From the first byte on, the whole content is allocated, so it cannot run out half-way."""
    room.cdn.add(0, some_bytes(100 * KIB), slowly(pause=0.05, step=30 * KIB))
    room.cdn.add(1, some_bytes(200 * KIB), slowly(pause=0.05, step=30 * KIB))
    request = room.request("Show/a.mkv", "Show/b.mkv")
    task = begin(room.deliver(request))
    await until(lambda: room.cdn.files[0].requests)
    sizes = [path.stat().st_blocks * 512 for path in (room.staging / "content").iterdir()]
    assert sorted(size >= KIB * 100 for size in sizes) == [True, True]
    assert sum(sizes) >= 300 * KIB
    await task


async def test_cancelled_and_begun_again(room: Room) -> None:
    """A cancelled delivery keeps its bytes, closes its files, and fetches only what is missing."""
    size = 1000 * KIB
    served = room.cdn.add(0, some_bytes(size))
    served.always = slowly(pause=0.02, step=16 * KIB)
    request = room.request("Show/a.mkv")
    task = begin(room.deliver(request))
    await until(lambda: room.progress.bytes_done >= 200 * KIB)
    task.cancel()
    async with asyncio.timeout(1.0):
        with pytest.raises(asyncio.CancelledError):
            await task
    assert open_files(room.incomplete) == []
    assert [task for task in asyncio.all_tasks() if "Attempt" in repr(task)] == []
    served.always = None
    await until(lambda: not room.cdn.open)
    before = served.sent
    await room.deliver(request)
    assert room.same(request)
    assert served.sent - before <= size - 200 * KIB


async def test_one_broken_file_does_not_keep_the_others(room: Room) -> None:
    """When a file is given up, the others are still fetched, and not fetched again later."""
    broken = room.cdn.add(0, some_bytes(3000))
    broken.always = status(404)
    room.cdn.add(1, some_bytes(300 * KIB), slowly(pause=0.02, step=64 * KIB))
    request = room.request("Show/a.mkv", "Show/b.mkv")
    with pytest.raises(DeliveryFailed, match="404") as caught:
        await room.deliver(request)
    assert caught.value.retryable
    assert not request.target.exists()
    requests = len(room.cdn.files[1].requests)
    broken.always = None
    await room.deliver(request)
    assert room.same(request)
    assert len(room.cdn.files[1].requests) == requests


async def test_no_link_is_told(room: Room) -> None:
    """What goes wrong is told without the link, for links hold tokens."""
    room.cdn.add(0, some_bytes(3000)).always = instead(b"{}", "application/json")
    with pytest.raises(DeliveryFailed) as caught:
        await room.deliver(room.request("Show/a.mkv"))
    assert "application/json" in str(caught.value)
    assert "secret" not in repr(caught.value)
    assert "127.0.0.1" not in repr(caught.value)


async def test_what_torbox_raises_passes(room: Room) -> None:
    """An error of asking for links leaves as it is."""

    class NoLinks:
        async def link(self, file_id: int, *, fresh: bool) -> str:
            raise LookupError(f"{file_id} {fresh}")

    room.cdn.add(0, some_bytes(3000))
    with pytest.raises(LookupError, match="0 False"):
        await room.delivery.deliver(room.request("Show/a.mkv"), NoLinks(), room.progress)


async def test_a_smaller_choice_publishes_only_its_files(room: Room) -> None:
    """A file dropped from the order while it was fetched is not published, whole or in part."""
    room.cdn.add(0, some_bytes(3000))
    room.cdn.add(1, some_bytes(3000)).always = status(404)
    both = room.request("Show/a.mkv", "Show/Extras/b.mkv")
    with pytest.raises(DeliveryFailed):
        await room.deliver(both)
    await room.deliver(replace(both, files=both.files[:1]))
    assert below(room.save_path) == {"Show", "Show/a.mkv"}


async def test_a_changed_shape_is_staged_anew(room: Room) -> None:
    """A content that was a folder and becomes a single file, or back, is delivered as ordered."""
    room.cdn.add(0, some_bytes(3000)).always = status(404)
    for paths in ("Show/a/b.mkv", "Show", "Show/a"):
        with pytest.raises(DeliveryFailed):
            await room.deliver(room.request(paths))
    room.cdn.files[0].always = None
    await room.deliver(room.request("Show/a"))
    assert below(room.save_path) == {"Show", "Show/a"}


async def test_discard_forgets_what_was_begun(room: Room) -> None:
    """What is staged goes, what is delivered stays, and nothing to discard is fine."""
    room.cdn.add(0, some_bytes(3000)).always = status(404)
    with pytest.raises(DeliveryFailed):
        await room.deliver(room.request("Show/a.mkv"))
    assert room.staging.exists()
    await room.delivery.discard(HASH)
    await room.delivery.discard(OTHER)
    assert list(room.incomplete.iterdir()) == []


async def test_small_downloads_are_served_beside_big_ones(room: Room) -> None:
    """With one slot, a small download ends long before the big one that began earlier."""
    big = room.cdn.add(0, some_bytes(1200 * KIB))
    big.always = slowly(pause=0.01, step=16 * KIB)
    room.cdn.add(1, some_bytes(1000, 1))
    delivery = room.build(replace(FAST, parallel_files=1, connections_per_file=2))
    first = room.request("Big.mkv")
    file = RequestedFile(file_id=1, remote_name="s", size=1000, path="Small.mkv")
    second = replace(
        first, info_hash=OTHER, staging_name=OTHER, content_name="Small.mkv", files=(file,)
    )
    room.delivery = delivery
    slow = begin(room.deliver(first))
    await until(lambda: big.requests)
    await delivery.deliver(second, room.cdn, room.progress)
    assert not slow.done()
    await slow
    assert room.same(first)
    assert room.same(second)


@pytest.mark.parametrize("path", ["../x", "/etc/x", "Show/../../x", "Show//x", "Other/x", "Show/."])
async def test_refuses_paths_that_leave_the_content(room: Room, path: str) -> None:
    """A path out of the content is refused for good, and nothing is written."""
    room.cdn.add(0, b"x")
    with pytest.raises(BadRequest) as caught:
        await room.deliver(room.request(path, content_name="Show"))
    assert caught.value.retryable is False
    assert not room.downloads.exists()


async def test_refuses_files_that_cannot_stand_together(room: Room) -> None:
    """One path twice, a file where a folder is needed, or no files at all are refused."""
    for file_id in range(2):
        room.cdn.add(file_id, b"x")
    for paths in (("Show/a", "Show/a"), ("Show/a", "Show/a/b"), ("Show", "Show/a")):
        with pytest.raises(BadRequest):
            await room.deliver(room.request(*paths))
    with pytest.raises(BadRequest):
        await room.deliver(replace(room.request("Show/a"), files=()))
    with pytest.raises(BadRequest):
        await room.deliver(room.request("Show/a", info_hash="../.."))


async def test_does_not_follow_links_in_staging(room: Room, tmp_path: Path) -> None:
    """A symbolic link put into staging is not followed: nothing outside is written."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "a.mkv").write_text("mine")
    room.cdn.add(0, some_bytes(3000))
    room.staging.mkdir(parents=True)
    (room.staging / "content").symlink_to(outside)
    await room.deliver(room.request("Show/a.mkv"))
    assert (outside / "a.mkv").read_text() == "mine"
    assert below(room.save_path) == {"Show", "Show/a.mkv"}


async def test_the_limit_can_be_changed_while_fetching(room: Room) -> None:
    """A limit slows everything down together, and lifting it works at once."""
    room.cdn.add(0, some_bytes(1000 * KIB))
    room.delivery.set_limit(100 * KIB)
    loop = asyncio.get_running_loop()
    task = begin(room.deliver(room.request("Movie.mkv")))
    await until(lambda: room.progress.bytes_done > 0)
    await asyncio.sleep(0.3)
    assert 0 < room.progress.bytes_done < 500 * KIB
    room.delivery.set_limit(None)
    began = loop.time()
    await task
    # Under the limit the rest would take five seconds.
    assert loop.time() - began < 2.0


async def test_one_hash_twice_at_once(room: Room, cdn: Cdn) -> None:
    """Two grabs of one torrent are fetched side by side, each in a staging directory of its own."""
    cdn.add(0, some_bytes(300 * KIB))
    first = replace(room.request("Show/a.mkv"), staging_name=f"{HASH}-1")
    second = replace(first, staging_name=f"{HASH}-2", save_path=room.downloads / "radarr")
    cdn.files[0].always = slowly(pause=0.02, step=16 * KIB)
    both = [begin(room.delivery.deliver(one, cdn, Progress())) for one in (first, second)]
    await until(lambda: below(room.incomplete) >= {f"{HASH}-1/0.json", f"{HASH}-2/0.json"})
    await asyncio.gather(*both)
    assert room.same(first)
    assert room.same(second)
    assert below(room.incomplete) == set()


async def test_discarding_one_of_two(room: Room, cdn: Cdn) -> None:
    """What another grab of the hash has fetched so far stays, and is not fetched again."""
    cdn.add(0, some_bytes(100 * KIB), cut_after(40 * KIB), *[status(500)] * 9)
    mine = replace(room.request("Show/a.mkv"), staging_name=f"{HASH}-1")
    with pytest.raises(DeliveryFailed):
        await room.deliver(mine)
    for other in (HASH, f"{HASH}-2"):
        await room.delivery.discard(other)
    cdn.files[0].script.clear()
    await room.deliver(mine)
    assert cdn.files[0].ranges[-1].startswith(f"bytes={40 * KIB}-")


@pytest.mark.parametrize("name", ["", "x", "..", f"{HASH}/x", f"{HASH}-", f"{HASH}-a/b", "d" * 40])
async def test_staging_names_are_checked(room: Room, cdn: Cdn, name: str) -> None:
    """A staging name is the info-hash, alone or with letters and digits behind it."""
    cdn.add(0, b"x")
    request = room.request("Show/a.mkv")
    force_setattr(request, "staging_name", name)
    with pytest.raises(BadRequest):
        await room.deliver(request)
    assert not room.incomplete.exists()
