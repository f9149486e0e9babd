"""The turns in a download's life that end a stage: ready, finished, failed."""

import asyncio
from dataclasses import replace

import structlog

from bridge.core.files import FileRules, NothingLeft, choose
from bridge.core.metainfo import Metainfo, parse_torrent
from bridge.core.model import DeliveredFile, Download, Failure, Phase, Reason, RemoteItem
from bridge.core.paths import layout
from bridge.core.seeding import asked_to_seed
from bridge.engine.ledger import enter
from bridge.engine.remove import remote_removal
from bridge.engine.services import Services
from bridge.torbox import Operation, TorBoxError

log = structlog.get_logger()


async def failed(services: Services, info_hash: str, failure: Failure) -> None:
    """Give a download up, keep the reason, and free the slot of what the bridge created."""
    download = services.ledger.downloads.get(info_hash)
    if download is None:
        return
    await services.ledger.change(
        info_hash,
        lambda latest: replace(
            enter(latest, Phase.FAILED),
            failure_reason=failure.reason,
            failure_message=failure.message,
            torrent_id=None,
            queued_id=None,
            ours=False,
        ),
        why=failure.message,
        cleanup=remote_removal(services, download),
    )


async def ready(services: Services, info_hash: str) -> None:
    """TorBox has all the files: choose among them, name them, and write that down."""
    download = services.ledger.downloads.get(info_hash)
    item = services.ledger.snapshot.items.get(download.torrent_id or 0) if download else None
    if download is None or item is None:
        return
    laid = await _lay_out(services, download, item)
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
            size=sum(file.size for file in chosen),
        ),
        files=files,
        why=f"TorBox has all of it; {len(chosen)} of {len(files)} files chosen",
    )


async def _lay_out(
    services: Services, download: Download, item: RemoteItem
) -> tuple[str, tuple[DeliveredFile, ...]] | Failure:
    """Decide which files to deliver, and under which names."""
    policy = services.settings.policy_for(download.category).files
    rules = FileRules(min_size=policy.min_size, include=policy.include, exclude=policy.exclude)
    choice = choose(item.files, rules)
    if isinstance(choice, NothingLeft):
        return Failure(Reason.NOTHING_CHOSEN, choice.reason)
    infected = next((file.name for file in choice if file.infected), None)
    if infected is not None:
        return Failure(Reason.INFECTED, f"TorBox says that it is infected: {infected}")
    chosen = {file.id for file in choice}
    laid = layout(
        item.files,
        download.name,
        single_file=await _is_single_file(services, download),
        content_layout=download.content_layout,
    )
    return laid.content_name, tuple(
        DeliveredFile(
            hash=download.hash,
            file_id=file.id,
            remote_name=file.name,
            size=file.size,
            path=laid.paths[file.id],
            chosen=file.id in chosen,
        )
        for file in item.files
    )


async def _is_single_file(services: Services, download: Download) -> bool:
    """Tell whether the .torrent, if we have it, is one without a root folder."""
    torrent = await services.ledger.store.torrent(download.hash)
    metainfo = await asyncio.to_thread(parse_torrent, torrent) if torrent else None
    return isinstance(metainfo, Metainfo) and metainfo.single_file


async def finished(services: Services, info_hash: str) -> None:
    """Nothing is left to seed: free the slot, and let the *arr remove the entry."""
    download = services.ledger.downloads.get(info_hash)
    if download is None:
        return
    if asked_to_seed(download) and download.ours and download.torrent_id is not None:
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
