"""Removes grabs, and deletes what they leave behind on disk and at TorBox.

The grab disappears at once. The rest is a persisted job that is retried until everything is gone.
"""

from collections.abc import Awaitable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path

import structlog
from msgspec.structs import replace

from bridge.core import transitions
from bridge.core.cleanup_rules import outdated
from bridge.core.model import (
    DeliveredFile,
    DownloadPhase,
    Entry,
    Failover,
    Failure,
    Grab,
    GrabPhase,
    Job,
    Removal,
    RemovedDownload,
)
from bridge.core.modes import FETCHING, LIVES_ON_TORBOX
from bridge.core.remote_tracking import created_since
from bridge.delivery import discard_beside
from bridge.delivery.interface import FALLBACK
from bridge.engine.context import EngineContext
from bridge.engine.grab_files import paths_safe_to_delete
from bridge.state import UnitOfWork
from bridge.state.state import RECENTLY_REMOVED
from bridge.torbox import NotFound, Operation, TorBoxError

log = structlog.get_logger(__name__)

DATABASE_ERROR = "DATABASE_ERROR"
"""A temporary server error, but also TorBox's possible answer when the item is already gone."""


async def release(
    ctx: EngineContext,
    grab_id: int,
    *,
    delete_files: bool,
    delete_remote: bool | None = None,
    why: str = "",
) -> None:
    """Remove a grab; as `release_all`."""
    await release_all(
        ctx, (grab_id,), delete_files=delete_files, delete_remote=delete_remote, why=why
    )


async def release_all(
    ctx: EngineContext,
    grab_ids: Sequence[int],
    *,
    delete_files: bool,
    delete_remote: bool | None = None,
    why: str = "",
) -> None:
    """Remove grabs, committed on return, and store the jobs that clean up after them.

    Other grabs of a download keep their files. With the last grab, TorBox's item is deleted too if
    the bridge created it; `delete_remote` overrides the settings here. A failure report that has
    not started is cancelled: the user who removes a failed grab knows of the failure.
    """
    async with ctx.state.unit_of_work() as work:
        # Read inside the unit of work: a rename at the same time would leave the old names behind.
        files = await ctx.state.files_of(grab_ids) if delete_files else None
        removed = [
            (
                entry,
                _release(
                    ctx,
                    work,
                    entry,
                    files[grab_id] if files is not None else None,
                    delete_remote,
                    why,
                ),
            )
            for grab_id in grab_ids
            if (entry := work.entry(grab_id)) is not None
        ]
    for entry, words in removed:
        log.info(
            "removed", release=entry.name, hash=entry.hash, category=entry.grab.category, why=words
        )


def _release(
    ctx: EngineContext,
    work: UnitOfWork,
    entry: Entry,
    files: Iterable[DeliveredFile] | None,
    delete_remote: bool | None,
    why: str,
) -> str:
    """Remove a grab; return what is removed with it, in words. Without `files` they stay."""
    grab_id = entry.grab.id
    others = [one for one in work.grabs_of(entry.download.id) if one.id != grab_id]
    needed = any(one.phase is not GrabPhase.FAILED for one in others)
    removal = removal_of(ctx, entry, keeps_remote=needed)
    if delete_remote is not None and not needed:
        removal = replace(removal, delete_remote=delete_remote, reusable=False)
    # During a delivery the rename may be done but not stored yet, so all its files count.
    # Otherwise a file that is not `done` is not on disk: a file of its name is somebody else's.
    maybe = entry.grab.phase is GrabPhase.DELIVERING
    paths = tuple(file.path for file in files or () if file.chosen and (file.done or maybe))
    removal = replace(
        removal,
        content_name=entry.grab.content_name if files is not None else "",
        files=paths,
    )
    for job, failover in work.jobs_about(entry.hash, Failover):
        if failover.category == entry.grab.category and failover.sent_at is None:
            work.delete_job(job.id)
    # Half a season pack may be fetched already; a sibling continues with it.
    _hand_over_staging(ctx, work, entry.grab, others)
    work.add_job(removal, entry.hash)
    words = "; ".join(filter(None, (why, _words(entry, removal, others=bool(others)))))
    if others:
        ctx.state.recently_removed.leave(entry.hash, entry.grab.client, work.now)
        work.put_value(RECENTLY_REMOVED, ctx.state.recently_removed)
        _leave(work, entry, needed=needed, others=others)
        work.event(entry.hash, "left", why=words, grab_id=grab_id)
    else:
        work.delete_download(entry.download.id)
        work.count_removed(entry)
        work.event(entry.hash, "removed", why=words, before=entry.phase, grab_id=grab_id)
    return words


