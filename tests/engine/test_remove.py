"""Removing at TorBox: a removal comes to its end, whatever TorBox calls an item that is gone."""

import pytest

from bridge.core.model import Phase
from bridge.simulator import magnet_of
from bridge.simulator.faults import Slow
from tests.support.rig import Rig, pack


@pytest.mark.parametrize("manner", ["not_found", "not_owner", "database_error"])
async def test_what_is_gone_already_is_removed(rig: Rig, manner: str) -> None:
    """An item that was deleted on the website does not keep a removal from its end."""
    content = pack()
    rig.sim.register(content)
    rig.sim.world.behaviour.missing_id = manner  # type: ignore[assignment]  # one of the three
    async with rig.arr() as arr:
        download_id = await arr.add_magnet(magnet_of(content))
        await rig.reaches(content.hash, Phase.FINISHED)
        rig.sim.world.forget(content.hash)
        await arr.remove(download_id)
        await rig.until(lambda: not rig.ledger.removals)


async def test_a_create_that_outlived_its_download(rig: Rig) -> None:
    """Removed before its create was answered, and not listed yet: it is ours when it is added again."""
    content = pack()
    rig.sim.register(content)
    rig.sim.world.behaviour.list_lag_seconds = 30.0
    rig.sim.faults.add("createtorrent", Slow(1.0), times=1)
    async with rig.arr() as arr:
        download_id = await arr.add_magnet(magnet_of(content))
        await rig.until(lambda: rig.sim.world.find(content.hash) is not None)
        await arr.remove(download_id)
        await rig.until(lambda: not rig.ledger.removals)
        assert rig.sim.world.find(content.hash) is not None
        await arr.add_magnet(magnet_of(content))
        await rig.completed(arr, download_id)
        await arr.remove(download_id)
        await rig.until(lambda: rig.sim.world.find(content.hash) is None)
