"""One download in full: its properties, files and trackers. Pure."""

import itertools
from collections.abc import Sequence

import msgspec
from msgspec import UNSET, UnsetType

from bridge.core.metainfo import Metainfo
from bridge.core.status import ETA_UNKNOWN
from bridge.downloads import FileView, View
from bridge.qbittorrent import render
from bridge.qbittorrent.pieces import piece_ranges, pieces_have

UNKNOWN = -1
STICKY_ROWS = ("** [DHT] **", "** [PeX] **", "** [LSD] **")
DISABLED, NOT_CONTACTED, WORKING = 0, 1, 2


class Properties(msgspec.Struct, kw_only=True, frozen=True):
    """What `torrents/properties` shows; -1 is "unknown", or "no limit". Unset in 4.6: 5.x's."""

    addition_date: int
    comment: str = ""
    completion_date: int
    created_by: str = ""
    creation_date: int = UNKNOWN
    dl_limit: int = UNKNOWN
    dl_speed: int
    dl_speed_avg: int
    download_path: str = ""
    eta: int
    has_metadata: bool | UnsetType = UNSET
    hash: str
    infohash_v1: str
    infohash_v2: str
    is_private: bool
    last_seen: int
    name: str
    nb_connections: int
    nb_connections_limit: int = 100
    peers: int
    peers_total: int
    piece_size: int = UNKNOWN
    pieces_have: int = 0
    pieces_num: int = UNKNOWN
    popularity: float | UnsetType = UNSET
    private: bool | UnsetType | None = UNSET
    """Of 5.x, as the two above; None while the metadata is not known."""
    reannounce: int = 0
    save_path: str
    seeding_time: int
    seeds: int
    seeds_total: int
    share_ratio: float
    time_elapsed: int
    total_downloaded: int
    total_downloaded_session: int
    total_size: int
    total_uploaded: int
    total_uploaded_session: int
    total_wasted: int = 0
    up_limit: int = UNKNOWN
    up_speed: int
    up_speed_avg: int = 0


class TorrentFile(msgspec.Struct, kw_only=True, frozen=True):
    """What `torrents/files` shows. Only the file of index 0 tells `is_seed`."""

    availability: float
    index: int
    is_seed: bool | msgspec.UnsetType = msgspec.UNSET
    name: str
    piece_range: tuple[int, int] = (0, 0)
    priority: int
    progress: float
    size: int


class Tracker(msgspec.Struct, kw_only=True, frozen=True):
    """What `torrents/trackers` shows."""

    msg: str = ""
    num_downloaded: int = 0
    num_leeches: int = 0
    num_peers: int = 0
    num_seeds: int = 0
    status: int
    tier: int
    url: str


def properties(view: View, now: float, metainfo: Metainfo | None) -> Properties:
    """Translate a download into qBittorrent's fields; a .torrent tells more than a magnet."""
    shown = _properties(view, now)
    if metainfo is None:
        return shown
    return msgspec.structs.replace(
        shown,
        comment=shown.comment or metainfo.comment,
        created_by=metainfo.created_by,
        creation_date=metainfo.creation_date or 0,
        piece_size=metainfo.piece_length,
        pieces_have=pieces_have(view, metainfo.pieces_num),
        pieces_num=metainfo.pieces_num,
    )


def with_fields_of_5(shown: Properties, view: View) -> Properties:
    """Add what 5.x shows beside."""
    known = render.has_metadata(view)
    months = shown.time_elapsed / render.MONTH
    return msgspec.structs.replace(
        shown,
        has_metadata=known,
        popularity=render.number(shown.share_ratio / months) if months else 0,
        private=view.download.private if known else None,
    )


def _properties(view: View, now: float) -> Properties:
    entry, status = view.entry, view.status
    done = int(status.size * status.progress)
    elapsed = render.time_active(entry, now)
    ended = UNKNOWN if entry.grab.completed_at is None else int(entry.grab.completed_at)
    return Properties(
        addition_date=int(entry.grab.added_at),
        completion_date=ended,
        comment=entry.grab.comment,
        dl_limit=entry.grab.download_limit or UNKNOWN,
        dl_speed=status.download_speed,
        dl_speed_avg=done // elapsed if elapsed else 0,
        eta=min(max(status.eta, 0), ETA_UNKNOWN),
        hash=entry.hash,
        infohash_v1=entry.download.infohash_v1,
        infohash_v2=entry.download.infohash_v2,
        is_private=entry.download.private,
        last_seen=ended,
        name=entry.name or entry.hash,
        nb_connections=status.seeds + status.peers,
        peers=status.peers,
        peers_total=status.peers,
        save_path=render.save_path(entry),
        seeding_time=render.seeding_time(entry, now),
        seeds=status.seeds,
        seeds_total=status.seeds,
        share_ratio=max(render.number(entry.download.ratio), 0),
        time_elapsed=elapsed,
        total_downloaded=done,
        total_downloaded_session=done,
        total_size=render.total_size(view),
        total_uploaded=entry.download.uploaded,
        total_uploaded_session=entry.download.uploaded,
        up_limit=entry.grab.upload_limit or UNKNOWN,
        up_speed=status.upload_speed,
    )


def files(found: Sequence[FileView], view: View, metainfo: Metainfo | None) -> list[TorrentFile]:
    """Translate files; a priority of 0 is "not wanted"."""
    ranges = piece_ranges(found, metainfo)
    complete = view.complete
    copies = render.availability(view)
    return [
        TorrentFile(
            availability=copies,
            index=file.index,
            is_seed=complete if file.index == 0 else msgspec.UNSET,
            name=file.name,
            piece_range=ranges.get(file.index, (0, 0)),
            priority=file.priority,
            progress=render.number(file.progress),
            size=file.size,
        )
        for file in found
    ]


def trackers(view: View, urls: Sequence[str], tiers: Sequence[Sequence[str]] = ()) -> list[Tracker]:
    """List the sticky rows, then the download's own trackers."""
    private = view.download.private
    message = "This torrent is private" if private else ""
    sticky = [
        Tracker(msg=message, status=DISABLED if private else WORKING, tier=UNKNOWN, url=url)
        for url in STICKY_ROWS
    ]
    return sticky + tracker_rows(view, urls, tiers)


def tracker_rows(
    view: View, urls: Sequence[str], tiers: Sequence[Sequence[str]] = ()
) -> list[Tracker]:
    """List one row a tracker. What TorBox hears from them is not known.

    `tiers` are those of the .torrent; a tracker that stands in none has one of its own.
    """
    known = {url: number for number, tier in enumerate(tiers) for url in tier}
    alone = itertools.count(len(tiers))
    placed = [(url, known[url] if url in known else next(alone)) for url in urls]
    return [_tracker(view, url, tier) for url, tier in placed]


def _tracker(view: View, url: str, tier: int) -> Tracker:
    status = view.status
    return Tracker(
        msg=view.item.message if view.item else "",
        num_downloaded=UNKNOWN,
        num_leeches=status.peers if view.item else UNKNOWN,
        num_peers=status.seeds + status.peers if view.item else UNKNOWN,
        num_seeds=status.seeds if view.item else UNKNOWN,
        status=WORKING if view.item else NOT_CONTACTED,
        tier=tier,
        url=url,
    )
