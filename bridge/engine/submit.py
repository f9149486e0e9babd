"""Submitting: one create on TorBox for one download, whatever crashes in between.

The row says `submitting`, and until when to look for the hash, before a create is sent. Whoever
finds it so later does not know what became of it: the plan has TorBox's lists read, once for all
such downloads, and sends a create again only if they do not show the hash.
"""

from dataclasses import replace
from functools import partial

import structlog

from bridge.core.claims import taken_up
from bridge.core.follow import created_since, enter
from bridge.core.model import Download, Failure, Phase
from bridge.core.seeding import SeedPolicy, seed_mode
from bridge.engine.outcome import failed
from bridge.engine.services import Services
from bridge.torbox import Created, Refused, TorBoxError, WaitForSlot

log = structlog.get_logger()


async def submit(services: Services, info_hash: str, *, cached: bool) -> None:
    """Create a download on TorBox. `cached` says that TorBox is known to have it.

    Raises:
        TorBoxError: it was not created, or nobody knows; the caller notes it and tries again.
    """
    before = _with_trace(services, services.ledger.downloads[info_hash])
    now = services.clock()
    download = await services.ledger.change(
        info_hash,
        lambda latest: replace(
            latest,
            phase=Phase.SUBMITTING,
            submitted_at=latest.submitted_at or before.submitted_at or now,
            lookup_until=now + services.pace.unclear,
        ),
    )
    if download is None:
        return
    try:
        created = await _create(services, download, cached=cached)
    except Refused as refusal:
        why = Failure(refusal.reason, refusal.detail)
        services.refusals.note(info_hash, why, size=before.size, code=refusal.code, now=now)
        await failed(services, info_hash, why, left=before)
    except TorBoxError as error:
        await _undecided(services, before, error)
        raise
    else:
        await _taken(services, before, created)


def _with_trace(services: Services, download: Download) -> Download:
    """Remember a create that an earlier download of the hash did not hear of before it was removed."""
    trace = services.ledger.traces.get(download.hash)
    return download if download.submitted_at is not None else taken_up(download, trace)


async def _create(services: Services, download: Download, *, cached: bool) -> Created:
    policy = services.settings.policy_for(download.category)
    torrent = await services.ledger.store.torrent(download.hash) if download.has_torrent else None
    create = partial(
        services.torbox.create,
        magnet=None if torrent else download.magnet,
        torrent=torrent,
        seed=seed_mode(SeedPolicy(policy.seed), services.limited(download)),
        only_if_cached=policy.cached == "only",
        known_cached=cached,
    )
    try:
        return await create()
    except WaitForSlot:
        if policy.when_full == "wait":
            raise
        return await create(as_queued=True)


async def _undecided(services: Services, before: Download, error: TorBoxError) -> None:
    """Stay `submitting` if the create may have had its effect; else step back."""
    until = services.clock() + services.pace.unclear

    def apply(latest: Download) -> Download:
        if error.unclear:
            return replace(latest, lookup_until=until)
        return replace(
            latest,
            phase=Phase.ACCEPTED,
            submitted_at=before.submitted_at,
            lookup_until=before.lookup_until,
        )

    why = "" if error.unclear else str(error)
    await services.ledger.change(before.hash, apply, of=before, why=why)


async def _taken(services: Services, before: Download, created: Created) -> None:
    """TorBox said yes: note where it stands, or look for it when it did not say where.

    An item that was there already is ours only if an earlier create of ours went unanswered, and
    it is not older than that: what is seen of it already tells, or else the first look does.
    """
    ours = not created.already or (before.lookup_until > 0 and _young(services, before, created))
    if created.torrent_id is not None:
        await _adopt(services, before, created.torrent_id, ours=ours, why=created.detail)
    elif created.queued_id is not None:
        await _adopt_queued(services, before, created.queued_id, ours=ours, why=created.detail)
    else:
        await _promised(services, before, created)


def _young(services: Services, download: Download, created: Created) -> bool:
    """Tell whether a create of ours may have made it, as far as its date is known."""
    snapshot, offset = services.ledger.snapshot, services.torbox.offset_seconds
    shown = snapshot.items.get(created.torrent_id or 0) or snapshot.queued.get(
        created.queued_id or 0
    )
    return shown is None or created_since(download.submitted_at, shown, offset)


async def _promised(services: Services, before: Download, created: Created) -> None:
    """TorBox has it and did not say where: its lists will."""
    now = services.clock()
    await services.ledger.change(
        before.hash,
        lambda latest: replace(
            latest,
            submitted_at=before.submitted_at if created.already else latest.submitted_at,
            lookup_until=now + services.pace.promised,
            next_attempt_at=now + services.pace.lookup,
            note="waiting for TorBox to show it",
        ),
        of=before,
        why=created.detail,
    )


async def _adopt(
    services: Services, download: Download, torrent_id: int, *, ours: bool, why: str
) -> None:
    now = services.clock()
    ours = ours and torrent_id not in services.ledger.departed.kept
    await services.ledger.change(
        download.hash,
        lambda latest: replace(
            enter(latest, Phase.REMOTE),
            torrent_id=torrent_id,
            queued_id=None,
            ours=ours,
            submitted_at=latest.submitted_at or download.submitted_at,
            lookup_until=0.0,
            remote_at=now,
            misses=0,
        ),
        of=download,
        why=why,
    )


async def _adopt_queued(
    services: Services, download: Download, queued_id: int, *, ours: bool, why: str
) -> None:
    await services.ledger.change(
        download.hash,
        lambda latest: replace(
            enter(latest, Phase.QUEUED),
            torrent_id=None,
            queued_id=queued_id,
            ours=ours,
            submitted_at=latest.submitted_at or download.submitted_at,
            lookup_until=0.0,
            misses=0,
        ),
        of=download,
        why=why,
    )


async def promote(services: Services, info_hash: str, torrent_id: int) -> None:
    """TorBox shows the download under a (new) torrent_id.

    Its create went unanswered, or it left the queue, or it was replaced.
    """
    item = services.ledger.snapshot.items.get(torrent_id)
    download = services.ledger.downloads.get(info_hash)
    if item is None or download is None:
        return
    download = _with_trace(services, download)
    ours = _may_be_ours(download) and created_since(
        download.submitted_at, item, services.torbox.offset_seconds
    )
    await _adopt(services, download, torrent_id, ours=ours, why="found in the list")


async def enqueue(services: Services, info_hash: str, queued_id: int) -> None:
    """TorBox shows the download in its queue."""
    item = services.ledger.snapshot.queued.get(queued_id)
    download = services.ledger.downloads.get(info_hash)
    if item is None or download is None:
        return
    download = _with_trace(services, download)
    ours = _may_be_ours(download) and created_since(
        download.submitted_at, item, services.torbox.offset_seconds
    )
    await _adopt_queued(services, download, queued_id, ours=ours, why="found in TorBox's queue")


def _may_be_ours(download: Download) -> bool:
    unheard = download.phase is Phase.SUBMITTING or download.lookup_until > 0
    return download.ours or unheard
