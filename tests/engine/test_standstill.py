"""Only time in which TorBox works on a download ages it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import structlog

from bridge.core.model import Phase
from bridge.simulator import Content, ContentFile, magnet_of, make_torrent
from bridge.simulator.faults import Html
from tests.support.rig import BRISK, JumpingClock, Rig, cached, pack

MONTH = 30 * 86_400.0


@pytest.fixture(name="clock")
def _clock() -> JumpingClock:
    return JumpingClock()


@pytest.fixture(name="rig")
async def _rig(tmp_path: Path, clock: JumpingClock) -> AsyncIterator[Rig]:
    """A bridge with little patience."""
    environ = {
        f"BRIDGE_POLICY__{name}": "15s"
        for name in ("STALLED_AFTER", "METADATA_AFTER", "STORED_AFTER", "GIVE_UP_AFTER")
    }
    rig = Rig(tmp_path, None, retry=BRISK, **environ)
    rig.clock = clock
    await rig.open()
    try:
        yield rig
    finally:
        await rig.close()


async def half_way(rig: Rig, **tricks: object) -> Content:
    """Bring a film to TorBox that stays half-way there, and see it twice."""
    content = cached(make_torrent("Film", [ContentFile("Film.mkv", 100_000)]), is_cached=False)
    rig.sim.register(content)
    rig.sim.world.change(content.hash, **{"stop_at": 0.5, **tricks})
    async with rig.arr() as arr:
        await arr.add_magnet(magnet_of(content))
    await rig.until(lambda: rig.followed(content.hash).remote_progress >= 0.5)
    await looked_at(rig)
    return content


async def looked_at(rig: Rig) -> None:
    """Wait until TorBox was asked twice more."""
    seen = rig.sim.calls.count("mylist")
    await rig.until(lambda: rig.sim.calls.count("mylist") >= seen + 3)


async def test_a_short_outage(rig: Rig, clock: JumpingClock) -> None:
    """An outage of twenty seconds is no standstill: not one second of it counts."""
    content = await half_way(rig)
    fault = rig.sim.faults.add("*", Html(status=502), times=None)
    await rig.until(lambda: fault.struck >= 1)
    clock.ahead += 20
    rig.sim.faults.clear()
    await looked_at(rig)
    download = rig.followed(content.hash)
    assert rig.phase(content.hash) is Phase.REMOTE
    assert max(download.idle_seconds, download.observed_seconds) < 12


async def test_a_short_downtime(rig: Rig, clock: JumpingClock) -> None:
    """A restart that takes twenty seconds is no standstill either."""
    content = await half_way(rig)
    await rig.stop()
    clock.ahead += 20
    await rig.start()
    await looked_at(rig)
    download = rig.followed(content.hash)
    assert rig.phase(content.hash) is Phase.REMOTE
    assert max(download.idle_seconds, download.observed_seconds) < 12


async def test_no_slot(rig: Rig, clock: JumpingClock) -> None:
    """What waits for a slot at TorBox is not given up, whatever the rules say."""
    content = await half_way(rig, state="queued (no slot)")
    for _ in range(3):
        clock.ahead += 20
        await looked_at(rig)
    assert rig.phase(content.hash) is Phase.REMOTE
    assert rig.followed(content.hash).observed_seconds < 12


async def test_time_that_counts(rig: Rig, clock: JumpingClock) -> None:
    """While TorBox answers and does nothing, the time counts."""
    content = await half_way(rig)
    clock.ahead += 20
    await rig.reaches(content.hash, Phase.FAILED)


async def test_a_jump_and_a_failed_state(rig: Rig, clock: JumpingClock) -> None:
    """A jump of the clock does not make a moment's failure at TorBox a lasting one."""
    content = await half_way(rig)
    rig.sim.world.change(content.hash, state="failed (Aborted)")
    await rig.until(lambda: rig.followed(content.hash).failing_since is not None)
    clock.ahead += MONTH
    await looked_at(rig)
    assert rig.phase(content.hash) is Phase.REMOTE
    rig.sim.world.change(content.hash, state=None)
    await looked_at(rig)
    assert rig.phase(content.hash) is Phase.REMOTE
    assert rig.sim.calls.count("createtorrent") == 1


