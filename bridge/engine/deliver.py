"""Delivering: from "TorBox has it" to whole files where the *arr looks for them."""

from dataclasses import replace

import structlog

from bridge.core.follow import enter
from bridge.core.model import Download, Failure, Phase, Reason
from bridge.core.paths import numbered, renamed
from bridge.delivery import (
    DeliveryFailed,
    NotEnoughSpace,
    NotYet,
    Order,
    Progress,
    TargetTaken,
    order_of,
)
from bridge.engine.links import LinkBook
from bridge.engine.outcome import failed
from bridge.engine.services import Services
from bridge.engine.share import share_early
from bridge.torbox import NotFound

log = structlog.get_logger()

NAMES_TRIED = 100
LINK_PATIENCE = 6
"""Times that TorBox may say it does not know an item it listed before the item is followed anew."""


async def deliver(services: Services, info_hash: str) -> None:
    """Deliver one download and note the outcome.

    Raises:
        TorBoxError: TorBox gave no links; the caller notes it and tries again.
    """
    download = await services.ledger.change(
        info_hash, lambda latest: _begun(services, latest), why="delivering"
    )
    if download is None or download.torrent_id is None:
        return
    links = services.links.of(download.torrent_id)
    progress = services.ledger.progress[info_hash] = Progress()
    try:
        await _deliver(services, info_hash, links, progress)
    except NotEnoughSpace as error:
        await _later(services, info_hash, str(error), after=services.pace.space)
    except NotYet as error:
        await _look_again(services, info_hash, str(error))
    except DeliveryFailed as error:
        await _given_up(services, info_hash, error)
    except NotFound:
        await _lost(services, info_hash)
    finally:
        services.ledger.progress.pop(info_hash, None)


def _begun(services: Services, download: Download) -> Download:
    """Enter the phase, with the mode that the download keeps from here on."""
    return replace(download, phase=Phase.DELIVERING, delivery_mode=services.mode(download))


async def _deliver(services: Services, info_hash: str, links: LinkBook, progress: Progress) -> None:
    plain = services.ledger.downloads[info_hash].content_name
    is_file = any(file.path == plain for file in services.ledger.files(info_hash))
    for number in range(2, NAMES_TRIED):
        download = services.ledger.downloads[info_hash]
        try:
            order = await _order(services, download)
            await services.delivery(download).deliver(order, links, progress)
        except TargetTaken:
            await _rename(services, download, numbered(plain, number, is_file=is_file))
        else:
            await share_early(services, info_hash)
            await _delivered(services, info_hash)
            return
    raise DeliveryFailed(f"{plain!r} and its numbered names exist already", retryable=False)


async def _order(services: Services, download: Download) -> Order:
    pieces = services.settings.delivery.verify == "pieces"
    torrent = await services.ledger.store.torrent(download.hash) if pieces else None
    item = services.ledger.snapshot.items.get(download.torrent_id or 0)
    return order_of(
        download,
        services.ledger.files(download.hash),
        title=item.name if item else "",
        torrent=torrent or b"",
    )


async def _rename(services: Services, download: Download, name: str) -> None:
    """Give the content a numbered name: another download or a stranger has the plain one."""
    log.info("target_taken", hash=download.hash, before=download.content_name, after=name)
    await services.ledger.change(
        download.hash,
        lambda latest: replace(latest, content_name=name),
        files=renamed(services.ledger.files(download.hash), name),
    )


async def _delivered(services: Services, info_hash: str) -> None:
    files = tuple(replace(file, done=file.chosen) for file in services.ledger.files(info_hash))
    await services.ledger.change(
        info_hash,
        lambda latest: replace(
            enter(latest, Phase.DELIVERED), completed_at=services.clock(), progress=1.0
        ),
        why=f"{len(files)} files are in place",
        files=files,
    )


async def _given_up(services: Services, info_hash: str, error: DeliveryFailed) -> None:
    if error.retryable:
        await _later(services, info_hash, str(error))
    else:
        await failed(services, info_hash, Failure(Reason.INCOMPLETE, str(error)))


async def _later(
    services: Services, info_hash: str, note: str, *, after: float | None = None
) -> None:
    await services.ledger.change(
        info_hash, lambda latest: services.later(latest, note, after=after)
    )


async def _look_again(services: Services, info_hash: str, note: str) -> None:
    download = services.ledger.downloads.get(info_hash)
    pause = services.pace.backoff(download.attempts if download else 0)
    await _later(services, info_hash, note, after=min(pause, services.pace.mount))


async def _lost(services: Services, info_hash: str) -> None:
    """TorBox does not know the item. Just after it is ready that may pass; then follow it anew."""
    download = services.ledger.downloads.get(info_hash)
    if download is None or download.attempts < LINK_PATIENCE:
        await _later(services, info_hash, "TorBox gives no links to it yet")
        return
    services.ledger.unsee(download.torrent_id or 0)
    now = services.clock()
    await services.ledger.change(
        info_hash,
        lambda latest: replace(enter(latest, Phase.REMOTE), remote_at=now),
        why="TorBox gives no links to it",
    )
