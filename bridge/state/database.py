"""The SQLite file: a single writer, and every commit is on disk before it counts."""

import asyncio
import sqlite3
import time
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any, Self, TypeVar

import aiosqlite
import msgspec
import structlog

from bridge.core.model import Category, DeliveredFile, Download, Event, Grab, Job, RemovedDownload
from bridge.state.database_schema import NEW_DATABASE, SCHEMA, STEPS
from bridge.state.migration import copy_of, keep_copy
from bridge.state.rows import (
    JOB_COLUMNS,
    UnreadableRow,
    job_from_row,
    job_to_row,
    reader,
    select,
    to_row,
    upsert,
)

log = structlog.get_logger(__name__)
T = TypeVar("T")
Row = TypeVar("Row", bound=msgspec.Struct)

EVENTS_KEPT = 200
"""Events kept for each info-hash; the oldest are deleted first."""

CHECKED = "checked_at"


WriteError = sqlite3.Error
"""What a write raises that the database did not take. Nothing was changed then."""


class DatabaseError(Exception):
    """The database cannot be used. The text says which file and what to do."""


_TABLES: Mapping[type[msgspec.Struct], tuple[str, tuple[str, ...]]] = {
    Download: ("downloads", ("id",)),
    Grab: ("grabs", ("id",)),
    DeliveredFile: ("files", ("grab_id", "file_id")),
    RemovedDownload: ("removed_downloads", ("hash",)),
    Category: ("categories", ("name",)),
}
"""The table of each value, and the columns of its key."""
_PUT = {kind: upsert(table, kind, key) for kind, (table, key) in _TABLES.items()}
_PUT_JOB = (
    f"INSERT OR REPLACE INTO jobs ({', '.join(JOB_COLUMNS)})"  # noqa: S608 - names of columns
    f" VALUES ({', '.join('?' for _ in JOB_COLUMNS)})"
)
_ADD_EVENT = (
    "INSERT INTO events (hash, at, kind, before, after, why, grab_id) VALUES (?, ?, ?, ?, ?, ?, ?)"
)
_PRUNE_EVENTS = (
    "DELETE FROM events WHERE hash = ? AND id <= (SELECT id FROM events WHERE hash = ?"
    " ORDER BY id DESC LIMIT 1 OFFSET ?)"
)


@dataclass(slots=True)
class Batch:
    """The statements of a transaction, in order."""

    statements: list[tuple[str, Sequence[Any]]] = field(default_factory=list)

    def run(self, sql: str, *parameters: object) -> None:
        """Add any statement."""
        self.statements.append((sql, parameters))

    def run_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Add a statement once for each row of parameters."""
        self.statements += [(sql, row) for row in rows]

    def put(self, value: msgspec.Struct) -> None:
        """Insert the row of a value, or replace the row with its key."""
        self.statements.append((_PUT[type(value)], to_row(value)))

    def delete(self, kind: type[msgspec.Struct], key: int | str) -> None:
        """Delete a row. Those of its grabs, files and .torrent go with it; events stay."""
        table, (column, *_) = _TABLES[kind]
        self.run(f"DELETE FROM {table} WHERE {column} = ?", key)  # noqa: S608 - our names

    def put_torrent(self, download_id: int, data: bytes) -> None:
        """Store the .torrent file of a download."""
        self.run("INSERT OR REPLACE INTO torrents VALUES (?, ?)", download_id, data)

    def put_files(self, grab_id: int, files: Iterable[DeliveredFile]) -> None:
        """Replace the file list of a grab."""
        self.delete(DeliveredFile, grab_id)
        for file in files:
            self.put(file)

    def put_job(self, job: Job) -> None:
        """Insert or replace a job's row."""
        self.statements.append((_PUT_JOB, job_to_row(job)))

    def delete_job(self, job_id: int) -> None:
        """Delete a job: it is done, or was called off."""
        self.run("DELETE FROM jobs WHERE id = ?", job_id)

    def put_tag(self, name: str) -> None:
        """Insert a tag if it is not there."""
        self.run("INSERT OR IGNORE INTO tags VALUES (?)", name)

    def delete_tag(self, name: str) -> None:
        """Delete a tag; grabs are not touched."""
        self.run("DELETE FROM tags WHERE name = ?", name)

    def put_value(self, name: str, value: object) -> None:
        """Store a small JSON value by name."""
        text = msgspec.json.encode(value).decode()
        self.run("INSERT OR REPLACE INTO key_values VALUES (?, ?)", name, text)

    def add_event(self, event: Event, *, prune: bool) -> None:
        """Append to the timeline of a hash; with `prune`, delete what is too old."""
        self.statements.append(
            (
                _ADD_EVENT,
                (event.hash, event.at, event.kind, event.before, event.after, event.why,
                 event.grab_id),
            )
        )  # fmt: skip
        if prune:
            self.run(_PRUNE_EVENTS, event.hash, event.hash, EVENTS_KEPT)


