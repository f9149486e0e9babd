"""The replies of `torrents/info`. A poll that finds nothing new renders and encodes nothing.

`EntryCache` renders each download again only when it has changed; `torrents/info` and
`sync/maindata` both show its entries. `TorrentList` keeps whole replies until a download changes.
"""

import asyncio
import heapq
import math
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

import msgspec
import structlog

from bridge.core.change_log import Backlog, ChangeLog, batched
from bridge.core.model import UNLIMITED
from bridge.downloads import DownloadService, View
from bridge.qbittorrent.responses import Profile
from bridge.qbittorrent.torrent_details import tracker_rows
from bridge.qbittorrent.torrent_filters import Query, matches, ordered
from bridge.qbittorrent.torrent_info import Rendered, Surroundings, render

log = structlog.get_logger(__name__)

MAX_REPLIES = 64
SENT_WHOLE = 1000
"""A reply of more downloads is sent in pieces, and not kept: that would cost too much memory."""
BATCH = 100
"""Entries that are taken over, rendered or encoded in one go: other requests are answered in between."""
LOOKED_AT = 500
"""Views that are compared with a query in one go."""
MOST_RENEWED = 200
"""Entries that are rendered again at once only because time has passed; others follow soon."""
AFTER_TRACKERS = b',"trackers_count":'


class _Kept(msgspec.Struct, frozen=True, gc=False):
    view: View
    position: int
    around: Surroundings
    entry: Rendered | None
    """None: it could not be rendered."""

    def holds(self, view: View, position: int, around: Surroundings) -> bool:
        return self.view is view and self.position == position and self.around is around


