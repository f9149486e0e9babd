"""GET /metrics."""

import aiohttp

from bridge.core.model import Phase
from bridge.simulator import magnet_of
from tests.support.rig import Rig, cached, pack


async def test_figures_of_a_life(rig: Rig) -> None:
    """Downloads are counted by phase, and nothing is broken."""
    content = pack()
    rig.sim.register(content)
    async with rig.arr() as arr:
        await arr.add_magnet(magnet_of(content))
        await rig.reaches(content.hash, Phase.FINISHED)
    status, text = await rig.get("/metrics")
    assert status == 200
    assert 'torbox_bridge_downloads{phase="finished"} 1.0' in text
    assert 'torbox_bridge_downloads{phase="failed"} 0.0' in text
    assert "torbox_bridge_invariant_violations 0.0" in text
    assert "torbox_bridge_troubles 0.0" in text


async def test_an_unknown_state_is_counted(rig: Rig) -> None:
    """A word of TorBox that the bridge does not know shows up with its count."""
    content = cached(pack(), is_cached=False)
    rig.sim.register(content)
    rig.sim.world.change(content.hash, state="levitating", stop_at=0.1)
    async with rig.arr() as arr:
        await arr.add_magnet(magnet_of(content))
        await rig.until(lambda: bool(rig.service.unknown_states))
    _, text = await rig.get("/metrics")
    assert 'torbox_bridge_unknown_states_total{state="levitating"}' in text


async def test_strangers_get_nothing(rig: Rig) -> None:
    """Without a session or the key: 403."""
    async with aiohttp.ClientSession() as session, session.get(rig.url + "/metrics") as answer:
        assert answer.status == 403
