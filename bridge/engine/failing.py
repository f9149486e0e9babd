"""Fails a download for all its grabs, or one grab by the rules of its category.

The reason is stored, reports to the *arr are scheduled, and the item that the bridge created at
TorBox is deleted when no grab needs it. All of this is one commit.
"""

from collections.abc import Iterable
from dataclasses import replace

from bridge.core import transitions
from bridge.core.model import (
    NOT_DELIVERED,
    Download,
    DownloadPhase,
    Entry,
    Failover,
    Failure,
    Grab,
)
from bridge.engine.context import EngineContext
from bridge.engine.removal import remote_removal
from bridge.state import UnitOfWork


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
        for grab in pending:
            # Grabs that share the failure show the download's; their own rows keep no second copy.
            work.update_grab(grab.id, transitions.grab_interrupted)
            report_failure(ctx, work, Entry(download, grab))
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
    work.update_grab(
        grab_id, lambda grab: transitions.grab_failed(grab, failure), why=failure.message
    )
    report_failure(ctx, work, entry)
    grabs = work.grabs_of(entry.download.id)
    if not any(grab.phase in NOT_DELIVERED for grab in grabs):
        _release_item(ctx, work, before or entry.download, failure, [entry.grab])


def report_failure(ctx: EngineContext, work: UnitOfWork, entry: Entry) -> None:
    """Schedule the report to the *arr of a failed grab, if there is an *arr with an API key."""
    category = entry.grab.category
    if not ctx.arrs.of(category):
        return
    work.add_job(Failover(category=category), entry.hash)
    note = "waits for its turn to be reported to the *arr"
    work.update_grab(entry.grab.id, lambda grab: replace(grab, note=note))


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
