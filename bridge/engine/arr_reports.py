"""Calls to an *arr about its grabs: reports of failures, and requests to look at its downloads.

A failed grab is reported so that the *arr searches for another release: the *arr is asked to delete
the record in its queue with `blocklist`. Before it answers, it calls our `torrents/delete`, which
removes the grab; the job continues without it. Every attempt begins with the *arr's history, so
nothing is reported twice, whenever the process crashes.

An *arr looks at its download clients once a minute. A refresh makes it do so as soon as a grab is
complete or has failed. Nothing depends on these calls: a failed call is only logged.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, assert_never

import structlog
from msgspec.structs import replace

from bridge.arr import Arr, ArrError, ArrNotFound, Arrs, Fate, GrabFate, QueueRecord, fate
from bridge.core.failover_schedule import HOUR
from bridge.core.model import Entry, Failover, Job
from bridge.engine.context import EngineContext
from bridge.engine.removal import release

log = structlog.get_logger(__name__)

LOOKS = 5
"""Questions to an *arr that does not know the grab yet: it reads its queue once a minute."""

GIVE_UP_AFTER = 7 * 86400.0
"""Seconds after which the reports to an unreachable *arr end."""
GIVE_UP_ATTEMPTS = 300
"""With fewer attempts no week has passed: the clock was set, or the bridge was not running."""


async def report_failure(ctx: EngineContext, job: Job, task: Failover) -> None:
    """Make one attempt or postpone it: the job always has a next attempt."""
    if job.finished_at is not None:
        return
    try:
        await _report(ctx, job, task)
    except ArrError as error:
        await _not_told(ctx, job.id, str(error))
    except Exception as error:
        # The other jobs continue, and this job is tried again.
        log.exception("failover_failed", hash=job.subject)
        await _not_told(ctx, job.id, f"internal error: {error!r}")
    await _forget_old(ctx)


async def _report(ctx: EngineContext, job: Job, task: Failover) -> None:
    arrs = ctx.arrs.of(task.category)
    for arr in arrs:
        # Its history survives our crashes and its own: it says whether an earlier attempt
        # succeeded.
        found = fate(await arr.history(job.subject))
        if found.fate is not Fate.UNKNOWN:
            await _settle(ctx, job, task, arr, found)
            return
    names = " and ".join(arr.name for arr in arrs) or "the *arr"
    if arrs and task.looks < LOOKS:
        await _look_again(ctx, job, task, f"{names} does not show this grab in its history yet")
    else:
        await _end(ctx, job, task, f"{names} did not grab it: there is no *arr to report to")


async def _settle(ctx: EngineContext, job: Job, task: Failover, arr: Arr, found: GrabFate) -> None:
    match found.fate:
        case Fate.FAILED:
            await _end(ctx, job, task, f"{arr.name} knows that it failed")
        case Fate.IMPORTED:
            await _end(ctx, job, task, f"{arr.name} has imported or ignored it: nothing to report")
        case Fate.GRABBED:
            await _tell(ctx, job, task, arr, found.grab_id)
        case Fate.UNKNOWN:
            pass
        case _:
            assert_never(found.fate)


async def _tell(ctx: EngineContext, job: Job, task: Failover, arr: Arr, grab_id: int) -> None:
    """Fail the record in the *arr's queue, or in its history if the queue never shows one."""
    # Failing the queue record also deletes the grab in its download client and starts the search;
    # marking the history record only blocklists and searches.
    records = await arr.queue(job.subject)
    if not records and task.looks < LOOKS:
        await _look_again(ctx, job, task, f"{arr.name} does not show it in its queue yet")
        return
    if ctx.settings.failover.dry_run:
        await _end(ctx, job, task, f"dry run: {arr.name} would blocklist it and search again")
        return
    begun = await _begin(ctx, job, task)
    if begun is None:
        return
    job, task = begun
    try:
        if records:
            await _fail_queued(arr, records[0], job, task, grab_id)
        else:
            await arr.fail_grabbed(grab_id)
    except ArrNotFound as error:
        await _look_again(ctx, job, task, str(error))
        return
    await _end(ctx, job, task, f"{arr.name} has blocklisted it and searches for another release")
    await _remove_left_over(ctx, job, task)


async def _fail_queued(
    arr: Arr, record: QueueRecord, job: Job, task: Failover, grab_id: int
) -> None:
    """Ask the *arr to delete the grab and blocklist the release, and check that it did both.

    An *arr from before the word `blocklist` (formerly `blacklist`) only deletes, and answers with
    success. A newer grab of the same hash in the history is left alone.
    """
    # All records of a season pack share the download id, so failing one of them is enough.
    await arr.fail_queued(record.id, info_hash=job.subject, message=task.message)
    if fate(await arr.history(job.subject)) == GrabFate(Fate.GRABBED, grab_id):
        await arr.fail_grabbed(grab_id)


