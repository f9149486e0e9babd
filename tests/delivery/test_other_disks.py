"""Deliveries to other file systems, and to ones that can do less than ext4."""

import os
import shutil
from pathlib import Path

import pytest
from msgspec.structs import replace

from bridge.delivery import StrmDelivery
from bridge.delivery.delivery_errors import (
    LocalDiskError,
    NameRefused,
    NotEnoughSpace,
    TargetTaken,
)
from bridge.delivery.delivery_progress import Progress
from bridge.delivery.disk.disk_errors import DiskHealth
from bridge.delivery.disk.moving import reclaim
from bridge.delivery.fetch.fetch_settings import KIB
from bridge.delivery.interface import DeliveryRequest, WatchedDelivery
from tests.support.cdn import Cdn
from tests.support.delivery import HASH, Room, below, some_bytes
from tests.support.mounts import loop, remount, tmpfs


@pytest.mark.parametrize("paths", [("Show/a.mkv", "Show/Subs/a.srt"), ("Film.mkv",)])
async def test_a_category_on_another_file_system(
    room: Room, cdn: Cdn, paths: tuple[str, ...]
) -> None:
    """Content is copied there, appears by one rename, and nothing is left anywhere else."""
    for number in range(len(paths)):
        cdn.add(number, some_bytes(300 * KIB, number))
    with tmpfs(room.save_path):
        request = room.request(*paths)
        await room.deliver(request)
        assert room.same(request)
        assert {name.split("/")[0] for name in below(room.save_path)} == {request.content_name}
        assert below(room.incomplete) == set()
        (room.staging / "content").mkdir(parents=True)
        with pytest.raises(TargetTaken):
            await room.deliver(request)


async def test_no_room_on_the_other_file_system(room: Room, cdn: Cdn) -> None:
    """Nothing of the copy is left, and what was fetched is kept for when there is room."""
    cdn.add(0, some_bytes(3000 * KIB))
    request = room.request("Show/a.mkv")
    with tmpfs(room.save_path, mib=2):
        with pytest.raises(NotEnoughSpace):
            await room.deliver(request)
        assert below(room.save_path) == set()
    sent = cdn.files[0].sent
    with tmpfs(room.save_path, mib=8):
        await room.deliver(request)
        assert room.same(request)
        assert cdn.files[0].sent == sent


async def test_taken_back_from_another_file_system(room: Room, cdn: Cdn) -> None:
    """Whole files are copied back into staging, and only the missing one is fetched again."""
    for number in range(2):
        cdn.add(number, some_bytes(100 * KIB, number))
    with tmpfs(room.save_path):
        request = room.request("Show/a.mkv", "Show/b.mkv")
        await room.deliver(request)
        (room.save_path / "Show/b.mkv").unlink()
        assert await reclaim(room.incomplete, request) == 1
        assert below(room.save_path) == set()
        await room.deliver(request)
        assert room.same(request)
        assert len(cdn.files[0].requests) == 1


@pytest.mark.parametrize(("kind", "reserved"), [("ext4", True), ("ext3", False)])
async def test_space_is_reserved_where_that_is_possible(
    room: Room, cdn: Cdn, tmp_path: Path, kind: str, *, reserved: bool
) -> None:
    """ext3 has no fallocate: the file is made sparse, and no block is written in advance."""
    size = 20 << 20
    with loop(tmp_path / "disk", kind) as disk:
        room.downloads, room.incomplete = disk, disk / ".incomplete"
        room.save_path, room.staging = disk / "tv", disk / ".incomplete" / HASH
        room.delivery = room.build()
        seen: list[int] = []

        class Links:
            async def link(self, file_id: int, *, fresh: bool) -> str:
                seen.append((room.staging / "content/a.mkv").stat().st_blocks * 512)
                return await cdn.link(file_id, fresh=fresh)

        cdn.add(0, some_bytes(size))
        request = room.request("Show/a.mkv")
        await room.delivery.deliver(request, Links(), Progress())
        assert room.same(request)
        assert (seen[0] >= size) is reserved
        assert reserved or seen[0] == 0


