"""What became of downloads, also of those that are gone."""

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from bridge.core.model import Entry, Phase, Reason
from bridge.history import WEEK, History, HistoryRow, Watcher, row_of
from bridge.simulator import magnet_of
from bridge.state import Batch, Database
from tests.support.clients import client_at
from tests.support.entries import with_fields
from tests.support.http import Client
from tests.support.rig import Rig, pack
from tests.support.scenes import NOW, download, entry, failed

FAILED = with_fields(
    entry(failed(2, failure_message="no seeds", phase_at=NOW)), failure_reason=Reason.STALLED
)


def grabbed(number: int = 1, **fields: Any) -> Entry:
    """Make an entry, but for these fields."""
    return with_fields(entry(download(number)), **fields)


def delivered(number: int = 1, **fields: Any) -> Entry:
    """Make an entry that was delivered a minute ago."""
    there = {"phase": Phase.DELIVERED, "completed_at": NOW - 60}
    return grabbed(number, **there | fields)


class World:
    """Entries that change by hand, and the history of them."""

    def __init__(self, database: Database) -> None:
        self.now = NOW
        self.there: dict[int, Entry] = {}
        self.reported_at: float | None = None
        self.history = History(database)
        self.watcher = Watcher(
            self.history,
            entries=lambda: list(self.there.values()),
            reported=lambda _: self.reported_at,
            keep_seconds=None,
            clock=lambda: self.now,
        )

    async def run(self) -> None:
        """Run the watcher until it has caught up and written."""
        with suppress(TimeoutError):
            async with asyncio.timeout(0.1):
                await self.watcher.run(pause=0.0)

    async def becomes(self, *there: Entry) -> list[HistoryRow]:
        """Let the entries be these; return the rows, the newest first."""
        before, self.there = self.there, {one.grab.id: one for one in there}
        for grab_id in {**before, **self.there}:
            self.watcher.note(before.get(grab_id), self.there.get(grab_id))
        await self.run()
        return (await self.history.page(self.now)).rows


async def test_a_whole_life(tmp_path: Path) -> None:
    """Added, completed, imported, removed: one row, which says the last and keeps the others."""
    async with Database(tmp_path / "bridge.db") as database:
        world = World(database)
        (row,) = await world.becomes(grabbed())
        assert (row.outcome, row.name, row.completed_at) == ("added", "Show.1", None)
        (row,) = await world.becomes(delivered())
        assert (row.outcome, row.completed_at) == ("completed", NOW - 60)
        (row,) = await world.becomes(delivered(imported_at=NOW - 10))
        assert (row.outcome, row.imported_at) == ("imported", NOW - 10)
        world.now += 5
        (row,) = await world.becomes()
        assert (row.outcome, row.removed_at, row.completed_at) == ("removed", NOW + 5, NOW - 60)


async def test_what_lives_for_a_moment_is_remembered(tmp_path: Path) -> None:
    """Added, failed and removed before anything was written: a row that says all of it."""
    async with Database(tmp_path / "bridge.db") as database:
        world = World(database)
        world.watcher.note(None, grabbed(2))
        world.watcher.note(grabbed(2), FAILED)
        world.reported_at = NOW + 1
        world.watcher.note(FAILED, None)
        await world.run()
        (row,) = (await world.history.page(NOW)).rows
        assert (row.outcome, row.reason, row.reported_at) == ("removed", "stalled", NOW + 1)


async def test_a_failure_that_is_handed_back(tmp_path: Path) -> None:
    """The reason is kept, and when the *arr was told: its note says so on the entry."""
    async with Database(tmp_path / "bridge.db") as database:
        world = World(database)
        (row,) = await world.becomes(FAILED)
        assert (row.outcome, row.reason, row.message) == ("failed", "stalled", "no seeds")
        world.reported_at = NOW + 1
        (row,) = await world.becomes(with_fields(FAILED, note="sonarr was told"))
        assert (row.outcome, row.reported_at) == ("reported", NOW + 1)


