"""Removing: what a deleted download leaves behind goes, on disk and at TorBox.

A persisted job. It is over when everything is gone; until then it is tried again.
"""

from collections.abc import Awaitable
from dataclasses import replace
from pathlib import Path

import structlog

from bridge.core.claims import on_disk
from bridge.core.follow import created_since
from bridge.core.model import Claim, Download, Phase, Removal
from bridge.core.modes import FETCHING, LIVES_ON_TORBOX
from bridge.delivery import DeliveryError, sweep
from bridge.delivery.modes import FALLBACK
from bridge.engine.gates import Gates
from bridge.engine.places import still_there
from bridge.engine.services import Services
from bridge.torbox import Kind, NotFound, Operation, QueueOperation, TorBoxError

log = structlog.get_logger()

DATABASE_ERROR = "DATABASE_ERROR"
"""A passing trouble, but also what TorBox may say to a delete of what is gone."""


async def release(
    services: Services, info_hash: str, number: int = 0, *, delete_files: bool, why: str = ""
) -> None:
    """Remove a download for one who asked for it: whoever has this number at this moment."""
    download = services.ledger.downloads.get(info_hash)
    seen = services.everyone(download).get(number) if download is not None else None
    if seen is not None:
        await let_go(services, seen, delete_files=delete_files, why=why)


async def let_go(
    services: Services,
    seen: Download,
    *,
    delete_files: bool,
    delete_remote: bool | None = None,
    why: str = "",
) -> bool:
    """Remove a download for the one who sees it so; True if that was whose row it is.

    What the others have of it stays as it is; with the last one the remote item goes, too.
    `delete_remote` overrules what the settings say of the remote item.
    """

    def cleanup(download: Download, claim: Claim | None, needed: bool) -> Removal:
        if claim is not None:
            return _claim_removal(claim, services.clock(), delete_files=delete_files)
        removal = removal_of(services, download, delete_files=delete_files)
        if delete_remote is not None:
            removal = replace(removal, delete_remote=delete_remote)
        return _files_only(removal) if needed else removal

    return await services.ledger.remove(seen, cleanup, why=why)


def _claim_removal(claim: Claim, now: float, *, delete_files: bool) -> Removal:
    there = on_disk(claim, now) if delete_files else None
    nothing = Removal(hash=claim.hash, save_path=claim.save_path, files_only=True, created_at=now)
    return there or nothing


def _files_only(removal: Removal) -> Removal:
    return replace(
        removal,
        files_only=True,
        delete_remote=False,
        torrent_id=None,
        queued_id=None,
        unclear=False,
    )


def removal_of(services: Services, download: Download, *, delete_files: bool) -> Removal:
    """Write down what has to go with a download.

    TorBox's item goes only if the bridge created it, unless the settings say otherwise; local
    files only on request. An item that an *arr has imported as links or `.strm` is what it plays:
    it goes only if the settings say `always`.
    """
    files = services.ledger.files(download.hash) if delete_files else ()
    unclear = download.phase is Phase.SUBMITTING or download.lookup_until > 0
    policy = services.settings.policy_for(download.category).remove_from_torbox
    mine = download.ours or (unclear and download.torrent_id is None)
    in_use = download.complete and download.delivery_mode in LIVES_ON_TORBOX
    # While it is delivered the rename may be done and not written down yet. Else what is not done
    # is not on disk: a file of that name is somebody else's.
    maybe = download.phase is Phase.DELIVERING
    return Removal(
        hash=download.hash,
        save_path=download.save_path,
        content_name=download.content_name if delete_files else "",
        files=tuple(file.path for file in files if file.chosen and (file.done or maybe)),
        delivery_mode=download.delivery_mode,
        delete_remote=policy == "always" or (policy == "own" and mine and not in_use),
        torrent_id=download.torrent_id,
        queued_id=download.queued_id,
        unclear=unclear and download.torrent_id is None,
        submitted_at=download.submitted_at,
        created_at=services.clock(),
    )


def remote_removal(services: Services, download: Download) -> Removal | None:
    """Write down what has to go at TorBox alone; None when nothing has to, or others need it."""
    if any(claim.complete for claim in services.ledger.claims(download.hash)):
        return None
    removal = removal_of(services, download, delete_files=False)
    known = removal.torrent_id is not None or removal.queued_id is not None or removal.unclear
    return removal if removal.delete_remote and known else None


