"""From schema 2 to downloads and grabs: everything that must survive is there afterwards."""

import asyncio
import os
import shutil
import signal
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from bridge.core.invariants import Observed, violations
from bridge.core.model import (
    AddOptions,
    Category,
    Download,
    DownloadPhase,
    Event,
    Failover,
    FileEdit,
    Grab,
    GrabPhase,
    Job,
    LinkFollow,
    MetadataLookup,
    Move,
    Phase,
    Reason,
    Removal,
    RemovedDownload,
    Snapshot,
)
from bridge.core.planner_input import LiveDownload
from bridge.core.remote_tracking import RecentlyRemovedItems
from bridge.state import Contents, Database, DatabaseError, State
from bridge.state.database_schema import SCHEMA, STEPS
from bridge.state.migration import keep_copy
from tests.support import schema_2
from tests.support.schema_2 import COMPLETE, OLD, PHASES, SCHEMA_1, hash_of

MANY = 20_000
FEW = 180
"""Enough for each phase with each kind of claim."""
TO_BE_KILLED = 4_000

DOWNLOAD_PHASES = {
    "accepted": DownloadPhase.NEW,
    "submitting": DownloadPhase.SUBMITTING,
    "queued": DownloadPhase.QUEUED,
    "remote": DownloadPhase.ACTIVE,
    "failed": DownloadPhase.FAILED,
}
BEFORE_READY = ("accepted", "submitting", "queued", "remote")
GRAB_PHASES = {
    "delivering": GrabPhase.DELIVERING,
    "delivered": GrabPhase.DELIVERED,
    "finished": GrabPhase.FINISHED,
}

OPEN = """
import asyncio, sys
from pathlib import Path
import aiosqlite
from bridge.state import Database

execute = aiosqlite.Connection.executescript

async def stop_before_the_end(connection, script):
    await execute(connection, script.removesuffix("COMMIT;"))
    await asyncio.sleep(3600)

async def main():
    aiosqlite.Connection.executescript = stop_before_the_end
    async with Database(Path(sys.argv[1])):
        pass

asyncio.run(main())
"""
"""Opens a database, and never gets to the end of its first transaction."""


