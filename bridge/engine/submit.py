"""Submits downloads: exactly one create at TorBox per download, whenever the process crashes.

Before a create is sent, the row says `submitting` and until when the hash is looked up. If a later
start finds that row, the outcome is unknown: the planner has TorBox's lists read, once for all such
downloads, and sends the create again only if they do not show the hash.

An item that a removal has not deleted yet is taken over instead of being created again (`reuse`).
"""

from functools import partial

import structlog
from msgspec.structs import replace

from bridge.core import transitions
from bridge.core.model import (
    NOT_DELIVERED,
    Download,
    DownloadPhase,
    Failure,
    Grab,
    QueuedItem,
    Reason,
    RemoteItem,
    Removal,
)
from bridge.core.planner_input import LiveDownload
from bridge.core.remote_tracking import created_since
from bridge.core.seeding import SeedMode, SeedPolicy, seed_mode
from bridge.core.submit_queue import first_grab
from bridge.engine.context import EngineContext
from bridge.engine.failing import fail_download, fail_grab_in
from bridge.torbox import Created, Refused, TorBoxError, WaitForSlot

log = structlog.get_logger(__name__)


async def submit(ctx: EngineContext, download_id: int, *, cached: bool) -> None:
    """Create a download at TorBox. `cached` says that TorBox is known to have it cached.

    Raises:
        TorBoxError: the create failed, or its outcome is unknown; the caller records it and tries
            again.
    """
    known = ctx.state.downloads.get(download_id)
    if known is None:
        return
    # A removed download of this hash may have a create in flight: the new one inherits its date.
    before = transitions.remembering(known, ctx.state.removed_downloads.get(known.hash))
    download = await ctx.state.update_download(
        download_id,
        lambda latest: transitions.create_begun(
            latest,
            ctx.clock(),
            submitted_at=before.submitted_at,
            unclear_seconds=ctx.retry.unclear,
        ),
    )
    if download is None:
        return
    try:
        # SUBMITTING is on disk by now. TorBox has no idempotency key, so after a crash here only a
        # lookup of the hash shows whether the create arrived.
        created = await _create(ctx, download, cached=cached)
    except Refused as refusal:
        await _refused(ctx, before, refusal)
    except TorBoxError as error:
        await _unanswered(ctx, before, error)
        raise
    else:
        await _created(ctx, before, created)


async def _create(ctx: EngineContext, download: Download, *, cached: bool) -> Created:
    pending = _pending(ctx, download)
    leader = first_grab(LiveDownload(download, ctx.state.grabs_of(download.id)))
    torrent = await ctx.state.database.torrent(download.id) if download.has_torrent else None
    create = partial(
        ctx.torbox.create,
        # The file wins: magnets of private trackers lack the trackers, and TorBox accepts one of
        # the two only.
        magnet=None if torrent else download.magnet,
        torrent=torrent,
        seed=_seed_mode(ctx, pending),
        only_if_cached=any(ctx.rules(grab.category).cached_only for grab in pending),
        known_cached=cached,
    )
    try:
        return await create()
    except WaitForSlot:
        if ctx.settings.policy_for(leader.category).when_full == "wait":
            raise
        # TorBox starts queued items when slots become free. A queued item has a queued_id, and gets
        # a new torrent_id when it starts.
        return await create(as_queued=True)


def _pending(ctx: EngineContext, download: Download) -> list[Grab]:
    return [grab for grab in ctx.state.grabs_of(download.id) if grab.phase in NOT_DELIVERED]


def _seed_mode(ctx: EngineContext, grabs: list[Grab]) -> SeedMode:
    """Return the `seed` parameter: TorBox seeds if any of the grabs wants it."""
    modes = {
        seed_mode(SeedPolicy(ctx.settings.policy_for(grab.category).seed), ctx.with_limits(grab))
        for grab in grabs
    }
    return SeedMode.SEED if SeedMode.SEED in modes else SeedMode.DO_NOT


async def _refused(ctx: EngineContext, before: Download, refusal: Refused) -> None:
    """Fail what TorBox refuses for good: all grabs, or only those that accept nothing uncached."""
    failure = Failure(refusal.reason, refusal.detail)
    # The *arr would grab the same release again from the next indexer.
    ctx.refusals.remember(
        before.hash, failure, size=before.size, code=refusal.code, now=ctx.clock()
    )
    only_cached = any(ctx.rules(grab.category).cached_only for grab in _pending(ctx, before))
    if failure.reason is not Reason.NOT_CACHED or not only_cached:
        await fail_download(ctx, before.id, failure, before=before)
        return
    async with ctx.state.unit_of_work() as work:
        work.update_download(
            before.id, lambda latest: transitions.create_undone(latest, before), why=str(refusal)
        )
        for grab in work.grabs_of(before.id):
            if ctx.rules(grab.category).cached_only:
                fail_grab_in(ctx, work, grab.id, failure, before=before)


