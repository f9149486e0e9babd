"""The history table: one row for each time that a download was asked for."""

import statistics
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from bridge.core.model import Download
from bridge.store import Store

WEEK: Final = 7 * 86400.0
PAGE_ROWS: Final = 100
MOST_DURATIONS: Final = 10_000

_COLUMNS: Final = (
    "hash", "added_at", "name", "category", "asked_by", "size", "outcome",
    "completed_at", "imported_at", "failed_at", "reported_at", "removed_at",
    "reason", "message", "last_at",
)  # fmt: skip


class HistoryRow(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one download. Times are unix seconds; null: it did not happen."""

    hash: str
    added_at: float
    name: str
    category: str
    asked_by: str
    size: int
    outcome: str
    """The last that happened: `added`, `completed`, `imported`, `failed`, `reported`, `removed`."""
    completed_at: float | None = None
    imported_at: float | None = None
    failed_at: float | None = None
    reported_at: float | None = None
    """An *arr was told that it failed."""
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
    """Of what was completed."""
    failed: int
    failures: dict[str, int]
    """By reason code."""
    median_seconds: float | None
    """From the add to when it could be imported; the median of what was completed."""


class HistoryPage(msgspec.Struct, frozen=True, kw_only=True):
    """Some rows, the newest first."""

    rows: list[HistoryRow]
    more: bool
    week: WeekFigures


def row_of(download: Download, reported_at: float | None, now: float) -> HistoryRow:
    """Make the row of a download that is there."""
    failed = download.failure_reason is not None
    failed_at = (download.phase_at or now) if failed else None
    moments = {
        "added": download.added_at,
        "completed": download.completed_at,
        "imported": download.imported_at,
        "failed": failed_at,
        "reported": reported_at if failed else None,
    }
    known = {word: at for word, at in moments.items() if at is not None}
    outcome = list(known)[-1]
    return HistoryRow(
        hash=download.hash,
        added_at=download.added_at,
        name=download.name,
        category=download.category,
        asked_by=download.asked_by,
        size=download.size,
        outcome=outcome,
        completed_at=download.completed_at,
        imported_at=download.imported_at,
        failed_at=failed_at,
        reported_at=moments["reported"],
        reason=download.failure_reason.value if download.failure_reason else "",
        message=download.failure_message,
        last_at=max(known.values()),
    )


class History:
    """Reads and writes the history."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def put(self, rows: Iterable[HistoryRow]) -> None:
        """Insert or replace rows, in one transaction."""
        marks = ", ".join("?" for _ in _COLUMNS)
        async with self._store.transaction() as write:
            await write.execute_many(
                f"INSERT OR REPLACE INTO history ({', '.join(_COLUMNS)}) VALUES ({marks})",  # noqa: S608 - our names
                [tuple(getattr(row, name) for name in _COLUMNS) for row in rows],
            )

    async def open_rows(self) -> Sequence[HistoryRow]:
        """List the rows of downloads that had not been removed."""
        return await self._select("WHERE removed_at IS NULL", ())

    async def forget(self, before: float) -> None:
        """Drop what was removed before a time."""
        async with self._store.transaction() as write:
            await write.execute("DELETE FROM history WHERE removed_at < ?", (before,))

    async def page(
        self, now: float, *, text: str = "", outcome: str = "", before: float | None = None
    ) -> HistoryPage:
        """Return the rows that fit, the newest first; `before`: only older ones."""
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
        grabs = await self._store.query(
            "SELECT COUNT(*) AS n FROM history WHERE added_at >= ?", since
        )
        done = await self._store.query(
            "SELECT completed_at - added_at AS seconds, size FROM history"
            " WHERE completed_at >= ? LIMIT ?",
            since,
            MOST_DURATIONS,
        )
        failed = await self._store.query(
            "SELECT reason, COUNT(*) AS n FROM history WHERE failed_at >= ?"
            " GROUP BY reason ORDER BY n DESC",
            since,
        )
        failures = {str(row["reason"]): int(row["n"]) for row in failed}
        durations = [float(row["seconds"]) for row in done]
        return WeekFigures(
            grabs=int(grabs[0]["n"]),
            completed=len(done),
            bytes=sum(int(row["size"]) for row in done),
            failed=sum(failures.values()),
            failures=failures,
            median_seconds=statistics.median(durations) if durations else None,
        )

    async def _select(self, where: str, values: Sequence[object]) -> list[HistoryRow]:
        sql = f"SELECT {', '.join(_COLUMNS)} FROM history {where}"  # noqa: S608 - our names
        rows = await self._store.query(sql, *values)
        return [msgspec.convert(dict(row), HistoryRow) for row in rows]
