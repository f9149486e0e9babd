"""What the bridge has written down, read past it."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from bridge.core.remote_tracking import LIST_LAG_SECONDS
from bridge.engine import RetryTimes

TABLES = {
    "downloads": "SELECT hash FROM downloads",
    "grabs": "SELECT DISTINCT download_id FROM grabs",
    "files": "SELECT DISTINCT grab_id FROM files",
    "torrents": "SELECT download_id FROM torrents",
    "jobs": "SELECT kind || ' ' || subject FROM jobs WHERE finished_at IS NULL",
}
"""What has a row for each download, and none when all is over."""

REASON = """
    SELECT COALESCE(grabs.failure_reason, downloads.failure_reason),
           COALESCE(NULLIF(grabs.failure_message, ''), downloads.failure_message)
    FROM grabs JOIN downloads ON downloads.id = grabs.download_id
    WHERE downloads.hash = ? AND grabs.category = ?
      AND COALESCE(grabs.failure_reason, downloads.failure_reason) IS NOT NULL
"""


class Reasons:
    """Why downloads failed."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def of(self, info_hash: str, category: str) -> tuple[str, str]:
        """Return why it failed for a category: the code and the sentence; empty when it did not."""
        with closing(_read_only(self._path)) as database:
            row = database.execute(REASON, (info_hash, category)).fetchone()
        return (row[0], row[1]) if row else ("", "")


def rows_left(path: Path) -> Iterator[str]:
    """List what still has a row somewhere."""
    with closing(_read_only(path)) as database:
        for table, query in TABLES.items():
            yield from (f"left in {table}: {row[0]}" for row in database.execute(query))


def forget_budgets(path: Path) -> None:
    """Let the hour pass in which TorBox takes 60 uncached adds. The bridge must not run."""
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("DELETE FROM key_values WHERE name = 'budgets'")


def let_minutes_pass(path: Path) -> None:
    """Let the minutes pass after which a create that was thought lost is looked for once more.

    The bridge must not run. An item that was added too often within an hour is kept at TorBox for
    some minutes after its removal, in case it is added again: they pass as well.
    """
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("UPDATE removed_downloads SET left_at = left_at - ?", (LIST_LAG_SECONDS,))
        kept = RetryTimes().reuse
        database.execute("UPDATE jobs SET next_attempt_at = next_attempt_at - ?", (kept,))


def _read_only(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{path}?mode=ro", uri=True)
