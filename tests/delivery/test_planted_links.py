"""Links, FIFOs, devices and huge files planted in the download directory, on a real file system.

Nothing outside the roots is written, truncated, read or deleted, nothing stalls, and as far as the
planted thing may be removed the delivery simply goes on.
"""

import asyncio
import ctypes
import os
import stat
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from msgspec.structs import replace

from bridge.delivery import LinkSource, StrmDelivery, link_existing, remove_delivered
from bridge.delivery.delivery_errors import DeliveryError, LocalDiskError, TargetTaken
from bridge.delivery.delivery_progress import Progress
from bridge.delivery.disk.leftovers import leftovers
from bridge.delivery.disk.moving import missing_files, move_content, reclaim, rename_files
from bridge.delivery.disk.safe_paths import ROOTS
from bridge.delivery.fetch.fetch_settings import KIB
from bridge.delivery.interface import DeliveryRequest
from tests.support.cdn import Cdn, slowly
from tests.support.delivery import HASH, Room, begin, below, some_bytes, until

SECRET = b"not for the bridge" * 10
GIB = 1 << 30

Plant = Callable[[Path, Path], None]


def link_to_folder(place: Path, outside: Path) -> None:
    """A symbolic link to a directory outside."""
    place.symlink_to(outside)


def link_to_file(place: Path, outside: Path) -> None:
    """A symbolic link to a file outside."""
    place.symlink_to(outside / "secret")


def hard_link(place: Path, outside: Path) -> None:
    """A second name of a file outside."""
    place.hardlink_to(outside / "secret")


def fifo(place: Path, outside: Path) -> None:
    """A FIFO that nobody opens at its other end."""
    os.mkfifo(place)


def device(place: Path, outside: Path) -> None:
    """A device that gives bytes without end."""
    if os.geteuid() != 0:
        pytest.skip("only root makes devices")
    os.mknod(place, stat.S_IFCHR | 0o666, os.makedev(1, 5))


def sparse(place: Path, outside: Path) -> None:
    """A file of 8 GiB that takes no space."""
    with place.open("wb") as file:
        file.truncate(8 * GIB)


def folder(place: Path, outside: Path) -> None:
    """A directory that holds a link to a directory outside."""
    place.mkdir()
    (place / "link").symlink_to(outside)


PLANTS = (link_to_folder, link_to_file, hard_link, fifo, device, sparse, folder)
FILES = ("a.mkv", "Subs/a.srt")
REPLACED = (
    f".incomplete/{HASH}/content/a.mkv",
    f".incomplete/{HASH}/content/Subs",
    f".incomplete/{HASH}/content",
    f".incomplete/{HASH}/0.json",
    f".incomplete/{HASH}/0.json.new",
    f".incomplete/{HASH}/0.moved",
    f".incomplete/{HASH}/copied.json",
)
"""Places inside the staging directory: what is planted there is removed."""
REFUSED = (f".incomplete/{HASH}", ".incomplete", "tv")
"""Directories in place of which a link is an error: its owner has to see it."""


@pytest.fixture(name="outside")
def _outside(tmp_path: Path) -> Path:
    """A directory that the bridge has no business in."""
    outside = tmp_path / "outside"
    (outside / "Subs").mkdir(parents=True)
    for path in ("secret", "a.mkv", "Subs/a.srt", "content", "0.json"):
        (outside / path).write_bytes(SECRET)
        (outside / path).chmod(0o640)
    return outside


def state(outside: Path) -> dict[str, tuple[int, int, int, bytes]]:
    """Everything about the directory that must not change."""
    found = {}
    for path in sorted(outside.rglob("*")):
        status = path.lstat()
        data = path.read_bytes() if path.is_file() else b""
        found[str(path)] = (status.st_mode, status.st_gid, status.st_mtime_ns, data)
    return found


@pytest.fixture(name="show")
def _show(room: Room, cdn: Cdn) -> DeliveryRequest:
    """A request for a folder; the download root is known, as after the start of the bridge."""
    room.downloads.mkdir()
    ROOTS.add(room.downloads)
    cdn.add(0, some_bytes(500 * KIB))
    cdn.add(1, some_bytes(300, 1))
    return room.request(*(f"Show/{name}" for name in FILES))


def clear(place: Path) -> None:
    """Remove what was planted, as the user would."""
    if place.is_dir() and not place.is_symlink():
        for path in place.iterdir():
            path.unlink()
        place.rmdir()
    else:
        place.unlink(missing_ok=True)


