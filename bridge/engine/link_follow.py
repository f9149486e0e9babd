"""Follows the links in `torrents/add`: immediately if that is quick, otherwise in a job."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import assert_never
from urllib.parse import urlsplit

import structlog
from msgspec.structs import replace

from bridge.core.model import AddOptions, Job, LinkFollow
from bridge.engine.context import EngineContext
from bridge.engine.link_fetcher import FoundFile, FoundMagnet, LinkFetcher, NotFetched

log = structlog.get_logger(__name__)

PAUSES = (10.0, 60.0, 300.0)
"""Seconds before each further attempt at a link that was unreachable."""

AddMagnet = Callable[[str, AddOptions], Awaitable[object]]
AddTorrent = Callable[[bytes, AddOptions], Awaitable[object]]
ShowRefused = Callable[[str, AddOptions, str], Awaitable[None]]
"""Called with a link, its options, and why it must not be followed."""


class LinkFollows:
    """Follows links, and hands the result to the service that adds it."""

    def __init__(self, ctx: EngineContext, fetcher: LinkFetcher | None) -> None:
        self._ctx = ctx
        self._state = ctx.state
        self._fetcher = fetcher
        self._add_magnet: AddMagnet | None = None
        self._add_torrent: AddTorrent | None = None
        self._show_refused: ShowRefused | None = None
        self._results: dict[int, asyncio.Future[object]] = {}

    def add_with(self, magnet: AddMagnet, torrent: AddTorrent, show_refused: ShowRefused) -> None:
        """Set the functions that add a magnet or a .torrent file. Call it before `begin`.

        `show_refused` shows a link that must not be followed to a client that was told `Ok.`.
        """
        self._add_magnet, self._add_torrent = magnet, torrent
        self._show_refused = show_refused

    @property
    def can_follow(self) -> bool:
        """Whether links can be followed at all."""
        return self._fetcher is not None

    async def begin(self, url: str, options: AddOptions) -> Job:
        """Store a link to be followed. It survives a restart."""
        async with self._state.unit_of_work() as work:
            job = work.add_job(LinkFollow(url=url, options=options), "")
        self._results[job.id] = asyncio.get_running_loop().create_future()
        return job

    async def result(self, job: Job) -> object | None:
        """Return the outcome of a link if it is known within seconds, otherwise None."""
        future = self._results[job.id]
        try:
            await asyncio.wait({future}, timeout=self._ctx.retry.link)
            return future.result() if future.done() and not future.cancelled() else None
        finally:
            self._results.pop(job.id, None)

    async def run(self, job: Job, task: LinkFollow) -> None:
        """Make one attempt at a link; end the job or postpone it."""
        result = await self._follow(task)
        if isinstance(result, NotFetched) and result.again and job.attempts < len(PAUSES):
            log.warning("link_not_followed", host=host_of(task.url), why=result.reason)
            at = self._ctx.clock() + PAUSES[job.attempts]
            await self._state.put_job(replace(job, attempts=job.attempts + 1, next_attempt_at=at))
            return
        if isinstance(result, NotFetched):
            log.warning("link_given_up", host=host_of(task.url), why=result.reason)
        async with self._state.unit_of_work() as work:
            work.delete_job(job.id)
        future = self._results.get(job.id)
        if future is not None and not future.done():
            future.set_result(result)
        elif isinstance(result, NotFetched) and result.forbidden and self._show_refused:
            await self._show_refused(task.url, task.options, result.reason)

    async def _follow(self, task: LinkFollow) -> object:
        if self._fetcher is None or self._add_magnet is None or self._add_torrent is None:
            return NotFetched("links are not followed here")
        found = await self._fetcher.follow(task.url, task.options.cookie)
        match found:
            case FoundMagnet(text):
                return await self._add_magnet(text, task.options)
            case FoundFile(data):
                return await self._add_torrent(data, task.options)
            case NotFetched():
                return found
            case _:
                assert_never(found)


def host_of(url: str) -> str:
    """Return the host of a link, which may be logged. The link itself may hold the user's keys."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