class EntryCache:
    """Renders grabs as entries, each again only when it has changed, or shows times that pass."""

    def __init__(self, downloads: DownloadService, profile: Profile) -> None:
        self._downloads = downloads
        self._queries = downloads.queries
        self._profile = profile
        self._around = Surroundings(profile=profile, incomplete_directory="")
        self._backlog: Backlog[str] = Backlog()
        self._refreshing = asyncio.Lock()
        self._changes: ChangeLog[str] = ChangeLog()
        self._places: dict[str, tuple[int, int]] = {}
        """By hash, what is not complete sorts by in the queue."""
        self._positions: Mapping[str, int] = {}
        self._moved = False
        """A place has changed, so the queue has to be numbered again."""
        self._kept: dict[int, _Kept] = {}
        """By grab id."""
        self._kept_of: dict[str, tuple[int, ...]] = {}
        """By hash, the grabs that are kept. Tuples: nearly every hash has one grab."""
        self._stale: set[int] = set()
        self._expiring: list[tuple[float, int]] = []
        """A heap: when the times in an entry are too old, and its grab id."""

    @property
    def views(self) -> Collection[View]:
        """Every grab, the oldest first."""
        return self._queries.views.values()

    @property
    def primaries(self) -> Mapping[str, View]:
        """A grab for each hash."""
        return self._queries.primaries

    def views_of(self, hashes: Iterable[str]) -> Sequence[View]:
        """Return every grab of these hashes."""
        return self._queries.of_hashes(hashes)

    async def refresh(self, now: float) -> int:
        """Take over what has changed; return a version number that changes with it.

        `now` in unix seconds. The cost is that of the changes, and of at most `MOST_RENEWED`
        entries that show passing time.
        """
        await self._queries.prepare()
        expires = bool(self._expiring) and self._expiring[0][0] <= now
        news = self._queries.version != self._backlog.version
        if not (news or expires or self._moved or self._backlog or self._refreshing.locked()):
            return self._changes.version
        async with self._refreshing:
            await self._queries.prepare()
            if expired := self._expired(now):
                self._changes.record(expired)
            self._note()
            if len(self._backlog) > BATCH:
                while self._backlog:
                    self._take_over(self._backlog.take(BATCH))
                    await asyncio.sleep(0)
                self._note()
            self._take_over(self._backlog.take())
            if self._moved:
                self._number_the_queue()
            return self._changes.version

    def changed_since(self, version: int) -> set[str] | None:
        """Return the hashes whose entries changed after a version; None: perhaps all."""
        return self._changes.since(version)

    def _note(self) -> None:
        """Note the hashes whose entries may have changed."""

        def changed_since(version: int) -> Iterable[str]:
            changed = self._queries.changed_since(version)
            around = surroundings(self._downloads, self._profile)
            if around != self._around:
                self._around, changed = around, None
            if changed is None:
                return {*self.primaries, *self._kept_of, *self._places}
            return changed

        if self._backlog.note(self._queries.version, changed_since):
            # Clients are told of the connection itself, too, also where no entry changes with it.
            self._changes.record(())

    def _take_over(self, changed: Collection[str]) -> None:
        if not changed:
            return
        views = self._queries.views
        for info_hash in self._kept_of.keys() & changed:
            for grab_id in [key for key in self._kept_of[info_hash] if key not in views]:
                self._forget(info_hash, grab_id)
        self._place(changed)
        self._changes.record(changed)

    def _forget(self, info_hash: str, grab_id: int) -> None:
        del self._kept[grab_id]
        rest = tuple(key for key in self._kept_of.pop(info_hash) if key != grab_id)
        if rest:
            self._kept_of[info_hash] = rest

    def _place(self, changed: Iterable[str]) -> None:
        """Take over the places of hashes in the queue."""
        primaries = self.primaries
        # Beside a complete grab another one of the hash may still wait.
        views = reversed(self.views_of(changed))  # the oldest last, so that it counts
        waiting = {view.hash: view for view in views if not view.complete}
        for info_hash in changed:
            view = primaries.get(info_hash)
            if view is not None and view.complete:
                view = waiting.get(info_hash)
            place = (view.grab.priority, view.grab.id) if view is not None else None
            if self._places.get(info_hash) != place:
                self._moved = True
                if place is None:
                    del self._places[info_hash]
                else:
                    self._places[info_hash] = place

    def _number_the_queue(self) -> None:
        before, self._positions = self._positions, queue_positions(self._places)
        self._moved = False
        moved = (key for key, place in self._positions.items() if before.get(key) != place)
        self._changes.record(moved)

    def _expired(self, now: float) -> set[str]:
        """Return the hashes of entries whose times are too old to be shown, a few at once."""
        found: set[str] = set()
        while self._expiring and self._expiring[0][0] <= now and len(found) < MOST_RENEWED:
            until, grab_id = heapq.heappop(self._expiring)
            kept = self._kept.get(grab_id)
            if kept is not None and kept.entry is not None and kept.entry.until == until:
                self._stale.add(grab_id)
                found.add(kept.view.hash)
        return found

    async def entries(self, views: Iterable[View], now: float) -> list[Rendered]:
        """Return the entries of views. A view that cannot be rendered is logged and left out."""
        found: list[Rendered] = []
        for batch in batched(views, BATCH):
            if found:
                await asyncio.sleep(0)
            rendered = (self.entry(view, now) for view in batch)
            found += [entry for entry in rendered if entry is not None]
        return found

    def entry(self, view: View, now: float) -> Rendered | None:
        """Return the entry of a view; None when it cannot be rendered, which is logged."""
        position = 0 if view.complete else self._positions.get(view.hash, 0)
        kept = self._kept.get(view.grab.id)
        fresh = kept is not None and view.grab.id not in self._stale
        if kept is not None and fresh and kept.holds(view, position, self._around):
            return kept.entry
        entry = self._render(view, position, now, kept)
        self._kept[view.grab.id] = _Kept(view, position, self._around, entry)
        if kept is None:
            self._kept_of[view.hash] = (*self._kept_of.get(view.hash, ()), view.grab.id)
        self._stale.discard(view.grab.id)
        if entry is not None and entry.until < math.inf:
            heapq.heappush(self._expiring, (entry.until, view.grab.id))
        return entry

    def _trackers(self, view: View, before: _Kept | None) -> Sequence[str]:
        # Parsing a magnet takes as long as all the rest.
        known = before and before.entry
        if known and known.view.download.magnet == view.download.magnet:
            return known.trackers
        return self._queries.trackers(view.download)

    def _render(
        self, view: View, position: int, now: float, before: _Kept | None
    ) -> Rendered | None:
        try:
            trackers = self._trackers(view, before)
            entry = render(
                view,
                trackers,
                position,
                now,
                self._around,
                active_since=_active_since(view, before),
            )
            entry.json  # noqa: B018 - raises for what JSON cannot hold
        except Exception:
            # One broken entry must not break the list: the *arr would lose its whole queue.
            log.exception("torrent_not_rendered", hash=view.hash)
            return None
        return entry


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


