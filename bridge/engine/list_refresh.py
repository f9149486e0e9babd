"""Reads TorBox's reports: one item by its id, or one list for all.

A list becomes one unit of work: a report on two hundred downloads is one commit.
"""

from collections.abc import Iterable, Iterator
from math import inf
from types import MappingProxyType

import structlog
from msgspec.structs import replace

from bridge.core.model import (
    Download,
    DownloadPhase,
    GrabPhase,
    QueuedItem,
    RemoteItem,
    Snapshot,
)
from bridge.core.remote_tracking import (
    created_since,
    record_item_seen,
    record_miss,
    record_queued_seen,
)
from bridge.core.status import known_state, state_word
from bridge.engine.blockers import Blockers
from bridge.engine.context import EngineContext
from bridge.state import State, UnitOfWork
from bridge.torbox import CallClass, Operation, TorBoxError

log = structlog.get_logger(__name__)

PROGRESS_STEP = 0.05
IDLE_STEP = 300.0
"""Seconds without progress that justify a write."""

MOST_WORDS = 100
"""Maximum number of unknown state words that are counted separately."""


class ListRefresh:
    """Reads TorBox's list and single items. A list that succeeds ends an outage."""

    def __init__(self, ctx: EngineContext, blockers: Blockers) -> None:
        self._ctx = ctx
        self._state = ctx.state
        self._blockers = blockers
        self._pace = ctx.settings.torbox.poll_seconds
        self._failures = 0
        self._unbroken_since = ctx.clock()
        self.running = False
        self.started_at = -inf
        """When the last list was started."""
        self.pause = self._pace.active
        """Seconds before the next list while downloads are followed; longer after failures."""

    @property
    def blockers(self) -> list[str]:
        """The problem with the list, in words."""
        return ["TorBox: its list cannot be read"] if self._failures > 1 else []

    def clock_put_back(self, seconds: float) -> None:
        """Take the seconds by which the clock was put back off every time."""
        self._unbroken_since -= seconds
        self.started_at -= seconds

    def begin(self) -> None:
        """Mark a list as started, before `refresh_list` reads it."""
        self.running = True
        self.started_at = self._ctx.clock()

    async def refresh_list(self, *, queue: bool) -> None:
        """Read the list, and the queue if asked. Never raises a TorBoxError."""
        try:
            # TorBox's abuse system may change the key; the user stores the new one while we run.
            if self._blockers.bad_key:
                await self._ctx.key.renew()
            await self._read(queue=queue)
        except TorBoxError as error:
            self._failed(error)
        else:
            await self._succeeded()
        finally:
            self.running = False

    def _failed(self, error: TorBoxError) -> None:
        self._failures += 1
        # Time before the next success does not count as standstill of any download.
        self._unbroken_since = inf
        # The pause never exceeds that of an idle bridge: a finished download should be seen soon
        # after an outage.
        pause = min(self._ctx.retry.backoff(self._failures), self._pace.idle)
        self.pause = max(self._pace.active, pause)
        if self._blockers.probe_at is not None:
            self._blockers.probe_failed(error)
        else:
            self._blockers.hold(error, CallClass.LIST)
        log.warning("list_failed", why=str(error), again_in=round(self.pause))

    async def _succeeded(self) -> None:
        self._failures = 0
        self.pause = self._pace.active
        self._blockers.passed(CallClass.LIST)
        self._answers_again()
        if self._blockers.answered():
            await self._resume()

    def _answers_again(self) -> None:
        """Let time count from now on, if TorBox has failed to answer before."""
        if self._unbroken_since == inf:
            self._unbroken_since = self._ctx.clock()

    async def _resume(self) -> None:
        """End the pauses that the outage caused, each at a slightly different moment."""
        now, soon = self._ctx.clock(), self._ctx.retry.soon
        async with self._state.unit_of_work() as work:
            for download in self._state.live:
                if download.next_attempt_at > now:
                    work.observe_download(replace(download, next_attempt_at=now + soon()))
                for grab in self._state.grabs_of(download.id):
                    if grab.next_attempt_at > now:
                        work.observe_grab(replace(grab, next_attempt_at=now + soon()))

    async def _read(self, *, queue: bool) -> None:
        """Read the list, and the queue if asked.

        Raises:
            TorBoxError: a list could not be read. That says nothing about the items, least of all
                that they are gone.
        """
        state, now = self._state, self._ctx.clock()
        # TorBox's list shows deleted items for minutes.
        removed = state.recently_removed
        items = removed.without_deleted(await self._ctx.torbox.list_items(), now)
        queued = None
        if queue:
            queued = removed.without_deleted_queued(await self._ctx.torbox.list_queued(), now)
        before = state.snapshot
        after = replace(
            before,
            items=MappingProxyType(self._with_followed(items)),
            listed=frozenset(item.id for item in items),
            listed_at=now,
        )
        if queued is not None:
            after = replace(
                after,
                queued=MappingProxyType({item.id: item for item in queued}),
                queue_listed_at=now,
            )
        changed = set(_changed(before, after))
        learn_words(state, (after.items[key] for key in changed if key in after.items))
        state.set_snapshot(after, changed)
        async with state.unit_of_work() as work:
            for download in state.live:
                self._record(work, download, after, queued)

    def _with_followed(self, items: Iterable[RemoteItem]) -> dict[int, RemoteItem]:
        """Return the list with the items that were read by id and that it does not show yet."""
        listed = {item.id: item for item in items}
        for download in self._state.live:
            # New items are missing from the list for up to five minutes, even with
            # bypass_cache=true.
            if download.phase is DownloadPhase.ACTIVE and download.torrent_id not in listed:
                known = self._state.snapshot.items.get(download.torrent_id or 0)
                if known is not None:
                    listed[known.id] = known
        return listed

    def _record(
        self,
        work: UnitOfWork,
        download: Download,
        snapshot: Snapshot,
        queued: tuple[QueuedItem, ...] | None,
    ) -> None:
        """Record the list's report on one download."""
        item = snapshot.items.get(download.torrent_id or 0)
        if item is not None and item.id in snapshot.listed:
            self._item_seen(work, download, item)
        elif download.phase is DownloadPhase.QUEUED:
            if queued is not None:
                self._queue_read(work, download, snapshot)
        elif item is None or item.id not in snapshot.listed:
            seeding = any(
                grab.phase is GrabPhase.DELIVERED for grab in self._state.grabs_of(download.id)
            )
            if seeding and download.phase is DownloadPhase.READY:
                work.observe_download(record_miss(download))

    def _queue_read(self, work: UnitOfWork, download: Download, snapshot: Snapshot) -> None:
        entry = snapshot.queued_by_hash(download.hash)
        if entry is not None:
            ours = self._ours(download, entry, download.phase_at)
            seen = record_queued_seen(download, self._ctx.clock())
            work.observe_download(replace(seen, queued_id=entry.id, ours=ours))
        elif snapshot.item_by_hash(download.hash) is None:
            work.update_download(download.id, record_miss)

    def _item_seen(self, work: UnitOfWork, download: Download, item: RemoteItem) -> None:
        """Record an observation: in the database if it matters after a restart, else in memory."""
        now = self._ctx.clock()
        seen = record_item_seen(download, item, now, unbroken_since=self._unbroken_since)
        after = replace(seen, ours=self._ours(download, item, download.remote_at or 0.0))
        # What has just become ready is written in a moment, with the plan of its files.
        planned_next = item.ready and download.phase is DownloadPhase.ACTIVE
        if _matters(download, after) and not planned_next:
            work.update_download(download.id, lambda _: after)
        else:
            work.observe_download(after)

    def _ours(self, download: Download, item: RemoteItem | QueuedItem, attached_at: float) -> bool:
        """Return whether our create made the item.

        The first sighting after it was attached decides for good. A later one must not: once our
        clock was set, `submitted_at` can no longer be compared with TorBox's.
        """
        if download.seen_at is not None and download.seen_at >= attached_at:
            return download.ours
        offset = self._ctx.torbox.offset_seconds
        return download.ours and created_since(download.submitted_at, item, offset)

    async def refresh_item(self, download_id: int, torrent_id: int) -> None:
        """Read one item by its id.

        Raises:
            TorBoxError: TorBox gave no answer, which says nothing about the item.
        """
        state = self._state
        try:
            item = await self._ctx.torbox.item(torrent_id)
        except TorBoxError:
            self._unbroken_since = inf
            raise
        if item is None or torrent_id in state.recently_removed.deleted:
            state.forget_item(torrent_id)
        else:
            items = {**state.snapshot.items, item.id: item}
            if state.snapshot.items.get(item.id) != item:
                learn_words(state, [item])
                snapshot = replace(state.snapshot, items=MappingProxyType(items))
                state.set_snapshot(snapshot, (item.id,))
        async with state.unit_of_work() as work:
            download = work.download(download_id)
            # The download may have been attached to another item while the answer was on its way.
            if download is None or download.torrent_id != torrent_id:
                return
            if item is None:
                work.update_download(download_id, record_miss, why="TorBox does not know its id")
            else:
                self._item_seen(work, download, item)
        self._answers_again()


