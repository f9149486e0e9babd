"""The history: the outcome of every grab, one row each, kept for `history.keep_for`."""

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from operator import attrgetter
from typing import Final

import msgspec
import structlog
from msgspec import structs

from bridge.core.model import Entry
from bridge.state import Batch, Database

WEEK: Final = 7 * 86400.0
PAGE_ROWS: Final = 100
MOST_DURATIONS: Final = 10_000
BATCH: Final = 100
"""Rows that are read or written at once: with tens of thousands, all would hold up the event loop."""

_COLUMNS: Final = (
    "grab_id", "hash", "added_at", "name", "category", "asked_by", "size", "outcome",
    "completed_at", "imported_at", "failed_at", "reported_at", "removed_at",
    "reason", "message", "last_at",
)  # fmt: skip
_FIELDS: Final = ("id", *_COLUMNS[1:])
_values: Final = attrgetter(*_FIELDS)
_PUT: Final = (
    f"INSERT OR REPLACE INTO history ({', '.join(_COLUMNS)})"  # noqa: S608 - our names
    f" VALUES ({', '.join('?' for _ in _COLUMNS)})"
)


class HistoryRow(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of one grab. Times are unix seconds; null: it did not happen."""

    id: int
    """The id of the grab."""
    hash: str
    added_at: float
    name: str
    category: str
    asked_by: str
    size: int
    outcome: str
    """The latest event: `added`, `completed`, `imported`, `failed`, `reported`, `removed`."""
    completed_at: float | None = None
    imported_at: float | None = None
    failed_at: float | None = None
    reported_at: float | None = None
    """When the failure was reported to an *arr."""
    removed_at: float | None = None
    reason: str = ""
    """Why it failed, as a code."""
    message: str = ""
    last_at: float = 0.0


class WeekFigures(msgspec.Struct, frozen=True, kw_only=True):
    """The last seven days."""

    grabs: int
    completed: int
    bytes: int
    """Total size of the completed downloads."""
    failed: int
    failures: dict[str, int]
    """By reason code."""
    median_seconds: float | None
    """Median seconds from the add to completion."""


class HistoryPage(msgspec.Struct, frozen=True, kw_only=True):
    """Up to 100 rows, newest first."""

    rows: list[HistoryRow]
    more: bool
    week: WeekFigures


def row_of(entry: Entry, reported_at: float | None, now: float) -> HistoryRow:
    """Return the row of an entry that is not removed."""
    grab, failure = entry.grab, entry.failure
    failed_at = (entry.phase_at or now) if failure is not None else None
    moments = {
        "added": grab.added_at,
        "completed": grab.completed_at,
        "imported": grab.imported_at,
        "failed": failed_at,
        "reported": reported_at if failure is not None else None,
    }
    known = {word: at for word, at in moments.items() if at is not None}
    return HistoryRow(
        id=grab.id,
        hash=entry.hash,
        added_at=grab.added_at,
        name=entry.name,
        category=grab.category,
        asked_by=grab.client,
        size=entry.size,
        outcome=list(known)[-1],
        completed_at=grab.completed_at,
        imported_at=grab.imported_at,
        failed_at=failed_at,
        reported_at=moments["reported"],
        reason=failure.reason.value if failure is not None else "",
        message=failure.message if failure is not None else "",
        last_at=max(known.values()),
    )


class History:
    """Reads and writes the history."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, rows: Iterable[HistoryRow]) -> None:
        """Insert or replace rows, in one transaction."""
        batch = Batch()
        batch.run_many(_PUT, map(_values, rows))
        await self._database.write(batch)

    async def open_rows(self, after: int) -> Sequence[HistoryRow]:
        """Return the next rows of grabs that are not marked as removed, in the order of their ids.

        A batch at a time: with tens of thousands, all at once would hold up the event loop.
        """
        where = "WHERE removed_at IS NULL AND grab_id > ? ORDER BY grab_id LIMIT ?"
        return await self._select(where, (after, BATCH))

    async def row(self, grab_id: int) -> HistoryRow | None:
        """Return the row of a grab, even a removed one; None if the id is unknown."""
        rows = await self._select("WHERE grab_id = ?", (grab_id,))
        return rows[0] if rows else None

    async def forget(self, before: float) -> None:
        """Delete the rows of grabs removed before a time."""
        batch = Batch()
        batch.run("DELETE FROM history WHERE removed_at < ?", before)
        await self._database.write(batch)

    async def page(
        self, now: float, *, text: str = "", outcome: str = "", before: float | None = None
    ) -> HistoryPage:
        """Return the matching rows, newest first; with `before`, only older ones."""
        conditions, values = ["1"], list[object]()
        if text:
            pattern = "%" + text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
            conditions.append("(name LIKE ? ESCAPE '\\' OR category LIKE ? ESCAPE '\\')")
            values += [pattern, pattern]
        if outcome:
            conditions.append("outcome = ?")
            values.append(outcome)
        if before is not None:
            conditions.append("last_at < ?")
            values.append(before)
        where = f"WHERE {' AND '.join(conditions)} ORDER BY last_at DESC LIMIT {PAGE_ROWS + 1}"
        rows = await self._select(where, values)
        more = len(rows) > PAGE_ROWS
        return HistoryPage(rows=rows[:PAGE_ROWS], more=more, week=await self.week(now))

    async def week(self, now: float) -> WeekFigures:
        """Count what happened in the last seven days."""
        since = now - WEEK
        grabs = await self._database.query(
            "SELECT COUNT(*) AS n FROM history WHERE added_at >= ?", since
        )
        done = await self._database.query(
            "SELECT completed_at - added_at AS seconds, size FROM history"
            " WHERE completed_at >= ? LIMIT ?",
            since,
            MOST_DURATIONS,
        )
        failed = await self._database.query(
            "SELECT reason, COUNT(*) AS n FROM history WHERE failed_at >= ?"
            " GROUP BY reason ORDER BY n DESC",
            since,
        )
        failures = {str(reason): int(count) for reason, count in failed}
        # Here and not above: it brings fractions and decimal, for a page that is seldom looked at.
        from statistics import median  # noqa: PLC0415

        durations = [float(seconds) for seconds, _ in done]
        return WeekFigures(
            grabs=int(grabs[0][0]),
            completed=len(done),
            bytes=sum(int(size) for _, size in done),
            failed=sum(failures.values()),
            failures=failures,
            median_seconds=median(durations) if durations else None,
        )

    async def _select(self, where: str, values: Sequence[object]) -> list[HistoryRow]:
        sql = f"SELECT {', '.join(_COLUMNS)} FROM history {where}"  # noqa: S608 - our names
        rows = await self._database.query(sql, *values)
        return [msgspec.convert(dict(zip(_FIELDS, row, strict=True)), HistoryRow) for row in rows]


log = structlog.get_logger(__name__)

PAUSE_SECONDS: Final = 1.0
"""Changes within this time are written together."""
RETRY_SECONDS: Final = 30.0
FORGET_SECONDS: Final = 3600.0


class Watcher:
    """Collects changes of entries and writes them a moment later.

    `reported` returns when the failure of an entry was reported to its *arr; None if it was not.
    """

    def __init__(
        self,
        history: History,
        *,
        entries: Callable[[], Iterable[Entry]],
        reported: Callable[[Entry], float | None],
        keep_seconds: float | None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._history = history
        self._entries = entries
        self._reported = reported
        self._keep_seconds = keep_seconds
        self._clock = clock
        self._pending: dict[int, tuple[Entry, float | None]] = {}
        """By grab id: the latest entry, and when it was removed (None: not removed)."""
        self._changed = asyncio.Event()
        self._forgot_at = 0.0

    def note(self, before: Entry | None, after: Entry | None) -> None:
        """Note that an entry changed. `before` None: it is new; `after` None: it was removed.

        Cheap: most changes do not alter the history row and are dropped here.
        """
        if after is not None:
            if before is not None and _facts(before) == _facts(after):
                return
            self._pending[after.grab.id] = (after, None)
        elif before is not None:
            self._pending[before.grab.id] = (before, self._clock())
        self._changed.set()

    async def run(self, *, pause: float = PAUSE_SECONDS) -> None:
        """Write changes until cancelled; on cancellation write what is still pending."""
        try:
            await self._catch_up()
            while True:
                await asyncio.sleep(pause)
                if not await self._write():
                    await asyncio.sleep(RETRY_SECONDS)
                    continue
                await self._forget()
                try:
                    async with asyncio.timeout(FORGET_SECONDS):
                        await self._changed.wait()
                except TimeoutError:
                    pass  # old rows must be deleted even while nothing changes
        finally:
            await self._write()

    async def _catch_up(self) -> None:
        """Write changes that the last run did not: of a migration, or of a stop before a write."""
        entries = {entry.grab.id: entry for entry in self._entries()}
        gone: list[HistoryRow] = []
        last = 0
        while rows := await self._history.open_rows(last):
            for row in rows:
                entry = entries.pop(row.id, None)
                if entry is None:
                    gone.append(row)
                elif row != row_of(entry, row.reported_at, self._clock()):
                    self._pending.setdefault(row.id, (entry, None))
            last = rows[-1].id
        for entry in entries.values():
            self._pending.setdefault(entry.grab.id, (entry, None))
        now = self._clock()
        await self._history.put(
            structs.replace(row, outcome="removed", removed_at=now, last_at=now)
            for row in gone
            if row.id not in self._pending
        )

    async def _write(self) -> bool:
        """Write everything pending; return whether it was written."""
        self._changed.clear()
        while self._pending:
            noted = {key: self._pending.pop(key) for key in list(islice(self._pending, BATCH))}
            try:
                await self._history.put([self._row(*one) for one in noted.values()])
            except Exception:
                # For example a full disk: the rows stay pending and are written again later.
                log.exception("history_not_written", again_in=RETRY_SECONDS)
                # A newer state that was noted meanwhile wins over the one that was not written.
                self._pending = noted | self._pending
                return False
        return True

    def _row(self, entry: Entry, removed_at: float | None) -> HistoryRow:
        reported_at = self._reported(entry) if entry.failure is not None else None
        row = row_of(entry, reported_at, self._clock())
        if removed_at is None:
            return row
        return structs.replace(row, outcome="removed", removed_at=removed_at, last_at=removed_at)

    async def _forget(self) -> None:
        now = self._clock()
        # Deleting scans the table, so it runs once an hour and not with every write.
        if self._keep_seconds is not None and now - self._forgot_at > FORGET_SECONDS:
            self._forgot_at = now
            await self._history.forget(now - self._keep_seconds)


def _facts(entry: Entry) -> tuple[object, ...]:
    """Return every value of an entry that its history row depends on."""
    grab, failure = entry.grab, entry.failure
    # The note of a failed entry changes when the failure is reported; other notes do not matter.
    note = entry.note if failure is not None else ""
    facts = (entry.name, entry.size, grab.category, grab.completed_at, grab.imported_at)
    return (*facts, failure, note)
