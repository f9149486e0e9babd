"""Attempts at jobs: removals, reports to an *arr, moves, rechecks, links, metadata."""

from collections.abc import Awaitable, Iterable

import structlog

from bridge.core.model import Failover, Job, LinkFollow, MetadataLookup, Move, Recheck, Removal
from bridge.delivery import DeliveryError
from bridge.engine.arr_reports import report_failure
from bridge.engine.blockers import Blockers
from bridge.engine.content_changes import ContentChanges
from bridge.engine.context import EngineContext
from bridge.engine.link_follow import LinkFollows
from bridge.engine.metadata_lookup import MetadataLookups
from bridge.engine.removal import delete_local, end_removals, run_removal
from bridge.state import WriteError
from bridge.torbox import CallClass, TorBoxError

log = structlog.get_logger(__name__)


class JobAttempts:
    """Knows what performs each kind of job, and puts off what fails: one retry rule for all."""

    def __init__(
        self,
        ctx: EngineContext,
        blockers: Blockers,
        content: ContentChanges,
        links: LinkFollows,
        metadata: MetadataLookups,
    ) -> None:
        self._ctx = ctx
        self._blockers = blockers
        self._content = content
        self._links = links
        self._metadata = metadata

    async def attempt(self, job: Job) -> None:
        """Make one attempt at a job; after any failure the job is tried again."""
        await self._succeeds(job, self._perform(job))

    async def remove_together(self, jobs: Iterable[Job]) -> None:
        """Make one attempt at removals that leave TorBox alone, and end them in one commit.

        After a kill all of them are performed again, on what is still there.
        """
        done = {
            job: job.task
            for job in jobs
            if isinstance(job.task, Removal)
            and await self._succeeds(job, delete_local(self._ctx, job, job.task))
        }
        if done:
            await end_removals(self._ctx, done)

    async def _succeeds(self, job: Job, work: Awaitable[None]) -> bool:
        """Do the work of a job; after any failure put the job off, and return False."""
        try:
            await work
        except WriteError:
            raise  # another time could not be written either
        except Exception as error:
            expected = isinstance(error, TorBoxError | DeliveryError)
            log.warning(
                "job_waits",
                job=type(job.task).__name__,
                hash=job.subject,
                why=str(error),
                exc_info=not expected,
            )
            blocked = isinstance(error, TorBoxError) and self._blockers.hold(
                error, CallClass.CONTROL
            )
            retry = self._ctx.retry
            # A job that fails because of an outage must not be retried before the outage is probed.
            after = retry.soon() + retry.lookup if blocked else None
            await self._ctx.state.put_job(self._ctx.later(job, after=after))
            return False
        return True

    async def _perform(self, job: Job) -> None:
        match job.task:
            case Removal():
                await run_removal(self._ctx, job, job.task)
                self._blockers.slot_freed()
            case Failover():
                await report_failure(self._ctx, job, job.task)
            case Move():
                await self._content.run_move(job, job.task)
            case Recheck():
                await self._content.run_recheck(job, job.task)
            case LinkFollow():
                await self._links.run(job, job.task)
            case MetadataLookup():
                await self._metadata.run([job])
