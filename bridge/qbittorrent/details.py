"""One download in full: its properties, files and trackers. Pure."""

from collections.abc import Sequence

import msgspec

from bridge.core.status import ETA_UNKNOWN
from bridge.downloads import FileView, View
from bridge.qbittorrent import render

UNKNOWN = -1
NORMAL_PRIORITY = 1
STICKY_ROWS = ("** [DHT] **", "** [PeX] **", "** [LSD] **")
DISABLED, NOT_CONTACTED, WORKING = 0, 1, 2


class Properties(msgspec.Struct, kw_only=True, frozen=True):
    """What `torrents/properties` shows; -1 is "unknown", or "no limit"."""

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


def properties(view: View, now: float) -> Properties:
    """Translate a download into qBittorrent's fields."""
    download, status = view.download, view.status
    done = int(status.size * status.progress)
    elapsed = render.time_active(download, now)
    ended = UNKNOWN if download.completed_at is None else int(download.completed_at)
    return Properties(
        addition_date=int(download.added_at),
        completion_date=ended,
        dl_speed=status.download_speed,
        dl_speed_avg=done // elapsed if elapsed else 0,
        eta=min(max(status.eta, 0), ETA_UNKNOWN),
        hash=download.hash,
        infohash_v1=download.infohash_v1,
        infohash_v2=download.infohash_v2,
        is_private=download.private,
        last_seen=ended,
        name=download.name or download.hash,
        nb_connections=status.seeds + status.peers,
        peers=status.peers,
        peers_total=status.peers,
        save_path=render.save_path(download),
        seeding_time=render.seeding_time(download, now),
        seeds=status.seeds,
        seeds_total=status.seeds,
        share_ratio=max(render.number(download.ratio), 0),
        time_elapsed=elapsed,
        total_downloaded=done,
        total_downloaded_session=done,
        total_size=render.total_size(view),
        total_uploaded=download.uploaded,
        total_uploaded_session=download.uploaded,
        up_speed=status.upload_speed,
    )


def files(found: Sequence[FileView], view: View) -> list[TorrentFile]:
    """Translate files; a priority of 0 is "not wanted"."""
    complete = view.download.complete
    copies = render.availability(view)
    return [
        TorrentFile(
            availability=copies,
            index=file.index,
            is_seed=complete if file.index == 0 else msgspec.UNSET,
            name=file.name,
            priority=NORMAL_PRIORITY if file.chosen else 0,
            progress=render.number(file.progress),
            size=file.size,
        )
        for file in found
    ]


def trackers(view: View, urls: Sequence[str]) -> list[Tracker]:
    """List the sticky rows, then one row a tracker. What TorBox hears from them is not known."""
    private = view.download.private
    message = "This torrent is private" if private else ""
    sticky = [
        Tracker(msg=message, status=DISABLED if private else WORKING, tier=UNKNOWN, url=url)
        for url in STICKY_ROWS
    ]
    return sticky + [_tracker(view, url, tier) for tier, url in enumerate(urls)]


def _tracker(view: View, url: str, tier: int) -> Tracker:
    status = view.status
    return Tracker(
        msg=view.item.message if view.item else "",
        num_downloaded=UNKNOWN,
        num_leeches=status.peers,
        num_peers=status.seeds + status.peers,
        num_seeds=status.seeds,
        status=WORKING if view.item else NOT_CONTACTED,
        tier=tier,
        url=url,
    )