@pytest.fixture(name="old", scope="module")
def _old(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A small database of schema 2. Tests work on copies of it."""
    path = tmp_path_factory.mktemp("old") / "bridge.db"
    schema_2.create(path, FEW)
    yield path
    shutil.rmtree(path.parent)


@pytest.fixture(name="path")
def _path(old: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(old, tmp_path / "bridge.db"))


def phases(downloads: int) -> dict[int, str]:
    """Return the old phase of each download."""
    return {number: PHASES[number % len(PHASES)] for number in range(1, downloads + 1)}


def expected_download(number: int, phase: str) -> Download:
    """Say what becomes of a row as far as it is about TorBox."""
    row = schema_2.download_row(number, phase)
    waits = phase in BEFORE_READY
    same = (
        "hash", "name", "infohash_v1", "infohash_v2", "magnet", "size", "phase_at", "torrent_id",
        "queued_id", "submitted_at", "lookup_until", "remote_at", "seen_at", "failing_since",
        "misses", "idle_seconds", "observed_seconds", "reannounced_at", "remote_progress", "ratio",
        "uploaded", "failure_message",
    )  # fmt: skip
    return Download(
        id=number,
        kind="torrent",
        **{name: row[name] for name in same},
        has_torrent=bool(row["has_torrent"]),
        private=bool(row["private"]),
        ours=bool(row["ours"]),
        phase=DOWNLOAD_PHASES.get(phase, DownloadPhase.READY),
        attempts=row["attempts"] if waits else 0,
        next_attempt_at=row["next_attempt_at"] if waits else 0.0,
        note=row["note"] if waits or phase == "failed" else "",
        remote_active_at=row["active_at"],
        uploaded_at=row["active_at"],
        failure_reason=Reason.STALLED if phase == "failed" else None,
    )


OF_THE_CLIENT = (
    "stopped", "force_start", "sequential", "first_last_first", "super_seeding", "auto_tmm",
)  # fmt: skip
COPIED = (
    "comment", "priority", "content_layout", "download_limit", "upload_limit",
)  # fmt: skip
LIMITS = ("ratio_limit", "seeding_time_limit", "inactive_seeding_time_limit")


def expected_grab(number: int, phase: str) -> Grab:
    """Say what becomes of a row as far as it is about what its first client asked for."""
    row = schema_2.download_row(number, phase)
    waits = phase in BEFORE_READY
    planned = not waits and phase != "failed"
    same = (
        "category", "save_path", "added_at", *COPIED, *LIMITS, "phase_at", "delivery_mode",
        "content_name", "progress", "moving_to", "completed_at", "imported_at",
    )  # fmt: skip
    return Grab(
        download_id=number,
        client="Sonarr",
        tags=("a", f"t{number}"),
        file_edits=(FileEdit(path="a", name="b", priority=6),),
        phase=GRAB_PHASES.get(phase, GrabPhase.WAITING),
        staging_name=hash_of(number) if phase == "delivering" else "",
        content_is_folder=planned and number % 2 == 1,
        size=row["size"] if planned else 0,
        attempts=0 if waits else row["attempts"],
        next_attempt_at=0.0 if waits else row["next_attempt_at"],
        note=row["note"] if planned else "",
        missing_files=bool(row["missing_files"]),
        **{name: row[name] for name in same},
        **dict[str, Any]({name: bool(row[name]) for name in OF_THE_CLIENT}),
    )


def expected_claim(of: int, nth: int, phase: str, first: Grab) -> Grab:
    """Say what becomes of what a further client asked for."""
    row = schema_2.claim_row(of, nth, phase)
    complete = phase in COMPLETE
    same = (
        "category", "save_path", "added_at", *LIMITS, "phase_at", "delivery_mode", "content_name",
        "size", "completed_at", "imported_at", "failure_message",
    )  # fmt: skip
    return Grab(
        download_id=of,
        client="Radarr",
        tags=("film",),
        phase=GrabPhase.WAITING if phase == "accepted" else GrabPhase(phase),
        content_is_folder=phase == "delivered",
        progress=1.0 if complete else 0.0,
        failure_reason=Reason.NOT_CACHED if phase == "failed" else None,
        **{name: row[name] for name in same},
        **{name: getattr(first, name) for name in (*COPIED, *OF_THE_CLIENT)},
    )


@cache
def expected_grabs(downloads: int) -> list[Grab]:
    """Return all grabs, with their ids: the first ones, then those of further clients."""
    old = phases(downloads)
    firsts = {number: expected_grab(number, phase) for number, phase in old.items()}
    further = [
        expected_claim(of, nth, phase, firsts[of]) for of, nth, phase in schema_2.claims_of(old)
    ]
    made = [*firsts.values(), *further]
    return [replace(grab, id=key) for key, grab in enumerate(made, start=1)]


def expected_jobs(downloads: int) -> list[Job]:
    """Return all jobs: what is to be removed, reported, moved, looked up and followed."""
    removals = [
        Job(
            task=Removal(
                save_path="/data/tv",
                content_name="Gone",
                files=("Gone/1.mkv", "[2]"),
                delivery_mode="download",
                staging_name="" if row["files_only"] else row["hash"],
                keeps_remote=bool(row["files_only"]),
                delete_remote=bool(row["delete_remote"]),
                torrent_id=row["torrent_id"],
                unclear=bool(row["unclear"]),
                submitted_at=OLD + 1,
                removed_at=OLD + 2,
            ),
            subject=row["hash"],
            created_at=OLD + 2,
            attempts=4,
            next_attempt_at=OLD + 3,
        )
        for row in schema_2.REMOVALS
    ]
    failovers = [
        Job(
            task=Failover(category="tv", sent_at=row["sent_at"], looks=2),
            subject=row["hash"],
            created_at=row["created_at"],
            attempts=1,
            next_attempt_at=OLD + 5,
            finished_at=row["ended_at"],
        )
        for row in schema_2.FAILOVERS
    ]
    moves = [
        Job(
            task=Move(grab_id=grab.id),
            subject=hash_of(grab.download_id),
            created_at=grab.added_at,
        )
        for grab in expected_grabs(downloads)
        if grab.moving_to
    ]
    lookups = [
        Job(task=MetadataLookup(), subject=hash_of(number), created_at=OLD + number + 1)
        for number, phase in phases(downloads).items()
        if phase in BEFORE_READY and number % 2 == 0
    ]
    options: dict[str, Any] = {**schema_2.LINK_OPTIONS, "tags": ("a",)}
    link = Job(task=LinkFollow(url="https://indexer/1?key=s", options=AddOptions(**options)))
    made = [*removals, *failovers, *moves, *lookups, link]
    return [replace(job, id=key) for key, job in enumerate(made, start=1)]


def expected_files(downloads: int) -> dict[tuple[str, float, int], tuple[Any, ...]]:
    """Return every file row, by hash, the time its grab was added, and file id."""
    old, found = phases(downloads), {}
    for number, phase in old.items():
        if schema_2.download_row(number, phase)["content_name"]:
            for file_id, path in enumerate(schema_2.paths_of(number), 1):
                row = schema_2.file_row(number, file_id, path, done=phase in COMPLETE)
                found[hash_of(number), OLD + number, file_id] = tuple(row.values())[2:]
    for of, nth, phase in schema_2.claims_of(old):
        if phase in COMPLETE:
            top = schema_2.claim_row(of, nth, phase)["content_name"]
            paths = [top] if phase == "finished" else [f"{top}/1.mkv", f"{top}/2.mkv"]
            for file_id, path in enumerate(paths, 1):
                row = schema_2.file_row(of, file_id, path, done=True)
                found[hash_of(of), OLD + of + nth / 10, file_id] = tuple(row.values())[2:]
    return found


def on_disk(path: Path, sql: str) -> list[Any]:
    """Ask the file, past the database."""
    with closing(sqlite3.connect(path)) as connection, connection:
        return connection.execute(sql).fetchall()


async def migrated(path: Path) -> Contents:
    """Open a database, which migrates it, and return what is in it."""
    async with Database(path) as database:
        return await database.contents()


@pytest.mark.timeout(240)
async def test_twenty_thousand_downloads_survive(tmp_path: Path) -> None:
    """Each row becomes a download and its grab, each claim a grab of its own, with their files."""
    path = tmp_path / "bridge.db"
    await asyncio.to_thread(schema_2.create, path, MANY)
    contents = await migrated(path)
    assert contents.downloads == [expected_download(*one) for one in phases(MANY).items()]
    assert contents.grabs == expected_grabs(MANY)
    assert contents.jobs == expected_jobs(MANY)
    files = on_disk(
        path,
        "SELECT hash, added_at, file_id, files.remote_name, files.size, path, chosen, done, files.priority"
        " FROM files JOIN grabs ON grabs.id = grab_id JOIN downloads ON downloads.id = download_id",
    )
    assert {row[:3]: row[3:] for row in files} == expected_files(MANY)
    assert len(files) == len(expected_files(MANY))


async def test_what_is_kept_beside_the_downloads_survives(path: Path) -> None:
    """Torrents, timelines, categories, tags, budgets and what is remembered of removals are there."""
    async with Database(path) as database:
        contents = await database.contents()
        for number in (1, 2, FEW - 1):
            torrent = b"d%de" % number if number % 2 else None
            assert await database.torrent(number) == torrent
            assert await database.events(hash_of(number)) == [
                Event(hash=hash_of(number), at=OLD + turn, kind="note", why=f"{number}.{turn}")
                for turn in (1, 2)
            ]
        assert await database.value("budgets", dict[str, list[float]]) == schema_2.BUDGETS
        left = await database.value("recently_removed_items", RecentlyRemovedItems)
        assert left == RecentlyRemovedItems(deleted={7: OLD}, kept={8: ("ab", OLD)})
        assert await database.value("pending_links", list[object]) is None, "they are jobs now"
    assert contents.categories == [Category(name="tv", save_path="/data/tv")]
    assert contents.tags == ["a", "b"]
    assert contents.removed == [
        RemovedDownload(
            hash=row["hash"],
            submitted_at=OLD + 1,
            removed_at=OLD + 2,
            left_at=OLD + 3,
            unclear=bool(row["unclear"]),
        )
        for row in schema_2.TRACES
    ]


async def test_each_client_is_shown_the_phase_it_was_shown(path: Path) -> None:
    """No *arr sees its download go back, fail or complete because of the update."""
    shown = {
        "accepted": Phase.ACCEPTED,
        "submitting": Phase.SUBMITTING,
        "queued": Phase.QUEUED,
        "remote": Phase.REMOTE,
    }
    async with Database(path) as database:
        state = State(database, lambda: OLD)
        await state.load()
        by_grab = {
            (entry.hash, entry.grab.category): entry
            for download in state.downloads.values()
            for entry in state.entries_of(download)
        }
        for number, phase in phases(FEW).items():
            entry = by_grab[hash_of(number), "tv"]
            assert entry.phase is shown.get(phase, Phase(phase))
            assert (entry.failure is not None) is (phase == "failed")
        for of, nth, phase in schema_2.claims_of(phases(FEW)):
            entry = by_grab[hash_of(of), f"radarr{nth}"]
            assert entry.complete is (phase in COMPLETE)
            assert entry.phase is Phase.FAILED or phase != "failed"


async def test_what_was_migrated_holds_together(path: Path) -> None:
    """No download or grab is left in a state that the bridge would report as broken."""
    async with Database(path) as database:
        state = State(database, lambda: OLD)
        await state.load()
        live = [LiveDownload(one, state.grabs_of(one.id)) for one in state.live]
        jobs = tuple(state.jobs.values())
        observed = Observed(now=OLD, live=live, jobs=jobs, snapshot=Snapshot(), blocked=True)
        assert violations(observed) == []
        assert {one.download.phase for one in live} == set(DownloadPhase)


async def test_new_ids_begin_after_the_old_ones(path: Path) -> None:
    """A grab that is added after the update never gets the id of another one."""
    contents = await migrated(path)
    last = contents.last_ids
    assert last["downloads"] == FEW
    assert last["grabs"] == max(grab.id for grab in contents.grabs)
    assert last["jobs"] == max(job.id for job in contents.jobs)


async def test_a_copy_is_kept(path: Path, old: Path) -> None:
    """The old database is beside the new one, whole, readable by its owner alone, and not twice."""
    await migrated(path)
    copy = path.with_name("bridge.db.schema-2")
    assert on_disk(copy, "PRAGMA user_version") == [(2,)]
    assert on_disk(copy, "PRAGMA integrity_check") == [("ok",)]
    for table in ("downloads", "claims", "files", "facts", "events"):
        rows = f"SELECT * FROM {table}"
        assert on_disk(copy, rows) == on_disk(old, rows)
    assert copy.stat().st_mode & 0o777 == 0o600
    before = copy.stat().st_mtime_ns
    await migrated(path)
    assert copy.stat().st_mtime_ns == before
    assert {one.name for one in path.parent.iterdir()} == {"bridge.db", "bridge.db.schema-2"}


async def test_without_a_copy_nothing_is_migrated(path: Path) -> None:
    """When there is no room for the copy, the old database stays as it was, and the text says why."""
    blocked = path.with_name("bridge.db.schema-2.part")
    blocked.mkdir()
    with pytest.raises(DatabaseError, match=f"cannot open the database {path}"):
        await migrated(path)
    assert on_disk(path, "PRAGMA user_version") == [(2,)]
    blocked.rmdir()
    assert len((await migrated(path)).downloads) == FEW


def test_a_copy_that_was_broken_off_is_made_again(path: Path) -> None:
    """Half a copy is never taken for a whole one."""
    half = path.with_name("bridge.db.schema-2.part")
    half.write_bytes(b"half a copy")
    copy = keep_copy(path, 2)
    assert not half.exists()
    assert on_disk(copy, "SELECT count(*) FROM downloads") == [(FEW,)]


async def test_the_first_schema_is_migrated(tmp_path: Path) -> None:
    """A database of the very first version takes both steps, and its copy keeps its own schema."""
    path = tmp_path / "bridge.db"
    row = schema_2.download_row(4, "remote")
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(f"{SCHEMA_1}; PRAGMA user_version = 1;")
        names = [one[1] for one in connection.execute("PRAGMA table_info(downloads)")]
        schema_2.insert(connection, "downloads", [{name: row[name] for name in names}])
    contents = await migrated(path)
    (download,), (grab,) = contents.downloads, contents.grabs
    assert (download.hash, download.phase) == (hash_of(4), DownloadPhase.ACTIVE)
    assert (grab.category, grab.client, grab.download_id) == ("tv", "", download.id)
    copy = path.with_name("bridge.db.schema-1")
    assert on_disk(copy, "PRAGMA user_version") == [(1,)]


async def test_an_empty_database_of_schema_2(tmp_path: Path) -> None:
    """A bridge that never had a download is updated, too."""
    path = tmp_path / "bridge.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(f"{SCHEMA_1}; {STEPS[1]}; PRAGMA user_version = 2;")
    contents = await migrated(path)
    assert (contents.downloads, contents.grabs, contents.jobs) == ([], [], [])


async def test_a_migrated_database_is_like_a_new_one(path: Path, tmp_path: Path) -> None:
    """Both have the same tables with the same columns, and the same indexes."""
    new = tmp_path / "new.db"
    for one in (path, new):
        async with Database(one):
            pass
    columns = (
        'SELECT tables.name, columns.name, columns.type, "notnull", dflt_value, pk FROM sqlite_master AS tables,'
        " pragma_table_info(tables.name) AS columns ORDER BY 1, cid"
    )
    indexes = "SELECT tbl_name, name, sql FROM sqlite_master WHERE type = 'index' ORDER BY 1, 2"
    for query in (columns, indexes):
        assert on_disk(path, query) == on_disk(new, query)


async def test_a_newer_schema_is_refused(path: Path) -> None:
    """A database of a newer bridge is not touched, and the text says what to do."""
    await migrated(path)
    on_disk(path, f"PRAGMA user_version = {SCHEMA + 1}")
    before = path.read_bytes()
    with pytest.raises(DatabaseError, match=f"{path} was written by a newer version.*install that"):
        await migrated(path)
    assert path.read_bytes() == before
    assert not list(path.parent.glob(f"*.schema-{SCHEMA + 1}*"))


async def test_a_newer_schema_with_a_copy(path: Path) -> None:
    """After an upgrade the older version names the newest copy that it can read."""
    await migrated(path)
    on_disk(path, f"PRAGMA user_version = {SCHEMA + 1}")
    for schema in (SCHEMA - 1, SCHEMA, SCHEMA + 1):
        path.with_name(f"bridge.db.schema-{schema}").touch()
    wanted = f"or restore {path}.schema-{SCHEMA}, the copy from before the upgrade: docs/backup"
    with pytest.raises(DatabaseError, match=wanted):
        await migrated(path)


@pytest.mark.parametrize("written", [0, 1_000_000])
async def test_killed_while_it_migrates(tmp_path: Path, written: int) -> None:
    """After kill -9 at any moment the old database is whole, and the next start migrates it."""
    path = tmp_path / "bridge.db"
    await asyncio.to_thread(schema_2.create, path, TO_BE_KILLED)
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", OPEN, str(path))
    copy, log = path.with_name("bridge.db.schema-2"), path.with_name("bridge.db-wal")
    # What a transaction has written reaches the log before it is committed: the cache is small.
    while not copy.exists() or log.stat().st_size < written:
        assert process.returncode is None, "it was migrated before it could be killed"
        await asyncio.sleep(0.001)
    os.kill(process.pid, signal.SIGKILL)
    await process.wait()
    assert on_disk(path, "PRAGMA user_version") == [(2,)]
    assert on_disk(path, "SELECT count(*) FROM downloads") == [(TO_BE_KILLED,)]
    contents = await migrated(path)
    assert contents.downloads == [expected_download(*one) for one in phases(TO_BE_KILLED).items()]
    assert contents.grabs == expected_grabs(TO_BE_KILLED)