async def test_a_name_that_is_too_long(room: Room, cdn: Cdn) -> None:
    """It is refused before a byte is fetched; under another name the delivery succeeds."""
    cdn.add(0, some_bytes(100 * KIB))
    long = "x" * 300 + ".mkv"
    for paths in ((f"Show/{long}",), (f"{long}",), (f"{long}/a.mkv",)):
        with pytest.raises(NameRefused) as caught:
            await room.deliver(room.request(*paths))
        assert caught.value.longest == 255
        assert caught.value.name in paths[0]
    assert not cdn.files[0].requests
    with pytest.raises(NameRefused):
        await StrmDelivery(lambda *_: "http://x").deliver(
            room.request(f"Show/{long}"), cdn, Progress()
        )
    request = room.request("Show/x.mkv")
    await room.deliver(request)
    assert room.same(request)
    assert below(room.incomplete) == set()


@pytest.mark.skipif(shutil.which("mkfs.ntfs") is None, reason="there is no mkfs.ntfs here")
async def test_a_name_that_windows_does_not_allow(room: Room, cdn: Cdn, tmp_path: Path) -> None:
    """EINVAL is about the name, too."""
    cdn.add(0, some_bytes(100 * KIB))
    with loop(tmp_path / "disk", "ntfs", options="windows_names") as disk:
        room.save_path = disk
        with pytest.raises(NameRefused) as caught:
            await room.deliver(room.request("Show: one/a?.mkv"))
        assert caught.value.name in {"Show: one", "a?.mkv"}
        assert not cdn.files[0].requests
        request = room.request("Show/a.mkv")
        await room.deliver(request)
        assert room.same(request)


async def test_lasting_disk_errors_are_told(room: Room, cdn: Cdn) -> None:
    """The second error in a row is a problem to show, and a success ends it."""
    now = [100.0]
    health = DiskHealth(lambda: now[0])
    delivery = WatchedDelivery(room.delivery, health)
    cdn.add(0, some_bytes(KIB))
    request = room.request("Show/a.mkv")
    room.downloads.mkdir()
    room.save_path.write_text("a file in place of the directory")
    for _ in range(2):
        assert len(health.problems) == 0
        with pytest.raises(LocalDiskError) as caught:
            await delivery.deliver(request, cdn, Progress())
        assert caught.value.retryable
        now[0] += 60.0
    [problem] = health.problems
    assert (problem.directory, problem.since, problem.failures) == (room.save_path, 100.0, 2)
    assert str(room.save_path) in problem.message
    room.save_path.unlink()
    await delivery.deliver(request, cdn, Progress())
    assert health.problems == ()


@pytest.mark.parametrize(
    ("options", "why"),
    [("size=2m", "bytes needed"), ("size=8m,nr_inodes=3", "no inode")],
    ids=["bytes", "inodes"],
)
async def test_a_full_disk_is_told(room: Room, cdn: Cdn, options: str, why: str) -> None:
    """A disk that stays full is a problem to show, with what it lacks; room for it ends that."""
    health = DiskHealth()
    delivery = WatchedDelivery(room.delivery, health)
    for number in range(4):
        cdn.add(number, some_bytes(1000 * KIB, number))
    request = room.request(*(f"Show/{number}.mkv" for number in range(4)))
    with tmpfs(room.save_path, options=options):
        for _ in range(2):
            with pytest.raises(NotEnoughSpace, match=why):
                await delivery.deliver(request, cdn, Progress())
        [problem] = health.problems
        assert why in problem.message
    await delivery.deliver(request, cdn, Progress())
    assert health.problems == ()


async def test_a_cdn_that_fails_is_no_problem_of_the_disk(room: Room, cdn: Cdn) -> None:
    """Only errors of the local disk count."""
    health = DiskHealth()
    delivery = WatchedDelivery(room.delivery, health)
    request: DeliveryRequest = replace(room_request(room, cdn), titles=("x",))
    for _ in range(3):
        with pytest.raises(NameRefused):
            await delivery.deliver(request, cdn, Progress())
    assert health.problems == ()


def room_request(room: Room, cdn: Cdn) -> DeliveryRequest:
    """A request that no disk is to blame for."""
    cdn.add(0, b"x")
    return room.request("x" * 300)


async def test_a_disk_that_is_read_only(room: Room, cdn: Cdn) -> None:
    """The error names the directory, and the delivery can be tried again."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount")
    cdn.add(0, some_bytes(KIB))
    with tmpfs(room.save_path):
        remount(room.save_path, "ro")
        with pytest.raises(LocalDiskError, match="Read-only") as caught:
            await room.deliver(room.request("Show/a.mkv"))
        assert caught.value.retryable
        remount(room.save_path, "rw")
        await room.deliver(room.request("Show/a.mkv"))
