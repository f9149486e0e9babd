"""Searches of TorBox's index, as jobs that a client polls."""

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import structlog

from bridge.engine.engine import Engine
from bridge.torbox import SearchRefused, SearchResult, TorBox, TorBoxError

log = structlog.get_logger(__name__)

RUNNING_AT_ONCE = 5
KEPT = 50
"""Maximum remembered jobs; beyond it the oldest finished job is dropped."""
LARGEST_ID = 2**31 - 1
REFUSED_SECONDS = 3600.0
"""A refusal is shown for so long. Clients do not search where the search is disabled, so after this
time they have to be shown an enabled one: the plan may allow it by now."""


@dataclass(slots=True)
class SearchJob:
    """A search. It runs until TorBox has answered or it is stopped."""

    id: int
    results: Sequence[SearchResult] = ()
    task: asyncio.Task[None] | None = field(default=None, repr=False)

    @property
    def running(self) -> bool:
        """Whether TorBox has not answered yet."""
        return self.task is not None and not self.task.done()


class SearchJobs:
    """Starts searches and keeps their results until they are deleted or the bridge stops."""

    def __init__(self, engine: Engine, torbox: TorBox, clock: Callable[[], float]) -> None:
        self._engine = engine
        self._torbox = torbox
        self._clock = clock
        self._refused_at = 0.0
        self._jobs: dict[int, SearchJob] = {}

    @property
    def refused(self) -> bool:
        """Whether TorBox's search does not serve this account, as far as is known."""
        lately = abs(self._clock() - self._refused_at) < REFUSED_SECONDS
        return bool(self._torbox.search_refusal) and lately

    def start(self, pattern: str) -> SearchJob | None:
        """Start a search in the background; return None when too many are running."""
        if sum(job.running for job in self._jobs.values()) >= RUNNING_AT_ONCE:
            return None
        self._forget_old()
        job = SearchJob(self._free_id())
        job.task = self._engine.background(self._run(job, pattern), name=f"search {job.id}")
        self._jobs[job.id] = job
        return job

    def get(self, job_id: int) -> SearchJob | None:
        """Return a search by its id."""
        return self._jobs.get(job_id)

    def all(self) -> Sequence[SearchJob]:
        """Return the searches, oldest first."""
        return tuple(self._jobs.values())

    def stop(self, job: SearchJob) -> None:
        """Stop a search; its results stay."""
        if job.task is not None:
            job.task.cancel()

    def delete(self, job: SearchJob) -> None:
        """Stop a search and drop its results."""
        self.stop(job)
        self._jobs.pop(job.id, None)

    async def _run(self, job: SearchJob, pattern: str) -> None:
        if not pattern.strip():
            return
        try:
            job.results = await self._torbox.search(pattern.strip())
        except SearchRefused:
            # The client has logged it, once.
            self._refused_at = self._clock()
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
