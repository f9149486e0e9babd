"""Watching: one look by id, or one shared list for all; and what the news change in the ledger."""

from collections.abc import Iterable
from dataclasses import replace
from types import MappingProxyType

import structlog

from bridge.core.actions import Look
from bridge.core.follow import created_since, missed, observed, sighted
from bridge.core.model import Download, Phase, QueuedItem, RemoteItem
from bridge.core.status import known_state, state_word
from bridge.engine.ledger import Ledger
from bridge.engine.services import Services
from bridge.torbox import Operation, TorBoxError

log = structlog.get_logger()

PROGRESS_STEP = 0.05
IDLE_STEP = 300.0
"""Seconds without progress that are worth a write."""

MOST_WORDS = 100
"""Unknown words for a state that are told apart."""


def active(ledger: Ledger) -> int:
    """How many items hold a slot, as far as TorBox has said."""
    return sum(item.active for item in ledger.snapshot.items.values())


async def look(services: Services, action: Look) -> None:
    """Ask for one item by its id.

    Raises:
        TorBoxError: TorBox could not be asked; that is no news.
    """
    item = await services.torbox.item(action.torrent_id)
    ledger = services.ledger
    if item is None or action.torrent_id in ledger.departed.deleted:
        ledger.unsee(action.torrent_id)
    else:
        items = {**ledger.snapshot.items, item.id: item}
        ledger.observe(replace(ledger.snapshot, items=MappingProxyType(items)))
        _learn_words(ledger, [item])
    download = ledger.downloads.get(action.hash)
    if download is None or download.torrent_id != action.torrent_id:
        return
    if item is None:
        why = "TorBox does not know its id"
        await ledger.change(action.hash, missed, of=download, why=why)
    else:
        await _note(services, download, item)


async def reannounce(services: Services, info_hash: str) -> None:
    """Let TorBox look for other peers. Written down before: it is asked once, whatever crashes."""
    download = await services.ledger.change(
        info_hash,
        lambda latest: replace(
            latest,
            reannounced_at=latest.idle_seconds,
            note="no progress: TorBox has been told to reannounce it, the last try",
        ),
    )
    if download is None or download.torrent_id is None:
        return
    try:
        await services.torbox.control(download.torrent_id, Operation.REANNOUNCE)
    except TorBoxError as error:
        # A courtesy: the verdict does not depend on it.
        log.info("not_reannounced", hash=info_hash, why=str(error))


async def poll(services: Services, *, queue: bool) -> bool:
    """Read the shared list, and the queue on request; tell whether anything moved.

    Raises:
        TorBoxError: a list could not be read; that is no news, least of all "all gone".
    """
    now, departed = services.clock(), services.ledger.departed
    items = departed.living(await services.torbox.list_items(), now)
    queued = departed.living_queued(await services.torbox.list_queued(), now) if queue else None
    before = services.ledger.snapshot
    after = replace(
        before,
        items=MappingProxyType(_merged(services, items)),
        listed=frozenset(item.id for item in items),
        listed_at=now,
    )
    if queued is not None:
        after = replace(
            after,
            queued=MappingProxyType({item.id: item for item in queued}),
            queue_listed_at=now,
        )
    services.ledger.observe(after)
    new = (item for item in items if before.items.get(item.id) is not item)
    _learn_words(services.ledger, new)
    for info_hash in tuple(services.ledger.downloads):
        download = services.ledger.downloads.get(info_hash)
        if download is not None:
            await _news(services, download, queued)
    return before.items != after.items or before.queued != after.queued


def _merged(services: Services, items: Iterable[RemoteItem]) -> dict[int, RemoteItem]:
    """Take the list, and keep what was asked for by id: the list lags behind its items."""
    listed = {item.id: item for item in items}
    for download in services.ledger.downloads.values():
        if download.phase is Phase.REMOTE and download.torrent_id not in listed:
            known = services.ledger.snapshot.items.get(download.torrent_id or 0)
            if known is not None:
                listed[known.id] = known
    return listed


def _learn_words(ledger: Ledger, items: Iterable[RemoteItem]) -> None:
    """Count the states that nobody told us of, and log each word once."""
    for item in items:
        word = state_word(item.state)
        if known_state(word) or len(ledger.unknown_states) >= MOST_WORDS:
            continue
        if word not in ledger.unknown_states:
            log.warning("torbox_unknown_state", state=item.state, torrent_id=item.id)
        ledger.unknown_states[word] += 1


async def _news(
    services: Services, download: Download, queued: tuple[QueuedItem, ...] | None
) -> None:
    snapshot = services.ledger.snapshot
    watched = _watched_as(services, download)
    match watched:
        case Phase.REMOTE | Phase.DELIVERED:
            item = snapshot.items.get(download.torrent_id or 0)
            if item is not None and item.id in snapshot.listed:
                await _note(services, download, item)
            elif watched is Phase.DELIVERED:
                services.ledger.note(download.hash, missed)
        case Phase.QUEUED if queued is not None:
            await _queue_news(services, download)
        case _:
            pass


def _watched_as(services: Services, download: Download) -> Phase:
    """Tell the phase that counts: somebody may still seed what the first has done with."""
    phases = [seen.phase for seen in services.everyone(download).values()]
    finished = download.phase is Phase.FINISHED
    return Phase.DELIVERED if finished and Phase.DELIVERED in phases else download.phase


async def _queue_news(services: Services, download: Download) -> None:
    ledger, now, offset = services.ledger, services.clock(), services.torbox.offset_seconds
    entry = ledger.snapshot.queued_by_hash(download.hash)
    if entry is not None:
        ours = download.ours and created_since(download.submitted_at, entry, offset)
        ledger.note(
            download.hash,
            lambda latest: replace(sighted(latest, now), queued_id=entry.id, ours=ours),
        )
    elif ledger.snapshot.item_by_hash(download.hash) is None:
        await ledger.change(download.hash, missed, of=download)


async def _note(services: Services, download: Download, item: RemoteItem) -> None:
    """Take an observation over: to disk when it matters after a restart, else in memory."""
    now, offset = services.clock(), services.torbox.offset_seconds

    def apply(latest: Download) -> Download:
        ours = latest.ours and created_since(latest.submitted_at, item, offset)
        return replace(observed(latest, item, now), ours=ours)

    if _matters(download, apply(download)):
        await services.ledger.change(download.hash, apply, of=download)
    else:
        services.ledger.note(download.hash, apply)


def _matters(before: Download, after: Download) -> bool:
    return (
        before.name != after.name
        or before.size != after.size
        or before.ours != after.ours
        or before.misses != after.misses
        or before.failing_since != after.failing_since
        or int(before.remote_progress / PROGRESS_STEP) != int(after.remote_progress / PROGRESS_STEP)
        or int(before.idle_seconds / IDLE_STEP) != int(after.idle_seconds / IDLE_STEP)
    )
