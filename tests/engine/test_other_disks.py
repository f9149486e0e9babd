"""The whole bridge on disks that are not ext4."""

import shutil
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

import pytest

from bridge.core.model import Phase
from bridge.simulator import Cdn, Scenario, magnet_of
from tests.arr_emulator.arr_queue import QueueStatus
from tests.support.mounts import bound, loop, remount, tmpfs
from tests.support.rig import Rig, cached, pack, quick


@asynccontextmanager
async def opened(rig: Rig) -> AsyncIterator[Rig]:
    """Run the bridge and its TorBox."""
    await rig.open()
    try:
        yield rig
    finally:
        await rig.close()


NAME = "Show: The 'One'? S01.1080p-GRP"


@pytest.mark.skipif(shutil.which("mkfs.ntfs") is None, reason="there is no mkfs.ntfs here")
async def test_names_that_the_disk_refuses_are_replaced(tmp_path: Path) -> None:
    """The release is delivered under other names, and the *arr is told the path that exists."""
    with loop(tmp_path / "downloads", "ntfs", options="windows_names"):
        async with opened(Rig(tmp_path)) as rig, rig.arr() as arr:
            content = cached(pack(NAME))
            rig.sim.register(content)
            item = await rig.completed(arr, await arr.add_magnet(magnet_of(content)))
            path = Path(item.output_path)
            assert path.name == "Show_ The 'One'_ S01.1080p-GRP"
            assert len(list(path.iterdir())) == len(content.files)


async def test_windows_safe_names(tmp_path: Path) -> None:
    """With the setting every name is safe, on a disk that takes any."""
    rig = Rig(tmp_path, BRIDGE_DELIVERY__WINDOWS_SAFE_NAMES="true")
    async with opened(rig), rig.arr() as arr:
        content = cached(pack(NAME))
        rig.sim.register(content)
        item = await rig.completed(arr, await arr.add_magnet(magnet_of(content)))
        assert Path(item.output_path).name == "Show_ The 'One'_ S01.1080p-GRP"


async def test_a_broken_disk_fails_nothing(tmp_path: Path) -> None:
    """While the disk is read-only nothing fails and TorBox keeps the item; then it is delivered."""
    with tmpfs(tmp_path / "downloads"):
        async with opened(Rig(tmp_path)) as rig, rig.arr() as arr:
            remount(rig.downloads, "ro")
            content = cached(pack())
            rig.sim.register(content)
            info_hash = await arr.add_magnet(magnet_of(content))
            await rig.until(lambda: "Read-only" in rig.note(content.hash))
            assert rig.phase(content.hash) not in {Phase.FAILED, None}
            assert rig.sim.world.torrents()
            remount(rig.downloads, "rw")
            item = await rig.completed(arr, info_hash)
            rig.compare(content, item.output_path)


async def test_the_downloads_are_unmounted_for_a_while(tmp_path: Path) -> None:
    """Nothing is written or counted as deleted meanwhile; then everything goes on where it was."""
    rig = Rig(tmp_path, Scenario(behaviour=quick(), cdn=Cdn(bytes_per_second=300_000)))
    done, big = pack("Done", size=1000), pack("Big", size=300_000)
    with tmpfs(tmp_path / "disk") as disk, ExitStack() as mounted:
        mounted.enter_context(bound(disk, rig.downloads))
        async with opened(rig), rig.arr() as arr:
            rig.sim.register(done)
            rig.sim.register(big)
            done_id = await arr.add_magnet(magnet_of(done))
            await rig.completed(arr, done_id)
            big_id = await arr.add_magnet(magnet_of(big))
            await rig.until(lambda: any(rig.downloads.glob(".incomplete/*/content/*")))
            mounted.close()
            await arr.remove(done_id)
            await rig.until(lambda: "mounted" in rig.note(big.hash))
            await rig.until(lambda: any(job.attempts for job in rig.removals))
            (item,) = await arr.poll()
            assert item.status is QueueStatus.QUEUED
            assert list(rig.downloads.iterdir()) == []
            with bound(disk, rig.downloads):
                item = await rig.completed(arr, big_id, within=30)
                rig.compare(big, item.output_path)
                await rig.until(lambda: not rig.removals)
                assert [path.name for path in (rig.downloads / arr.category).iterdir()] == ["Big"]
                await rig.stop()
