"""The turns in a download's life that end a stage: ready, finished, failed."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TypeAlias

import structlog

from bridge.core.claims import BY_OWN_RULES, same
from bridge.core.edits import edited
from bridge.core.files import NothingLeft
from bridge.core.follow import LACKING, enter
from bridge.core.model import (
    FINAL,
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
from bridge.core.paths import fitted, layout
from bridge.core.seeding import has_an_end
from bridge.engine.choice import lacking, metainfo_of, wanted_files
from bridge.engine.remove import remote_removal
from bridge.engine.services import Services
from bridge.torbox import Operation, TorBoxError

log = structlog.get_logger()

Laid: TypeAlias = tuple[str, tuple[DeliveredFile, ...]]
"""The name of the content, and its files."""


async def failed(
    services: Services, info_hash: str, failure: Failure, *, left: Download | None = None
) -> None:
    """Give a download up, keep the reason, and free the slot of what the bridge created.

    Where only the rules of its category give it up, others who want it go on with it; and nothing
    is given up for whoever has the row once its owner has left. `left` tells what may be left of it
    at TorBox, where its present phase says too much.
    """
    first = download = services.ledger.downloads.get(info_hash)
    while first is not None and download is not None and same(first, download):
        if await _failed(services, download, failure, left):
            return
        download = services.ledger.downloads.get(info_hash)  # somebody joined, or left


async def _failed(
    services: Services, download: Download, failure: Failure, left: Download | None
) -> bool:
    """Try; False when those who asked for it are no longer the same."""
    info_hash = download.hash
    claims = services.ledger.claims(info_hash)
    waiting = [claim for claim in claims if claim.waits]
    if waiting and failure.reason in BY_OWN_RULES and download.phase is not Phase.FAILED:
        return await services.ledger.step_back(
            waiting[0],
            f"given up for {download.category!r}: {failure.message}",
            of=download,
            failure=failure,
            change=lambda latest: _as_left(latest, left),
            failovers=_failovers(services, info_hash, [download.category]),
        )
    concerned = (download.category, *(claim.category for claim in waiting))
    news = download.phase is not Phase.FAILED
    failovers = _failovers(services, info_hash, concerned if news else ())
    shared = any(claim.complete for claim in claims)
    changed = await services.ledger.change(
        info_hash,
        lambda latest: replace(
            enter(latest, Phase.FAILED),
            failure_reason=failure.reason,
            failure_message=failure.message,
            note="waits for its turn to be told to the *arr" if failovers else "",
            torrent_id=latest.torrent_id if shared else None,
            queued_id=None,
            ours=latest.ours and shared,
        ),
        of=download,
        among=claims,
        why=failure.message,
        cleanup=remote_removal(services, left or download),
        failovers=failovers,
    )
    return changed is not None


def _as_left(latest: Download, left: Download | None) -> Download:
    """Take back what its present phase says too much of what may be at TorBox."""
    if left is None:
        return latest
    return replace(
        latest,
        phase=left.phase,
        submitted_at=left.submitted_at,
        lookup_until=left.lookup_until,
    )


def _failovers(services: Services, info_hash: str, categories: Iterable[str]) -> list[Failover]:
    """Write down which *arr are to be told."""
    now = services.clock()
    return [
        Failover(hash=info_hash, category=category, created_at=now)
        for category in categories
        if services.arrs.of(category)
    ]


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
    laid = await _laid_out(services, download, item, mode)
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
        of=download,
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


async def _laid_out(
    services: Services, download: Download, item: RemoteItem, mode: str
) -> Laid | Failure:
    known = services.ledger.files(download.hash)
    if _same_files(known, item):
        return download.content_name, tuple(known)  # delivered once more, as it was named then
    return await lay_out(services, download, item.files, mode)


async def lay_out(
    services: Services, download: Download, listed: tuple[RemoteFile, ...], mode: str
) -> Laid | Failure:
    """Decide which files to deliver by the rules of its category, and under which names."""
    metainfo = await metainfo_of(services, download.hash)
    laid = layout(
        named_on_disk(mode, listed),
        download.name,
        single_file=metainfo is not None and metainfo.single_file,
        content_layout=content_layout(mode, download.content_layout),
    )
    named = edited(laid.paths, download.file_edits)
    dropped = frozenset(key for key, (_, priority) in named.items() if priority == 0)
    policy = services.settings.policy_for(download.category).files
    choice = wanted_files(policy, mode, listed, dropped)
    if isinstance(choice, NothingLeft):
        return Failure(Reason.NOTHING_CHOSEN, choice.reason)
    unfit = _unfit(choice)
    if unfit is not None:
        return unfit
    chosen = {file.id for file in choice}
    files = tuple(
        _planned(download.hash, file, named[file.id], chosen=file.id in chosen) for file in listed
    )
    if services.settings.delivery.windows_safe_names:
        files = fitted(files)
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


async def finished(services: Services, info_hash: str, number: int = 0) -> None:
    """Nothing is left to seed for one who asked for it: let its *arr remove the entry.

    `number` is that of a claim, or 0. With the last one TorBox stops, which frees the slot.
    """
    download = services.ledger.downloads.get(info_hash)
    if download is None:
        return
    claims = services.ledger.claims(info_hash)
    claim = next((claim for claim in claims if claim.number == number), None)
    others = [
        services.limited(one) for key, one in services.everyone(download).items() if key != number
    ]
    await _stop_seeding(services, download, others)
    if claim is None:
        await services.ledger.change(
            info_hash,
            lambda latest: enter(latest, Phase.FINISHED),
            of=download,
            why="nothing left to seed",
        )
        return
    now = services.clock()
    await services.ledger.change_claim(
        claim, lambda latest: replace(latest, phase=Phase.FINISHED, phase_at=now)
    )


async def _stop_seeding(services: Services, download: Download, others: Sequence[Download]) -> None:
    """Let TorBox stop what it seeds for us, unless somebody else wants it to go on."""
    everyone = (services.limited(download), *others)
    asked = any(has_an_end(services.rules(one.category).seed, one) for one in everyone)
    if not asked or not download.ours or download.torrent_id is None:
        return
    if any(one.phase not in FINAL for one in others):
        return
    try:
        await services.torbox.control(download.torrent_id, Operation.STOP_SEEDING)
    except TorBoxError as error:
        # The *arr removes the entry next, and the item with it: the slot is freed all the same.
        log.warning("stop_seeding_failed", torrent_id=download.torrent_id, why=str(error))
