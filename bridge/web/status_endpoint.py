"""GET /api/bridge/status: is all well, and how does each download stand? For the page and scripts."""

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
    """What a reader should see first."""

    BROKEN = 0
    """It failed, or its files are gone."""
    WAITING = 1
    """Something stands in its way, and its note says what."""
    AT_WORK = 2
    DONE = 3


class StatusRow(msgspec.Struct, frozen=True, kw_only=True):
    """A download."""

    hash: str
    name: str
    category: str
    """All of them, where several *arr have it."""
    phase: Phase
    state: State
    progress: float
    note: str
    failure_reason: str | None
    failure_message: str
    next_attempt_at: float
    """Unix seconds; 0 when nothing is planned."""
    attention: bool
    """It failed, or something stands in its way."""


class StatusAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The whole answer. A list of `name`, `category`, `why` beside these is shown by the page too."""

    troubles: list[str]
    """What keeps the bridge from its work, as /readyz tells it."""
    security: list[str]
    """What the owner should know of failed logins, a sentence each."""
    violations: int
    """Promises of its own that do not hold; 0, one hopes."""
    counts: dict[str, int]
    """Downloads by phase, all phases."""
    downloads: list[StatusRow]
    """What needs attention first, then the newest first."""
    clean_up: list[CleanupEntry]
    """What is removed though no *arr asks for it; `at` is when, null in a dry run."""
    orphaned: list[CleanupEntry]
    """What is nobody's, on disk or at TorBox, and was left alone."""


async def status(request: web.Request) -> web.Response:
    """Answer from memory; only the database is asked whether it works."""
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
    """Tell how much a download asks for attention."""
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