async def _begin(ctx: EngineContext, job: Job, task: Failover) -> tuple[Job, Failover] | None:
    """Store that the report is being sent; return None if it was cancelled.

    After a crash the *arr gets time to finish the first report before its history is read.
    """
    now = ctx.clock()
    sent = replace(task, sent_at=task.sent_at or now)
    begun = replace(job, task=sent, next_attempt_at=now + ctx.retry.failover_recheck)
    return (begun, sent) if await ctx.state.put_job(begun) else None


async def _remove_left_over(ctx: EngineContext, job: Job, task: Failover) -> None:
    """Remove the grab if the *arr did not: it was not in its queue, or another record was."""
    download = ctx.state.by_hash(job.subject)
    for entry in ctx.state.entries_of(download) if download is not None else ():
        if entry.grab.category == task.category and entry.failure is not None:
            await release(ctx, entry.grab.id, delete_files=True)
            return


async def _look_again(ctx: EngineContext, job: Job, task: Failover, note: str) -> None:
    pause = ctx.retry.backoff(task.looks)
    looked = replace(task, looks=task.looks + 1)
    later = replace(job, task=looked, next_attempt_at=ctx.clock() + pause)
    await _store(ctx, later, task, note)


async def _not_told(ctx: EngineContext, job_id: int, why: str) -> None:
    """Try again later; after a week leave the grab to the user."""
    job = ctx.state.jobs.get(job_id)
    if job is None or not isinstance(job.task, Failover):
        return
    now, pause = ctx.clock(), ctx.retry.backoff(job.attempts)
    log.warning("failover_waits", hash=job.subject, why=why, again_in=round(pause))
    if now - job.created_at > GIVE_UP_AFTER and job.attempts >= GIVE_UP_ATTEMPTS:
        await _end(ctx, job, job.task, f"the report to the *arr failed for a week: {why}")
        return
    later = ctx.job_later(job, after=max(job.next_attempt_at - now, pause))
    await _store(ctx, later, job.task, f"the report to the *arr failed: {why}")


async def _end(ctx: EngineContext, job: Job, task: Failover, why: str) -> None:
    log.info("failover", hash=job.subject, category=task.category, outcome=why)
    await _store(ctx, replace(job, finished_at=ctx.clock()), task, why)


async def _store(ctx: EngineContext, job: Job, task: Failover, note: str) -> None:
    """Store the progress of a report, and show it on the failed grab."""
    async with ctx.state.unit_of_work() as work:
        if not work.put_job(job):
            return
        download = work.by_hash(job.subject)
        grabs = work.grabs_of(download.id) if download is not None else ()
        grab = next((one for one in grabs if one.category == task.category), None)
        # The same answer every minute for a week would push everything else out of the timeline.
        if grab is None or grab.note != note:
            work.event(job.subject, "arr", why=note, grab_id=grab.id if grab else 0)
        if grab is not None and not grab.complete:
            work.observe_grab(replace(grab, note=note))


async def _forget_old(ctx: EngineContext) -> None:
    """Delete the reports that ended over an hour ago: the limit no longer counts them."""
    before = ctx.clock() - HOUR
    over = [
        job.id
        for job in ctx.state.jobs.values()
        if job.finished_at is not None and job.finished_at < before
    ]
    if over:
        async with ctx.state.unit_of_work() as work:
            for job_id in over:
                work.delete_job(job_id)


GATHER_SECONDS = 2.0
"""Changes within this many seconds lead to a single call."""


class ArrRefresh:
    """Calls each *arr once for all changes within seconds, and never twice at the same time."""

    def __init__(self, arrs: Arrs, spawn: Callable[[Coroutine[Any, Any, None]], object]) -> None:
        self._arrs = arrs
        self._spawn = spawn
        self._due: set[str] = set()
        self._calling: set[str] = set()

    def entry_changed(self, before: Entry | None, after: Entry) -> None:
        """Schedule a call if the entry has become complete or has failed."""
        if _is_settled(after) and not (before is not None and _is_settled(before)):
            for arr in self._arrs.of(after.grab.category):
                self._ask(arr)

    def _ask(self, arr: Arr) -> None:
        self._due.add(arr.name)
        if arr.name not in self._calling:
            self._calling.add(arr.name)
            self._spawn(self._call(arr))

    async def _call(self, arr: Arr) -> None:
        try:
            while arr.name in self._due:
                await asyncio.sleep(GATHER_SECONDS)
                self._due.discard(arr.name)
                try:
                    await arr.refresh_downloads()
                except ArrError as error:
                    log.info("arr_not_refreshed", arr=arr.name, why=str(error))
        finally:
            self._calling.discard(arr.name)


def _is_settled(entry: Entry) -> bool:
    return entry.complete or entry.failure is not None
