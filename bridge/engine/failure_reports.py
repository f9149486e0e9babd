"""Reporting a failed grab to its *arr, so that it finds another release.

The *arr's own API is asked to delete the record of its queue with `blocklist`. Before it answers,
it calls our `torrents/delete`, which removes the grab; the job goes on without it. What the *arr's
history says decides each time, so nothing is reported twice, whatever crashes in between.
"""

from dataclasses import replace
from typing import assert_never

import structlog

from bridge.arr import Arr, ArrError, ArrNotFound, Fate, GrabFate, QueueRecord, fate
from bridge.core.failover_schedule import HOUR
from bridge.core.model import Failover, Job
from bridge.engine.context import EngineContext
from bridge.engine.removal import release

log = structlog.get_logger()

LOOKS = 5
"""Times that an *arr is asked for what it does not know yet: it reads its queue once a minute."""

GIVE_UP_AFTER = 7 * 86400.0
"""Seconds after which an *arr that cannot be told is left alone."""


async def report_failure(ctx: EngineContext, job: Job, task: Failover) -> None:
    """Make one attempt, or put it off: the job is never left without its next attempt."""
    if job.finished_at is not None:
        return
    try:
        await _report(ctx, job, task)
    except ArrError as error:
        await _not_told(ctx, job.id, str(error))
    except Exception as error:
        # Whatever it is, the other jobs go on, and this one is tried again.
        log.exception("failover_failed", hash=job.subject)
        await _not_told(ctx, job.id, f"internal error: {error!r}")
    await _forget_old(ctx)


async def _report(ctx: EngineContext, job: Job, task: Failover) -> None:
    arrs = ctx.arrs.of(task.category)
    for arr in arrs:
        found = fate(await arr.history(job.subject))
        if found.fate is not Fate.UNKNOWN:
            await _settle(ctx, job, task, arr, found)
            return
    names = " and ".join(arr.name for arr in arrs) or "the *arr"
    if arrs and task.looks < LOOKS:
        await _look_again(ctx, job, task, f"{names} has not noted that it grabbed this yet")
    else:
        await _end(ctx, job, task, f"{names} did not grab it: there is nobody to tell")


async def _settle(ctx: EngineContext, job: Job, task: Failover, arr: Arr, found: GrabFate) -> None:
    match found.fate:
        case Fate.FAILED:
            await _end(ctx, job, task, f"{arr.name} knows that it failed")
        case Fate.IMPORTED:
            await _end(ctx, job, task, f"{arr.name} is done with it and is not told")
        case Fate.GRABBED:
            await _tell(ctx, job, task, arr, found.grab_id)
        case Fate.UNKNOWN:
            pass
        case _:
            assert_never(found.fate)


async def _tell(ctx: EngineContext, job: Job, task: Failover, arr: Arr, grab_id: int) -> None:
    """Tell it by its queue; by its history only if the queue does not come to show it."""
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
    """Let it delete the grab and blocklist the release, and check that it did both.

    An *arr that does not know the word `blocklist` (it was `blacklist` once) only deletes, and
    answers as if all was well. A grab that came meanwhile is none of this.
    """
    await arr.fail_queued(record.id, info_hash=job.subject, message=task.message)
    if fate(await arr.history(job.subject)) == GrabFate(Fate.GRABBED, grab_id):
        await arr.fail_grabbed(grab_id)


async def _begin(ctx: EngineContext, job: Job, task: Failover) -> tuple[Job, Failover] | None:
    """Store that the *arr is told now; None when the job was called off meanwhile.

    After a crash it is given time to end what it was told, before it is asked how that ended.
    """
    now = ctx.clock()
    sent = replace(task, sent_at=task.sent_at or now)
    begun = replace(job, task=sent, next_attempt_at=now + ctx.retry.failover_recheck)
    return (begun, sent) if await ctx.state.put_job(begun) else None


async def _remove_left_over(ctx: EngineContext, job: Job, task: Failover) -> None:
    """Remove what the *arr has not removed: it does not see it in its queue, or meant another."""
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
    if now - job.created_at > GIVE_UP_AFTER:
        await _end(ctx, job, job.task, f"the *arr could not be told for a week: {why}")
        return
    later = ctx.job_later(job, after=max(job.next_attempt_at - now, pause))
    await _store(ctx, later, job.task, f"the *arr cannot be told: {why}")


async def _end(ctx: EngineContext, job: Job, task: Failover, why: str) -> None:
    log.info("failover", hash=job.subject, category=task.category, outcome=why)
    await _store(ctx, replace(job, finished_at=ctx.clock()), task, why)


async def _store(ctx: EngineContext, job: Job, task: Failover, note: str) -> None:
    """Store where a report stands, and tell the user on the failed grab."""
    async with ctx.state.unit_of_work() as work:
        if not work.put_job(job):
            return
        download = work.by_hash(job.subject)
        grabs = work.grabs_of(download.id) if download is not None else ()
        grab = next((one for one in grabs if one.category == task.category), None)
        if grab is None or grab.note != note:
            work.event(job.subject, "arr", why=note, grab_id=grab.id if grab else 0)
        if grab is not None and not grab.complete:
            work.observe_grab(replace(grab, note=note))


async def _forget_old(ctx: EngineContext) -> None:
    """Delete the reports that were over more than an hour ago: they are counted no more."""
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
