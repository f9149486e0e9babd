"""With thousands of downloads no request waits until something has looked at all of them."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.bench.growth import CATEGORY, write_database
from tests.support.rig import Rig
from tests.support.turns import Turns

READS = ("/api/v2/sync/maindata", "/api/v2/torrents/info", "/api/bridge/sync")
MANY = 1500
MOST_CALLS = 12_000
"""Between two turns of the loop: fewer than eight for each download."""


@pytest.fixture(name="rig")
async def _rig(tmp_path: Path) -> AsyncIterator[Rig]:
    """A bridge with thousands of finished downloads, not started yet."""
    rig = Rig(tmp_path)
    rig.downloads.mkdir()
    write_database(tmp_path / "bridge.db", rig.downloads, MANY)
    await rig.sim.start()
    yield rig
    await rig.close()


async def test_a_start(rig: Rig) -> None:
    """Rows are read and put together in a thread, and the clean-up looks at them in batches."""
    with Turns() as turns:
        await rig.start()
        await rig.until(lambda: turns.most["CleanupTimes._place"] > 0)
    assert turns.longest < MOST_CALLS, turns.what
    assert turns.most["State._set_grab"] == 0
    assert turns.most["CleanupTimes._place"] < MANY


async def test_the_first_read(rig: Rig) -> None:
    """Whatever is asked first, views and replies are made in batches."""
    for path in (*READS, "/api/bridge/status"):
        await rig.start()
        with Turns() as turns:
            status, text = await rig.get(path)
            await asyncio.sleep(0.5)
        assert status == 200
        assert text.count("Some.Show") >= MANY
        assert turns.longest < MOST_CALLS, (path, turns.what)
        await rig.stop()


async def test_nobody_sees_half_of_the_first_views(rig: Rig) -> None:
    """A read between two batches makes the rest."""
    await rig.start()
    queries = rig.service.queries
    preparing = asyncio.get_running_loop().create_task(queries.prepare())
    await asyncio.sleep(0)
    assert not preparing.done()
    assert len(queries.primaries) == len(queries.views) == MANY
    await preparing


async def test_a_change_of_everything(rig: Rig) -> None:
    """Writes come in batches, and so does what follows from them."""
    await rig.start()
    await _read_all(rig)
    for path, form in (
        ("removeCategories", {"categories": CATEGORY}),
        ("addTags", {"hashes": "all", "tags": "one,two"}),
        ("deleteTags", {"tags": "one"}),
        ("pause", {"hashes": "all"}),
        ("resume", {"hashes": "all"}),
        ("delete", {"hashes": "all", "deleteFiles": "false"}),
    ):
        with Turns() as turns:
            await rig.post(f"/api/v2/torrents/{path}", **form)
            await _read_all(rig)
        assert turns.longest < MOST_CALLS, (path, turns.what)
    assert not rig.state.grabs


async def _read_all(rig: Rig) -> None:
    for path in READS:
        status, _ = await rig.get(path)
        assert status == 200
