"""The database: opened once, one writer, every commit on disk before it counts."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Coroutine, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import aiosqlite
import msgspec
import structlog

from bridge.core.model import (
    Category,
    Claim,
    DeliveredFile,
    Download,
    Event,
    Failover,
    Removal,
    Trace,
)
from bridge.store.rows import columns, reader, to_row, upsert
from bridge.store.schema import STEPS

log = structlog.get_logger()
T = TypeVar("T")

EVENTS_KEPT = 200
"""Events kept for each download; the oldest go first."""


class StoreError(Exception):
    """The database cannot be used. The text says which file and what to do."""


@dataclass(frozen=True, slots=True)
class Contents:
    """Everything that is kept in memory too, as read at start."""

    downloads: Sequence[Download]
    files: Sequence[DeliveredFile]
    removals: Sequence[Removal]
    categories: Sequence[Category]
    tags: Sequence[str]
    failovers: Sequence[Failover] = ()
    claims: Sequence[Claim] = ()
    traces: Sequence[Trace] = ()


class Transaction:
    """One write. All of it is on disk when the `async with` block ends, or none of it."""

    def __init__(self, connection: aiosqlite.Connection) -> None:
        self._connection = connection

    async def execute(self, sql: str, parameters: Sequence[Any] = ()) -> None:
        """Run a statement of a table that has a module of its own."""
        await self._run(sql, parameters)

    async def execute_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run a statement once for each row of parameters."""
        await self._connection.executemany(sql, rows)

    async def put_download(self, download: Download) -> None:
        """Insert or replace a download's row."""
        await self._put("downloads", download)

    async def put_torrent(self, info_hash: str, data: bytes) -> None:
        """Keep the .torrent file of a download."""
        await self._run("INSERT OR REPLACE INTO torrents VALUES (?, ?)", (info_hash, data))

    async def drop_download(self, info_hash: str) -> None:
        """Delete a download with its files and .torrent; its events stay."""
        await self._run("DELETE FROM downloads WHERE hash = ?", (info_hash,))

    async def put_files(self, info_hash: str, files: Iterable[DeliveredFile]) -> None:
        """Replace the file list of a download."""
        await self._run("DELETE FROM files WHERE hash = ?", (info_hash,))
        await self._connection.executemany(
            upsert("files", DeliveredFile), [to_row(file) for file in files]
        )

    async def put_claims(self, info_hash: str, claims: Iterable[Claim]) -> None:
        """Replace the claims on a download."""
        await self._run("DELETE FROM claims WHERE hash = ?", (info_hash,))
        await self._connection.executemany(
            upsert("claims", Claim), [to_row(claim) for claim in claims]
        )

    async def add_removal(self, removal: Removal) -> Removal:
        """Keep a removal job; answers it with its id."""
        return replace(removal, id=await self._add("removals", removal))

    async def put_removal(self, removal: Removal) -> None:
        """Replace a removal job's row."""
        await self._put("removals", removal)

    async def drop_removal(self, removal_id: int) -> None:
        """Delete a removal job: it is done."""
        await self._run("DELETE FROM removals WHERE id = ?", (removal_id,))

    async def put_trace(self, trace: Trace) -> None:
        """Insert or replace what is remembered of a hash."""
        await self._put("traces", trace)

    async def drop_trace(self, info_hash: str) -> None:
        """Forget a hash."""
        await self._run("DELETE FROM traces WHERE hash = ?", (info_hash,))

    async def add_failover(self, failover: Failover) -> Failover:
        """Keep a failover job; answers it with its id."""
        return replace(failover, id=await self._add("failovers", failover))

    async def put_failover(self, failover: Failover) -> None:
        """Replace a failover job's row."""
        await self._put("failovers", failover)

    async def drop_failover(self, failover_id: int) -> None:
        """Delete a failover job: it was called off, or is long over."""
        await self._run("DELETE FROM failovers WHERE id = ?", (failover_id,))

    async def put_category(self, category: Category) -> None:
        """Insert or replace a category."""
        await self._put("categories", category)

    async def drop_category(self, name: str) -> None:
        """Delete a category; downloads are not touched."""
        await self._run("DELETE FROM categories WHERE name = ?", (name,))

    async def put_tag(self, name: str) -> None:
        """Insert a tag if it is not there."""
        await self._run("INSERT OR IGNORE INTO tags VALUES (?)", (name,))

    async def drop_tag(self, name: str) -> None:
        """Delete a tag; downloads are not touched."""
        await self._run("DELETE FROM tags WHERE name = ?", (name,))

    async def put_fact(self, name: str, value: object) -> None:
        """Keep a small JSON value by name."""
        text = msgspec.json.encode(value).decode()
        await self._run("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, text))

    async def add_event(self, event: Event) -> None:
        """Append to a download's timeline, and let go of what is too old."""
        names = columns(Event)
        marks = ", ".join("?" for _ in names)
        await self._run(
            f"INSERT INTO events ({', '.join(names)}) VALUES ({marks})",  # noqa: S608 - our names
            to_row(event),
        )
        await self._run(
            "DELETE FROM events WHERE hash = ? AND id <= (SELECT id FROM events WHERE hash = ?"
            " ORDER BY id DESC LIMIT 1 OFFSET ?)",
            (event.hash, event.hash, EVENTS_KEPT),
        )

    async def _add(self, table: str, value: object) -> int:
        """Insert a row that gets its `id`, the first column, from the table."""
        names = columns(type(value))[1:]
        marks = ", ".join("?" for _ in names)
        cursor = await self._connection.execute(
            f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks})",  # noqa: S608 - our names
            to_row(value)[1:],
        )
        return cursor.lastrowid or 0

    async def _put(self, table: str, value: object) -> None:
        await self._run(upsert(table, type(value)), to_row(value))

    async def _run(self, sql: str, parameters: Sequence[Any]) -> None:
        await self._connection.execute(sql, parameters)


