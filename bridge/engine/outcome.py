"""The turns in a download's life that end a stage: ready, finished, failed."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import structlog

from bridge.core.edits import edited
from bridge.core.files import NothingLeft
from bridge.core.follow import LACKING
from bridge.core.model import (
    DeliveredFile,
    Download,
    Failover,
    Failure,
    Phase,
    Reason,
    RemoteFile,
    RemoteItem,
)
from bridge.core.modes import content_layout, named_on_disk
from bridge.core.paths import layout
from bridge.core.seeding import has_an_end
from bridge.engine.choice import lacking, metainfo_of, wanted_files
from bridge.engine.ledger import enter
from bridge.engine.remove import remote_removal
from bridge.engine.services import Services
from bridge.torbox import Operation, TorBoxError

log = structlog.get_logger()


async def failed(
    services: Services, info_hash: str, failure: Failure, *, left: Download | None = None
) -> None:
    """Give a download up, keep the reason, and free the slot of what the bridge created.

    `left` tells what may be left of it at TorBox, where its present phase says too much.
    """
    download = services.ledger.downloads.get(info_hash)
    if download is None:
        return
    failover = _failover(services, download)
    await services.ledger.change(
        info_hash,
        lambda latest: replace(
            enter(latest, Phase.FAILED),
            failure_reason=failure.reason,
            failure_message=failure.message,
            note="" if failover is None else "waits for its turn to be told to the *arr",
            torrent_id=None,
            queued_id=None,
            ours=False,
        ),
        why=failure.message,
        cleanup=remote_removal(services, left or download),
        failover=failover,
    )


def _failover(services: Services, download: Download) -> Failover | None:
    """Write down that an *arr is to be told; None where there is none, or it is no news."""
    if download.phase is Phase.FAILED or not services.arrs.of(download.category):
        return None
    now = services.clock()
    return Failover(hash=download.hash, category=download.category, created_at=now)


async def ready(services: Services, info_hash: str) -> None:
    """TorBox has all the files: choose among them, name them, and write that down."""
    download = services.ledger.downloads.get(info_hash)
    item = services.ledger.snapshot.items.get(download.torrent_id or 0) if download else None
    if download is None or item is None:
        return
    if lost := await lacking(services, download, item):
        await _hold_back(services, download, item, lost)
        return
    mode = services.mode(download)
    laid = await _lay_out(services, download, item, mode)
    if isinstance(laid, Failure):
        await failed(services, info_hash, laid)
        return
    content_name, files = laid
    chosen = [file for file in files if file.chosen]
    await services.ledger.change(
        info_hash,
        lambda latest: replace(
            enter(latest, Phase.READY),
            content_name=content_name,
            delivery_mode=mode,
            size=sum(file.size for file in chosen),
        ),
        files=files,
        why=f"TorBox has all of it; {len(chosen)} of {len(files)} files chosen",
    )


async def _hold_back(
    services: Services, download: Download, item: RemoteItem, lost: Sequence[str]
) -> None:
    """Wait for the rest of the torrent: half of a pack is never delivered as the whole."""
    note = f"{LACKING}: {len(lost)} missing, {lost[0]} first"
    log.warning("files_missing", hash=download.hash, missing=len(lost))
    await services.ledger.change(
        download.hash, lambda latest: replace(latest, lacking_at=item.listed_bytes, note=note)
    )


def _unfit(choice: Iterable[RemoteFile]) -> Failure | None:
    """Tell what no *arr may be given."""
    for file in choice:
        if file.infected:
            return Failure(Reason.INFECTED, f"TorBox says that it is infected: {file.name}")
        if file.zipped:
            why = f"TorBox has it only packed in a zip, which no *arr can import: {file.name}"
            return Failure(Reason.ZIPPED, why)
    return None


async def _lay_out(
    services: Services, download: Download, item: RemoteItem, mode: str
) -> tuple[str, tuple[DeliveredFile, ...]] | Failure:
    """Decide which files to deliver, and under which names."""
    known = services.ledger.files(download.hash)
    if _same_files(known, item):
        return download.content_name, tuple(known)  # delivered once more, as it was named then
    metainfo = await metainfo_of(services, download.hash)
    laid = layout(
        named_on_disk(mode, item.files),
        download.name,
        single_file=metainfo is not None and metainfo.single_file,
        content_layout=content_layout(mode, download.content_layout),
    )
    named = edited(laid.paths, download.file_edits)
    dropped = frozenset(key for key, (_, priority) in named.items() if priority == 0)
    policy = services.settings.policy_for(download.category).files
    choice = wanted_files(policy, mode, item.files, dropped)
    if isinstance(choice, NothingLeft):
        return Failure(Reason.NOTHING_CHOSEN, choice.reason)
    unfit = _unfit(choice)
    if unfit is not None:
        return unfit
    chosen = {file.id for file in choice}
    files = tuple(
        _planned(download.hash, file, named[file.id], chosen=file.id in chosen)
        for file in item.files
    )
    return files[0].path.split("/", 1)[0], files


def _same_files(known: Sequence[DeliveredFile], item: RemoteItem) -> bool:
    listed = {(file.id, file.size) for file in item.files}
    return bool(known) and {(file.file_id, file.size) for file in known} == listed


def _planned(
    info_hash: str, file: RemoteFile, named: tuple[str, int], *, chosen: bool
) -> DeliveredFile:
    path, priority = named
    return DeliveredFile(
        hash=info_hash,
        file_id=file.id,
        remote_name=file.name,
        size=file.size,
        path=path,
        chosen=chosen,
        priority=priority,
    )


async def finished(services: Services, info_hash: str) -> None:
    """Nothing is left to seed: free the slot, and let the *arr remove the entry."""
    download = services.ledger.downloads.get(info_hash)
    if download is None:
        return
    policy = services.rules(download.category).seed
    seeds = has_an_end(policy, services.limited(download)) and download.ours
    if seeds and download.torrent_id is not None:
        await _stop_seeding(services, download.torrent_id)
    await services.ledger.change(
        info_hash, lambda latest: enter(latest, Phase.FINISHED), why="nothing left to seed"
    )


async def _stop_seeding(services: Services, torrent_id: int) -> None:
    try:
        await services.torbox.control(torrent_id, Operation.STOP_SEEDING)
    except TorBoxError as error:
        # The *arr removes the entry next, and the item with it: the slot is freed all the same.
        log.warning("stop_seeding_failed", torrent_id=torrent_id, why=str(error))
