"""Removing: what a deleted download leaves behind goes, on disk and at TorBox.

A persisted job. It is over when everything is gone; until then it is tried again.
"""

from collections.abc import Awaitable
from dataclasses import replace
from pathlib import Path

import structlog

from bridge.core.follow import created_since
from bridge.core.model import Download, Phase, Removal
from bridge.core.modes import LIVES_ON_TORBOX
from bridge.delivery import DeliveryError
from bridge.engine.gates import Gates
from bridge.engine.services import Services
from bridge.torbox import Kind, NotFound, Operation, QueueOperation, TorBoxError

log = structlog.get_logger()

DATABASE_ERROR = "DATABASE_ERROR"
"""A passing trouble, but also what TorBox may say to a delete of what is gone."""


async def release(
    services: Services, info_hash: str, number: int = 0, *, delete_files: bool, why: str = ""
) -> None:
    """Remove a download for one who asked for it: a claim by its number, or 0 the first.

    What the others have of it stays as it is; with the last one the remote item goes, too.
    """

    def cleanup(download: Download, others: bool) -> Removal:
        if number:
            return _claim_removal(services, info_hash, number, delete_files=delete_files)
        removal = removal_of(services, download, delete_files=delete_files)
        return _files_only(removal) if others else removal

    await services.ledger.remove(info_hash, cleanup, number=number, why=why)


def _claim_removal(
    services: Services, info_hash: str, number: int, *, delete_files: bool
) -> Removal:
    claim = next(one for one in services.ledger.claims(info_hash) if one.number == number)
    files = claim.files if delete_files else ()
    return Removal(
        hash=info_hash,
        save_path=claim.save_path,
        content_name=claim.content_name if delete_files else "",
        files=tuple(file.path for file in files if file.chosen),
        delivery_mode=claim.delivery_mode,
        files_only=True,
        created_at=services.clock(),
    )


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
    delivery = services.deliveries.of(removal.delivery_mode)
    if not removal.files_only:
        await delivery.discard(removal.hash)
    if removal.files:
        await delivery.remove(Path(removal.save_path), removal.content_name, removal.files)
    deleted = await _remove_remote(services, removal) if removal.delete_remote else []
    why = (
        "TorBox had nothing of it any more" if removal.delete_remote else "nothing to do at TorBox"
    )
    if deleted:
        why = "deleted " + ", ".join(deleted)
    await services.ledger.end_removal(removal, why, found=bool(deleted))


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
        return await _deleted(services.torbox.control(torrent_id, Operation.DELETE))
    except TorBoxError as error:
        if error.code == DATABASE_ERROR and await _gone(services, torrent_id):
            return False
        raise


async def _gone(services: Services, torrent_id: int) -> bool:
    """Tell whether neither the id nor the list shows it: one of them alone may be late, or empty."""
    if await services.torbox.item(torrent_id) is not None:
        return False
    return all(item.id != torrent_id for item in await services.torbox.list_items())


async def _delete_queued(services: Services, queued_id: int) -> bool:
    return await _deleted(services.torbox.control_queued(queued_id, QueueOperation.DELETE))


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
        if ours and await _delete_item(services, item.id):
            deleted.append(f"torrent {item.id}, found by hash")
    for queued in await services.torbox.list_queued():
        if queued.hash == removal.hash and await _delete_queued(services, queued.id):
            deleted += [f"queued item {queued.id}, found by hash"]
    return deleted
