"""GET and POST /api/bridge/check: the doctor in a bridge that runs."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import structlog

from bridge.core.model import Phase
from bridge.simulator import ContentFile, magnet_of, make_torrent
from bridge.simulator.faults import Slow
from bridge.web import Checkup, Report
from tests.support.clients import client_at
from tests.support.http import Client
from tests.support.rig import PATIENCE, Rig

PATH = "/api/bridge/check"
WELL: Report = {"healthy": True, "findings": []}


async def told(client: Client) -> dict[str, Any]:
    """Read what was found last."""
    reply = await client.get(PATH)
    assert reply.headers["Cache-Control"] == "no-store"
    answer = reply.json()
    assert isinstance(answer, dict)
    return answer


async def looked(client: Client) -> dict[str, Any]:
    """Wait until a look is over."""
    deadline = time.monotonic() + PATIENCE
    while (answer := await told(client))["running"]:
        assert time.monotonic() < deadline, "it looks for ever"
        await asyncio.sleep(0.05)
    return answer


async def test_nothing_was_looked_at_yet(rig: Rig) -> None:
    """Right after the start nothing was found, and nothing is wrong."""
    async with client_at(rig) as client:
        assert await told(client) == {
            "healthy": None,
            "findings": [],
            "taken_at": None,
            "running": False,
        }


async def test_a_look_that_was_asked_for(rig: Rig) -> None:
    """202 at once; then the findings are there as `check --json` writes them, and when it was."""
    async with client_at(rig) as client:
        asked = await client.post(PATH)
        assert (asked.status, asked.json()["running"]) == (202, True)
        answer = await looked(client)
        assert answer["healthy"] is True
        assert answer["taken_at"] > 1.7e9
        texts = {finding["text"] for finding in answer["findings"]}
        assert {"all settings are valid", f"it answers at {rig.url}"} <= texts
        assert {"subject", "level", "text", "fix"} == set(answer["findings"][0])
        assert rig.sim.key not in str(answer)


async def test_the_log_has_the_plan(rig: Rig) -> None:
    """What a person asks first about TorBox is in the log after the start: plan and slots."""
    async with client_at(rig) as client:
        with structlog.testing.capture_logs() as logs:
            await client.post(PATH)
            await looked(client)
    lines = [line for line in logs if line["event"] == "check_ok" and line["log_level"] == "info"]
    assert any("plan Pro, 10 downloads at a time" in line["text"] for line in lines)
    assert {line["subject"] for line in lines} == {"torbox"}


async def test_views_cost_no_look(rig: Rig) -> None:
    """However often it is shown: TorBox is only asked when somebody wishes it."""
    async with client_at(rig) as client:
        for _ in range(5):
            await told(client)
            await client.get("/api/bridge/status")
            await client.get("/")
        assert rig.sim.calls.count("me") == 0


async def test_one_look_at_a_time(rig: Rig) -> None:
    """Whoever asks while it looks gets that look; the next one is for who asks afterwards."""
    slow = rig.sim.faults.add("me", Slow(seconds=0.5), times=None)
    async with client_at(rig) as client:
        await client.post(PATH)
        await rig.until(lambda: bool(slow.struck))
        for _ in range(5):
            assert (await client.post(PATH)).status == 202
        first = await looked(client)
        await asyncio.sleep(0.2)
        assert rig.sim.calls.count("me") == 1
        await client.post(PATH)
        assert (await looked(client))["taken_at"] > first["taken_at"]
        assert rig.sim.calls.count("me") == 2


async def test_a_stop_ends_a_look(rig: Rig) -> None:
    """A bridge that is told to stop does not wait for its doctor."""
    slow = rig.sim.faults.add("me", Slow(seconds=30), times=None)
    async with client_at(rig) as client:
        await client.post(PATH)
        await rig.until(lambda: bool(slow.struck))
    async with asyncio.timeout(5):
        await rig.stop()


async def test_a_sonarr_without_an_entry(tmp_path: Path) -> None:
    """What nobody tells a Sonarr is a warning, as soon as the Sonarr grabs; with the way out."""
    rig = Rig(tmp_path, BRIDGE_POLICY__CACHED="only")
    await rig.open()
    try:
        content = make_torrent("Show", [ContentFile("show.mkv", 100_000)])
        rig.sim.register(content)
        async with rig.arr("sonarr") as sonarr, client_at(rig) as client:
            await sonarr.add_magnet(magnet_of(content))
            await rig.reaches(content.hash, Phase.FAILED)
            await client.post(PATH)
            found = (await looked(client))["findings"]
        (warned,) = [one for one in found if one["subject"] == "Sonarr"]
        assert warned["level"] == "warning"
        assert "tv-sonarr" in warned["text"]
        assert "1 failed" in warned["text"]
        assert "Add this Sonarr under arr" in warned["fix"]
    finally:
        await rig.close()


@asynccontextmanager
async def looking(
    checkup: Checkup, *answers: Report | Exception, first_after: float = 0.0
) -> AsyncIterator[None]:
    """Run a checkup whose looks find these, one after the other."""
    left = iter(answers)

    async def examine() -> Report:
        answer = next(left)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async with asyncio.TaskGroup() as group:
        task = group.create_task(checkup.run(examine, first_after=first_after))
        yield
        task.cancel()


async def settled(checkup: Checkup) -> dict[str, object]:
    """Wait until a look is over."""
    deadline = time.monotonic() + PATIENCE
    while (answer := checkup.told())["running"] or answer["taken_at"] is None:
        assert time.monotonic() < deadline, "it looks for ever"
        await asyncio.sleep(0.01)
    return answer


async def test_it_looks_by_itself_after_the_start() -> None:
    """Nobody has to ask for the first look."""
    checkup = Checkup(lambda: 5.0)
    async with looking(checkup, WELL, first_after=0.05):
        assert await settled(checkup) == {**WELL, "taken_at": 5.0, "running": False}


@pytest.mark.parametrize("error", [ValueError("a secret"), TimeoutError(), OSError(5, "a secret")])
async def test_a_look_that_breaks_is_a_finding(error: Exception) -> None:
    """It is told without the error's own words, and the next look is as good as ever."""
    checkup = Checkup(lambda: 5.0)
    async with looking(checkup, error, WELL):
        broken = await settled(checkup)
        assert broken["healthy"] is False
        assert type(error).__name__ in str(broken["findings"])
        assert "a secret" not in str(broken["findings"])
        checkup.ask()
        assert (await settled(checkup))["healthy"] is True
