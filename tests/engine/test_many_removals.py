"""Removals of hundreds are performed together, and each is as safe as one alone."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import aiohttp
import pytest

from bridge.core.planner_input import MANY_JOBS
from tests.bench.growth import CATEGORY, FILES, write_database
from tests.support.process import BRISK, BridgeProcess
from tests.support.rig import API_KEY, Rig

MANY = 4 * MANY_JOBS
KEPT = 10


@pytest.fixture(name="many")
async def _many(tmp_path: Path) -> AsyncIterator[Rig]:
    """A bridge, not started yet, with hundreds of finished downloads and their files."""
    rig = Rig(tmp_path)
    write_database(tmp_path / "bridge.db", rig.downloads, MANY)
    for (path,) in _rows(rig, "SELECT path FROM files"):
        file = rig.downloads / CATEGORY / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("an episode")
    await rig.sim.start()
    yield rig
    await rig.close()


def _rows(rig: Rig, sql: str) -> list[tuple[str, ...]]:
    with closing(sqlite3.connect(rig.directory / "bridge.db")) as database:
        return list(database.execute(sql))


def _folders(rig: Rig) -> list[Path]:
    return sorted((rig.downloads / CATEGORY).iterdir())


async def test_a_removal_that_fails_holds_up_no_other(many: Rig) -> None:
    """It is tried again until it succeeds. What a link leads to is never deleted."""
    elsewhere, outside = many.downloads / "elsewhere", many.directory / "outside"
    with closing(sqlite3.connect(many.directory / "bridge.db")) as database, database:
        sql = "UPDATE downloads SET save_path = ? WHERE name LIKE '%S00008%'"
        assert database.execute(sql, (str(elsewhere),)).rowcount == 1
    (folder,) = (many.downloads / CATEGORY).glob("*S00008*")
    outside.mkdir()
    folder.rename(outside / folder.name)
    elsewhere.symlink_to(outside)
    await many.start()
    await many.post("/api/v2/torrents/delete", hashes="all", deleteFiles="true")
    await many.until(lambda: len(many.removals) == 1 and many.removals[0].attempts > 1, within=60)
    assert _folders(many) == []
    assert len(list((outside / folder.name).iterdir())) == FILES
    elsewhere.unlink()
    await many.until(lambda: not many.removals)


async def test_killed_in_the_middle(many: Rig) -> None:
    """After the next start the rest is deleted, and nothing that was to stay."""
    process = BridgeProcess(many.environ, BRISK)
    await process.start()
    try:
        hashes = [
            info_hash for (info_hash,) in _rows(many, "SELECT hash FROM downloads ORDER BY id")
        ]
        before = _folders(many)
        stranger = before[-1] / "stranger.txt"
        stranger.write_text("put there by somebody else")
        headers = {"Authorization": f"Bearer {API_KEY}"}
        form = {"hashes": "|".join(hashes[KEPT:]), "deleteFiles": "true"}
        async with aiohttp.ClientSession(process.url, headers=headers) as session:
            reply = await session.post("/api/v2/torrents/delete", data=form)
            assert reply.status == 200
        await many.until(lambda: len(_folders(many)) < MANY, within=60)
        await process.kill()
        assert _rows(many, "SELECT 1 FROM jobs")
        assert len(_folders(many)) > KEPT + 1
        await process.start()
        await many.until(lambda: not _rows(many, "SELECT 1 FROM jobs"), within=60)
        assert _folders(many) == [*before[:KEPT], before[-1]]
        assert list(before[-1].iterdir()) == [stranger]
        assert all(len(list(folder.iterdir())) == FILES for folder in before[:KEPT])
        assert len(_rows(many, "SELECT 1 FROM grabs")) == KEPT
    finally:
        await process.kill()
