"""TorBox's limits: downloads wait, show as queued, and never fail."""

import json
import time
from pathlib import Path

import pytest
import structlog

from bridge.core.model import Phase
from bridge.simulator import Content, magnet_of
from bridge.simulator.faults import Error, RateLimit
from bridge.torbox import BudgetRow
from tests.support.rig import PATIENCE, Rig, film


async def shown(rig: Rig, content: Content) -> tuple[str, int]:
    """Return the state and the eta that a poll shows."""
    _, text = await rig.get(f"/api/v2/torrents/info?hashes={content.hash}")
    (row,) = json.loads(text)
    return row["state"], row["eta"]


async def not_ready(rig: Rig) -> str:
    """Wait until /readyz says no, which it does again and again; answer why."""
    deadline = time.monotonic() + PATIENCE
    while True:
        status, why = await rig.get("/readyz")
        if status == 503:
            return why
        assert time.monotonic() < deadline, "it stays ready"


async def scarce(rig: Rig, *, uncached_per_hour: int) -> None:
    """Let TorBox refuse all but so many adds of what it has not cached."""
    limits = rig.sim.backend.limiter.limits
    limits.enforce = True
    limits.uncached_per_hour = uncached_per_hour
    rig.sim.world.account.slots = 50


async def test_the_hour_survives_a_restart_and_cached_adds_pass(rig: Rig) -> None:
    """The hourly limit is shown as queuedDL with an eta, holds up no cached add, is not forgotten."""
    await scarce(rig, uncached_per_hour=1)
    first, second, third = film("First"), film("Second"), film("Third", is_cached=True)
    for content in (first, second, third):
        rig.sim.register(content)
    async with rig.arr() as arr:
        await arr.add_magnet(magnet_of(first))
        await rig.reaches(first.hash, Phase.REMOTE)
        await arr.add_magnet(magnet_of(second))
        await rig.until(lambda: any(eta > 0 for eta in rig.state.queue_etas.values()))
    state, eta = await shown(rig, second)
    assert state == "queuedDL"
    assert 60 <= eta <= 120
    await rig.restart()
    rig.sim.calls.clear()
    async with rig.arr() as arr:
        await rig.completed(arr, await arr.add_magnet(magnet_of(third)))
    assert [call.hash for call in rig.sim.calls.to("createtorrent")] == [third.hash]
    assert (await shown(rig, second))[0] == "queuedDL"


async def test_categories_take_turns(rig: Rig) -> None:
    """When creates are scarce no category waits for all of another."""
    rig.sim.faults.add("createtorrent", RateLimit(detail="slow down", retry_after=8))
    async with rig.arr("sonarr") as sonarr, rig.arr("radarr") as radarr:
        blocked = film("Blocked")
        rig.sim.register(blocked)
        await sonarr.add_magnet(magnet_of(blocked))
        await rig.until(lambda: "slow down" in rig.note(blocked.hash))
        films = [film(f"Film.{number}", is_cached=True) for number in range(6)]
        for content in films:
            rig.sim.register(content)
        for content in films[:4]:
            await sonarr.add_magnet(magnet_of(content))
        for content in films[4:]:
            await radarr.add_magnet(magnet_of(content))
        for content in films:
            await rig.reaches(content.hash, Phase.FINISHED)
    order = [call.hash for call in rig.sim.calls.to("createtorrent")]
    assert max(order.index(content.hash) for content in films[4:]) < max(
        order.index(content.hash) for content in films[:4]
    )


@pytest.mark.parametrize("shape", ["json", "text", "envelope"])
async def test_a_429_is_believed(rig: Rig, shape: str) -> None:
    """In any of its shapes a 429 stops adds for as long as it says; nothing fails."""
    content = film("Film", is_cached=True)
    rig.sim.register(content)
    refusal = RateLimit(shape=shape, detail="10 per 1 minute", retry_after=1)
    rig.sim.faults.add("createtorrent", refusal)
    async with rig.arr() as arr:
        began = time.monotonic()
        await rig.completed(arr, await arr.add_magnet(magnet_of(content)))
    assert time.monotonic() - began >= 1.0
    assert rig.sim.calls.count("createtorrent") == 2


async def test_a_block_is_on_disk_at_once(rig: Rig) -> None:
    """A 429 is stored promptly: a crash does not send the bridge into the same limit."""
    content = film("Film")
    rig.sim.register(content)
    rig.sim.faults.add("createtorrent", RateLimit())
    async with rig.arr() as arr:
        await arr.add_magnet(magnet_of(content))
        await rig.until(lambda: bool(rig.note(content.hash)))
    rows = await rig.state.database.value("budgets", list[BudgetRow])
    assert rows is not None
    kept = {row.kind: row.blocked_until for row in rows}
    assert kept["uncached"] > time.time() + 60


async def test_a_freed_slot_is_taken_at_once(patient: Rig) -> None:
    """ACTIVE_LIMIT waits without asking again and again; when a slot gets free it goes on."""
    patient.sim.world.account.slots = 1
    first, second = film("First", size=40_000_000), film("Second")
    patient.sim.register(first)
    patient.sim.register(second)
    async with patient.arr() as arr:
        await arr.add_magnet(magnet_of(first))
        await patient.reaches(first.hash, Phase.REMOTE)
        download_id = await arr.add_magnet(magnet_of(second))
        await patient.until(lambda: "limit" in patient.note(second.hash))
        assert (await shown(patient, second))[0] == "queuedDL"
        await patient.completed(arr, download_id)
    assert patient.sim.calls.count("createtorrent") == 3