async def stop_half_way(room: Room, cdn: Cdn, request: DeliveryRequest) -> None:
    """Leave a half-fetched download in staging."""
    cdn.files[0].always = slowly(pause=0.01, step=16 * KIB)
    running = begin(room.deliver(request))
    await until((room.staging / "0.json").exists)
    running.cancel()
    await asyncio.wait({running})
    cdn.files[0].always = None


@pytest.mark.parametrize("plant", PLANTS)
@pytest.mark.parametrize("place", REPLACED)
async def test_planted_in_staging(
    room: Room, cdn: Cdn, show: DeliveryRequest, outside: Path, place: str, plant: Plant
) -> None:
    """Whatever is planted in staging before a restart goes unread, and the delivery succeeds."""
    await stop_half_way(room, cdn, show)
    target = room.downloads / place
    if target.is_dir():
        target.rename(room.downloads / "moved away")
    else:
        target.unlink(missing_ok=True)
    plant(target, outside)
    before = state(outside)
    async with asyncio.timeout(10):
        await room.deliver(show)
    assert state(outside) == before
    assert room.same(show)
    assert (outside / "secret").stat().st_nlink == 1
    assert below(room.incomplete) == set()


@pytest.mark.parametrize("plant", [link_to_folder, link_to_file, fifo, device])
@pytest.mark.parametrize("place", REFUSED)
async def test_planted_in_place_of_a_directory(
    room: Room, cdn: Cdn, show: DeliveryRequest, outside: Path, place: str, plant: Plant
) -> None:
    """Every operation refuses it as an error of the local disk; when it is gone, all goes on."""
    target = room.downloads / place
    target.parent.mkdir(exist_ok=True)
    plant(target, outside)
    before = state(outside)
    async with asyncio.timeout(10):
        with pytest.raises(LocalDiskError) as caught:
            await room.deliver(show)
        assert caught.value.retryable
        operations = (
            room.delivery.discard(HASH),
            remove_delivered(room.save_path, "Show", ["Show/a.mkv", "Show/Subs/a.srt"]),
            remove_delivered(room.downloads, "tv", ["tv/a.mkv", "tv/Subs/a.srt"]),
            move_content(room.save_path, "Subs", room.downloads / "movies"),
            move_content(room.downloads / "movies", "Show", room.save_path),
            rename_files(room.save_path, [("Subs/a.srt", "Subs/b.srt")]),
            reclaim(room.incomplete, show),
            link_existing(LinkSource(room.save_path, {0: "Show/a.mkv", 1: "x"}), show),
            StrmDelivery(lambda *_: "http://x").deliver(show, cdn, Progress()),
            missing_files(show),
        )
        for operation in operations:
            with suppress(DeliveryError):
                await operation
    assert {one.path.name for one in leftovers(room.incomplete, [room.save_path])} <= {HASH}
    assert state(outside) == before
    clear(target)
    for made in (room.save_path / "Show",):
        for path in sorted(made.rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()
        if made.exists():
            made.rmdir()
    await room.deliver(show)
    assert room.same(show)


@pytest.mark.parametrize("plant", PLANTS)
async def test_planted_at_the_target(
    room: Room, show: DeliveryRequest, outside: Path, plant: Plant
) -> None:
    """The name is taken: nothing is fetched over it, and nothing is removed through it."""
    room.save_path.mkdir()
    plant(show.target, outside)
    before = state(outside)
    with pytest.raises(TargetTaken):
        await room.deliver(show)
    await remove_delivered(room.save_path, "Show", ["Show/a.mkv", "Show/Subs/a.srt"])
    await move_content(room.save_path, "Show", room.downloads / "movies")
    with suppress(DeliveryError):
        await rename_files(room.downloads / "movies", [("Show/a.mkv", "Show/b.mkv")])
    assert state(outside) == before


@pytest.mark.parametrize("plant", PLANTS)
async def test_planted_in_delivered_content(
    room: Room, show: DeliveryRequest, outside: Path, plant: Plant
) -> None:
    """A planted folder or file is no part of the content: not taken back, not followed."""
    await room.deliver(show)
    (room.save_path / "Show/a.mkv").unlink()
    plant(room.save_path / "Show/a.mkv", outside)
    (room.save_path / "Show/Subs").rename(room.downloads / "Subs")
    (room.save_path / "Show/Subs").symlink_to(outside / "Subs")
    before = state(outside)
    async with asyncio.timeout(10):
        assert await missing_files(show) == ("Show/a.mkv", "Show/Subs/a.srt")
        assert await reclaim(room.incomplete, show) == 0
        await rename_files(room.save_path, [("Show/a.mkv", "Show/c.mkv")])
        with pytest.raises(LocalDiskError):
            await rename_files(room.save_path, [("Show/Subs/a.srt", "Show/c.srt")])
        with pytest.raises(LocalDiskError):
            await rename_files(room.save_path, [("Show/c.mkv", "Show/Subs/c.mkv")])
        await remove_delivered(room.save_path, "Show", ["Show/c.mkv", "Show/Subs/a.srt"])
    assert state(outside) == before


async def test_a_delivered_hard_link_is_not_written_to(room: Room, show: DeliveryRequest) -> None:
    """A file that an *arr has hard-linked into the library is taken back and delivered unchanged."""
    await room.deliver(show)
    library = room.downloads / "library.mkv"
    library.hardlink_to(room.save_path / "Show/a.mkv")
    (room.save_path / "Show/Subs/a.srt").unlink()
    assert await reclaim(room.incomplete, show) == 1
    requests = len(room.cdn.files[0].requests)
    await room.deliver(show)
    assert library.samefile(room.save_path / "Show/a.mkv")
    assert len(room.cdn.files[0].requests) == requests
    assert room.same(show)


async def test_repairing_a_hard_link(room: Room, show: DeliveryRequest, tmp_path: Path) -> None:
    """A damaged file with a second name is fetched anew into a file of its own."""
    await room.deliver(show)
    library = room.downloads / "library.mkv"
    library.hardlink_to(room.save_path / "Show/a.mkv")
    with library.open("r+b") as file:
        file.write(b"damaged")
    damaged = library.read_bytes()
    await reclaim(room.incomplete, show)
    staged = room.build()
    torrent = make_show_torrent(room)
    await staged.deliver(replace(show, torrent=torrent), room.cdn, room.progress)
    assert room.same(show)
    assert library.read_bytes() == damaged


def make_show_torrent(room: Room) -> bytes:
    """The .torrent of what the CDN serves."""
    from tests.support.torrents import make_torrent  # noqa: PLC0415 - for this test alone

    data = {name: room.cdn.files[number].data for number, name in enumerate(FILES)}
    return make_torrent("Show", data, version="v1", piece_length=32 * KIB).data


@contextmanager
def swapping(place: Path, link: Path) -> Iterator[None]:
    """Exchange a directory and a link to somewhere else, as often as one thread can."""
    libc = ctypes.CDLL(None, use_errno=True)
    stop = threading.Event()

    def swap() -> None:
        while not stop.is_set():
            libc.renameat2(-100, os.fsencode(place), -100, os.fsencode(link), 2)
            time.sleep(0)

    thread = threading.Thread(target=swap)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


@pytest.mark.parametrize(
    "place", [".incomplete", f".incomplete/{HASH}", f".incomplete/{HASH}/content", "tv"]
)
async def test_swapped_in_a_race(
    room: Room, cdn: Cdn, show: DeliveryRequest, outside: Path, place: str
) -> None:
    """A directory that is a link every other microsecond never leads a write or a delete outside."""
    room.save_path.mkdir()
    link = room.downloads / "planted"
    link.symlink_to(outside)
    before = state(outside)
    target = room.downloads / place
    ends = time.monotonic() + 3.0
    rounds = 0
    while time.monotonic() < ends:
        await stop_half_way(room, cdn, show)
        with swapping(target, link):
            for _ in range(5):
                with suppress(DeliveryError):
                    await room.deliver(show)
                with suppress(DeliveryError):
                    await reclaim(room.incomplete, show)
                with suppress(DeliveryError):
                    await remove_delivered(
                        room.save_path, "Show", ["Show/a.mkv", "Show/Subs/a.srt"]
                    )
                with suppress(DeliveryError):
                    await room.delivery.discard(HASH)
                rounds += 1
        if target.is_symlink():
            target.unlink()
            with suppress(FileNotFoundError):
                link.rename(target)
        if not os.path.lexists(link):
            link.symlink_to(outside)
        with suppress(DeliveryError):
            await remove_delivered(room.save_path, "Show", ["Show/a.mkv", "Show/Subs/a.srt"])
        with suppress(DeliveryError):
            await room.delivery.discard(HASH)
        clear_links(room.save_path)
    assert rounds
    assert state(outside) == before


def clear_links(top: Path) -> None:
    """Remove links that the race has published."""
    for path in top.iterdir() if top.is_dir() else ():
        if path.is_symlink():
            path.unlink()