def _changed(before: Snapshot, after: Snapshot) -> Iterator[int]:
    """Yield the ids whose items differ between the snapshots."""
    for key, item in after.items.items():
        known = before.items.get(key)
        if known is not item and known != item:
            yield key
    yield from before.items.keys() - after.items.keys()


def learn_words(state: State, items: Iterable[RemoteItem]) -> None:
    """Count the state words that the bridge does not know, and log each once."""
    for item in items:
        word = state_word(item.state)
        if known_state(word) or len(state.unknown_states) >= MOST_WORDS:
            continue
        if word not in state.unknown_states:
            log.warning("torbox_unknown_state", state=item.state, torrent_id=item.id)
        state.unknown_states[word] += 1


def _matters(before: Download, after: Download) -> bool:
    return (
        before.name != after.name
        or before.size != after.size
        or before.ours != after.ours
        or before.misses != after.misses
        or before.failing_since != after.failing_since
        or before.remote_name != after.remote_name
        or int(before.remote_progress / PROGRESS_STEP) != int(after.remote_progress / PROGRESS_STEP)
        or int(before.idle_seconds / IDLE_STEP) != int(after.idle_seconds / IDLE_STEP)
    )


async def reannounce(ctx: EngineContext, download_id: int) -> None:
    """Ask TorBox to look for other peers. Stored first, so that a crash cannot repeat it."""
    note = "no progress: TorBox reannounces it, the last attempt before it fails"
    download = await ctx.state.update_download(
        download_id,
        lambda latest: replace(latest, reannounced_at=latest.idle_seconds, note=note),
    )
    if download is None or download.torrent_id is None:
        return
    try:
        await ctx.torbox.control(download.torrent_id, Operation.REANNOUNCE)
    except TorBoxError as error:
        # Whether the download fails later does not depend on this call.
        log.info("reannounce_failed", release=download.name, hash=download.hash, why=str(error))
