"""Failing over: an *arr is told that a download failed, so that it finds another release.

The *arr's own API is asked to delete the record of its queue with `blocklist`. Before it answers
it calls our `torrents/delete`, which removes the download; the job goes on without it. What the
*arr's history says decides each time, so nothing is told twice, whatever crashes in between.
"""

from dataclasses import replace
from typing import assert_never

import structlog

from bridge.arr import Arr, ArrError, ArrNotFound, Fate, GrabFate, QueueRecord, fate
from bridge.core.model import Failover
from bridge.engine.remove import release
from bridge.engine.services import Services

log = structlog.get_logger()

LOOKS = 5
"""Times that an *arr is asked for what it does not know yet: it reads its queue once a minute."""

PATIENCE = 7 * 86400.0
"""Seconds after which an *arr that cannot be told is left alone."""


async def fail_over(services: Services, failover_id: int) -> None:
    """Do one job, or put it off: it is never left without its next attempt."""
    job = services.ledger.failovers.get(failover_id)
    if job is None or job.ended_at is not None:
        return
    try:
        await _fail_over(services, job)
    except ArrError as error:
        await _not_told(services, job.id, str(error))
    except Exception as error:
        # Whatever it is, the other jobs go on, and this one is tried again.
        log.exception("failover_failed", hash=job.hash)
        await _not_told(services, job.id, f"internal error: {error!r}")
    await services.ledger.forget_failovers()


async def _fail_over(services: Services, job: Failover) -> None:
    arrs = services.arrs.of(job.category)
    for arr in arrs:
        told = fate(await arr.history(job.hash))
        if told.fate is not Fate.UNKNOWN:
            await _settle(services, job, arr, told)
            return
    names = " and ".join(arr.name for arr in arrs) or "the *arr"
    if arrs and job.looks < LOOKS:
        await _look_again(services, job, f"{names} has not noted that it grabbed this yet")
    else:
        await _end(services, job, f"{names} did not grab it: there is nobody to tell")


async def _settle(services: Services, job: Failover, arr: Arr, told: GrabFate) -> None:
    match told.fate:
        case Fate.FAILED:
            await _end(services, job, f"{arr.name} knows that it failed")
        case Fate.IMPORTED:
            await _end(services, job, f"{arr.name} is done with it and is not told")
        case Fate.GRABBED:
            await _tell(services, job, arr, told.grab_id)
        case Fate.UNKNOWN:
            pass
        case _:
            assert_never(told.fate)


async def _tell(services: Services, job: Failover, arr: Arr, grab_id: int) -> None:
    """Tell it by its queue; by its history only if the queue does not come to show it."""
    records = await arr.queue(job.hash)
    if not records and job.looks < LOOKS:
        await _look_again(services, job, f"{arr.name} does not show it in its queue yet")
        return
    if services.settings.failover.dry_run:
        await _end(services, job, f"dry run: {arr.name} would blocklist it and search again")
        return
    begun = await _begin(services, job)
    if begun is None:
        return
    try:
        if records:
            await _fail_queued(arr, records[0], job.hash, grab_id)
        else:
            await arr.fail_grabbed(grab_id)
    except ArrNotFound as error:
        await _look_again(services, begun, str(error))
        return
    await _end(services, begun, f"{arr.name} has blocklisted it and searches for another release")
    await _leave(services, job)


async def _fail_queued(arr: Arr, record: QueueRecord, info_hash: str, grab_id: int) -> None:
    """Let it delete the download and blocklist it, and see that it did both.

    An *arr that does not know the word `blocklist` (it was `blacklist` once) only deletes, and answers
    as if all was well. A grab that came meanwhile is none of this.
    """
    await arr.fail_queued(record.id)
    if fate(await arr.history(info_hash)) == GrabFate(Fate.GRABBED, grab_id):
        await arr.fail_grabbed(grab_id)


async def _begin(services: Services, job: Failover) -> Failover | None:
    """Write down that the *arr is told now; None when the job was called off meanwhile.

    After a crash it is given time to end what it was told, before it is asked how that ended.
    """
    now = services.clock()
    begun = replace(job, sent_at=job.sent_at or now, next_attempt_at=now + services.pace.told)
    return begun if await services.ledger.put_failover(begun) else None


async def _leave(services: Services, job: Failover) -> None:
    """Remove what the *arr has not removed: it does not see it in its queue, or meant another."""
    download = services.ledger.downloads.get(job.hash)
    everyone = services.everyone(download) if download is not None else {}
    for number, seen in everyone.items():
        if seen.category == job.category and seen.failure is not None:
            await release(services, job.hash, number, delete_files=True)
            return


async def _look_again(services: Services, job: Failover, note: str) -> None:
    pause = services.pace.backoff(job.looks)
    later = replace(job, looks=job.looks + 1, next_attempt_at=services.clock() + pause)
    await services.ledger.put_failover(later, note)


async def _not_told(services: Services, failover_id: int, why: str) -> None:
    """Try again later; after a week leave the download to the user."""
    job = services.ledger.failovers.get(failover_id)
    if job is None:
        return
    now, pause = services.clock(), services.pace.backoff(job.attempts)
    log.warning("failover_waits", hash=job.hash, why=why, again_in=round(pause))
    if now - job.created_at > PATIENCE:
        await _end(services, job, f"given up on telling it to the *arr: {why}")
        return
    at = max(job.next_attempt_at, now + pause)
    later = replace(job, attempts=job.attempts + 1, next_attempt_at=at)
    await services.ledger.put_failover(later, f"the *arr cannot be told: {why}")


async def _end(services: Services, job: Failover, why: str) -> None:
    log.info("failover", hash=job.hash, category=job.category, outcome=why)
    await services.ledger.put_failover(replace(job, ended_at=services.clock()), why)
