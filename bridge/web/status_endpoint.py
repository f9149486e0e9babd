"""GET /api/bridge/status: health of the bridge and the state of each download, for scripts."""

from collections import Counter
from collections.abc import Sequence
from enum import IntEnum

import msgspec
from aiohttp import web

from bridge.core.model import Phase
from bridge.core.status import State
from bridge.downloads import CleanupEntry, DownloadService, View
from bridge.web import guard, health
from bridge.web.guard import private_json, require_visitor

DOWNLOADS = web.AppKey("status_downloads", DownloadService)


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


async def status(request: web.Request) -> web.Response:
    """Answer from memory, after a short check of the database."""
    require_visitor(request)
    downloads = request.app[DOWNLOADS]
    views = sorted(
        downloads.queries.primaries.values(), key=lambda view: (rank(view), -view.grab.added_at)
    )
    categories: dict[str, list[str]] = {}
    for view in downloads.queries.views.values():
        categories.setdefault(view.hash, []).append(view.grab.category)
    counts = Counter(view.phase for view in views)
    told = StatusAnswer(
        troubles=[*await health.database_troubles(request), *downloads.troubles],
        security=list(request.app[guard.ACCESS].alerts),
        violations=len(downloads.violations),
        counts={phase.value: counts[phase] for phase in Phase},
        downloads=[_row(view, categories[view.hash]) for view in views],
        clean_up=list(downloads.cleanup.scheduled()),
        orphaned=list(downloads.cleanup.left_alone()),
    )
    return private_json(msgspec.json.encode(told))


def rank(view: View) -> Rank:
    """Return how urgently a download needs attention."""
    entry = view.entry
    if entry.phase is Phase.FAILED or entry.grab.missing_files:
        return Rank.BROKEN
    if entry.complete:
        return Rank.DONE
    return Rank.WAITING if entry.note else Rank.AT_WORK


def _row(view: View, categories: Sequence[str]) -> StatusRow:
    entry = view.entry
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
