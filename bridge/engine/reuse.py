"""Takes over an item that a removal has not deleted yet, instead of creating the same again."""

from dataclasses import replace

import structlog

from bridge.core import transitions
from bridge.core.model import DownloadPhase, Removal
from bridge.engine.context import EngineContext

log = structlog.get_logger()


async def reuse(ctx: EngineContext, download_id: int, job_id: int) -> None:
    """Attach a new download to the item that a removal kept at TorBox, and end the removal.

    An item that is gone or no longer whole is not taken over: the removal is finished, and a create
    follows.

    Raises:
        TorBoxError: TorBox did not show the item; the caller tries again.
    """
    job = ctx.state.jobs.get(job_id)
    if job is None or not isinstance(job.task, Removal) or job.task.torrent_id is None:
        return
    torrent_id, submitted_at = job.task.torrent_id, job.task.submitted_at
    item = await ctx.torbox.item(torrent_id)
    now = ctx.clock()
    async with ctx.state.unit_of_work() as work:
        download = work.download(download_id)
        if download is None or download.phase is not DownloadPhase.NEW:
            return
        if job_id not in ctx.state.jobs:
            return
        if item is None or item.hash != download.hash or not item.ready:
            work.put_job(replace(job, next_attempt_at=now, task=replace(job.task, kept_until=0.0)))
            return
        work.delete_job(job_id)
        work.update_download(
            download_id,
            lambda latest: transitions.attached(
                latest,
                now,
                torrent_id=torrent_id,
                ours=True,
                submitted_at=submitted_at,
                cached=True,
            ),
            why="TorBox still has the item of its last grab",
        )
    log.info("item_reused", release=download.name, hash=download.hash, torrent_id=torrent_id)
