"""Cleaning up unasked: what was imported, what came too late, and what nobody knows any more."""

import structlog

from bridge.arr import ArrError, all_imported
from bridge.core.model import Removal
from bridge.engine.remove import release
from bridge.engine.services import Services

log = structlog.get_logger()


async def ask_import(services: Services, info_hash: str, number: int) -> None:
    """Ask its *arr whether all of a download is in the library, and note it if so."""
    download = services.ledger.downloads.get(info_hash)
    seen = services.everyone(download).get(number) if download is not None else None
    if seen is None:
        return
    for arr in services.arrs.of(seen.category):
        try:
            imported = all_imported(await arr.history(info_hash)) and not await arr.queue(info_hash)
        except ArrError as error:
            log.info("import_not_told", hash=info_hash, arr=arr.name, why=str(error))
            continue
        if imported:
            await services.ledger.imported(seen, f"{arr.name} has imported it")
            return


async def clean_up(services: Services, info_hash: str, number: int, why: str) -> None:
    """Remove a download for one who asked for it, as if its *arr had."""
    log.info("clean_up", hash=info_hash, why=why)
    await release(services, info_hash, number, delete_files=True, why=f"cleaned up: {why}")


async def reclaim(services: Services, info_hash: str, torrent_id: int) -> None:
    """Remove what turned up at TorBox of a download that is gone."""
    trace = services.ledger.traces.get(info_hash)
    if trace is None:
        return
    removal = Removal(
        hash=info_hash,
        delete_remote=True,
        torrent_id=torrent_id,
        submitted_at=trace.submitted_at,
        created_at=trace.removed_at,
    )
    why = f"torrent {torrent_id} has turned up at TorBox since: a create that was thought lost"
    await services.ledger.add_removal(removal, why)
