"""The details of a download: its properties, files, trackers and pieces. Pure."""

import itertools
from collections.abc import Iterator, Sequence

import msgspec
from msgspec import UNSET, UnsetType

from bridge.core.metainfo import Metainfo
from bridge.core.model import Phase
from bridge.core.status import ETA_UNKNOWN
from bridge.downloads import FileView, View
from bridge.qbittorrent import torrent_info

UNKNOWN = -1
STICKY_ROWS = ("** [DHT] **", "** [PeX] **", "** [LSD] **")
DISABLED, NOT_CONTACTED, WORKING = 0, 1, 2
PIECE_MISSING, PIECE_DOWNLOADING, PIECE_DONE = 0, 1, 2


class TorrentProperties(msgspec.Struct, kw_only=True, frozen=True):
    """The reply of `torrents/properties`. -1 is "unknown" or "no limit"; fields of 5.x are unset in 4.6."""

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
    """None while the metadata is not known."""
    progress: float | UnsetType = UNSET
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


class FileEntry(msgspec.Struct, kw_only=True, frozen=True):
    """A file of `torrents/files`. Only the file of index 0 has `is_seed`."""

    availability: float
    index: int
    is_seed: bool | UnsetType = UNSET
    name: str
    piece_range: tuple[int, int] = (0, 0)
    priority: int
    progress: float
    size: int


class TrackerRow(msgspec.Struct, kw_only=True, frozen=True):
    """A row of `torrents/trackers`."""

    msg: str = ""
    num_downloaded: int = 0
    num_leeches: int = 0
    num_peers: int = 0
    num_seeds: int = 0
    status: int
    tier: int
    url: str


def properties(
    view: View, now: float, metainfo: Metainfo | None, download_path: str
) -> TorrentProperties:
    """Translate a download into qBittorrent's fields; a .torrent tells more than a magnet."""
    shown = _properties(view, now, download_path)
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


def with_fields_of_5(shown: TorrentProperties, view: View) -> TorrentProperties:
    """Add the fields of 5.x."""
    known = torrent_info.has_metadata(view)
    months = shown.time_elapsed / torrent_info.MONTH
    return msgspec.structs.replace(
        shown,
        has_metadata=known,
        popularity=torrent_info.number(shown.share_ratio / months) if months else 0,
        private=view.download.private if known else None,
        progress=torrent_info.number(view.status.progress),
    )


def _properties(view: View, now: float, download_path: str) -> TorrentProperties:
    entry, status = view, view.status
    done = int(status.size * status.progress)
    elapsed = torrent_info.time_active(entry, now)
    fetching = elapsed - torrent_info.seeding_time(entry, now)
    ended = UNKNOWN if entry.grab.completed_at is None else int(entry.grab.completed_at)
    return TorrentProperties(
        addition_date=int(entry.grab.added_at),
        completion_date=ended,
        comment=entry.grab.comment,
        dl_limit=entry.grab.download_limit or UNKNOWN,
        dl_speed=status.download_speed,
        dl_speed_avg=done // fetching if fetching else 0,
        download_path=download_path,
        eta=min(max(status.eta, 0), ETA_UNKNOWN),
        hash=entry.hash,
        infohash_v1=entry.download.infohash_v1,
        infohash_v2=entry.download.infohash_v2,
        is_private=entry.download.private,
        last_seen=ended,
        name=torrent_info.shown_name(entry),
        nb_connections=status.seeds + status.peers,
        peers=status.peers,
        peers_total=status.peers,
        save_path=torrent_info.save_path(entry),
        seeding_time=torrent_info.seeding_time(entry, now),
        seeds=status.seeds,
        seeds_total=status.swarm_seeds,
        share_ratio=max(torrent_info.number(entry.download.ratio), 0),
        time_elapsed=elapsed,
        total_downloaded=done,
        total_downloaded_session=done,
        total_size=torrent_info.total_size(view),
        total_uploaded=entry.download.uploaded,
        total_uploaded_session=entry.download.uploaded,
        up_limit=entry.grab.upload_limit or UNKNOWN,
        up_speed=status.upload_speed,
    )


