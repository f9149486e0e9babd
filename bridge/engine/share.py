"""Sharing: what one owner has on disk is given to the others, without a second fetch.

Files are shared as hard links; links to a mount and `.strm` are made once more. Where that cannot
be (the *arr has moved its files away, say) the claim steps forward and is delivered by itself.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import structlog

from bridge.core.claims import seen_by
from bridge.core.model import Claim, DeliveredFile, Download, Failure, Phase, RemoteFile
from bridge.core.modes import FETCHING
from bridge.core.paths import numbered, renamed
from bridge.delivery import (
    DeliveryError,
    LinkSource,
    Progress,
    TargetTaken,
    link_existing,
    target_exists,
)
from bridge.engine.outcome import lay_out
from bridge.engine.places import taken
from bridge.engine.requests import link_source, request_of
from bridge.engine.services import Services

log = structlog.get_logger()

NAMES_TRIED = 100


async def share(services: Services, info_hash: str, number: int) -> None:
    """Give a claim its files, or let it be delivered by itself.

    Raises:
        TorBoxError: TorBox could not be asked; the caller tries again.
    """
    download = services.ledger.downloads.get(info_hash)
    claims = services.ledger.claims(info_hash)
    claim = next((claim for claim in claims if claim.number == number), None)
    if download is None or claim is None or not claim.waits:
        return
    if not await _shared(services, claim):
        why = f"{claim.category!r} needs a delivery of its own"
        await services.ledger.step_back(claim, why, of=download)


async def share_early(services: Services, info_hash: str) -> None:
    """Give their files to those who wait, before the first owner is told that it has its own.

    From then on its *arr may move them away. Who gets none now has another turn after it; so has
    who has left and come again, until what is to be removed at its place is gone.
    """
    for claim in services.ledger.claims(info_hash):
        if claim.waits and not _being_cleared(services, claim):
            await _shared(services, claim)


def _being_cleared(services: Services, claim: Claim) -> bool:
    jobs = services.ledger.removals.values()
    return any(job.hash == claim.hash and job.save_path == claim.save_path for job in jobs)


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
    for name in _names(claim, content_name, files):
        if taken(services, replace(claim, content_name=name)):
            continue
        if claim.content_name != name and await target_exists(Path(claim.save_path), name):
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


def _names(claim: Claim, plain: str, files: Iterable[DeliveredFile]) -> Iterator[str]:
    """Name the places to try: first the one where it may stand since before a crash."""
    is_file = any(file.path == plain for file in files)
    if claim.content_name:
        yield claim.content_name
    yield plain
    yield from (numbered(plain, turn, is_file=is_file) for turn in range(2, NAMES_TRIED))


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
        claim,
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
    order = request_of(there, claim.files, title=item.name if item else "")
    if claim.delivery_mode not in FETCHING:
        links = services.links.of(order.torrent_id)
        delivery = services.deliveries.of(claim.delivery_mode)
        await delivery.deliver(order, links, Progress())
        return True
    for source in _sources(services, download):
        if await link_existing(source, order):
            return True
    return False


def _sources(services: Services, download: Download) -> Iterator[LinkSource]:
    """Show where the files themselves are, or were before they were moved away."""
    if services.mode(download) in FETCHING:
        yield link_source(download, services.ledger.files(download.hash))
    for claim in services.ledger.claims(download.hash):
        if claim.complete and claim.delivery_mode in FETCHING:
            yield link_source(seen_by(claim, download), claim.files)


async def _settle(services: Services, claim: Claim, *, done: bool) -> None:
    now = services.clock()

    def complete(latest: Claim) -> Claim:
        files = tuple(replace(file, done=file.chosen) for file in latest.files)
        return replace(latest, phase=Phase.DELIVERED, phase_at=now, completed_at=now, files=files)

    def waits(latest: Claim) -> Claim:
        return replace(latest, content_name="", files=(), size=0, delivery_mode="")

    why = f"{len(claim.files)} files are in place for {claim.category!r}" if done else ""
    change = complete if done else waits
    await services.ledger.change_claim(claim, change, why)
