"""GET /healthz, /readyz and /api/bridge/status: is the bridge well, and what does it do?

`healthz` answers whether the database accepts writes, `readyz` also whether anything blocks work.
Neither calls TorBox or reads the disk: they report what earlier calls found.
"""

import asyncio
import sqlite3
import time
from collections import Counter
from collections.abc import Sequence
from enum import IntEnum
from math import inf
from operator import itemgetter

import msgspec
from aiohttp import web

from bridge.core.change_log import batched
from bridge.core.model import Phase
from bridge.core.status import State
from bridge.downloads import CleanupEntry, View
from bridge.state import Database, DatabaseError
from bridge.web.web_context import ACCESS, CONTEXT

BATCH = 200
"""Downloads that are looked at in one go: other requests are answered in between."""
CHECK_SECONDS = 5.0
"""Maximum wait for the database."""
TRUSTED_SECONDS = 3.0
"""A check that succeeded counts for so long: each is a write to the disk, and anybody may ask."""


async def healthz(request: web.Request) -> web.Response:
    """Answer 200 `ok`, or 503 with the problem. Needs no session: nothing private is in it."""
    return _lines(await database_troubles(request))


async def readyz(request: web.Request) -> web.Response:
    """Answer 200 `ok`, or 503 with a line for each reason why work is blocked.

    A bridge that is not ready still accepts adds and answers polls, and continues when it can.
    """
    return _lines([*await database_troubles(request), *request.app[CONTEXT].downloads.troubles])


def _lines(wrong: Sequence[str]) -> web.Response:
    if not wrong:
        return web.Response(text="ok\n")
    return web.Response(status=503, text="".join(f"{line}\n" for line in wrong))


async def database_troubles(request: web.Request) -> list[str]:
    """Return why the database cannot store what is accepted; empty if it can."""
    return await request.app[WRITABLE].troubles()


class Writable:
    """Tells whether the database can be written, with one write for all who ask at a time."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = asyncio.Lock()
        self._succeeded_at = -inf

    async def troubles(self) -> list[str]:
        """Return why it cannot be written; empty if it can."""
        try:
            async with asyncio.timeout(CHECK_SECONDS), self._lock:
                if time.monotonic() - self._succeeded_at >= TRUSTED_SECONDS:
                    await self._database.check()
                    self._succeeded_at = time.monotonic()
        except (DatabaseError, sqlite3.Error, TimeoutError) as error:
            return [f"database: {str(error) or 'no answer in time'}"]
        return []


WRITABLE = web.AppKey("writable", Writable)


class Rank(IntEnum):
    """The order of downloads: the most urgent first."""

    BROKEN = 0
    """It failed, or its files are gone."""
    WAITING = 1
    """Something blocks it; its note says what."""
    AT_WORK = 2
    DONE = 3


class StatusRow(msgspec.Struct, frozen=True, kw_only=True):
    """A download."""

    hash: str
    name: str
    category: str
    """All its categories, if several *arr have it."""
    phase: Phase
    state: State
    progress: float
    note: str
    failure_reason: str | None
    failure_message: str
    next_attempt_at: float
    """Unix seconds; 0 when nothing is planned."""
    attention: bool
    """It failed, or something blocks it."""


class StatusAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The answer of the route."""

    troubles: list[str]
    """Why work is blocked: the lines of /readyz."""
    security: list[str]
    """Warnings about failed logins, a sentence each."""
    violations: int
    """Number of violated invariants; above 0 is a bug of the bridge."""
    counts: dict[str, int]
    """Number of downloads in each phase; every phase is listed."""
    downloads: list[StatusRow]
    """Downloads that need attention first, then the newest first."""
    clean_up: list[CleanupEntry]
    """Scheduled removals that no *arr asked for; `at` is when, null in a dry run."""
    orphaned: list[CleanupEntry]
    """Files on disk and items at TorBox that belong to no download and are left alone."""


async def status(request: web.Request) -> StatusAnswer:
    """Answer from memory, after a short check of the database."""
    downloads = request.app[CONTEXT].downloads
    await downloads.queries.prepare()
    primaries = list(downloads.queries.primaries.values())
    categories: dict[str, list[str]] = {}
    for view in downloads.queries.views.values():
        categories.setdefault(view.hash, []).append(view.grab.category)
    rows: list[tuple[Rank, float, int, StatusRow]] = []
    for batch in batched(primaries, BATCH):
        rows += [
            (rank(view), -view.grab.added_at, view.grab.id, _row(view, categories[view.hash]))
            for view in batch
        ]
        await asyncio.sleep(0)
    counts = Counter(row.phase for *_, row in rows)
    return StatusAnswer(
        troubles=[*await database_troubles(request), *downloads.troubles],
        security=list(request.app[ACCESS].alerts),
        violations=len(downloads.violations),
        counts={phase.value: counts[phase] for phase in Phase},
        downloads=[row for *_, row in sorted(rows, key=itemgetter(0, 1, 2))],
        clean_up=list(downloads.cleanup.scheduled()),
        orphaned=list(downloads.cleanup.left_alone()),
    )


def rank(view: View) -> Rank:
    """Return how urgently a download needs attention."""
    entry = view
    if entry.phase is Phase.FAILED or entry.grab.missing_files:
        return Rank.BROKEN
    if entry.complete:
        return Rank.DONE
    return Rank.WAITING if entry.note else Rank.AT_WORK


def _row(view: View, categories: Sequence[str]) -> StatusRow:
    entry = view
    return StatusRow(
        hash=entry.hash,
        name=entry.name,
        category=", ".join(filter(None, categories)),
        phase=entry.phase,
        state=view.status.state,
        progress=view.status.progress,
        note=entry.note,
        failure_reason=entry.failure.reason if entry.failure else None,
        failure_message=entry.failure.message if entry.failure else "",
        next_attempt_at=max(entry.grab.next_attempt_at, entry.download.next_attempt_at),
        attention=rank(view) < Rank.AT_WORK,
    )