def files(found: Sequence[FileView], view: View, metainfo: Metainfo | None) -> list[FileEntry]:
    """Translate files. Priority 0 is "do not download"."""
    ranges = piece_ranges(found, metainfo)
    complete = view.complete
    copies = torrent_info.number(view.status.availability)
    return [
        FileEntry(
            availability=copies,
            index=file.index,
            is_seed=complete if file.index == 0 else UNSET,
            name=file.name,
            piece_range=ranges.get(file.index, (0, 0)),
            priority=file.priority,
            progress=torrent_info.number(file.progress),
            size=file.size,
        )
        for file in found
    ]


def trackers(
    view: View, urls: Sequence[str], tiers: Sequence[Sequence[str]] = ()
) -> list[TrackerRow]:
    """Return the three sticky rows, then the download's own trackers."""
    private = view.download.private
    message = "This torrent is private" if private else ""
    sticky = [
        TrackerRow(msg=message, status=DISABLED if private else WORKING, tier=UNKNOWN, url=url)
        for url in STICKY_ROWS
    ]
    return sticky + tracker_rows(view, urls, tiers)


def tracker_rows(
    view: View, urls: Sequence[str], tiers: Sequence[Sequence[str]] = ()
) -> list[TrackerRow]:
    """Return a row for each tracker. Their answers to TorBox are not known.

    `tiers` are those of the .torrent. A tracker without a tier there gets its own.
    """
    known = {url: number for number, tier in enumerate(tiers) for url in tier}
    alone = itertools.count(len(tiers))
    placed = [(url, known[url] if url in known else next(alone)) for url in urls]
    return [_tracker(view, url, tier) for url, tier in placed]


def _tracker(view: View, url: str, tier: int) -> TrackerRow:
    status = view.status
    return TrackerRow(
        msg=view.item.message if view.item else "",
        num_downloaded=UNKNOWN,
        num_leeches=status.peers if view.item else UNKNOWN,
        num_peers=status.seeds + status.peers if view.item else UNKNOWN,
        num_seeds=status.seeds if view.item else UNKNOWN,
        status=WORKING if view.item else NOT_CONTACTED,
        tier=tier,
        url=url,
    )


def piece_states(view: View, metainfo: Metainfo | None) -> list[int]:
    """Return a state for each piece, one for the whole while their number is not known.

    TorBox tells nothing of pieces: the first ones count as done, as many as the progress says.
    """
    # Without a size there is nothing to show; clients draw an empty bar.
    if metainfo is None and not view.status.size:
        return []
    count = metainfo.pieces_num if metainfo else 1
    done = pieces_have(view, count)
    working = view.phase is Phase.DELIVERING and done < count
    next_one = [PIECE_DOWNLOADING] if working else []
    return ([PIECE_DONE] * done + next_one + [PIECE_MISSING] * count)[:count]


def pieces_have(view: View, count: int) -> int:
    """Return how many of `count` pieces are done, by the progress."""
    return count if view.complete else int(count * min(max(view.status.progress, 0), 1))


def piece_ranges(
    found: Sequence[FileView], metainfo: Metainfo | None
) -> dict[int, tuple[int, int]]:
    """Return the first and last piece of each file in the metainfo, by the file's index.

    Files in the metainfo's order are matched by it, because names may have changed. TorBox may list
    them in another order; then they are matched by name and size.
    """
    if metainfo is None:
        return {}
    if [file.size for file in found] == [file.size for file in metainfo.files]:
        ranges = (pieces for _, pieces in _ranges(metainfo))
        return {file.index: pieces for file, pieces in zip(found, ranges, strict=True)}
    known = dict(_ranges(metainfo))
    matched = ((file.index, known.get((_base(file.name), file.size))) for file in found)
    return {index: pieces for index, pieces in matched if pieces is not None}


def _ranges(metainfo: Metainfo) -> Iterator[tuple[tuple[str, int], tuple[int, int]]]:
    length = metainfo.piece_length
    offset = 0
    for file in metainfo.files:
        if metainfo.infohash_v2:
            # Every file of a v2 torrent begins with a piece of its own (BEP 52).
            offset = -(-offset // length) * length
        last = max(offset + file.size - 1, offset)
        yield (_base(file.path), file.size), (offset // length, last // length)
        offset += file.size


def _base(path: str) -> str:
    return path.rpartition("/")[2]