async def attempt(services: Services, gates: Gates, removal: Removal) -> None:
    """Do a removal; whatever stands in its way, it is tried again."""
    try:
        await remove(services, removal)
    except Exception as error:
        expected = isinstance(error, TorBoxError | DeliveryError)
        log.warning("removal_waits", hash=removal.hash, why=str(error), exc_info=not expected)
        held = isinstance(error, TorBoxError) and gates.hold(error, Kind.CONTROL)
        pace = services.pace
        pause = pace.soon() + pace.lookup if held else pace.backoff(removal.attempts)
        at = services.clock() + pause
        await services.ledger.put_removal(
            replace(removal, attempts=removal.attempts + 1, next_attempt_at=at)
        )
    else:
        gates.slot_freed()


async def remove(services: Services, removal: Removal) -> None:
    """Do the job.

    Raises:
        TorBoxError: TorBox could not be asked; the caller tries again.
        DeliveryError: files could not be deleted; the caller tries again.
    """
    await _discard(services, removal)
    files = still_there(services, removal)
    if files:
        delivery = services.deliveries.of(removal.delivery_mode)
        await delivery.remove(Path(removal.save_path), removal.content_name, files)
    deleted = await _remove_remote(services, removal) if removal.delete_remote else []
    why = (
        "TorBox had nothing of it any more" if removal.delete_remote else "nothing to do at TorBox"
    )
    if deleted:
        why = "deleted " + ", ".join(deleted)
    await services.ledger.end_removal(removal, why, found=bool(deleted))


async def _discard(services: Services, removal: Removal) -> None:
    """Remove what is half done. Who goes on with the fetch goes on with what is staged."""
    if removal.save_path:
        await sweep(Path(removal.save_path), removal.hash)
    mode = removal.delivery_mode
    if not removal.files_only:
        await services.deliveries.of(FALLBACK).discard(removal.hash)
    elif mode not in FETCHING or _fetched(services, removal.hash):
        return
    await services.deliveries.of(mode).discard(removal.hash)


def _fetched(services: Services, info_hash: str) -> bool:
    download = services.ledger.downloads.get(info_hash)
    return download is not None and services.mode(download) in FETCHING


async def _remove_remote(services: Services, removal: Removal) -> list[str]:
    """Delete what is there; tell what that was."""
    deleted = []
    if removal.torrent_id is not None and await _delete_item(services, removal.torrent_id):
        deleted.append("the torrent")
    if removal.queued_id is not None and await _delete_queued(services, removal.queued_id):
        deleted.append("the queued item")
    if removal.unclear or (removal.queued_id is not None and not deleted):
        deleted += await _delete_by_hash(services, removal)
    return deleted


async def _delete_item(services: Services, torrent_id: int) -> bool:
    services.links.forget(torrent_id)
    try:
        deleted = await _deleted(services.torbox.control(torrent_id, Operation.DELETE))
    except TorBoxError as error:
        if error.code != DATABASE_ERROR or not await _gone(services, torrent_id):
            raise
        deleted = False
    services.ledger.bury(torrent_id)
    return deleted


async def _gone(services: Services, torrent_id: int) -> bool:
    """Tell whether neither the id nor the list shows it: one of them alone may be late, or empty."""
    if await services.torbox.item(torrent_id) is not None:
        return False
    return all(item.id != torrent_id for item in await services.torbox.list_items())


async def _delete_queued(services: Services, queued_id: int) -> bool:
    call = services.torbox.control_queued(queued_id, QueueOperation.DELETE)
    deleted = await _deleted(call)
    services.ledger.departed.deleted_queued[queued_id] = services.clock()
    return deleted


async def _deleted(call: Awaitable[None]) -> bool:
    """Tell whether it was there. TorBox says of what is gone that it is not found, or not ours."""
    try:
        await call
    except NotFound:
        return False
    return True


async def _delete_by_hash(services: Services, removal: Removal) -> list[str]:
    """Find it by hash: its ids never arrived, or it left the queue under a new one."""
    deleted = []
    offset = services.torbox.offset_seconds
    for item in await services.torbox.list_items():
        ours = item.hash == removal.hash and created_since(removal.submitted_at, item, offset)
        if (
            ours
            and item.id not in services.ledger.departed.kept
            and await _delete_item(services, item.id)
        ):
            deleted.append(f"torrent {item.id}, found by hash")
    for queued in await services.torbox.list_queued():
        if queued.hash == removal.hash and await _delete_queued(services, queued.id):
            deleted += [f"queued item {queued.id}, found by hash"]
    return deleted
