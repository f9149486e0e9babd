"""Removing at TorBox: a removal comes to its end, whatever TorBox calls an item that is gone."""

import pytest

from bridge.core.model import Phase
from bridge.simulator import magnet_of
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