async def test_what_says_nothing_new_is_not_written(tmp_path: Path) -> None:
    """Progress changes all the time, and no row with it."""
    async with Database(tmp_path / "bridge.db") as database:
        world = World(database)
        await world.becomes(grabbed())
        batch = Batch()
        batch.run("DELETE FROM history")
        await database.write(batch)
        world.watcher.note(grabbed(), grabbed(progress=0.5, idle_seconds=3.0))
        assert await world.watcher._write()
        assert (await world.history.page(NOW)).rows == []
        world.watcher.note(grabbed(), grabbed(size=5))
        assert await world.watcher._write()
        assert len((await world.history.page(NOW)).rows) == 1


async def test_it_goes_on_after_a_restart(tmp_path: Path) -> None:
    """What was removed or added while nobody looked is seen at the next start."""
    async with Database(tmp_path / "bridge.db") as database:
        await World(database).becomes(grabbed(1), grabbed(2))
        again = World(database)
        again.there = {one.grab.id: one for one in (grabbed(1), grabbed(3))}
        await again.run()
        rows = {row.name: row.outcome for row in (await again.history.page(NOW)).rows}
        assert rows == {"Show.1": "added", "Show.2": "removed", "Show.3": "added"}


async def test_a_database_that_cannot_be_written(tmp_path: Path) -> None:
    """Nothing is lost: what could not be written is written at the end."""
    async with Database(tmp_path / "bridge.db") as database:
        world = World(database)
        rename = Batch()
        rename.run("ALTER TABLE history RENAME TO elsewhere")
        await database.write(rename)
        world.watcher.note(None, grabbed())
        assert not await world.watcher._write()
        back = Batch()
        back.run("ALTER TABLE elsewhere RENAME TO history")
        await database.write(back)
        assert await world.watcher._write()
        assert [row.name for row in (await world.history.page(NOW)).rows] == ["Show.1"]


async def test_the_same_hash_twice(tmp_path: Path) -> None:
    """Asked for again after it was removed: two rows."""
    async with Database(tmp_path / "bridge.db") as database:
        world = World(database)
        await world.becomes(grabbed())
        rows = await world.becomes(grabbed(grab_id=77, added_at=NOW))
        assert sorted(row.outcome for row in rows) == ["added", "removed"]
        for row in rows:
            assert await world.history.row(row.id) == row
        assert await world.history.row(78) is None


async def test_it_is_forgotten(tmp_path: Path) -> None:
    """After the time that the setting says, and never before it was removed."""
    async with Database(tmp_path / "bridge.db") as database:
        world = World(database)
        await world.becomes(grabbed(1), grabbed(2))
        await world.becomes(grabbed(2))
        await world.history.forget(NOW)
        assert len((await world.history.page(NOW)).rows) == 2
        await world.history.forget(NOW + 1)
        assert [row.name for row in (await world.history.page(NOW)).rows] == ["Show.2"]


async def test_pages_filters_and_a_week(tmp_path: Path) -> None:
    """150 rows come in two pages; names are found as they are written, also with % and _."""
    async with Database(tmp_path / "bridge.db") as database:
        history = History(database)
        many = [
            row_of(delivered(n, added_at=NOW - n, completed_at=NOW - n + 60, size=10), None, NOW)
            for n in range(1, 151)
        ]
        old = row_of(
            delivered(1900, added_at=NOW - 2 * WEEK, completed_at=NOW - 2 * WEEK), None, NOW
        )
        odd = row_of(grabbed(1901, name="100%_sure", added_at=NOW - 500), None, NOW)
        failure = with_fields(FAILED, grab_id=902)
        await history.put([*many, old, odd, row_of(failure, None, NOW)])
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
    async with Database(tmp_path / "bridge.db") as database:
        assert (await History(database).page(NOW, outcome=outcome, text=outcome)).rows == []
