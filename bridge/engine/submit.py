"""Submitting: one create on TorBox for one download, whatever crashes in between.

The row says `submitting` before a create is sent. Whoever finds it so later does not know what
became of it, and looks for the hash in TorBox's lists before anything is sent again.
"""

from dataclasses import replace

import structlog

from bridge.core.follow import created_since
from bridge.core.model import Download, Failure, Phase
from bridge.core.seeding import SeedPolicy, seed_mode
from bridge.engine.ledger import enter
from bridge.engine.outcome import failed
from bridge.engine.services import Services
from bridge.torbox import Created, Refused, TorBoxError

log = structlog.get_logger()


async def submit(services: Services, info_hash: str) -> None:
    """Bring a download to TorBox: find it there if it may be there, create it if not.

    Raises:
        TorBoxError: TorBox could not be asked; the caller notes it and tries again.
    """
    download = services.ledger.downloads[info_hash]
    if download.phase is Phase.SUBMITTING and await _found(services, download):
        return
    if download.lookup_until > services.clock():
        await services.ledger.change(
            info_hash,
            lambda latest: services.later(latest, "waiting for TorBox to show it", after=None),
        )
        return
    await _create(services, info_hash)


async def _found(services: Services, download: Download) -> bool:
    """Look for what an earlier create made, in the list and in the queue."""
    items = await services.torbox.list_items()
    for item in items:
        if download.hash == item.hash or download.hash in item.other_hashes:
            ours = created_since(download.submitted_at, item, services.torbox.offset_seconds)
            await _adopt(services, download.hash, torrent_id=item.id, ours=ours, why="found there")
            return True
    for queued in await services.torbox.list_queued():
        if queued.hash == download.hash:
            await _adopt_queued(services, download.hash, queued_id=queued.id, why="found in queue")
            return True
    return False


async def _create(services: Services, info_hash: str) -> None:
    now = services.clock()
    download = await services.ledger.change(
        info_hash,
        lambda latest: replace(
            latest, phase=Phase.SUBMITTING, submitted_at=latest.submitted_at or now
        ),
    )
    if download is None:
        return
    policy = services.settings.policy_for(download.category)
    torrent = await services.ledger.store.torrent(info_hash) if download.has_torrent else None
    try:
        created = await services.torbox.create(
            magnet=None if torrent else download.magnet,
            torrent=torrent,
            seed=seed_mode(SeedPolicy(policy.seed), download),
            only_if_cached=policy.cached == "only",
        )
    except Refused as refusal:
        await failed(services, info_hash, Failure(refusal.reason, refusal.detail))
    except TorBoxError as error:
        await _undecided(services, info_hash, error)
        raise
    else:
        await _taken(services, info_hash, created)


async def _undecided(services: Services, info_hash: str, error: TorBoxError) -> None:
    """Stay `submitting` if the create may have had its effect; else step back."""
    until = services.clock() + services.pace.unclear
    await services.ledger.change(
        info_hash,
        lambda latest: (
            replace(latest, lookup_until=until)
            if error.unclear
            else replace(
                latest,
                phase=Phase.ACCEPTED,
                submitted_at=latest.submitted_at if latest.lookup_until else None,
            )
        ),
        why="" if error.unclear else str(error),
    )


async def _taken(services: Services, info_hash: str, created: Created) -> None:
    """TorBox said yes: note where it stands, or look for it when it did not say where.

    An item that was there already is ours only if an earlier create of ours went unanswered; the
    first look settles that by its date.
    """
    if created.torrent_id is not None:
        download = services.ledger.downloads.get(info_hash)
        unanswered = download is not None and download.lookup_until > 0
        ours = not created.already or unanswered
        await _adopt(
            services, info_hash, torrent_id=created.torrent_id, ours=ours, why=created.detail
        )
    elif created.queued_id is not None:
        await _adopt_queued(services, info_hash, queued_id=created.queued_id, why=created.detail)
    else:
        until = services.clock() + services.pace.promised
        await services.ledger.change(
            info_hash,
            lambda latest: services.later(
                replace(latest, lookup_until=until),
                "waiting for TorBox to show it",
                after=services.pace.lookup,
            ),
            why=created.detail,
        )


async def _adopt(
    services: Services, info_hash: str, *, torrent_id: int, ours: bool, why: str
) -> None:
    now = services.clock()
    await services.ledger.change(
        info_hash,
        lambda latest: replace(
            enter(latest, Phase.REMOTE),
            torrent_id=torrent_id,
            queued_id=None,
            ours=ours,
            remote_at=now,
            misses=0,
        ),
        why=why,
    )


async def _adopt_queued(services: Services, info_hash: str, *, queued_id: int, why: str) -> None:
    await services.ledger.change(
        info_hash,
        lambda latest: replace(enter(latest, Phase.QUEUED), queued_id=queued_id, ours=True),
        why=why,
    )


async def promote(services: Services, info_hash: str, torrent_id: int) -> None:
    """TorBox shows the download under a (new) torrent_id: it left the queue, or was replaced."""
    item = services.ledger.snapshot.items.get(torrent_id)
    download = services.ledger.downloads.get(info_hash)
    if item is None or download is None:
        return
    ours = download.ours and created_since(
        download.submitted_at, item, services.torbox.offset_seconds
    )
    await _adopt(services, info_hash, torrent_id=torrent_id, ours=ours, why="has a torrent_id now")
