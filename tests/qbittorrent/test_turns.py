"""With thousands of downloads no request waits until something has looked at all of them."""

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from bridge.core.model import Job, Recheck
from bridge.core.planner import RECHECKS_AT_ONCE
from tests.bench.growth import CATEGORY, write_database
from tests.support.clients import client_at
from tests.support.rig import Rig
from tests.support.turns import Turns

READS = ("/api/v2/sync/maindata", "/api/v2/torrents/info", "/api/bridge/sync")
MANY = 1500
MOST_CALLS = 12_000
"""Between two turns of the loop: fewer than eight for each download."""
MOST_COMMITS = 150
"""For a change of all: far fewer than one for each."""


@pytest.fixture(name="many")
def _many(request: pytest.FixtureRequest) -> int:
    """How many finished downloads there are."""
    return int(getattr(request, "param", MANY))


@pytest.fixture(name="rig")
async def _rig(tmp_path: Path, many: int) -> AsyncIterator[Rig]:
    """A bridge with so many finished downloads, not started yet."""
    rig = Rig(tmp_path)
    rig.downloads.mkdir()
    write_database(tmp_path / "bridge.db", rig.downloads, many)
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
        ("topPrio", {"hashes": "all"}),
        ("increasePrio", {"hashes": "all"}),
        ("delete", {"hashes": "all", "deleteFiles": "false"}),
    ):
        with Turns() as turns:
            await rig.post(f"/api/v2/torrents/{path}", **form)
            await _read_all(rig)
        assert turns.longest < MOST_CALLS, (path, turns.what)
        assert turns.all["State._commit"] < MOST_COMMITS, path
    assert not rig.state.grabs


async def test_the_page_changes_everything(rig: Rig) -> None:
    """As the API does: in batches, each of which is one commit."""
    await rig.start()
    await _read_all(rig)
    ids = list(rig.state.grabs)
    for action, more in (
        ("category", {"category": "another"}),
        ("add_tags", {"tags": ["one", "two"]}),
        ("resume", {}),
        ("unforce", {}),
        ("bottom", {}),
        ("remove", {}),
    ):
        with Turns() as turns:
            body = json.dumps({"action": action, "ids": ids, **more})
            async with client_at(rig) as client:
                reply = await client.ask("POST", "/api/bridge/actions", body)
            await _read_all(rig)
        assert reply.json() == {"done": MANY, "refused": []}
        assert turns.longest < MOST_CALLS, (action, turns.what)
        assert turns.all["State._commit"] < MOST_COMMITS, action
    assert not rig.state.grabs


async def test_the_order_of_all_that_wait(rig: Rig, tmp_path: Path) -> None:
    """They keep their order among themselves, and a hundred of them are one commit."""
    with closing(sqlite3.connect(tmp_path / "bridge.db")) as database, database:
        database.execute("DELETE FROM downloads WHERE rowid > 450")
        database.execute(
            "UPDATE downloads SET phase = 'accepted', stopped = 1, content_name = '',"
            " completed_at = NULL, ours = 0, submitted_at = NULL"
        )
    await rig.start()
    every = await _queue(rig)
    assert len(every) == 450
    last, others = every[-3:], every[:-3]
    for action, moved, expected in (
        ("topPrio", every, every),
        ("bottomPrio", every, every),
        ("topPrio", last, [*last, *others]),
        ("increasePrio", others, [*last[:2], *others, last[2]]),
        ("decreasePrio", last[:2], [others[0], *last[:2], *others[1:], last[2]]),
        ("bottomPrio", last[:2], [*others, last[2], *last[:2]]),
    ):
        with Turns() as turns:
            await rig.post(f"/api/v2/torrents/{action}", hashes="|".join(moved))
        assert await _queue(rig) == expected, (action, len(moved))
        assert turns.all["State._commit"] < len(every) / 10, action


async def _queue(rig: Rig) -> list[str]:
    _, text = await rig.get("/api/v2/torrents/info?sort=priority")
    return [row["hash"] for row in json.loads(text)]


async def _read_all(rig: Rig) -> None:
    for path in READS:
        status, _ = await rig.get(path)
        assert status == 200


@pytest.mark.parametrize("many", [4 * RECHECKS_AT_ONCE], indirect=True)
async def test_rechecks_begin_a_few_at_a_time(rig: Rig) -> None:
    """Each looks at the disk. `resume` rechecks what `recheck` has found missing."""
    await rig.start()
    for path in ("recheck", "resume"):
        with Turns() as turns:
            request = rig.post(f"/api/v2/torrents/{path}", hashes="all")
            answered = asyncio.get_running_loop().create_task(request)
            await rig.until(lambda: turns.all["ContentChanges.run_recheck"] > 0)
        await answered
        assert turns.most["ContentChanges.run_recheck"] <= RECHECKS_AT_ONCE, path
        await rig.until(lambda: not any(is_recheck(job) for job in rig.state.jobs.values()))


def is_recheck(job: Job) -> bool:
    """Return whether the job is a recheck."""
    return isinstance(job.task, Recheck)


async def test_a_scrape(rig: Rig) -> None:
    """Prometheus asks every few seconds, and everything is counted in batches."""
    await rig.start()
    assert (await rig.get("/metrics"))[0] == 200  # imports Prometheus' library
    await _read_all(rig)
    with Turns() as turns:
        assert (await rig.get("/metrics"))[0] == 200
    assert 0 < turns.most["Entry.phase"] < MANY
