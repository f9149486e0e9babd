"""Each wait of a download is explained on the page: a slot, a limit on adds, the turn of its files."""

import asyncio
import re
import time
from pathlib import Path
from typing import Any

from bridge.core.model import Phase
from bridge.simulator import Cdn, Content, Scenario, SimulatedAccount, magnet_of
from bridge.simulator.faults import Error
from tests.support.clients import client_at
from tests.support.rig import Rig, cached, pack, quick


async def sentence(rig: Rig, content: Content, wanted: str) -> dict[str, Any]:
    """Wait until the row of a content says so; return the row."""
    row: dict[str, Any] = {}
    async with client_at(rig) as client:
        for _ in range(100):
            rows = (await client.get("/api/bridge/sync")).json()["rows"]
            row = next((one for one in rows if one["hash"] == content.hash), {})
            if re.fullmatch(wanted, row.get("doing", "")):
                return row
            await asyncio.sleep(0.1)
    raise AssertionError(row.get("doing"))


async def test_no_slot_is_free(tmp_path: Path) -> None:
    """Those that wait for a slot say so, with their place; that needs nobody's attention.

    They are listed in that order, although categories take turns.
    """
    rig = Rig(tmp_path, Scenario(behaviour=quick(), account=SimulatedAccount(plan=1, slots=3)))
    await rig.open()
    holders = [cached(pack(f"Holder.{number}"), is_cached=False) for number in range(3)]
    waiting = [cached(pack(f"Waiting.{number}"), is_cached=False) for number in range(2)]
    film = cached(pack("Waiting.Film"), is_cached=False)
    try:
        for content in (*holders, *waiting, film):
            rig.sim.register(content)
            rig.sim.world.change(content.hash, metadata_seconds=1e6)
        async with rig.arr() as arr, rig.arr("radarr") as radarr:
            for content in holders:
                await arr.add_magnet(magnet_of(content))
                await rig.reaches(content.hash, Phase.REMOTE)
            for content in waiting:
                await arr.add_magnet(magnet_of(content))
            await radarr.add_magnet(magnet_of(film))
        for order, (place, content) in enumerate(
            zip(("1st", "2nd", "3rd"), (film, *waiting), strict=True), 1
        ):
            wanted = f"Waits for one of your 3 TorBox slots, {place} in line"
            row = await sentence(rig, content, wanted)
            assert not row.get("attention")
            assert row["order"] == order
    finally:
        await rig.close()


async def test_the_limit_on_adds_is_used_up(tmp_path: Path) -> None:
    """The row says when TorBox allows its add."""
    rig = Rig(tmp_path, BRIDGE_TORBOX__LIMITS__UNCACHED_PER_HOUR="1")
    await rig.open()
    first, second = (cached(pack(name), is_cached=False) for name in ("First", "Second"))
    try:
        async with rig.arr() as arr:
            for content in (first, second):
                rig.sim.register(content)
                await arr.add_magnet(magnet_of(content))
        wanted = r"Waits for TorBox's limit on adds, 1st in line; its turn is \{in:(\d+)\}"
        row = await sentence(rig, second, wanted)
        found = re.search(r"\d{9,}", row["doing"])
        assert found is not None
        assert abs(int(found[0]) - time.time() - 3600) < 60
    finally:
        await rig.close()


async def test_torbox_rejects_the_key(rig: Rig) -> None:
    """The row says that the key is the reason, and not only TorBox's words about it."""
    content = pack()
    rig.sim.register(content)
    rig.sim.faults.add("*", Error(403, "BAD_TOKEN", "Your token is invalid."), times=None)
    async with rig.arr() as arr:
        await arr.add_magnet(magnet_of(content))
    wanted = r"Waits: TorBox rejects the API key: Your token is invalid; next attempt \{in:\d+\}"
    await sentence(rig, content, wanted)


async def test_other_files_are_fetched_first(tmp_path: Path) -> None:
    """A delivery of which no file is fetched yet waits for its turn."""
    slow = Scenario(behaviour=quick(), cdn=Cdn(bytes_per_second=20_000.0))
    rig = Rig(tmp_path, slow, BRIDGE_DELIVERY__PARALLEL_FILES="1")
    await rig.open()
    first, second = pack("First", size=9_000_000), pack("Second", size=9_000_000)
    try:
        async with rig.arr() as arr:
            for content in (first, second):
                rig.sim.register(content)
                await arr.add_magnet(magnet_of(content))
                await rig.reaches(content.hash, Phase.DELIVERING)
        await sentence(rig, first, "Being fetched from TorBox")
        await sentence(rig, second, "Waits for its turn: one file is fetched at a time")
    finally:
        await rig.close()
