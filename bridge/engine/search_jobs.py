"""Searches of TorBox's index, as jobs that a client polls."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import structlog

from bridge.engine.engine import Engine
from bridge.torbox import SearchResult, TorBoxError

log = structlog.get_logger()

RUNNING_AT_ONCE = 5
KEPT = 50
"""Jobs that are remembered; beyond, the oldest that has ended goes."""
LARGEST_ID = 2**31 - 1


@dataclass(slots=True)
class SearchJob:
    """One search. It ends by itself, or when it is stopped."""

    id: int
    results: Sequence[SearchResult] = ()
    task: asyncio.Task[None] | None = field(default=None, repr=False)

    @property
    def running(self) -> bool:
        """TorBox has not answered yet."""
        return self.task is not None and not self.task.done()


class SearchJobs:
    """Starts searches and remembers what they found, until they are deleted or we end."""

    def __init__(
        self, engine: Engine, search: Callable[[str], Awaitable[Sequence[SearchResult]]]
    ) -> None:
        self._engine = engine
        self._search = search
        self._jobs: dict[int, SearchJob] = {}

    def start(self, pattern: str) -> SearchJob | None:
        """Begin to search in the background; None when too many searches run already."""
        if sum(job.running for job in self._jobs.values()) >= RUNNING_AT_ONCE:
            return None
        self._forget_old()
        job = SearchJob(self._free_id())
        job.task = self._engine.background(self._run(job, pattern), name=f"search {job.id}")
        self._jobs[job.id] = job
        return job

    def get(self, job_id: int) -> SearchJob | None:
        """Find a search."""
        return self._jobs.get(job_id)

    def all(self) -> Sequence[SearchJob]:
        """List the searches, oldest first."""
        return tuple(self._jobs.values())

    def stop(self, job: SearchJob) -> None:
        """End a search; what it has found stays."""
        if job.task is not None:
            job.task.cancel()

    def delete(self, job: SearchJob) -> None:
        """End a search and forget it."""
        self.stop(job)
        self._jobs.pop(job.id, None)

    async def _run(self, job: SearchJob, pattern: str) -> None:
        if not pattern.strip():
            return
        try:
            job.results = await self._search(pattern.strip())
        except TorBoxError as error:
            log.warning("search_failed", why=str(error))

    def _forget_old(self) -> None:
        ended = [job for job in self._jobs.values() if not job.running]
        for job in ended[: max(len(self._jobs) - KEPT + 1, 0)]:
            del self._jobs[job.id]

    def _free_id(self) -> int:
        while True:
            number = random.randint(1, LARGEST_ID)  # noqa: S311 - a name, not a secret
            if number not in self._jobs:
                return number
