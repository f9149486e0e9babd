"""The state of `sync/maindata`: the snapshots that all clients share, and a session for each client.

The rules are those of qBittorrent 4.5. A client sends the number (`rid`) of the last reply that it
received. The next reply is the difference from the state in that reply, and older replies may be
forgotten. When a reply was lost, the client sends the older number again and gets everything that
has changed since then. Any other number gets a full update.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable
from typing import TypeAlias

import structlog
from msgspec.structs import replace

from bridge.core.change_log import Backlog
from bridge.core.model import Category
from bridge.downloads import DownloadService
from bridge.qbittorrent.responses import Profile
from bridge.qbittorrent.sync_snapshot import (
    GlobalState,
    MainData,
    SyncSnapshot,
    Torrents,
    Totals,
    TrackerLists,
    TrafficCounter,
    difference,
    full_update,
    server_state,
)
from bridge.qbittorrent.torrent_info import TorrentInfo
from bridge.qbittorrent.torrent_list import BATCH, EntryCache

log = structlog.get_logger(__name__)

ChangedSince: TypeAlias = Callable[[int], Collection[str] | None]

MAX_RID = 1_000_000
MAX_SESSIONS = 64
"""Beyond, the client that was silent longest is forgotten and gets a full update."""


class SyncSession:
    """Remembers two snapshots: the latest sent, and the latest that the client has received."""

    def __init__(self) -> None:
        self._sent_id = 0
        self._sent: SyncSnapshot | None = None
        self._received_id = 0
        self._received: SyncSnapshot | None = None

    def answer(
        self,
        rid: int,
        now: SyncSnapshot,
        *,
        restarts: bool,
        changed_since: ChangedSince = lambda _: None,
    ) -> MainData:
        """Return the reply for a client that has received `rid`; 0 is nothing yet.

        `changed_since` returns the hashes that changed after a version; None: perhaps all.
        `restarts`: after a 0 the numbers begin at 1 again, as in 4.x.
        """
        # A client acknowledges a reply by sending its number. Until then the reply may be lost, and
        # the difference has to be made from the snapshot before.
        if rid > 0 and rid == self._sent_id:
            self._received_id, self._received = self._sent_id, self._sent
        known = self._received if rid > 0 and rid == self._received_id else None
        if known is None:
            self._received_id, self._received = 0, None
        if rid <= 0 and restarts:
            self._sent_id = 0
        self._sent_id, self._sent = self._sent_id % MAX_RID + 1, now
        if known is None:
            return full_update(now, self._sent_id)
        return difference(known, now, self._sent_id, changed_since(known.version))


class SyncSessions:
    """The sessions of all clients."""

    def __init__(self, changed_since: ChangedSince = lambda _: None) -> None:
        self._changed_since = changed_since
        self._sessions: OrderedDict[str, SyncSession] = OrderedDict()

    def answer(self, client: str, rid: int, now: SyncSnapshot, *, shared: bool) -> MainData:
        """Return the reply for a client.

        `shared`: several clients may go by this name, as those with one API key at one address.
        For them the numbers never begin again, or two would take each other's replies for their own.
        """
        session = self._sessions.get(client) or self._sessions.setdefault(client, SyncSession())
        self._sessions.move_to_end(client)
        if len(self._sessions) > MAX_SESSIONS:
            self._sessions.popitem(last=False)
        return session.answer(rid, now, restarts=not shared, changed_since=self._changed_since)


class SnapshotTaker:
    """Takes snapshots. While nothing changes it returns the same object, which differs in nothing.

    A new snapshot updates the last one with the changes only: nothing else is looked at.
    """

    def __init__(
        self,
        downloads: DownloadService,
        entries: EntryCache,
        profile: Profile,
        *,
        started_at: float = 0.0,
    ) -> None:
        self._downloads = downloads
        self._entries = entries
        self._profile = profile
        self._traffic = TrafficCounter(started_at)
        self._torrents = Torrents()
        self._trackers = TrackerLists()
        self._backlog: Backlog[str] = Backlog()
        self._lock = asyncio.Lock()
        self._last: SyncSnapshot | None = None

    async def take(self, now: float) -> SyncSnapshot:
        """Return everything as it is at `now` (unix seconds)."""
        free_space = await self._downloads.free_space()
        async with self._lock:
            changed = await self._catch_up(now)
        last = self._last
        if last is not None and not changed:
            state = last.server_state
            if state.free_space_on_disk != free_space:
                state = replace(state, free_space_on_disk=free_space)
                self._last = last = replace(last, server_state=state)
            return last
        self._last = SyncSnapshot(
            torrents=self._torrents,
            categories=category_rows(self._downloads),
            tags=self._downloads.labels.tags(),
            trackers=self._trackers.lists,
            server_state=server_state(
                self._traffic.totals(),
                free_space,
                self._state(),
                fields_of_5=self._profile.fields_of_5,
            ),
            version=self._backlog.version,
        )
        return self._last

    async def totals(self, now: float) -> Totals:
        """Return sums over all downloads at `now` (unix seconds)."""
        async with self._lock:
            await self._catch_up(now)
        return self._traffic.totals()

    async def _catch_up(self, now: float) -> bool:
        """Take over what has changed; return whether anything has since the last snapshot."""
        version = await self._entries.refresh(now)
        self._backlog.note(version, self._changed_since)
        try:
            while batch := self._backlog.take(BATCH):
                self._take_over(batch, now)
                if self._backlog:
                    # What changes meanwhile is taken over as it is, and again the next time.
                    await asyncio.sleep(0)
        finally:
            self._trackers.renew_lists()
        return self._last is None or self._last.version != version

    def _changed_since(self, version: int) -> Iterable[str]:
        changed = self._entries.changed_since(version)
        return {*self._entries.primaries, *self._torrents} if changed is None else changed

    def _take_over(self, hashes: Iterable[str], now: float) -> None:
        """Take over what these hashes show now."""
        primaries = self._entries.primaries
        changes: dict[str, TorrentInfo | None] = {}
        for info_hash in sorted(hashes):
            view = primaries.get(info_hash)
            self._traffic.update(info_hash, view)
            entry = self._entries.entry(view, now) if view is not None else None
            changes[info_hash] = entry.info if entry is not None else None
            self._trackers.put(info_hash, entry.trackers if entry is not None else ())
        self._torrents = self._torrents.with_changes(changes)

    def _state(self) -> GlobalState:
        removed = self._downloads.removed_traffic
        return GlobalState(
            download_limit=self._downloads.preferences.download_limit,
            upload_limit=self._downloads.preferences.upload_limit,
            alternative_limits=self._downloads.preferences.alternative_limits,
            queueing=self._downloads.preferences.shown["queueing_enabled"] is not False,
            connected=not self._downloads.unreachable,
            removed_downloaded=removed.downloaded,
            removed_uploaded=removed.uploaded,
        )


def category_rows(downloads: DownloadService) -> dict[str, dict[str, object]]:
    """Return every category with the directory that its downloads really go to: *arr check it."""
    return {
        category.name: {"name": category.name, "savePath": _directory(downloads, category)}
        for category in downloads.labels.categories()
    }


def _directory(downloads: DownloadService, category: Category) -> str:
    try:
        return str(downloads.labels.category_path(category))
    except ValueError as error:
        # The settings have changed since: one such category must not hide the others.
        log.warning("category_path_unusable", category=category.name, error=str(error))
        return category.save_path
