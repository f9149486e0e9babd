"""Writes the outcome of each grab into the history."""

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import Final

import structlog
from msgspec import structs

from bridge.core.model import Entry
from bridge.history.records import History, HistoryRow, row_of

log = structlog.get_logger()

PAUSE_SECONDS: Final = 1.0
"""Changes within this time are written in one transaction."""
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
        pending, self._pending = self._pending, {}
        if not pending:
            return True
        try:
            await self._history.put([self._row(*noted) for noted in pending.values()])
        except Exception:
            # For example a full disk: the rows stay pending and are written again later.
            log.exception("history_not_written", again_in=RETRY_SECONDS)
            # A newer state that was noted meanwhile wins over the one that was not written.
            self._pending = pending | self._pending
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
