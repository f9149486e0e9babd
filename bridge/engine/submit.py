"""Submitting: one create at TorBox for one download, whatever crashes in between.

The row says `submitting`, and until when the hash is looked up, before a create is sent. Whoever
finds it so later does not know what became of it: the plan has TorBox's lists read, once for all
such downloads, and sends a create again only if they do not show the hash.
"""

from functools import partial

import structlog

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
)
from bridge.core.planner_input import LiveDownload
from bridge.core.remote_tracking import created_since
from bridge.core.seeding import SeedMode, SeedPolicy, seed_mode
from bridge.core.submit_queue import first_grab
from bridge.engine.context import EngineContext
from bridge.engine.failing import fail_download, fail_grab_in
from bridge.torbox import Created, Refused, TorBoxError, WaitForSlot

log = structlog.get_logger()


async def submit(ctx: EngineContext, download_id: int, *, cached: bool) -> None:
    """Create a download at TorBox. `cached` says that TorBox is known to have it.

    Raises:
        TorBoxError: it was not created, or that is unclear; the caller notes it and tries again.
    """
    known = ctx.state.downloads.get(download_id)
    if known is None:
        return
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
        return await create(as_queued=True)


def _pending(ctx: EngineContext, download: Download) -> list[Grab]:
    return [grab for grab in ctx.state.grabs_of(download.id) if grab.phase in NOT_DELIVERED]


def _seed_mode(ctx: EngineContext, grabs: list[Grab]) -> SeedMode:
    """Return what to ask of TorBox: it seeds if any of the grabs wants that."""
    modes = {
        seed_mode(SeedPolicy(ctx.settings.policy_for(grab.category).seed), ctx.with_limits(grab))
        for grab in grabs
    }
    return SeedMode.SEED if SeedMode.SEED in modes else SeedMode.DO_NOT


async def _refused(ctx: EngineContext, before: Download, refusal: Refused) -> None:
    """Fail what TorBox will never take: all grabs, or those that take only what it has cached."""
    failure = Failure(refusal.reason, refusal.detail)
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
    """Stay `submitting` if the create may have had its effect; otherwise step back to `new`."""
    until = ctx.clock() + ctx.retry.unclear
    if error.unclear:
        await ctx.state.update_download(
            before.id, lambda latest: transitions.create_unclear(latest, until)
        )
        return
    await ctx.state.update_download(
        before.id, lambda latest: transitions.create_undone(latest, before), why=str(error)
    )


async def _created(ctx: EngineContext, before: Download, created: Created) -> None:
    """Attach the item that TorBox named, or look it up when it did not say where it is.

    An item that was there already is ours only if an earlier create of ours went unanswered, and
    the item is not older than that: what is seen of it already tells, or else the first look does.
    """
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
            retry_at=now + ctx.retry.lookup,
        ),
        why=created.detail,
    )


def _may_be_ours(ctx: EngineContext, download: Download, created: Created) -> bool:
    """Return whether a create of ours may have made it, as far as its date is known."""
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
    """Follow the download under a torrent_id that TorBox shows.

    Its create went unanswered, or it left TorBox's queue, or its item was replaced.
    """
    item = ctx.state.snapshot.items.get(torrent_id)
    download = ctx.state.downloads.get(download_id)
    if item is not None and download is not None:
        known, ours = _owned(ctx, download, item)
        await _attach(
            ctx, known, torrent_id=torrent_id, queued_id=None, ours=ours, why="found in the list"
        )


async def attach_queued(ctx: EngineContext, download_id: int, queued_id: int) -> None:
    """Follow the download under a queued_id that TorBox's queue shows."""
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
    """Return the download with what is known of earlier creates, and whether the item is ours."""
    removed = ctx.state.removed_downloads.get(download.hash)
    known = transitions.remembering(download, removed)
    unheard = known.phase is DownloadPhase.SUBMITTING or known.lookup_until > 0
    ours = known.ours or unheard
    return known, ours and created_since(known.submitted_at, item, ctx.torbox.offset_seconds)