async def _unanswered(ctx: EngineContext, before: Download, error: TorBoxError) -> None:
    """Stay SUBMITTING if the create may have succeeded; otherwise go back to NEW."""
    until = ctx.clock() + ctx.retry.unclear
    # A timeout or a cut connection: TorBox may have done the work. Sending it again would cost
    # budget and may create a second item.
    if error.unclear:
        await ctx.state.update_download(
            before.id, lambda latest: transitions.create_unclear(latest, until)
        )
        return
    await ctx.state.update_download(
        before.id, lambda latest: transitions.create_undone(latest, before), why=str(error)
    )


async def _created(ctx: EngineContext, before: Download, created: Created) -> None:
    """Follow the item that TorBox named, or look it up if TorBox did not name it.

    An item that existed already is ours only if an earlier create of ours was not answered and the
    item is not older than that create. Its date decides, now if it is known or else at the first
    lookup.
    """
    # For a hash that exists TorBox answers with success and the existing id, so an answer alone
    # does not make the item ours. What is not ours is never deleted.
    ours = not created.already or (before.lookup_until > 0 and _may_be_ours(ctx, before, created))
    if created.torrent_id is not None or created.queued_id is not None:
        await _attach(
            ctx,
            before,
            torrent_id=created.torrent_id,
            queued_id=created.queued_id,
            ours=ours,
            cached=created.cached,
            why=created.detail,
        )
        return
    now = ctx.clock()
    await ctx.state.update_download(
        before.id,
        lambda latest: transitions.create_promised(
            latest,
            before,
            now,
            already=created.already,
            until=now + ctx.retry.id_pending,
            # TorBox answers some creates without any id ("queued", or when its backend is
            # asynchronous): the item is found by its hash.
            retry_at=now + ctx.retry.lookup,
        ),
        why=created.detail,
    )


def _may_be_ours(ctx: EngineContext, download: Download, created: Created) -> bool:
    """Return whether our create may have made it, as far as its date is known."""
    snapshot = ctx.state.snapshot
    shown = snapshot.items.get(created.torrent_id or 0) or snapshot.queued.get(
        created.queued_id or 0
    )
    offset = ctx.torbox.offset_seconds
    return shown is None or created_since(download.submitted_at, shown, offset)


async def _attach(
    ctx: EngineContext,
    before: Download,
    *,
    torrent_id: int | None,
    queued_id: int | None,
    ours: bool,
    why: str,
    cached: bool = False,
) -> None:
    now = ctx.clock()
    # An item that was kept on purpose belongs to the user or to a library by now.
    ours = ours and torrent_id not in ctx.state.recently_removed.kept
    await ctx.state.update_download(
        before.id,
        lambda latest: transitions.attached(
            latest,
            now,
            torrent_id=torrent_id,
            queued_id=queued_id,
            ours=ours,
            submitted_at=before.submitted_at,
            cached=cached,
        ),
        why=why,
    )


async def attach_torrent(ctx: EngineContext, download_id: int, torrent_id: int) -> None:
    """Follow the download under a torrent_id in TorBox's list.

    Its create was not answered, or it left TorBox's queue, or its item was replaced.
    """
    item = ctx.state.snapshot.items.get(torrent_id)
    download = ctx.state.downloads.get(download_id)
    if item is not None and download is not None:
        known, ours = _owned(ctx, download, item)
        await _attach(
            ctx, known, torrent_id=torrent_id, queued_id=None, ours=ours, why="found in the list"
        )


async def attach_queued(ctx: EngineContext, download_id: int, queued_id: int) -> None:
    """Follow the download under a queued_id in TorBox's queue."""
    item = ctx.state.snapshot.queued.get(queued_id)
    download = ctx.state.downloads.get(download_id)
    if item is not None and download is not None:
        known, ours = _owned(ctx, download, item)
        await _attach(
            ctx,
            known,
            torrent_id=None,
            queued_id=queued_id,
            ours=ours,
            why="found in TorBox's queue",
        )


def _owned(
    ctx: EngineContext, download: Download, item: RemoteItem | QueuedItem
) -> tuple[Download, bool]:
    """Return the download with its earlier creates, and whether the item is ours."""
    removed = ctx.state.removed_downloads.get(download.hash)
    known = transitions.remembering(download, removed)
    unheard = known.phase is DownloadPhase.SUBMITTING or known.lookup_until > 0
    ours = known.ours or unheard
    return known, ours and created_since(known.submitted_at, item, ctx.torbox.offset_seconds)


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
