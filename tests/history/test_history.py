"""What became of downloads, also of those that are gone."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from bridge.core.model import Download, Phase, Reason
from bridge.history import Change, History, Watcher
from bridge.history.records import WEEK, row_of
from bridge.simulator import magnet_of
from bridge.store import Store
from tests.support.clients import client_at
from tests.support.http import Client
from tests.support.rig import Rig, pack
from tests.support.scenes import NOW, delivered, download

FAILED = download(
    2, phase=Phase.FAILED, phase_at=NOW, failure_reason=Reason.STALLED, failure_message="no seeds"
)


class World:
    """Downloads that change by hand, and the history of them."""

    def __init__(self, store: Store, keep: float | None = None) -> None:
        self.now = NOW
        self.there: list[Download] = []
        self.told: list[Change] = []
        self.reported: dict[tuple[str, str], float] = {}
        self.version = 0
        self.history = History(store)
        self.watcher = Watcher(
            self.history,
            version=lambda: self.version,
            downloads=lambda: self.there,
            reported=lambda: self.reported,
            changed=self.told.extend,
            keep_seconds=keep,
            clock=lambda: self.now,
        )

    async def look(self, *there: Download) -> list[Any]:
        """Look once at these; answers the rows."""
        self.there, self.version = list(there), self.version + 1
        await self.watcher.look()
        return (await self.history.page(self.now)).rows


async def test_a_whole_life(tmp_path: Path) -> None:
    """Added, completed, imported, removed: one row, which says the last and keeps the others."""
    async with Store(tmp_path / "bridge.db") as store:
        world = World(store)
        (row,) = await world.look(download())
        assert (row.outcome, row.name, row.completed_at) == ("added", "Show.1", None)
        (row,) = await world.look(delivered())
        assert (row.outcome, row.completed_at) == ("completed", NOW - 60)
        (row,) = await world.look(delivered(imported_at=NOW - 10))
        assert (row.outcome, row.imported_at) == ("imported", NOW - 10)
        world.now += 5
        (row,) = await world.look()
        assert (row.outcome, row.removed_at, row.completed_at) == ("removed", NOW + 5, NOW - 60)
        assert [change.after is None for change in world.told] == [False, False, False, True]


async def test_a_failure_that_is_handed_back(tmp_path: Path) -> None:
    """The reason is kept, and when the *arr was told."""
    async with Store(tmp_path / "bridge.db") as store:
        world = World(store)
        (row,) = await world.look(FAILED)
        assert (row.outcome, row.reason, row.message) == ("failed", "stalled", "no seeds")
        world.reported = {(FAILED.hash, FAILED.category): NOW + 1}
        (row,) = await world.look(FAILED)
        assert (row.outcome, row.reported_at) == ("reported", NOW + 1)


async def test_it_goes_on_after_a_restart(tmp_path: Path) -> None:
    """What was removed while nobody looked is seen as removed; the rest is not written again."""
    async with Store(tmp_path / "bridge.db") as store:
        world = World(store)
        await world.look(download(1), download(2))
        again = World(store)
        again.watcher._rows = {
            (row.hash, row.added_at): row for row in await again.history.open_rows()
        }
        rows = {row.name: row.outcome for row in await again.look(download(1))}
        assert rows == {"Show.1": "added", "Show.2": "removed"}


async def test_the_same_hash_twice(tmp_path: Path) -> None:
    """Asked for again after it was removed: two rows."""
    async with Store(tmp_path / "bridge.db") as store:
        world = World(store)
        await world.look(download())
        rows = await world.look(download(added_at=NOW))
        assert sorted(row.outcome for row in rows) == ["added", "removed"]


async def test_it_is_forgotten(tmp_path: Path) -> None:
    """After the time that the setting says, and never before it was removed."""
    async with Store(tmp_path / "bridge.db") as store:
        world = World(store)
        await world.look(download(1), download(2))
        await world.look(download(2))
        await world.history.forget(NOW)
        assert len((await world.history.page(NOW)).rows) == 2
        await world.history.forget(NOW + 1)
        assert [row.name for row in (await world.history.page(NOW)).rows] == ["Show.2"]


async def test_pages_filters_and_a_week(tmp_path: Path) -> None:
    """150 rows come in two pages; names are found as they are written, also with % and _."""
    async with Store(tmp_path / "bridge.db") as store:
        history = History(store)
        many = [
            row_of(delivered(n, added_at=NOW - n, completed_at=NOW - n + 60, size=10), None, NOW)
            for n in range(1, 151)
        ]
        old = row_of(
            delivered(900, added_at=NOW - 2 * WEEK, completed_at=NOW - 2 * WEEK), None, NOW
        )
        odd = row_of(download(901, name="100%_sure", added_at=NOW - 500), None, NOW)
        await history.put([*many, old, odd, row_of(FAILED, None, NOW)])
        first = await history.page(NOW)
        assert (len(first.rows), first.more) == (100, True)
        second = await history.page(NOW, before=first.rows[-1].last_at)
        assert (len(second.rows), second.more) == (53, False)
        assert not {row.hash for row in first.rows} & {row.hash for row in second.rows}
        assert [row.name for row in (await history.page(NOW, text="%_SURE")).rows] == ["100%_sure"]
        assert [row.name for row in (await history.page(NOW, outcome="failed")).rows] == ["Show.2"]
        week = first.week
        assert (week.grabs, week.completed, week.bytes) == (152, 150, 1500)
        assert (week.failed, week.failures, week.median_seconds) == (1, {"stalled": 1}, 60.0)


async def until(client: Client, outcome: str) -> dict[str, Any]:
    """Ask until the row has come so far: the bridge looks once a second."""
    async with asyncio.timeout(10):
        while True:
            page = (await client.get("/api/bridge/history?text=remem")).json()
            if page["rows"] and page["rows"][0]["outcome"] == outcome:
                assert isinstance(page, dict)
                return page
            await asyncio.sleep(0.1)


async def test_the_bridge_remembers(rig: Rig) -> None:
    """Over HTTP, after a real life, and after a restart."""
    content = pack("Remembered")
    rig.sim.register(content)
    async with rig.arr() as arr, client_at(rig) as client:
        await arr.add_magnet(magnet_of(content))
        await rig.reaches(content.hash, Phase.FINISHED)
        await until(client, "completed")
        await arr.remove(content.hash)
    await rig.restart()
    async with client_at(rig) as client:
        page = await until(client, "removed")
        (row,) = page["rows"]
        assert (row["name"], row["outcome"], row["category"]) == (
            "Remembered",
            "removed",
            "tv-sonarr",
        )
        assert row["size"] == content.size
        assert (await client.get("/api/bridge/history?before=x")).status == 400


@pytest.mark.parametrize("outcome", ["' OR 1=1 --", "nonsense"])
async def test_a_filter_is_no_sql(tmp_path: Path, outcome: str) -> None:
    """Whatever is asked for is a value."""
    async with Store(tmp_path / "bridge.db") as store:
        assert (await History(store).page(NOW, outcome=outcome, text=outcome)).rows == []
