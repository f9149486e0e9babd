"""What the bridge has written down, read past it."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from bridge.core.cleanup import LATE_SECONDS

TABLES = ("downloads", "claims", "files", "torrents", "removals")
"""What has a row for each hash, and none when all is over."""

REASON = """
    SELECT failure_reason, failure_message FROM claims
    WHERE hash = ?1 AND category = ?2 AND failure_reason IS NOT NULL
    UNION ALL SELECT failure_reason, failure_message FROM downloads
    WHERE hash = ?1 AND failure_reason IS NOT NULL
"""


class Reasons:
    """Why downloads failed."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def of(self, info_hash: str, category: str) -> tuple[str, str]:
        """Tell why it failed for a category: the code and the sentence; empty when it did not."""
        with closing(_read_only(self._path)) as database:
            row = database.execute(REASON, (info_hash, category)).fetchone()
        return (row[0], row[1]) if row else ("", "")


def rows_left(path: Path) -> Iterator[str]:
    """Tell which hashes still have a row somewhere."""
    with closing(_read_only(path)) as database:
        for table in TABLES:
            rows = database.execute(f"SELECT DISTINCT hash FROM {table}")
            yield from (f"left in {table}: {row[0]}" for row in rows)
        rows = database.execute("SELECT hash FROM failovers WHERE ended_at IS NULL")
        yield from (f"a failover without an end: {row[0]}" for row in rows)


def forget_budgets(path: Path) -> None:
    """Let the hour pass in which TorBox takes 60 uncached adds. The bridge must not run."""
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("DELETE FROM facts WHERE name = 'budgets'")


def let_minutes_pass(path: Path) -> None:
    """Let the minutes pass after which a create that was thought lost is looked for once more.

    The bridge must not run.
    """
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("UPDATE removed_downloads SET left_at = left_at - ?", (LATE_SECONDS,))


def _read_only(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{path}?mode=ro", uri=True)
