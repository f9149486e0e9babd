"""The state of `sync/maindata`: the snapshots that all clients share, and a session for each client.

The rules are those of qBittorrent 4.5. A client sends the number (`rid`) of the last reply that it
received. The next reply is the difference from the state in that reply, and older replies may be
forgotten. When a reply was lost, the client sends the older number again and gets everything that
has changed since then. Any other number gets a full update.
"""

import math
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import structlog

from bridge.core.model import Category
from bridge.downloads import DownloadService
from bridge.qbittorrent.profile import Profile
from bridge.qbittorrent.sync_snapshot import (
    GlobalState,
    MainData,
    SyncSnapshot,
    TrafficCounter,
    difference,
    full_update,
    server_state,
)
from bridge.qbittorrent.torrent_info import Rendered
from bridge.qbittorrent.torrent_list import EntryCache

log = structlog.get_logger()

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

    def answer(self, rid: int, now: SyncSnapshot, *, restarts: bool) -> MainData:
        """Return the reply for a client that has received `rid`; 0 is nothing yet.

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
        return difference(known, now, self._sent_id)


class SyncSessions:
    """The sessions of all clients."""

    def __init__(self) -> None:
        self._sessions: OrderedDict[str, SyncSession] = OrderedDict()

    def answer(self, client: str, rid: int, now: SyncSnapshot, *, shared: bool) -> MainData:
        """Return the reply for a client.

        `shared`: several clients may go by this name, as those with one API key at one address.
        For them the numbers never begin again, or two would take each other's replies for their own.
        """
        session = self._sessions.setdefault(client, SyncSession())
        self._sessions.move_to_end(client)
        if len(self._sessions) > MAX_SESSIONS:
            self._sessions.popitem(last=False)
        return session.answer(rid, now, restarts=not shared)


@dataclass(frozen=True, slots=True)
class _Taken:
    snapshot: SyncSnapshot
    version: int
    free_space: int
    until: float

    def holds(self, version: int, free_space: int, now: float) -> bool:
        return (self.version, self.free_space) == (version, free_space) and self.until > now


class SnapshotTaker:
    """Takes snapshots. While nothing changes it returns the same object, which differs in nothing."""

    def __init__(self, downloads: DownloadService, entries: EntryCache, profile: Profile) -> None:
        self.traffic = TrafficCounter()
        self._downloads = downloads
        self._entries = entries
        self._profile = profile
        self._last: _Taken | None = None

    async def take(self, now: float) -> SyncSnapshot:
        """Return everything as it is now."""
        free_space = await self._downloads.free_space()
        version = self._entries.refresh()
        last = self._last
        if last is not None and last.holds(version, free_space, now):
            return last.snapshot
        entries = self._entries.entries(self._entries.primaries, now)
        until = min((entry.until for entry in entries), default=math.inf)
        self._last = _Taken(self._snapshot(entries, free_space), version, free_space, until)
        return self._last.snapshot

    def _snapshot(self, entries: Sequence[Rendered], free_space: int) -> SyncSnapshot:
        return SyncSnapshot(
            torrents={entry.info.hash: entry.info for entry in entries},
            categories=category_rows(self._downloads),
            tags=self._downloads.labels.tags(),
            trackers=_by_tracker(entries),
            server_state=server_state(
                self.traffic.totals(self._entries.primaries),
                free_space,
                self._state(),
                fields_of_5=self._profile.fields_of_5,
            ),
        )

    def _state(self) -> GlobalState:
        return GlobalState(
            download_limit=self._downloads.preferences.download_limit,
            upload_limit=self._downloads.preferences.upload_limit,
            alternative_limits=self._downloads.preferences.alternative_limits,
            queueing=self._downloads.preferences.shown["queueing_enabled"] is not False,
            connected=not self._downloads.unreachable,
        )


def _by_tracker(entries: Iterable[Rendered]) -> Mapping[str, Sequence[str]]:
    found: dict[str, list[str]] = {}
    for entry in entries:
        for url in entry.trackers:
            found.setdefault(url, []).append(entry.info.hash)
    return found


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