class Store:
    """The SQLite file. Use as `async with Store(path) as store`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: aiosqlite.Connection | None = None
        self._writer = asyncio.Lock()

    async def __aenter__(self) -> Self:
        try:
            await asyncio.to_thread(_prepare, self._path)
            self._connection = await self._open()
        except (OSError, sqlite3.Error) as error:
            raise StoreError(
                f"cannot open the database {self._path}: {error}."
                " Set paths.database to a file in a directory that this user may write to."
            ) from error
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        connection, self._connection = self._db, None
        await connection.close()

    @property
    def _db(self) -> aiosqlite.Connection:
        if self._connection is None:
            raise StoreError(f"the database {self._path} is closed")
        return self._connection

    async def _open(self) -> aiosqlite.Connection:
        connection = await aiosqlite.connect(self._path, isolation_level=None)
        try:
            connection.row_factory = sqlite3.Row
            for pragma in (
                "journal_mode = WAL",
                "synchronous = FULL",
                "foreign_keys = ON",
                "busy_timeout = 5000",
            ):
                await connection.execute(f"PRAGMA {pragma}")
            await self._migrate(connection)
        except BaseException:
            await connection.close()
            raise
        return connection

    async def _migrate(self, connection: aiosqlite.Connection) -> None:
        cursor = await connection.execute("PRAGMA user_version")
        row = await cursor.fetchone()
        taken = int(row[0]) if row else 0
        if taken > len(STEPS):
            raise StoreError(
                f"the database {self._path} was written by a newer version of the bridge"
                f" (schema {taken}, this one knows {len(STEPS)}): install that version again"
                " or start with another paths.database."
            )
        for number, step in enumerate(STEPS[taken:], start=taken + 1):
            await connection.executescript(
                f"BEGIN IMMEDIATE; {step}; PRAGMA user_version = {number}; COMMIT;"
            )
            log.info("database_migrated", schema=number)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """Write: one at a time, committed with fsync at the end, rolled back on any exception.

        A cancellation that comes while the commit is under way reaches the task at its next
        await: by then it can know that the write is on disk.
        """
        async with self._writer:
            connection = self._db
            try:
                await connection.execute("BEGIN IMMEDIATE")
                yield Transaction(connection)
            except BaseException:
                await asyncio.shield(connection.rollback())
                raise
            await _to_the_end(self._commit(connection))

    async def _commit(self, connection: aiosqlite.Connection) -> None:
        try:
            await connection.execute("COMMIT")
        except sqlite3.Error:
            await connection.rollback()
            raise

    async def contents(self) -> Contents:
        """Read all that is kept in memory. A row that cannot be read is logged and left alone."""
        return Contents(
            downloads=await self._all(Download, "SELECT * FROM downloads ORDER BY added_at, hash"),
            files=await self._all(DeliveredFile, "SELECT * FROM files ORDER BY hash, file_id"),
            removals=await self._all(Removal, "SELECT * FROM removals ORDER BY id"),
            categories=await self._all(Category, "SELECT * FROM categories ORDER BY name"),
            tags=[row["name"] for row in await self._rows("SELECT name FROM tags ORDER BY name")],
            failovers=tuple(await self._all(Failover, "SELECT * FROM failovers ORDER BY id")),
            traces=tuple(await self._all(Trace, "SELECT * FROM traces ORDER BY hash")),
            claims=tuple(await self._all(Claim, "SELECT * FROM claims ORDER BY hash, number")),
        )

    async def torrent(self, info_hash: str) -> bytes | None:
        """Read the .torrent file of a download, if we were handed one."""
        rows = await self._rows("SELECT data FROM torrents WHERE hash = ?", info_hash)
        return bytes(rows[0]["data"]) if rows else None

    async def events(self, info_hash: str) -> Sequence[Event]:
        """Read a download's timeline, oldest first."""
        return await self._all(Event, "SELECT * FROM events WHERE hash = ? ORDER BY id", info_hash)

    async def fact(self, name: str, kind: type[T]) -> T | None:
        """Read a small value; None when it was never kept or cannot be read any more."""
        rows = await self._rows("SELECT value FROM facts WHERE name = ?", name)
        if not rows:
            return None
        try:
            return msgspec.json.decode(rows[0]["value"], type=kind)
        except msgspec.DecodeError as error:
            log.warning("fact_unreadable", name=name, error=str(error))
            return None

    async def check(self) -> None:
        """Prove that the database can be written.

        Raises:
            sqlite3.Error: it cannot.
        """
        async with self.transaction():
            pass
        await asyncio.sleep(0)  # where a time limit on this check strikes, if it did meanwhile

    async def query(self, sql: str, *parameters: object) -> Sequence[sqlite3.Row]:
        """Read rows of a table that has a module of its own."""
        return await self._rows(sql, *parameters)

    async def _rows(self, sql: str, *parameters: object) -> Sequence[sqlite3.Row]:
        return list(await self._db.execute_fetchall(sql, parameters))

    async def _all(self, kind: type[T], sql: str, *parameters: object) -> list[T]:
        read, values = reader(kind), []
        for row in await self._rows(sql, *parameters):
            try:
                values.append(read(row))
            except (msgspec.ValidationError, msgspec.DecodeError) as error:
                log.error("row_unreadable", kind=kind.__name__, key=row[0], error=str(error))
        return values


def _prepare(path: Path) -> None:
    """Make the file, and try to open it: aiosqlite leaves a thread behind when it cannot."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)  # the hashed password is nobody else's business
    sqlite3.connect(path).close()


async def _to_the_end(work: Coroutine[Any, Any, None]) -> None:
    """Await all of `work`, and put a cancellation off until the caller's next await."""
    done = asyncio.gather(work)  # a task of its own: a cancelled caller does not take it along
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