def queue_positions(places: Mapping[str, tuple[int, int]]) -> dict[str, int]:
    """Number hashes, 1-based, in the order of the queue: by priority, then by age (the grab id)."""
    order = sorted(places, key=places.__getitem__)
    return {info_hash: number for number, info_hash in enumerate(order, start=1)}


@dataclass(slots=True)
class _Reply:
    body: bytes
    version: int
    """Of the entries: what has changed since then must be looked at."""
    hashes: AbstractSet[str]


class TorrentList:
    """Answers queries, and keeps a reply until an entry changes that it shows, or would show."""

    def __init__(self, entries: EntryCache) -> None:
        self._entries = entries
        self._replies: dict[Query, _Reply] = {}

    async def body(self, query: Query, now: float) -> bytes | AsyncIterator[bytes]:
        """Return the JSON reply to a query, a large one in pieces.

        A download that cannot be rendered is left out.

        Raises:
            HttpError: 400, the sort key is not a field.
        """
        version = await self._entries.refresh(now)
        reply = self._replies.get(query)
        if reply is not None and self._holds(query, reply):
            reply.version = version
            return reply.body
        found = await self._found(query)
        shown = ordered(query, await self._entries.entries(found.values(), now))
        pieces = _encoded(shown, with_trackers=query.with_trackers)
        self._replies.pop(query, None)
        if len(shown) > SENT_WHOLE:
            return pieces
        body = b"".join([piece async for piece in pieces])
        # A handful of clients ask the same few questions; anything else must not pile up.
        if len(self._replies) >= MAX_REPLIES:
            self._replies.clear()
        self._replies[query] = _Reply(body, version, found.keys())
        return body

    def _holds(self, query: Query, reply: _Reply) -> bool:
        changed = self._entries.changed_since(reply.version)
        if not changed:
            return changed is not None
        return reply.hashes.isdisjoint(changed) and not any(
            matches(query, view) for view in self._entries.views_of(changed)
        )

    async def _found(self, query: Query) -> dict[str, View]:
        """Return the views that match a query, the oldest first."""
        # A list of everything shows a hash once, and so does that of a category: a client that gets
        # one twice would take the second entry for a change of the first.
        everything = query.category is None and query.tag is None
        primaries = self._entries.primaries
        views: Iterable[View] = self._entries.views
        if query.hashes is not None:
            # In the order of a list of everything.
            views = sorted(self._entries.views_of(query.hashes), key=lambda view: view.grab.id)
        found: dict[str, View] = {}
        for batch in batched(views, LOOKED_AT):
            for view in batch:
                primary = primaries.get(view.hash, view)
                # By id: the view of a fetch is another object as soon as its speed has changed.
                if everything and primary.grab.id != view.grab.id:
                    continue
                if matches(query, view):
                    found.setdefault(view.hash, view)
            if len(batch) == LOOKED_AT:
                await asyncio.sleep(0)
        return found


async def _encoded(shown: Iterable[Rendered], *, with_trackers: bool) -> AsyncIterator[bytes]:
    """Yield a JSON list in pieces; other requests are answered in between."""
    before = b"["
    for batch in batched(shown, BATCH):
        rows = (_with_trackers(entry) if with_trackers else entry.json for entry in batch)
        yield before + b",".join(rows)
        before = b","
        await asyncio.sleep(0)
    yield b"[]" if before == b"[" else b"]"


def _with_trackers(entry: Rendered) -> bytes:
    """Return the JSON of an entry with its trackers, at their place in the alphabet."""
    shown = msgspec.json.encode(tracker_rows(entry.view, entry.trackers))
    # The key with its quotes cannot be part of a string: there the quotes would be escaped.
    return entry.json.replace(AFTER_TRACKERS, b',"trackers":' + shown + AFTER_TRACKERS, 1)