class Contents(msgspec.Struct, frozen=True):
    """The rows that are also kept in memory, as read at start."""

    downloads: Sequence[Download]
    grabs: Sequence[Grab]
    jobs: Sequence[Job]
    removed: Sequence[RemovedDownload]
    categories: Sequence[Category]
    tags: Sequence[str]
    last_ids: dict[str, int]
    """The highest id ever given, by table: ids are never reused."""


class Database:
    """The SQLite file. Use as `async with Database(path) as database`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: aiosqlite.Connection | None = None
        self._writer = asyncio.Lock()

    async def __aenter__(self) -> Self:
        try:
            await asyncio.to_thread(_prepare, self._path)
            self._connection = await self._open()
        except (OSError, sqlite3.OperationalError) as error:
            raise DatabaseError(
                f"cannot open the database {self._path}: {error}."
                " Set paths.database to a file in a directory that this user may write to."
            ) from error
        except sqlite3.Error as error:
            raise DatabaseError(
                f"the database {self._path} is damaged: {error}. Restore a copy of it, or move it"
                " away to start with an empty one: docs/backup.md."
            ) from error
        return self

    async def __aexit__(self, *_: object) -> None:
        connection, self._connection = self._db, None
        await connection.close()

    @property
    def _db(self) -> aiosqlite.Connection:
        if self._connection is None:
            raise DatabaseError(f"the database {self._path} is closed")
        return self._connection

    async def _open(self) -> aiosqlite.Connection:
        # isolation_level=None: Python would otherwise begin and end transactions at times of its
        # own.
        connection = await aiosqlite.connect(self._path, isolation_level=None)
        try:
            for pragma in (
                # WAL appends a commit to one file and syncs it once: readers do not wait, and a
                # torn write after a power loss is found by its checksum.
                "journal_mode = WAL",
                # NORMAL, the usual choice with WAL, syncs only at checkpoints: an add that was
                # answered `Ok.` could be lost with the power.
                "synchronous = FULL",
                # Off by default in SQLite. Deleting a download must delete its grabs, files and
                # .torrent.
                "foreign_keys = ON",
                # A backup tool or `sqlite3` on the command line may hold the lock for a moment.
                "busy_timeout = 5000",
            ):
                await connection.execute(f"PRAGMA {pragma}")
            await _check_pages(connection)
            await self._migrate(connection)
        except BaseException:
            await connection.close()
            raise
        return connection

    async def _migrate(self, connection: aiosqlite.Connection) -> None:
        taken = await _schema_of(connection)
        if taken > SCHEMA:
            raise DatabaseError(
                f"the database {self._path} was written by a newer version of the bridge"
                f" (schema {taken}, this one knows {SCHEMA}): install that version again,"
                f" or {await asyncio.to_thread(_way_back, self._path)}."
            )
        if 0 < taken < SCHEMA:
            # A user who goes back to the older version needs the older schema.
            copy = await asyncio.to_thread(keep_copy, self._path, taken)
            log.info("database_copied", schema=taken, copy=str(copy))
        # A new database is made, not migrated.
        steps = [(SCHEMA, NEW_DATABASE)]
        if taken:
            steps = [(number + 1, STEPS[number]) for number in range(taken, SCHEMA)]
        for number, step in steps:
            await connection.executescript(
                # The version is part of the transaction, so a kill between two steps repeats
                # neither.
                f"BEGIN IMMEDIATE; {step}; PRAGMA user_version = {number}; COMMIT;"
            )
            if taken:
                log.info("database_migrated", schema=number)

    async def write(self, batch: Batch) -> None:
        """Write a batch as one transaction, committed with fsync, or not at all.

        A cancellation during the commit takes effect after it.

        Raises:
            sqlite3.Error: nothing was written.
        """
        await finish_despite_cancellation(self.write_unprotected(batch))

    async def write_unprotected(self, batch: Batch) -> None:
        """Write a batch; the caller sees to it that no cancellation interrupts this."""
        async with self._writer:
            # One round trip to aiosqlite's thread for the transaction: each wakes the event loop
            # and the thread. aiosqlite has no public call that runs several statements with
            # parameters.
            db = self._db
            await db._execute(_commit, db._conn, batch.statements)  # type: ignore[no-untyped-call]  # noqa: SLF001

    async def contents(self) -> Contents:
        """Read the rows that are kept in memory. An unreadable row is logged and skipped."""
        # In aiosqlite's thread: tens of thousands of rows would hold up the event loop.
        db = self._db
        found: Contents = await db._execute(_contents, db._conn)  # type: ignore[no-untyped-call]  # noqa: SLF001
        return found

    async def files(self, grab_id: int) -> tuple[DeliveredFile, ...]:
        """Read the files planned for a grab, by file id."""
        return (await self.files_of((grab_id,))).get(grab_id, ())

    async def files_of(self, grab_ids: Sequence[int]) -> dict[int, tuple[DeliveredFile, ...]]:
        """Read the files planned for grabs, by grab id; those of each by file id."""
        marks = ",".join("?" * len(grab_ids))
        where = f"WHERE grab_id IN ({marks}) ORDER BY grab_id, file_id"
        rows = await self._all(DeliveredFile, select("files", DeliveredFile, where), *grab_ids)
        groups = groupby(rows, key=lambda file: file.grab_id)
        return {grab_id: tuple(files) for grab_id, files in groups}

    async def torrent(self, download_id: int) -> bytes | None:
        """Read the .torrent file of a download; None when no client sent one."""
        rows = await self._rows("SELECT data FROM torrents WHERE download_id = ?", download_id)
        return bytes(rows[0][0]) if rows else None

    async def events(self, info_hash: str) -> Sequence[Event]:
        """Read the timeline of a hash, oldest first."""
        sql = select("events", Event, "WHERE hash = ? ORDER BY id")
        return await self._all(Event, sql, info_hash)

    async def value(self, name: str, kind: type[T]) -> T | None:
        """Read a small value; None when it was never stored or is unreadable."""
        rows = await self._rows("SELECT value FROM key_values WHERE name = ?", name)
        if not rows:
            return None
        try:
            return msgspec.json.decode(rows[0][0], type=kind)
        except msgspec.DecodeError as error:
            log.warning("stored_value_unreadable", name=name, error=str(error))
            return None

    async def put_value(self, name: str, value: object) -> None:
        """Store a small JSON value by name."""
        batch = Batch()
        batch.put_value(name, value)
        await self.write(batch)

    async def check(self) -> None:
        """Check that the database can be written, by writing to it.

        Raises:
            sqlite3.Error: it cannot, or its file was deleted.
        """
        # SQLite goes on writing to a deleted file, and a restart would begin with an empty one.
        if not await asyncio.to_thread(self._path.exists):
            raise sqlite3.OperationalError(f"{self._path} was deleted while the bridge ran")
        # An empty transaction writes nothing, so it succeeds on a full or read-only disk.
        await self.put_value(CHECKED, time.time())
        # A timeout that expired during the commit takes effect at this await.
        await asyncio.sleep(0)

    async def query(self, sql: str, *parameters: object) -> Sequence[sqlite3.Row]:
        """Read rows of a table that has a module of its own."""
        return await self._rows(sql, *parameters)

    async def _rows(self, sql: str, *parameters: object) -> list[Any]:
        return list(await self._db.execute_fetchall(sql, parameters))

    async def _all(self, kind: type[Row], sql: str, *parameters: object) -> list[Row]:
        rows = await self._rows(sql, *parameters)
        return _readable(rows, reader(kind), kind.__name__)


def _contents(connection: sqlite3.Connection) -> Contents:
    def rows(kind: type[Row], table: str, order: str) -> list[Row]:
        sql = select(table, kind, f"ORDER BY {order}")
        return _readable(connection.execute(sql), reader(kind), kind.__name__)

    jobs_sql = f"SELECT {', '.join(JOB_COLUMNS)} FROM jobs ORDER BY id"  # noqa: S608 - our names
    return Contents(
        downloads=rows(Download, "downloads", "id"),
        grabs=rows(Grab, "grabs", "id"),
        jobs=_readable(connection.execute(jobs_sql), job_from_row, "Job"),
        removed=rows(RemovedDownload, "removed_downloads", "hash"),
        categories=rows(Category, "categories", "name"),
        tags=[name for (name,) in connection.execute("SELECT name FROM tags ORDER BY name")],
        # AUTOINCREMENT keeps these across deletes: a reused id would let an old action hit a new
        # grab.
        last_ids=dict(connection.execute("SELECT name, seq FROM sqlite_sequence")),
    )


def _readable(rows: Iterable[Any], read: Any, kind: str) -> list[Any]:
    values = []
    for row in rows:
        try:
            values.append(read(row))
        except UnreadableRow as error:
            # One damaged row must not keep the bridge from starting with all the others.
            log.error("row_unreadable", kind=kind, key=row[0], error=str(error))
    return values


def _commit(
    connection: sqlite3.Connection, statements: Sequence[tuple[str, Sequence[Any]]]
) -> None:
    """Run the statements as one transaction."""
    # IMMEDIATE takes the write lock at once: a plain BEGIN could fail at the first write, half way.
    connection.execute("BEGIN IMMEDIATE")
    try:
        for sql, group in groupby(statements, key=lambda statement: statement[0]):
            connection.executemany(sql, [parameters for _, parameters in group])
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.rollback()
        raise


async def _check_pages(connection: aiosqlite.Connection) -> None:
    """Raise a DatabaseError of SQLite if the file is damaged.

    With a damaged page some rows would be missing, and nobody would know why.
    """
    (found,) = await connection.execute_fetchall("PRAGMA quick_check(1)")
    if found[0] != "ok":
        raise sqlite3.DatabaseError(" ".join(str(found[0]).split()))


def _way_back(path: Path) -> str:
    """Return what helps a version that is too old for its database."""
    for schema in range(SCHEMA, 0, -1):
        if (copy := copy_of(path, schema)).exists():
            return f"restore {copy}, the copy from before the upgrade: docs/backup.md"
    return "start with another paths.database"


async def _schema_of(connection: aiosqlite.Connection) -> int:
    cursor = await connection.execute("PRAGMA user_version")
    row = await cursor.fetchone()
    return int(row[0]) if row else 0


def _prepare(path: Path) -> None:
    """Create the file, and try to open it: aiosqlite leaves a thread behind if opening fails."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # Other users of the machine must not read the hashed password.
    path.touch(mode=0o600)
    sqlite3.connect(path).close()


async def finish_despite_cancellation(work: Coroutine[Any, Any, None]) -> None:
    """Await `work` to its end. A cancellation reaches the caller at its next await after that."""
    # In a task of its own, the commit survives the cancellation of the caller. Otherwise SQLite
    # might commit a change that memory never applies.
    done = asyncio.gather(work)
    task, cancelled = asyncio.current_task(), False
    while not done.done():
        try:
            await asyncio.wait({done})
        except asyncio.CancelledError:
            cancelled = True
    if cancelled and task is not None:
        task.uncancel()
        task.cancel()
    done.result()
