"""The replies of `torrents/info`. A poll that finds nothing new renders and encodes nothing.

`EntryCache` renders each download again only when it has changed; `torrents/info` and
`sync/maindata` both show its entries. `TorrentList` keeps whole replies until a download changes.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import msgspec
import structlog

from bridge.core.model import UNLIMITED
from bridge.downloads import DownloadService, View
from bridge.qbittorrent.profile import Profile
from bridge.qbittorrent.torrent_details import tracker_rows
from bridge.qbittorrent.torrent_filters import Query, matches, ordered
from bridge.qbittorrent.torrent_info import Rendered, Surroundings, render

log = structlog.get_logger()

MAX_REPLIES = 64
AFTER_TRACKERS = b',"trackers_count":'


@dataclass(frozen=True, slots=True)
class _Kept:
    view: View
    position: int
    around: Surroundings
    entry: Rendered | None
    """None: it could not be rendered."""

    def holds(self, view: View, position: int, around: Surroundings, now: float) -> bool:
        same = self.view is view and self.position == position and self.around is around
        return same and (self.entry is None or self.entry.until > now)


class EntryCache:
    """Renders downloads, each again only when something about it has changed."""

    def __init__(self, downloads: DownloadService, profile: Profile) -> None:
        self.primaries: Sequence[View] = ()
        """Every hash once, as of the last `refresh`, oldest first."""
        self.views: Sequence[View] = ()
        """Every grab."""
        self._downloads = downloads
        self._profile = profile
        self._around = Surroundings(profile=profile, incomplete_directory="")
        self._version = -1
        self._positions: Mapping[str, int] = {}
        self._kept: dict[int, _Kept] = {}

    def refresh(self) -> int:
        """Take over what has changed; return a version number that changes with it."""
        if self._version != self._downloads.queries.version:
            self._version = self._downloads.queries.version
            queries = self._downloads.queries
            self.views = list(queries.views.values())
            self.primaries = list(queries.primaries.values())
            self._positions = queue_positions(self.primaries)
            around = surroundings(self._downloads, self._profile)
            if around != self._around:
                self._around = around
            for gone in self._kept.keys() - {view.grab.id for view in self.views}:
                del self._kept[gone]
        return self._version

    def entries(self, views: Iterable[View], now: float) -> list[Rendered]:
        """Return the entries of views. A view that cannot be rendered is logged and left out."""
        return [entry for view in views if (entry := self._entry(view, now)) is not None]

    def _entry(self, view: View, now: float) -> Rendered | None:
        position = 0 if view.complete else self._positions.get(view.hash, 0)
        kept = self._kept.get(view.grab.id)
        if kept is None or not kept.holds(view, position, self._around, now):
            entry = self._render(view, position, now, kept)
            kept = _Kept(view, position, self._around, entry)
            self._kept[view.grab.id] = kept
        return kept.entry

    def _render(
        self, view: View, position: int, now: float, before: _Kept | None
    ) -> Rendered | None:
        info_hash = view.hash
        try:
            trackers = self._downloads.queries.trackers(view.download)
            return render(
                view,
                trackers,
                position,
                now,
                self._around,
                active_since=_active_since(view, before),
            )
        except Exception:
            # One broken entry must not break the list: the *arr would lose its whole queue.
            log.exception("torrent_not_rendered", hash=info_hash)
            return None


def _active_since(view: View, before: _Kept | None) -> int:
    """Return the `last_activity` shown before, of the same download (not one added anew).

    Once it is complete, its row knows when TorBox last uploaded.
    """
    if before is None or before.entry is None or view.complete:
        return 0
    same = before.view.grab.added_at == view.grab.added_at
    return before.entry.info.last_activity if same else 0


def surroundings(downloads: DownloadService, profile: Profile) -> Surroundings:
    """Return the settings that the entries of all downloads depend on."""
    preferences = downloads.preferences.shown
    return Surroundings(
        profile=profile,
        incomplete_directory=str(downloads.incomplete_directory),
        max_ratio=_limit(preferences, "max_ratio"),
        max_seeding_time=int(_limit(preferences, "max_seeding_time")),
        max_inactive_seeding_time=int(_limit(preferences, "max_inactive_seeding_time")),
    )


def _limit(preferences: Mapping[str, object], name: str) -> float:
    value = preferences.get(name)
    return value if isinstance(value, int | float) else UNLIMITED


def queue_positions(views: Sequence[View]) -> dict[str, int]:
    """Number the downloads that are not complete, 1-based, in the order of the queue."""
    waiting = [view for view in views if not view.complete]
    waiting.sort(key=lambda view: (view.grab.priority, view.grab.id))
    return {view.hash: place for place, view in enumerate(waiting, start=1)}


@dataclass(frozen=True, slots=True)
class _Reply:
    body: bytes
    until: float


class TorrentList:
    """Answers queries, and keeps the replies until a download changes."""

    def __init__(self, entries: EntryCache) -> None:
        self._entries = entries
        self._version = -1
        self._replies: dict[Query, _Reply] = {}

    def body(self, query: Query, now: float) -> bytes:
        """Return the JSON reply to a query. A download that cannot be rendered is left out.

        Raises:
            HttpError: 400, the sort key is not a field.
        """
        version = self._entries.refresh()
        if self._version != version:
            self._version = version
            self._replies.clear()
        reply = self._replies.get(query)
        if reply is None or reply.until <= now:
            reply = self._reply(query, now)
            # A handful of clients ask the same few questions; anything else must not pile up.
            if len(self._replies) >= MAX_REPLIES:
                self._replies.clear()
            self._replies[query] = reply
        return reply.body

    def _reply(self, query: Query, now: float) -> _Reply:
        # A list of everything shows a hash once, and so does that of a category: a client that gets
        # one twice would take the second entry for a change of the first.
        everything = query.category is None and query.tag is None
        views = self._entries.primaries if everything else self._entries.views
        found = {view.hash: view for view in reversed(views) if matches(query, view)}
        entries = self._entries.entries(reversed(found.values()), now)
        until = min((entry.until for entry in entries), default=math.inf)
        page = ordered(query, entries)
        shown = (_with_trackers(entry) if query.with_trackers else entry.json for entry in page)
        return _Reply(b"[" + b",".join(shown) + b"]", until)


def _with_trackers(entry: Rendered) -> bytes:
    """Return the JSON of an entry with its trackers, at their place in the alphabet."""
    shown = msgspec.json.encode(tracker_rows(entry.view, entry.trackers))
    # The key with its quotes cannot be part of a string: there the quotes would be escaped.
    return entry.json.replace(AFTER_TRACKERS, b',"trackers":' + shown + AFTER_TRACKERS, 1)