@pytest.mark.parametrize("jump", [MONTH, -MONTH])
async def test_a_jump_is_no_violation(rig: Rig, clock: JumpingClock, jump: float) -> None:
    """After a jump of the clock, or a suspended machine, nothing counts as forgotten."""
    await half_way(rig)
    with structlog.testing.capture_logs() as logs:
        clock.ahead += jump
        assert rig.service.violations == []
        await looked_at(rig)
        assert rig.service.violations == []
    assert "invariant_violated" not in {line["event"] for line in logs}


async def test_a_jump_and_a_missing_item(rig: Rig, clock: JumpingClock) -> None:
    """An item that no list shows for a moment is not gone because the clock was set ahead."""
    content = await half_way(rig)
    rig.sim.world.change(content.hash, hidden="both")
    clock.ahead += MONTH
    for misses in range(1, 5):
        await rig.until(lambda wanted=misses: rig.followed(content.hash).misses >= wanted)  # type: ignore[misc]  # a default binds the loop's value
        clock.ahead += 61  # it is looked for once a minute
    assert rig.phase(content.hash) is Phase.REMOTE
    assert rig.sim.calls.count("createtorrent") == 1
    rig.sim.world.change(content.hash, hidden=None, stop_at=None)
    await rig.reaches(content.hash, Phase.FINISHED)


async def test_a_jump_and_an_expiry_date(rig: Rig, clock: JumpingClock) -> None:
    """Whether an item has expired is told by TorBox's clock."""
    content = cached(make_torrent("Film", [ContentFile("Film.mkv", 100_000)]))
    rig.sim.register(content)
    rig.sim.world.change(content.hash, expire_seconds=86_400, no_files=True)
    async with rig.arr() as arr:
        await arr.add_magnet(magnet_of(content))
    await rig.until(lambda: rig.followed(content.hash).seen_at is not None)
    clock.ahead += MONTH
    await looked_at(rig)
    assert rig.phase(content.hash) is Phase.REMOTE
    assert rig.sim.calls.count("createtorrent") == 1


@pytest.mark.parametrize("jump", [MONTH, -MONTH])
async def test_a_clock_that_jumps(rig: Rig, clock: JumpingClock, jump: float) -> None:
    """A clock that is set a month ahead, or back, fails nothing and holds up nothing."""
    content = await half_way(rig)
    clock.ahead += jump
    await looked_at(rig)
    assert rig.phase(content.hash) is Phase.REMOTE
    rig.sim.world.change(content.hash, stop_at=None)
    await rig.reaches(content.hash, Phase.FINISHED)


@pytest.mark.parametrize("restarted", [False, True])
@pytest.mark.parametrize("call", ["createtorrent", "requestdl", "mylist", "controltorrent"])
async def test_a_clock_that_is_put_back(
    rig: Rig, clock: JumpingClock, call: str, *, restarted: bool
) -> None:
    """No wait lasts longer because the clock was a month ahead when it was stored."""
    await rig.stop()
    clock.ahead = MONTH
    await rig.start()
    content = pack(episodes=1)
    rig.sim.register(content)
    async with rig.arr() as arr:
        if call == "controltorrent":
            await arr.add_magnet(magnet_of(content))
            await rig.reaches(content.hash, Phase.FINISHED)
        fault = rig.sim.faults.add(call, Html(status=502), times=None)
        if call == "controltorrent":
            await arr.remove(content.hash)
        else:
            await arr.add_magnet(magnet_of(content))
        await rig.until(lambda: fault.struck >= 2)
        if restarted:
            await rig.stop()
        clock.ahead = 0.0
        rig.sim.faults.clear()
        if restarted:
            await rig.start()
    if call == "controltorrent":
        await rig.until(lambda: not rig.removals and not rig.sim.world.torrents())
    else:
        await rig.reaches(content.hash, Phase.FINISHED)


@pytest.mark.parametrize("jump", [-6 * 3600.0, 6 * 3600.0])
async def test_a_set_clock_and_an_item_of_ours(rig: Rig, clock: JumpingClock, jump: float) -> None:
    """An item that the bridge made is deleted with its grab, whatever its clock says by then."""
    content = await half_way(rig)
    clock.ahead += jump
    await looked_at(rig)
    async with rig.arr() as arr:
        await arr.remove(content.hash)
    await rig.until(lambda: not rig.sim.world.torrents())
