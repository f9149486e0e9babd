"""Delivering: from "TorBox has it" to whole files where the *arr looks for them."""

from dataclasses import replace

import structlog

from bridge.core.follow import enter
from bridge.core.model import Download, Failure, Phase, Reason
from bridge.core.paths import fitted, numbered, renamed
from bridge.delivery import (
    DeliveryFailed,
    DeliveryRequest,
    NameRefused,
    NotEnoughSpace,
    NotYet,
    Progress,
    TargetTaken,
)
from bridge.engine.links import LinkBook
from bridge.engine.outcome import failed
from bridge.engine.places import taken
from bridge.engine.requests import request_of
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
        await _deliver(services, download, links, progress)
    except NotEnoughSpace as error:
        await _later(services, download, str(error), after=services.pace.space)
    except NotYet as error:
        await _look_again(services, download, str(error))
    except DeliveryFailed as error:
        await _given_up(services, download, error)
    except NotFound:
        await _lost(services, download)
    finally:
        services.ledger.progress.pop(info_hash, None)


def _begun(services: Services, download: Download) -> Download:
    """Enter the phase, with the mode that the download keeps from here on."""
    return replace(download, phase=Phase.DELIVERING, delivery_mode=services.mode(download))


async def _deliver(
    services: Services, download: Download, links: LinkBook, progress: Progress
) -> None:
    plain = download.content_name
    is_file = any(file.path == plain for file in services.ledger.files(download.hash))
    named: Download | None = download
    for number in range(2, NAMES_TRIED):
        if named is None:
            return  # another one's by now
        try:
            await _put(services, named, links, progress)
        except NameRefused as error:
            ascii_only = number > 2  # noqa: PLR2004 - the second refusal in a row
            named = await _fit_names(services, named, error, ascii_only=ascii_only)
            plain = named.content_name if named is not None else plain
        except TargetTaken:
            named = await _rename(services, named, numbered(plain, number, is_file=is_file))
        else:
            await share_early(services, download.hash)
            await _delivered(services, named)
            return
    raise DeliveryFailed(f"{plain!r} and its numbered names exist already", retryable=False)


async def _put(services: Services, download: Download, links: LinkBook, progress: Progress) -> None:
    """Make the files appear, where nobody else has his."""
    if taken(services, download):
        raise TargetTaken(download.content_name)
    order = await _order(services, download)
    await services.delivery(download).deliver(order, links, progress)


async def _order(services: Services, download: Download) -> DeliveryRequest:
    pieces = services.settings.delivery.verify == "pieces"
    torrent = await services.ledger.store.torrent(download.hash) if pieces else None
    item = services.ledger.snapshot.items.get(download.torrent_id or 0)
    return request_of(
        download,
        services.ledger.files(download.hash),
        title=item.name if item else "",
        torrent=torrent or b"",
    )


async def _rename(services: Services, download: Download, name: str) -> Download | None:
    """Give the content a numbered name: another download or a stranger has the plain one."""
    log.info("target_taken", hash=download.hash, before=download.content_name, after=name)
    return await services.ledger.change(
        download.hash,
        lambda latest: replace(latest, content_name=name),
        of=download,
        files=renamed(services.ledger.files(download.hash), name),
    )


async def _fit_names(
    services: Services, download: Download, error: NameRefused, *, ascii_only: bool
) -> Download | None:
    """Give the files names that the file system takes; without such names it fails as before."""
    files = fitted(
        services.ledger.files(download.hash), longest=error.longest, ascii_only=ascii_only
    )
    if files == tuple(services.ledger.files(download.hash)):
        raise DeliveryFailed(str(error))
    name = files[0].path.split("/", 1)[0]
    log.info("names_replaced", hash=download.hash, why=str(error), content_name=name)
    return await services.ledger.change(
        download.hash,
        lambda latest: replace(latest, content_name=name),
        of=download,
        files=files,
    )


async def _delivered(services: Services, download: Download) -> None:
    known = services.ledger.files(download.hash)
    files = tuple(replace(file, done=file.chosen) for file in known)
    await services.ledger.change(
        download.hash,
        lambda latest: replace(
            enter(latest, Phase.DELIVERED), completed_at=services.clock(), progress=1.0
        ),
        of=download,
        why=f"{len(files)} files are in place",
        files=files,
    )


async def _given_up(services: Services, download: Download, error: DeliveryFailed) -> None:
    if error.retryable:
        await _later(services, download, str(error))
    else:
        await failed(services, download.hash, Failure(Reason.INCOMPLETE, str(error)))


async def _later(
    services: Services, download: Download, note: str, *, after: float | None = None
) -> None:
    await services.ledger.change(
        download.hash, lambda latest: services.later(latest, note, after=after), of=download
    )


async def _look_again(services: Services, download: Download, note: str) -> None:
    pause = services.pace.backoff(download.attempts)
    await _later(services, download, note, after=min(pause, services.pace.mount))


async def _lost(services: Services, download: Download) -> None:
    """TorBox does not know the item. Just after it is ready that may pass; then follow it anew."""
    if download.attempts < LINK_PATIENCE:
        await _later(services, download, "TorBox gives no links to it yet")
        return
    services.ledger.unsee(download.torrent_id or 0)
    now = services.clock()
    await services.ledger.change(
        download.hash,
        lambda latest: replace(enter(latest, Phase.REMOTE), remote_at=now),
        of=download,
        why="TorBox gives no links to it",
    )
