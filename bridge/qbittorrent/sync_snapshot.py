"""Snapshots of everything that `sync/maindata` shows, and the difference between two. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from types import MappingProxyType
from typing import TypeAlias

import msgspec
from msgspec import UNSET, UnsetType

from bridge.core.change_log import batched
from bridge.downloads import View
from bridge.qbittorrent.torrent_info import TorrentInfo

Fields: TypeAlias = Mapping[str, object]

_ENCODER = msgspec.json.Encoder()

BATCH = 100
"""Downloads in a piece of a full update."""

PART_DIGITS = 2
"""Of a hash: entries with the same ones share a part of `Torrents`."""


class ServerState(msgspec.Struct, kw_only=True, frozen=True):
    """`server_state` as in 4.6, where some numbers are strings."""

    alltime_dl: int
    alltime_ul: int
    average_time_queue: int = 0
    connection_status: str = "connected"
    dht_nodes: int = 0
    dl_info_data: int
    dl_info_speed: int
    dl_rate_limit: int = 0
    free_space_on_disk: int
    global_ratio: str
    last_external_address_v4: str | UnsetType = UNSET
    last_external_address_v6: str | UnsetType = UNSET
    queued_io_jobs: int = 0
    queueing: bool = True
    read_cache_hits: str = "0"
    read_cache_overload: str = "0"
    refresh_interval: int = 1500
    """Milliseconds that a client waits between two requests."""
    total_buffers_size: int = 0
    total_peer_connections: int
    total_queued_size: int = 0
    total_wasted_session: int = 0
    up_info_data: int
    up_info_speed: int
    up_rate_limit: int = 0
    use_alt_speed_limits: bool = False
    use_subcategories: bool = False
    write_cache_overload: str = "0"


class Torrents(Mapping[str, TorrentInfo]):
    """Entries by hash. It never changes: a copy with changes shares all parts without any.

    So a snapshot after one change costs the same with a hundred downloads and with tens of
    thousands.
    """

    def __init__(
        self, parts: Mapping[str, Mapping[str, TorrentInfo]] = MappingProxyType({})
    ) -> None:
        self._parts = parts
        """By the first digits of the hashes."""

    def __getitem__(self, info_hash: str) -> TorrentInfo:
        return self._parts[info_hash[:PART_DIGITS]][info_hash]

    def __iter__(self) -> Iterator[str]:
        return chain.from_iterable(self._parts.values())

    def __len__(self) -> int:
        return sum(map(len, self._parts.values()))

    def with_changes(self, changes: Mapping[str, TorrentInfo | None]) -> "Torrents":
        """Return a copy with these entries instead of those of their hashes; without those of None."""
        changed: dict[str, dict[str, TorrentInfo]] = {}
        for info_hash, info in changes.items():
            name = info_hash[:PART_DIGITS]
            if name not in changed:
                changed[name] = dict(self._parts.get(name, {}))
            if info is not None:
                changed[name][info_hash] = info
            else:
                changed[name].pop(info_hash, None)
        return Torrents({**self._parts, **changed})


class TrackerLists:
    """The hashes of each tracker."""

    def __init__(self) -> None:
        self.lists: Mapping[str, Sequence[str]] = {}
        """By URL. Replaced and never changed, because snapshots hold it."""
        self._trackers_of: dict[str, Sequence[str]] = {}
        self._left: dict[str, set[str]] = {}
        self._joined: dict[str, dict[str, None]] = {}
        """By URL, the hashes that are not listed yet, in the order in which they came."""

    def put(self, info_hash: str, trackers: Sequence[str]) -> None:
        """List a hash under these trackers and no others, from the next `renew_lists` on."""
        before = self._trackers_of.get(info_hash, ())
        if trackers == before:
            return
        for url in before:
            joined = self._joined.get(url, {})
            if info_hash in joined:
                del joined[info_hash]
            else:
                self._left.setdefault(url, set()).add(info_hash)
        for url in trackers:
            self._joined.setdefault(url, {})[info_hash] = None
        if trackers:
            self._trackers_of[info_hash] = trackers
        else:
            del self._trackers_of[info_hash]

    def renew_lists(self) -> None:
        """Renew the lists that changed."""
        if not self._left and not self._joined:
            return
        lists = dict(self.lists)
        for url in {**self._left, **self._joined}:
            gone, known = self._left.get(url, ()), lists.pop(url, ())
            kept = [info_hash for info_hash in known if info_hash not in gone] if gone else known
            if changed := [*kept, *self._joined.get(url, ())]:
                lists[url] = changed
        self.lists, self._left, self._joined = lists, {}, {}


class SyncSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """Everything at one moment. Unchanged entries are the same objects as in the snapshot before."""

    torrents: Mapping[str, TorrentInfo]
    """By hash."""
    categories: Mapping[str, Fields]
    tags: Sequence[str]
    trackers: Mapping[str, Sequence[str]]
    """By URL, the hashes of the downloads that have it."""
    server_state: ServerState
    version: int = 0
    """Of the entries; later snapshots have larger numbers."""


class MainData(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    """A reply. In a difference, sections without changes are left out."""

    categories: Mapping[str, Fields] | UnsetType = UNSET
    categories_removed: Sequence[str] | UnsetType = UNSET
    full_update: bool | UnsetType = UNSET
    rid: int
    server_state: ServerState | Fields | UnsetType = UNSET
    tags: Sequence[str] | UnsetType = UNSET
    tags_removed: Sequence[str] | UnsetType = UNSET
    torrents: Mapping[str, Fields] | Mapping[str, TorrentInfo] | UnsetType = UNSET
    torrents_removed: Sequence[str] | UnsetType = UNSET
    trackers: Mapping[str, Sequence[str]] | UnsetType = UNSET
    trackers_removed: Sequence[str] | UnsetType = UNSET


class Totals(msgspec.Struct, kw_only=True):
    """Sums over all downloads, in bytes and bytes/s."""

    downloaded: int = 0
    """Since the start of the bridge, also by what was removed since then."""
    uploaded: int = 0
    present_downloaded: int = 0
    """By what is not removed."""
    present_uploaded: int = 0
    download_speed: int = 0
    upload_speed: int = 0
    connections: int = 0


class _Traffic(msgspec.Struct, frozen=True, gc=False):
    added_at: float
    downloaded: int = 0
    uploaded: int = 0
    download_speed: int = 0
    upload_speed: int = 0
    connections: int = 0


class TrafficCounter:
    """Sums over all downloads, kept up as downloads change.

    The bytes never fall: what was removed, or is delivered once more, stays counted. They count
    from the start of the bridge.
    """

    def __init__(self, started_at: float = 0.0) -> None:
        self._started_at = started_at
        self._shown: dict[str, _Traffic] = {}
        self.totals = Totals()

    def update(self, info_hash: str, view: View | None) -> None:
        """Count what a download shows now; None: it is removed."""
        before = shown_before = self._shown.get(info_hash, _Traffic(0.0))
        if view is None:
            self._shown.pop(info_hash, None)
            now = _Traffic(before.added_at, before.downloaded, before.uploaded)
        else:
            if before.added_at != view.grab.added_at:
                # Another grab of the same hash: what the one before has moved stays counted.
                before = msgspec.structs.replace(
                    before,
                    downloaded=self._downloaded_before(view),
                    uploaded=self._uploaded_before(view),
                )
            done = int(view.status.size * view.status.progress)
            now = self._shown[info_hash] = _Traffic(
                added_at=view.grab.added_at,
                # Delivered once more, it starts at 0 again.
                downloaded=max(before.downloaded, done),
                uploaded=max(before.uploaded, view.download.uploaded),
                download_speed=view.status.download_speed,
                upload_speed=view.status.upload_speed,
                connections=view.status.seeds + view.status.peers,
            )
        shown = self._shown.get(info_hash, _Traffic(0.0))
        totals = self.totals
        totals.present_downloaded += shown.downloaded - shown_before.downloaded
        totals.present_uploaded += shown.uploaded - shown_before.uploaded
        totals.downloaded += now.downloaded - before.downloaded
        totals.uploaded += now.uploaded - before.uploaded
        totals.download_speed += now.download_speed - before.download_speed
        totals.upload_speed += now.upload_speed - before.upload_speed
        totals.connections += now.connections - before.connections

    def _downloaded_before(self, view: View) -> int:
        """Return the bytes of a download that had arrived before the start of the bridge."""
        grab, size = view.grab, view.status.size
        if grab.completed_at is not None:
            return size if grab.completed_at < self._started_at else 0
        return int(size * grab.progress) if grab.added_at < self._started_at else 0

    def _uploaded_before(self, view: View) -> int:
        return view.download.uploaded if view.grab.added_at < self._started_at else 0


def server_state(
    totals: Totals,
    free_space: int,
    *,
    fields_of_5: bool,
    removed_downloaded: int = 0,
    removed_uploaded: int = 0,
    download_limit: int = 0,
    upload_limit: int = 0,
    alternative_limits: bool = False,
    queueing: bool = True,
    connected: bool = True,
) -> ServerState:
    """Describe the server. Sizes in bytes, limits in bytes/s; a limit of 0 is none.

    `removed_*` are the bytes of what was ever removed. `connected`: TorBox answers, and accepts the key.
    """
    address = "" if fields_of_5 else UNSET
    downloaded = removed_downloaded + totals.present_downloaded
    uploaded = removed_uploaded + totals.present_uploaded
    return ServerState(
        alltime_dl=downloaded,
        alltime_ul=uploaded,
        connection_status="connected" if connected else "disconnected",
        dl_info_data=totals.downloaded,
        dl_info_speed=totals.download_speed,
        dl_rate_limit=download_limit,
        free_space_on_disk=free_space,
        global_ratio=f"{uploaded / downloaded:.2f}" if downloaded and uploaded else "-",
        last_external_address_v4=address,
        last_external_address_v6=address,
        queueing=queueing,
        total_peer_connections=totals.connections,
        up_info_data=totals.uploaded,
        up_info_speed=totals.upload_speed,
        up_rate_limit=upload_limit,
        use_alt_speed_limits=alternative_limits,
    )


def full_update(now: SyncSnapshot, rid: int) -> MainData:
    """Return everything, also sections that are empty."""
    return MainData(
        categories=now.categories,
        full_update=True,
        rid=rid,
        server_state=now.server_state,
        tags=now.tags,
        torrents=now.torrents,
        trackers=now.trackers,
    )


def encoded(reply: MainData) -> Iterator[bytes]:
    """Return the JSON of a reply. A full update comes in pieces of `BATCH` downloads each.

    There may be tens of thousands: one piece would hold up the event loop, and several times its
    size would be in memory at once.
    """
    if reply.full_update is UNSET or reply.torrents is UNSET:
        yield _ENCODER.encode(reply)
        return
    frame = _ENCODER.encode(msgspec.structs.replace(reply, torrents={}))
    # Within a string the quotes would be escaped.
    before, name, after = frame.rpartition(b'"torrents":{')
    yield before + name
    separator = b""
    torrents = reply.torrents
    for batch in batched(torrents, BATCH):
        yield separator + b",".join(
            b'"%b":%b' % (info_hash.encode(), _without_hash(torrents[info_hash]))
            for info_hash in batch
        )
        separator = b","
    yield after


def _without_hash(info: object) -> bytes:
    """Return an entry without its hash, which is the key. In a string its quotes are escaped."""
    if not isinstance(info, TorrentInfo):
        return _ENCODER.encode(info)
    return _ENCODER.encode(info).replace(b'"hash":"%b",' % info.hash.encode(), b"", 1)


def difference(
    before: SyncSnapshot, now: SyncSnapshot, rid: int, changed: Iterable[str] | None = None
) -> MainData:
    """Return what has changed, and of a changed entry only its changed fields.

    Only the hashes in `changed` are compared; None compares all.
    """
    if before is now:
        return MainData(rid=rid)
    hashes = {**before.torrents, **now.torrents} if changed is None else changed
    return MainData(
        categories=_changed_categories(before, now) or UNSET,
        categories_removed=_removed(before.categories, now.categories, before.categories) or UNSET,
        rid=rid,
        server_state=_changed(before.server_state, now.server_state) or UNSET,
        tags=[tag for tag in now.tags if tag not in before.tags] or UNSET,
        tags_removed=[tag for tag in before.tags if tag not in now.tags] or UNSET,
        torrents=_changed_torrents(before, now, hashes) or UNSET,
        torrents_removed=_removed(before.torrents, now.torrents, hashes) or UNSET,
        trackers=_changed_trackers(before, now) or UNSET,
        trackers_removed=_removed(before.trackers, now.trackers, before.trackers) or UNSET,
    )


def _changed_torrents(
    before: SyncSnapshot, now: SyncSnapshot, hashes: Iterable[str]
) -> dict[str, Fields]:
    found: dict[str, Fields] = {}
    for info_hash in hashes:
        known, info = before.torrents.get(info_hash), now.torrents.get(info_hash)
        if info is None:
            continue
        if known is None:
            found[info_hash] = _fields(info)
        # Comparing identities first: of a thousand downloads most are the same object.
        elif known is not info and (fields := _changed(known, info)):
            found[info_hash] = fields
    return found


def _changed_categories(before: SyncSnapshot, now: SyncSnapshot) -> dict[str, Fields]:
    found: dict[str, Fields] = {}
    if before.categories is now.categories:
        return found
    for name, fields in now.categories.items():
        known = before.categories.get(name, {})
        if changed := {key: value for key, value in fields.items() if known.get(key) != value}:
            found[name] = changed
    return found


def _changed_trackers(before: SyncSnapshot, now: SyncSnapshot) -> dict[str, Sequence[str]]:
    if before.trackers is now.trackers:
        return {}
    return {
        url: hashes for url, hashes in now.trackers.items() if before.trackers.get(url) != hashes
    }


def _changed(before: msgspec.Struct, now: msgspec.Struct) -> dict[str, object]:
    return {
        name: value
        for name in now.__struct_fields__
        if (value := getattr(now, name)) != getattr(before, name)
    }


def _fields(info: TorrentInfo) -> dict[str, object]:
    """Return the fields of a download without its hash, which is the key."""
    found = msgspec.structs.asdict(info)
    # The hash is the key, and 4.x leaves fields of 5.x out.
    return {name: found[name] for name in found if name != "hash" and found[name] is not UNSET}


def _removed(
    before: Mapping[str, object], now: Mapping[str, object], names: Iterable[str]
) -> list[str]:
    if before is now:
        return []
    return [name for name in names if name in before and name not in now]
