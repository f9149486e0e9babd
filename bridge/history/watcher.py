"""Sees what became of each download, writes it into the history and tells who wants to know."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import structlog
from msgspec import structs

from bridge.core.model import Download
from bridge.history.records import History, HistoryRow, row_of

log = structlog.get_logger()

PAUSE_SECONDS: Final = 1.0
CALM: Final = 50
"""Looks are at least so many times as far apart as one of them takes."""
FORGET_SECONDS: Final = 3600.0

Key: TypeAlias = tuple[str, float]
"""Info-hash, and when it was asked for."""


@dataclass(frozen=True, slots=True)
class Change:
    """A download that is not what it was. `before` None: it is new; `after` None: it was removed."""

    before: Download | None
    after: Download | None


class Watcher:
    """Compares all downloads with the last look. What is as it was costs a comparison."""

    def __init__(
        self,
        history: History,
        *,
        version: Callable[[], int],
        downloads: Callable[[], Sequence[Download]],
        reported: Callable[[], Mapping[tuple[str, str], float]],
        changed: Callable[[Sequence[Change]], None],
        keep_seconds: float | None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._history = history
        self._version = version
        self._downloads = downloads
        self._reported = reported
        self._changed = changed
        self._keep_seconds = keep_seconds
        self._clock = clock
        self._seen: dict[Key, Download] = {}
        self._rows: dict[Key, HistoryRow] = {}
        self._looked_at = -1
        self._forgot_at = 0.0

    async def run(self, *, pause: float = PAUSE_SECONDS) -> None:
        """Look again and again. Ends by being cancelled."""
        self._rows = {(row.hash, row.added_at): row for row in await self._history.open_rows()}
        first = True
        while True:
            began = time.monotonic()
            try:
                await self.look(quiet=first)
                first = False
                await self._forget()
            except Exception:
                # A full disk under the database, say: nothing is lost, the next look tries again.
                log.exception("history_not_written")
            await asyncio.sleep(max(pause, CALM * (time.monotonic() - began)))

    async def look(self, *, quiet: bool = False) -> None:
        """Look once. `quiet`: what is found is no news, it was there before the start."""
        version = self._version()
        if version == self._looked_at:
            return
        there = {(one.hash, one.added_at): one for one in self._downloads()}
        rows = self._news(there)
        if rows:
            await self._history.put(rows.values())
        for key, row in rows.items():
            if row.removed_at is None:
                self._rows[key] = row
            else:
                self._rows.pop(key, None)
        changes = [
            Change(self._seen.get(key), after)
            for key, after in there.items()
            if self._seen.get(key) is not after
        ]
        changes += [Change(before, None) for key, before in self._seen.items() if key not in there]
        self._seen, self._looked_at = there, version
        if changes and not quiet:
            self._changed(changes)

    def _news(self, there: Mapping[Key, Download]) -> dict[Key, HistoryRow]:
        """Return the rows that say something else than what was written last."""
        reported, now = self._reported(), self._clock()
        rows = {}
        for key, download in there.items():
            row, told = self._rows.get(key), reported.get((download.hash, download.category))
            if self._seen.get(key) is download and row is not None and row.reported_at == told:
                continue
            fresh = row_of(download, told if download.failure_reason else None, now)
            if row is None or _differs(row, fresh):
                rows[key] = fresh
        for key, row in self._rows.items():
            if key not in there:
                rows[key] = structs.replace(row, outcome="removed", removed_at=now, last_at=now)
        return rows

    async def _forget(self) -> None:
        now = self._clock()
        if self._keep_seconds is not None and now - self._forgot_at > FORGET_SECONDS:
            self._forgot_at = now
            await self._history.forget(now - self._keep_seconds)


def _differs(row: HistoryRow, fresh: HistoryRow) -> bool:
    """Return whether a row says something else. When it failed is kept from the first time."""
    return structs.replace(fresh, failed_at=row.failed_at, last_at=row.last_at) != row