async def test_a_plan_for_what_is_cached_only(rig: Rig) -> None:
    """What the plan does not allow waits for itself alone, however many; cached adds go on."""
    rig.sim.world.behaviour.cached_only_plan = True
    rig.sim.world.account.slots = 9
    parked = [film(f"Uncached.{number}") for number in range(4)]
    others = [film(f"Cached.{number}", is_cached=True) for number in range(2)]
    for content in (*parked, *others):
        rig.sim.register(content)
    async with rig.arr() as arr:
        for content in parked:
            await arr.add_magnet(magnet_of(content))
        await rig.until(lambda: all("only allows cached" in rig.note(c.hash) for c in parked))
        for content in others:
            await rig.completed(arr, await arr.add_magnet(magnet_of(content)))
        # Each is tried again now and then.
        waiting = {Phase.ACCEPTED, Phase.SUBMITTING}
        assert {rig.phase(content.hash) for content in parked} <= waiting
        for content in parked:
            assert (await shown(rig, content))[0] == "queuedDL"
        assert rig.service.troubles == []
        assert (await rig.get("/readyz"))[0] == 200
        rig.sim.world.behaviour.cached_only_plan = False  # the plan was upgraded
        for content in parked:
            await rig.reaches(content.hash, Phase.FINISHED)


async def test_a_cached_add_needs_no_slot(patient: Rig) -> None:
    """While all slots are in use, cached torrents are still fetched."""
    patient.sim.world.account.slots = 1
    long, waiting, ready = film("Long"), film("Next"), film("Ready", is_cached=True)
    for content in (long, waiting, ready):
        patient.sim.register(content)
    patient.sim.world.change(long.hash, stop_at=0.5)
    async with patient.arr() as arr:
        await arr.add_magnet(magnet_of(long))
        await patient.reaches(long.hash, Phase.REMOTE)
        await arr.add_magnet(magnet_of(waiting))
        await patient.until(lambda: "limit" in patient.note(waiting.hash))
        await patient.completed(arr, await arr.add_magnet(magnet_of(ready)))
    assert patient.phase(waiting.hash) is Phase.ACCEPTED


async def test_a_cooldown_is_sat_out(rig: Rig) -> None:
    """COOLDOWN_LIMIT names its end, and nothing is sent before."""
    content = film("Film", is_cached=True)
    rig.sim.register(content)
    rig.sim.world.account.cooldown_until = rig.sim.clock() + 2
    async with rig.arr() as arr:
        download_id = await arr.add_magnet(magnet_of(content))
        await rig.until(lambda: "cooldown" in rig.note(content.hash))
        assert (await shown(rig, content))[0] == "queuedDL"
        await rig.completed(arr, download_id)
    assert rig.sim.calls.count("createtorrent") <= 3  # TorBox tells the end in whole seconds


@pytest.mark.parametrize(
    ("code", "detail"),
    [
        ("MONTHLY_LIMIT", "You have reached your monthly download limit."),
        ("PLAN_RESTRICTED_FEATURE", "Your plan does not include API access."),
    ],
)
async def test_what_only_the_user_can_mend(rig: Rig, code: str, detail: str) -> None:
    """Only adds stop; the log says so once; they continue automatically."""
    content, other = film("Film", is_cached=True), film("Other")
    rig.sim.register(content)
    rig.sim.register(other)
    async with rig.arr() as arr:
        await arr.add_magnet(magnet_of(other))
        await rig.reaches(other.hash, Phase.REMOTE, Phase.READY, Phase.DELIVERING, Phase.FINISHED)
        with structlog.testing.capture_logs() as logs:
            fault = rig.sim.faults.add("createtorrent", Error(400, code, detail), times=None)
            download_id = await arr.add_magnet(magnet_of(content))
            await rig.until(lambda: fault.struck >= 2)
        assert code in rig.note(content.hash)
        assert (await shown(rig, content))[0] == "queuedDL"
        assert detail in await not_ready(rig)
        await rig.reaches(other.hash, Phase.FINISHED)
        rig.sim.faults.clear()
        await rig.completed(arr, download_id)
    assert [entry["event"] for entry in logs].count("torbox_needs_you") == 1
    assert (await rig.get("/readyz"))[0] == 200


async def test_another_key_is_taken_up(tmp_path: Path) -> None:
    """BAD_TOKEN pauses all work and fails nothing; a new key in the file is found automatically."""
    rig = Rig(tmp_path, BRIDGE_TORBOX__API_KEY="", BRIDGE_TORBOX__API_KEY_FILE=str(tmp_path / "k"))
    (tmp_path / "k").write_text(rig.sim.key)
    await rig.open()
    contents = [film(f"Film.{number}", is_cached=True) for number in range(5)]
    try:
        for content in contents:
            rig.sim.register(content)
        new = rig.sim.backend.rotate_key()
        async with rig.arr() as arr:
            adds = [await arr.add_magnet(magnet_of(content)) for content in contents]
            await rig.until(lambda: rig.sim.calls.count("mylist") >= 2)
            status, why = await rig.get("/readyz")
            assert status == 503
            assert "token is invalid" in why
            assert {item.status for item in await arr.poll()} == {"queued"}
            assert rig.sim.calls.count("createtorrent") <= 3
            (tmp_path / "k").write_text(new)
            for download_id in adds:
                await rig.completed(arr, download_id)
        assert (await rig.get("/readyz"))[0] == 200
    finally:
        await rig.close()