def _hand_over_staging(
    ctx: EngineContext, work: UnitOfWork, grab: Grab, others: list[Grab]
) -> None:
    """Let a waiting grab for the same files continue with what was fetched so far."""
    mode = ctx.mode_of(grab)
    if grab.phase is not GrabPhase.DELIVERING or mode not in FETCHING:
        return
    for other in others:
        waits = other.phase is GrabPhase.WAITING and not other.staging_name
        if waits and ctx.mode_of(other) == mode:
            work.update_grab(other.id, partial(replace, staging_name=grab.staging_name))
            return


def _leave(work: UnitOfWork, entry: Entry, *, needed: bool, others: list[Grab]) -> None:
    """Delete one of several grabs, and update the download that the others share."""
    work.delete_grab(entry.grab.id)
    plays = entry.complete and entry.grab.delivery_mode in LIVES_ON_TORBOX
    if plays:
        # A media library plays the item from TorBox: it must survive the last grab.
        work.update_download(entry.download.id, lambda latest: replace(latest, ours=False))
    last = next((one for one in others if one.failure_reason is not None), None)
    if not needed and last is not None and last.failure_reason is not None:
        failure = Failure(last.failure_reason, last.failure_message)
        work.update_download(
            entry.download.id,
            lambda latest: transitions.failed(latest, failure, keeps_item=False),
            why=failure.message,
        )


def removal_of(ctx: EngineContext, entry: Entry, *, keeps_remote: bool) -> Removal:
    """Return what has to be deleted with a grab, apart from its files on disk.

    The item at TorBox is deleted only if the bridge created it, unless the settings say otherwise.
    An item that an *arr has imported as symlinks or `.strm` files is kept: the library plays it.
    """
    download, grab = entry.download, entry.grab
    common = Removal(
        grab_id=grab.id,
        save_path=grab.save_path,
        delivery_mode=grab.delivery_mode,
        staging_name=grab.staging_name or download.hash,
        keeps_remote=keeps_remote,
        removed_at=ctx.clock(),
    )
    if keeps_remote:
        return replace(common, staging_name=grab.staging_name)
    unclear = download.phase is DownloadPhase.SUBMITTING or download.lookup_until > 0
    policy = ctx.settings.policy_for(grab.category).remove_from_torbox
    # A create without an answer may still produce an item: it would be ours.
    mine = download.ours or (unclear and download.torrent_id is None)
    plays = entry.complete and grab.delivery_mode in LIVES_ON_TORBOX
    return replace(
        common,
        delete_remote=policy == "always" or (policy == "own" and mine and not plays),
        torrent_id=download.torrent_id,
        queued_id=download.queued_id,
        unclear=unclear and download.torrent_id is None,
        submitted_at=download.submitted_at,
        reusable=download.ours and download.phase is DownloadPhase.READY,
    )


def remote_removal(ctx: EngineContext, entry: Entry) -> Removal | None:
    """Return a removal of the item at TorBox that leaves the disk alone; None without an item."""
    removal = replace(removal_of(ctx, entry, keeps_remote=False), save_path="", grab_id=0)
    known = removal.torrent_id is not None or removal.queued_id is not None or removal.unclear
    return removal if removal.delete_remote and known else None


def _words(entry: Entry, removal: Removal, *, others: bool) -> str:
    count = len(removal.files)
    what = [f"{count} file{'' if count == 1 else 's'}"] if count else []
    what += ["the item at TorBox"] if removal.delete_remote else []
    with_what = "with " + " and ".join(what) if what else "its files and its item at TorBox stay"
    where = f"category {entry.grab.category!r}, " if others else ""
    return f"{where}{with_what}" + ("; other grabs remain" if others else "")


