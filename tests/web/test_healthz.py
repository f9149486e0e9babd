"""/healthz and /readyz on real file systems that stop taking writes."""

import asyncio
import time
from pathlib import Path

import pytest

from bridge.core.model import Phase
from bridge.simulator import magnet_of
from tests.arr_emulator.arr_wire import ArrError
from tests.support.mounts import fill, loop, remount, tmpfs
from tests.support.rig import Rig, pack


async def unhealthy(rig: Rig) -> str:
    """Wait for a 503 of /healthz; answer why."""
    deadline = time.monotonic() + 6
    while True:
        status, why = await rig.get("/healthz")
        if status == 503:
            return why
        assert time.monotonic() < deadline, why
        await asyncio.sleep(0.2)


async def test_a_disk_that_becomes_read_only(tmp_path: Path) -> None:
    """As after an error of the disk: 503 with the reason, no add is taken, and polls go on."""
    with loop(tmp_path / "config", "ext4") as config:
        rig = Rig(tmp_path, BRIDGE_PATHS__DATABASE=str(config / "bridge.db"))
        await rig.open()
        kept, refused = pack("Kept"), pack("Refused")
        rig.sim.register(kept)
        rig.sim.register(refused)
        async with rig.arr() as arr:
            await arr.add_magnet(magnet_of(kept))
            await rig.reaches(kept.hash, Phase.FINISHED)
            assert (await rig.get("/healthz"))[0] == 200
            remount(config, "abort")
            assert (await unhealthy(rig)).startswith("database: ")
            assert (await rig.get("/readyz"))[0] == 503
            with pytest.raises(ArrError):
                await arr.add_magnet(magnet_of(refused))
            assert len(await arr.poll()) == 1
        await rig.close()


async def test_a_full_disk(tmp_path: Path) -> None:
    """503 while nothing can be written; an add is refused; both work again once there is room."""
    with tmpfs(tmp_path / "config", mib=2) as config:
        rig = Rig(tmp_path, BRIDGE_PATHS__DATABASE=str(config / "bridge.db"))
        await rig.open()
        content = pack("Film")
        rig.sim.register(content)
        filler = fill(config)
        assert "full" in await unhealthy(rig)
        async with rig.arr() as arr:
            with pytest.raises(ArrError):
                await arr.add_magnet(magnet_of(content))
            filler.unlink()
            assert (await rig.get("/healthz"))[0] == 200
            await arr.add_magnet(magnet_of(content))
            await rig.reaches(content.hash, Phase.FINISHED)
        await rig.close()


async def test_asking_often_writes_seldom(rig: Rig) -> None:
    """Anybody may ask, so that a hundred questions at once cost the disk one write."""
    async with asyncio.timeout(5):
        answers = await asyncio.gather(*(rig.get("/healthz") for _ in range(100)))
    assert {status for status, _ in answers} == {200}
    assert rig.running is not None
    before = await rig.state.database.value("checked_at", float)
    assert (await rig.get("/healthz"))[0] == 200
    assert await rig.state.database.value("checked_at", float) == before
