"""Sharing: what one owner has on disk is given to the others, without a second fetch.

Files are shared as hard links; links to a mount and `.strm` are made once more. Where that cannot
be (the *arr has moved its files away, say) the claim steps forward and is delivered by itself.
"""

from dataclasses import replace
from pathlib import Path

import structlog

from bridge.core.claims import seen_by
from bridge.core.model import Claim, DeliveredFile, Download, Failure, Phase, RemoteFile
from bridge.core.modes import FETCHING
from bridge.core.paths import numbered, renamed
from bridge.delivery import DeliveryError, Progress, TargetTaken, order_of
from bridge.delivery.share import share as share_files
from bridge.delivery.share import stands
from bridge.engine.outcome import lay_out
from bridge.engine.services import Services

log = structlog.get_logger()

NAMES_TRIED = 100


async def share(services: Services, info_hash: str, number: int) -> None:
    """Give a claim its files, or let it be delivered by itself.

    Raises:
        TorBoxError: TorBox could not be asked; the caller tries again.
    """
    claim = _claim(services, info_hash, number)
    if claim is None or not claim.waits or await _shared(services, claim):
        return
    why = f"{claim.category!r} needs a delivery of its own"
    await services.ledger.step_back(info_hash, number, why)


async def share_early(services: Services, info_hash: str) -> None:
    """Give their files to those who wait, before the first owner is told that it has its own.

    From then on its *arr may move them away. Who gets none now has another turn after it.
    """
    for claim in services.ledger.claims(info_hash):
        if claim.waits:
            await _shared(services, claim)


def _claim(services: Services, info_hash: str, number: int) -> Claim | None:
    claims = services.ledger.claims(info_hash)
    return next((claim for claim in claims if claim.number == number), None)


async def _shared(services: Services, claim: Claim) -> bool:
    """Share with one; tell whether it has what it wants, or has left."""
    download = services.ledger.downloads.get(claim.hash)
    if download is None:
        return True
    mode = services.settings.delivery_mode(claim.category)
    laid = await lay_out(services, seen_by(claim, download), _listed(services, download), mode)
    if isinstance(laid, Failure):
        return False
    content_name, files = laid
    is_file = any(file.path == content_name for file in files)
    for turn in range(1, NAMES_TRIED):
        name = numbered(content_name, turn, is_file=is_file) if turn > 1 else content_name
        known = _claim(services, claim.hash, claim.number)
        if known is None:
            return True
        if known.content_name != name and await stands(Path(claim.save_path), name):
            continue
        planned = await _plan(services, claim, name, files, mode)
        if planned is None:
            return True
        try:
            done = await _put(services, download, planned)
        except TargetTaken:
            continue
        except DeliveryError as error:
            log.info("not_shared", hash=claim.hash, category=claim.category, why=str(error))
            done = False
        await _settle(services, planned, done=done)
        return done
    return False


def _listed(services: Services, download: Download) -> tuple[RemoteFile, ...]:
    """List what TorBox listed when the first owner's files were laid out."""
    return tuple(
        RemoteFile(id=file.file_id, name=file.remote_name, size=file.size)
        for file in services.ledger.files(download.hash)
    )


async def _plan(
    services: Services, claim: Claim, name: str, files: tuple[DeliveredFile, ...], mode: str
) -> Claim | None:
    """Write down what will be on disk before it is: whoever cleans up has to know."""
    below = renamed(files, name)
    return await services.ledger.change_claim(
        claim.hash,
        claim.number,
        lambda latest: replace(
            latest,
            content_name=name,
            files=below,
            size=sum(file.size for file in below if file.chosen),
            delivery_mode=mode,
        ),
    )


async def _put(services: Services, download: Download, claim: Claim) -> bool:
    """Make the planned files appear; False where only a fetch can."""
    there = replace(download, save_path=claim.save_path, content_name=claim.content_name)
    item = services.ledger.snapshot.items.get(download.torrent_id or 0)
    order = order_of(there, claim.files, title=item.name if item else "")
    if claim.delivery_mode not in FETCHING:
        links = services.links.of(order.torrent_id)
        delivery = services.deliveries.of(claim.delivery_mode)
        await delivery.deliver(order, links, Progress())
        return True
    if services.mode(download) not in FETCHING:
        return False
    return await share_files(order_of(download, services.ledger.files(download.hash)), order)


async def _settle(services: Services, claim: Claim, *, done: bool) -> None:
    now = services.clock()

    def complete(latest: Claim) -> Claim:
        files = tuple(replace(file, done=file.chosen) for file in latest.files)
        return replace(latest, phase=Phase.DELIVERED, phase_at=now, completed_at=now, files=files)

    def waits(latest: Claim) -> Claim:
        return replace(latest, content_name="", files=(), size=0, delivery_mode="")

    why = f"{len(claim.files)} files are in place for {claim.category!r}" if done else ""
    change = complete if done else waits
    await services.ledger.change_claim(claim.hash, claim.number, change, why)