async def run_removal(ctx: EngineContext, job: Job, removal: Removal) -> None:
    """Delete what a removed grab left behind, and end the job.

    A hash that was often created in the last hour may be added again: its item stays for a while.

    Raises:
        TorBoxError: TorBox gave no answer; the caller tries again.
        DeliveryError: files could not be deleted; the caller tries again.
    """
    await delete_local(ctx, job, removal)
    if await _kept(ctx, job, removal):
        return
    deleted = await _delete_remote(ctx, job.subject, removal) if removal.delete_remote else []
    await end_removals(ctx, {job: removal}, deleted)


async def delete_local(ctx: EngineContext, job: Job, removal: Removal) -> None:
    """Delete what a removed grab left behind on disk.

    Raises:
        DeliveryError: files could not be deleted; the caller tries again.
    """
    await _discard_unfinished(ctx, job, removal)
    files = await paths_safe_to_delete(ctx.state, removal)
    if files:
        delivery = ctx.deliveries.of(removal.delivery_mode)
        await delivery.remove(Path(removal.save_path), removal.content_name, files)


async def _kept(ctx: EngineContext, job: Job, removal: Removal) -> bool:
    """Put the deletion of a reusable item off; return whether that is done."""
    now = ctx.clock()
    if not removal.reusable or not removal.delete_remote or removal.torrent_id is None:
        return False
    if ctx.retry.reuse <= 0.0 or not ctx.create_pauses.used_up(job.subject, now):
        return False
    until = now + ctx.retry.reuse
    rest = replace(
        removal,
        grab_id=0,
        save_path="",
        content_name="",
        files=(),
        staging_name="",
        reusable=False,
        kept_until=until,
    )
    await ctx.state.put_job(replace(job, task=rest, attempts=0, next_attempt_at=until))
    log.info("item_kept_for_another_add", hash=job.subject, seconds=round(ctx.retry.reuse))
    return True


async def _discard_unfinished(ctx: EngineContext, job: Job, removal: Removal) -> None:
    """Delete the unfinished files of this grab, whose staging name no other grab has."""
    staging_name = removal.staging_name
    if staging_name and removal.save_path:
        await discard_beside(Path(removal.save_path), staging_name)
    if not staging_name or _is_staging_of_another(ctx, job.subject, staging_name):
        return
    modes = {FALLBACK, removal.delivery_mode} if removal.delivery_mode in FETCHING else {FALLBACK}
    for mode in modes:
        await ctx.deliveries.of(mode).discard(staging_name)


def _is_staging_of_another(ctx: EngineContext, info_hash: str, staging_name: str) -> bool:
    download = ctx.state.by_hash(info_hash)
    grabs = ctx.state.grabs_of(download.id) if download is not None else ()
    return any(grab.staging_name == staging_name for grab in grabs)


async def end_removals(
    ctx: EngineContext, removals: Mapping[Job, Removal], deleted: Sequence[str] = ()
) -> None:
    """End jobs after their last deletion, in one commit.

    `deleted` says in words what was deleted at TorBox.
    """
    state, now = ctx.state, ctx.clock()
    removed_items = state.recently_removed
    async with state.unit_of_work() as work:
        kept = {
            removal.torrent_id: job.subject
            for job, removal in removals.items()
            if removal.torrent_id is not None and not removal.delete_remote
        }
        if kept:
            removed_items.keep(kept, now)
        for info_hash in outdated(state.removed_downloads, now):
            work.forget_removed(info_hash)
        kept_hashes = removed_items.kept_hashes
        for job, removal in removals.items():
            remembered = _to_remember(job, removal, now, found=bool(deleted))
            if job.subject in kept_hashes:
                if job.subject in state.removed_downloads:
                    work.forget_removed(job.subject)
            elif remembered is not None:
                work.put_removed(remembered)
            work.delete_job(job.id)
            work.event(job.subject, "gone", why=_what_became(removal, deleted))
        if not all(removal.keeps_remote for removal in removals.values()):
            work.put_value(RECENTLY_REMOVED, removed_items)
    if len(removals) > 1:
        # A line for each, a hundred at a time, would hold up other requests for milliseconds.
        log.info("removals_done", count=len(removals))
        return
    for job, removal in removals.items():
        log.info("removal_done", hash=job.subject, why=_what_became(removal, deleted))


