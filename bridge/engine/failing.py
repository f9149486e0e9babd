"""Fails a download for all its grabs, or one grab by the rules of its category.

The reason is stored, reports to the *arr are scheduled, and the item that the bridge created at
TorBox is deleted when no grab needs it. All of this is one commit.
"""

from collections.abc import Iterable

import structlog
from msgspec.structs import replace

from bridge.arr import DIALECTS
from bridge.core import transitions
from bridge.core.model import (
    NOT_DELIVERED,
    Download,
    DownloadPhase,
    Entry,
    Failover,
    Failure,
    Grab,
    GrabPhase,
    Reason,
)
from bridge.engine.context import EngineContext
from bridge.engine.removal import remote_removal
from bridge.state import UnitOfWork

log = structlog.get_logger(__name__)

ARR_PROGRAMS = frozenset(dialect.app for dialect in DIALECTS.values())
"""The names of the *arr, with which their User-Agents begin."""

OUR_REASONS = frozenset({Reason.NOTHING_CHOSEN})
"""Failures that the user's own settings cause, and not TorBox."""


async def fail_download(
    ctx: EngineContext, download_id: int, failure: Failure, *, before: Download | None = None
) -> None:
    """Fail a download for every grab that has no files yet.

    `before` is the download as it was before a create that TorBox refused: its current phase would
    claim that an item may exist at TorBox.
    """
    async with ctx.state.unit_of_work() as work:
        download = work.download(download_id)
        if download is None or download.phase is DownloadPhase.FAILED:
            return
        grabs = work.grabs_of(download_id)
        pending = [grab for grab in grabs if grab.phase in NOT_DELIVERED]
        if _recreate(ctx, work, download, failure):
            return
        for grab in pending:
            # These grabs show the failure of their download, so their own rows do not store it.
            work.update_grab(grab.id, transitions.grab_interrupted)
            report_failure(ctx, work, Entry(download, grab), failure)
        _release_item(ctx, work, before or download, failure, pending or grabs)


async def fail_grab(ctx: EngineContext, grab_id: int, failure: Failure) -> None:
    """Fail one grab; the others continue. After the last grab the download has failed."""
    async with ctx.state.unit_of_work() as work:
        fail_grab_in(ctx, work, grab_id, failure)


def fail_grab_in(
    ctx: EngineContext,
    work: UnitOfWork,
    grab_id: int,
    failure: Failure,
    *,
    before: Download | None = None,
) -> None:
    """Do the same as `fail_grab`, inside a unit of work."""
    entry = work.entry(grab_id)
    if entry is None or entry.grab.phase not in NOT_DELIVERED:
        return
    if _recreate(ctx, work, entry.download, failure):
        return
    work.update_grab(
        grab_id, lambda grab: transitions.grab_failed(grab, failure), why=failure.message
    )
    report_failure(ctx, work, entry, failure)
    grabs = work.grabs_of(entry.download.id)
    if not any(grab.phase in NOT_DELIVERED for grab in grabs):
        _release_item(ctx, work, before or entry.download, failure, [entry.grab])


def _recreate(ctx: EngineContext, work: UnitOfWork, download: Download, failure: Failure) -> bool:
    """Delete an item that failed at TorBox and create it again, once, if no *arr can be told.

    Return whether that is done. A delivered grab, or a grab whose *arr can be told, prevents it.
    """
    grabs = work.grabs_of(download.id)
    alone = all(
        grab.phase in NOT_DELIVERED and not ctx.arrs.of(grab.category)
        for grab in grabs
        if grab.phase is not GrabPhase.FAILED
    )
    if not alone or not transitions.may_be_recreated(download, failure):
        return False
    removal = remote_removal(ctx, Entry(download, grabs[0]))
    if removal is None:
        return False
    work.add_job(removal, download.hash)
    work.update_download(
        download.id,
        lambda latest: transitions.recreated(latest, failure, ctx.clock()),
        why=f"created once more: {failure.message}",
    )
    for grab in grabs:
        if grab.phase in NOT_DELIVERED:
            work.update_grab(grab.id, transitions.grab_recreated)
    log.info("recreated", release=download.name, hash=download.hash, why=failure.message)
    return True


def report_failure(ctx: EngineContext, work: UnitOfWork, entry: Entry, failure: Failure) -> None:
    """Schedule the report to the *arr of a failed grab, if there is an *arr with an API key.

    Without such an *arr the grab stays as an error, and its note says what the user can do.
    """
    category, client = entry.grab.category, entry.grab.client
    if ctx.arrs.of(category):
        work.add_job(Failover(category=category, message=sentence_of(failure)), entry.hash)
        note = "waits for its turn to be reported to the *arr"
    elif client in ARR_PROGRAMS:
        note = f"add this {client} under `arr` in the settings so that it searches again"
        log.warning(
            "failed_without_arr", release=entry.name, hash=entry.hash, category=category,
            why=failure.message, fix=note,
        )  # fmt: skip
    else:
        return
    work.update_grab(entry.grab.id, lambda grab: replace(grab, note=note))


def sentence_of(failure: Failure) -> str:
    """Return the sentence for the *arr's history: whether TorBox or the bridge failed it, and why."""
    if failure.message.startswith("TorBox"):
        return failure.message
    who = "torbox-bridge" if failure.reason in OUR_REASONS else "TorBox"
    return f"{who}: {failure.message}"


def _release_item(
    ctx: EngineContext,
    work: UnitOfWork,
    download: Download,
    failure: Failure,
    grabs: Iterable[Grab],
) -> None:
    """Mark the download as failed, and delete its item unless delivered grabs may need it."""
    # A delivered grab may play from the item (symlink, strm) or still seed it.
    keeps_item = any(grab.complete for grab in work.grabs_of(download.id))
    work.update_download(
        download.id,
        lambda latest: transitions.failed(latest, failure, keeps_item=keeps_item),
        why=failure.message,
    )
    grab = next(iter(grabs), None)
    if grab is None or keeps_item:
        return
    removal = remote_removal(ctx, Entry(download, grab))
    if removal is not None:
        work.add_job(removal, download.hash)