def _what_became(removal: Removal, deleted: Sequence[str]) -> str:
    if deleted:
        return "deleted " + ", ".join(deleted)
    if removal.delete_remote:
        return "TorBox had nothing of it any more"
    return "nothing to delete at TorBox"


def _to_remember(job: Job, removal: Removal, now: float, *, found: bool) -> RemovedDownload | None:
    """Return what to remember of a download whose item may still appear at TorBox.

    None if the removal keeps the item, or if no create was ever sent.
    """
    if not removal.delete_remote or removal.submitted_at is None:
        return None
    return RemovedDownload(
        hash=job.subject,
        submitted_at=removal.submitted_at,
        removed_at=removal.removed_at or job.created_at,
        left_at=now,
        unclear=removal.unclear and not found,
    )


async def _delete_remote(ctx: EngineContext, info_hash: str, removal: Removal) -> list[str]:
    """Delete the item at TorBox; return in words what was deleted."""
    deleted = []
    if removal.torrent_id is not None and await _delete_item(ctx, removal.torrent_id):
        deleted.append("the torrent")
    if removal.queued_id is not None and await _delete_queued(ctx, removal.queued_id):
        deleted.append("the queued item")
    if removal.unclear or (removal.queued_id is not None and not deleted):
        deleted += await _delete_by_hash(ctx, info_hash, removal)
    return deleted


async def _delete_item(ctx: EngineContext, torrent_id: int) -> bool:
    ctx.link_books.forget(torrent_id)
    try:
        deleted = await _was_there(ctx.torbox.control(torrent_id, Operation.DELETE))
    except TorBoxError as error:
        if error.code != DATABASE_ERROR or not await is_gone(ctx, torrent_id):
            raise
        deleted = False
    ctx.state.mark_deleted_remotely(torrent_id)
    return deleted


async def is_gone(ctx: EngineContext, torrent_id: int) -> bool:
    """Return whether neither the id nor the list shows an item. Either alone may lag behind.

    Raises:
        TorBoxError: TorBox gave no answer.
    """
    if await ctx.torbox.item(torrent_id) is not None:
        return False
    return all(item.id != torrent_id for item in await ctx.torbox.list_items())


async def _delete_queued(ctx: EngineContext, queued_id: int) -> bool:
    deleted = await _was_there(ctx.torbox.delete_queued(queued_id))
    ctx.state.recently_removed.deleted_queued[queued_id] = ctx.clock()
    return deleted


async def _was_there(call: Awaitable[None]) -> bool:
    """Delete an item; return whether it existed. TorBox calls a missing item not ours."""
    try:
        await call
    except NotFound:
        return False
    return True


async def _delete_by_hash(ctx: EngineContext, info_hash: str, removal: Removal) -> list[str]:
    """Delete the item by its hash: its ids never arrived, or it left the queue under a new id."""
    deleted = []
    offset = ctx.torbox.offset_seconds
    for item in await ctx.torbox.list_items():
        ours = item.hash == info_hash and created_since(removal.submitted_at, item, offset)
        kept = item.id in ctx.state.recently_removed.kept
        if ours and not kept and await _delete_item(ctx, item.id):
            deleted.append(f"torrent {item.id}, found by hash")
    for queued in await ctx.torbox.list_queued():
        if queued.hash == info_hash and await _delete_queued(ctx, queued.id):
            deleted += [f"queued item {queued.id}, found by hash"]
    return deleted


async def delete_stray(ctx: EngineContext, info_hash: str, torrent_id: int) -> None:
    """Delete an item that appeared at TorBox after its download was removed."""
    removed = ctx.state.removed_downloads.get(info_hash)
    if removed is None:
        return
    removal = Removal(
        delete_remote=True,
        torrent_id=torrent_id,
        submitted_at=removed.submitted_at,
        removed_at=removed.removed_at,
    )
    why = f"torrent {torrent_id} appeared at TorBox after its removal: a create that seemed lost"
    async with ctx.state.unit_of_work() as work:
        if work.by_hash(info_hash) is not None:
            return  # added again meanwhile: the item may be what that grab plays from
        work.add_job(removal, info_hash)
        work.event(info_hash, "removed", why=why)
    log.warning("stray_deleted", hash=info_hash, torrent_id=torrent_id)
