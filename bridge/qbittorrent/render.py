"""One download as an entry of `torrents/info`. Pure.

Integers are integers and no number is infinite: one entry that a client cannot read breaks its
whole poll. Fields stand in alphabetical order, as qBittorrent writes them.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

import msgspec
from msgspec import UNSET, UnsetType

from bridge.core.model import UNLIMITED, Entry, Phase
from bridge.core.seeding import last_active, seeds_for_ever
from bridge.core.status import ETA_UNKNOWN
from bridge.downloads import View
from bridge.qbittorrent.profile import Profile

MONTH = 30.4 * 86400
STALE_SECONDS = 5.0
"""How old the seeding time of a download that still seeds may be when shown."""


class TorrentInfo(msgspec.Struct, kw_only=True, frozen=True):
    """The fields of 4.6, and unset in its answers those of 5.1.

    Sizes in bytes, speeds in bytes/s, times in seconds or unix seconds.
    """

    added_on: int
    amount_left: int
    auto_tmm: bool = False
    availability: float
    category: str
    comment: str | UnsetType = UNSET
    completed: int
    completion_on: int
    content_path: str
    dl_limit: int = 0
    dlspeed: int
    download_path: str = ""
    downloaded: int
    downloaded_session: int
    eta: int
    f_l_piece_prio: bool
    force_start: bool
    has_metadata: bool | UnsetType = UNSET
    hash: str
    inactive_seeding_time_limit: int
    infohash_v1: str
    infohash_v2: str
    last_activity: int
    magnet_uri: str
    max_inactive_seeding_time: int
    max_ratio: float
    max_seeding_time: int
    name: str
    num_complete: int
    num_incomplete: int
    num_leechs: int
    num_seeds: int
    popularity: float | UnsetType = UNSET
    priority: int
    private: bool | UnsetType | None = UNSET
    """None while the metadata is not known."""
    progress: float
    ratio: float
    ratio_limit: float
    reannounce: int | UnsetType = UNSET
    root_path: str | UnsetType = UNSET
    save_path: str
    seeding_time: int
    seeding_time_limit: int
    seen_complete: int
    seq_dl: bool
    size: int
    state: str
    super_seeding: bool = False
    tags: str
    time_active: int
    total_size: int
    tracker: str
    trackers_count: int
    up_limit: int = 0
    uploaded: int
    uploaded_session: int
    upspeed: int


@dataclass(frozen=True, slots=True)
class Rendered:
    """An entry as fields to sort by and as JSON, and until when (unix seconds) it is true."""

    view: View
    info: TorrentInfo
    trackers: Sequence[str]
    json: bytes
    until: float


def render(
    view: View,
    trackers: Sequence[str],
    position: int,
    now: float,
    profile: Profile,
) -> Rendered:
    """Render a download. `position` is its place in the queue: 1-based, 0 when complete."""
    info = torrent_info(view, trackers, position, now, profile)
    if profile.fields_of_5:
        info = with_fields_of_5(info, view)
    seeds_on = view.phase is Phase.DELIVERED
    until = now + STALE_SECONDS if seeds_on else math.inf
    return Rendered(view, info, trackers, msgspec.json.encode(info), until)


def with_fields_of_5(info: TorrentInfo, view: View) -> TorrentInfo:
    """Add what 5.x shows beside. Comments and announces are TorBox's business, not known here."""
    known = has_metadata(view)
    return msgspec.structs.replace(
        info,
        comment=view.grab.comment,
        has_metadata=known,
        popularity=number(info.ratio / (info.time_active / MONTH)) if info.time_active else 0,
        private=view.download.private if known else None,
        reannounce=0,
        root_path=root_path(view.entry),
    )


def has_metadata(view: View) -> bool:
    """Tell whether it is known what the torrent consists of."""
    return view.download.has_torrent or view.status.size > 0


def root_path(entry: Entry) -> str:
    """Return the folder that all its files are in; a single file has none."""
    return content_path(entry) if entry.grab.content_is_folder else ""


def torrent_info(
    view: View, trackers: Sequence[str], position: int, now: float, profile: Profile
) -> TorrentInfo:
    """Translate a download into qBittorrent's fields."""
    entry, status = view.entry, view.status
    progress = min(max(number(status.progress), 0), 1)
    done = int(status.size * progress)
    ratio = max(number(entry.download.ratio), 0)
    ratio_limit = shown_ratio_limit(entry, ratio, now)
    ended = int(entry.grab.completed_at or 0)
    return TorrentInfo(
        added_on=int(entry.grab.added_at),
        amount_left=status.size - done,
        availability=availability(view),
        auto_tmm=entry.grab.auto_tmm,
        category=entry.grab.category,
        completed=done,
        completion_on=ended,
        content_path=content_path(entry),
        dl_limit=entry.grab.download_limit,
        dlspeed=status.download_speed,
        downloaded=done,
        downloaded_session=done,
        eta=min(max(status.eta, 0), ETA_UNKNOWN),
        f_l_piece_prio=entry.grab.first_last_first,
        force_start=entry.grab.force_start,
        hash=entry.hash,
        inactive_seeding_time_limit=entry.grab.inactive_seeding_time_limit,
        infohash_v1=entry.download.infohash_v1,
        infohash_v2=entry.download.infohash_v2,
        last_activity=last_activity(entry),
        magnet_uri=magnet_uri(entry),
        max_inactive_seeding_time=max(entry.grab.inactive_seeding_time_limit, UNLIMITED),
        max_ratio=max(ratio_limit, UNLIMITED),
        max_seeding_time=max(entry.grab.seeding_time_limit, UNLIMITED),
        name=entry.name or entry.hash,
        num_complete=status.seeds,
        num_incomplete=status.peers,
        num_leechs=status.peers,
        num_seeds=status.seeds,
        priority=position,
        progress=progress,
        ratio=ratio,
        ratio_limit=ratio_limit,
        save_path=save_path(entry),
        seeding_time=seeding_time(entry, now),
        seeding_time_limit=entry.grab.seeding_time_limit,
        seen_complete=ended,
        seq_dl=entry.grab.sequential,
        size=status.size,
        state=profile.state(status.state),
        super_seeding=entry.grab.super_seeding,
        tags=", ".join(sorted(entry.grab.tags)),
        time_active=time_active(entry, now),
        total_size=total_size(view),
        tracker=trackers[0] if trackers else "",
        trackers_count=len(trackers),
        up_limit=entry.grab.upload_limit,
        uploaded=entry.download.uploaded,
        uploaded_session=entry.download.uploaded,
        upspeed=status.upload_speed,
    )


def shown_ratio_limit(entry: Entry, ratio: float, now: float) -> float:
    """Tell the ratio limit so that a finished download may be removed.

    *arr compute that themselves (Sonarr: HasReachedSeedLimit), and `-2` with no global limit means
    never; Readarr does not know the limit of inactivity. So a finished download whose own limits
    they would not all find reached shows 0; a wish to seed for ever stays.
    """
    limit = number(entry.grab.ratio_limit)
    if entry.phase is not Phase.FINISHED or seeds_for_ever(entry.grab):
        return limit
    minutes = entry.grab.seeding_time_limit
    seeded = 0 <= minutes * 60 <= seeding_time(entry, now)
    return limit if 0 <= limit <= ratio or seeded else 0


def seeding_time(entry: Entry, now: float) -> int:
    """Seconds since it was complete; they end when nothing is left to seed."""
    if entry.grab.completed_at is None:
        return 0
    until = entry.phase_at if entry.phase is Phase.FINISHED else now
    return max(int(until - entry.grab.completed_at), 0)


def time_active(entry: Entry, now: float) -> int:
    """Seconds it has been worked on, seeding included."""
    if entry.grab.completed_at is None:
        return max(int(entry.download.observed_seconds), 0)
    fetching = max(int(entry.grab.completed_at - entry.grab.added_at), 0)
    return fetching + seeding_time(entry, now)


def last_activity(entry: Entry) -> int:
    """When bytes last moved, as far as it is known. An *arr counts idleness from here."""
    if entry.grab.completed_at is None:
        return int(max(entry.grab.added_at, entry.phase_at))
    return int(last_active(entry))


def save_path(entry: Entry) -> str:
    """Name the directory it goes to, without a slash at the end."""
    return entry.grab.save_path.rstrip("/") or "/"


def content_path(entry: Entry) -> str:
    """Name its file or folder on disk: a strict child of save_path, or nothing while unknown.

    *arr refuse to import from a content_path that equals save_path.
    """
    if not entry.grab.content_name:
        return ""
    return f"{save_path(entry).rstrip('/')}/{entry.grab.content_name}"


def total_size(view: View) -> int:
    """Bytes of all files, wanted or not; -1 while they are not known."""
    listed = view.item.size if view.item else 0
    return max(listed, view.status.size) or -1


def availability(view: View) -> float:
    """Copies that can be had: -1 once complete, as qBittorrent has it."""
    if view.complete:
        return -1
    if view.item is None:
        return 0
    return max(view.status.seeds, int(view.item.finished))


def magnet_uri(entry: Entry) -> str:
    """Give the magnet it came by, or make one of its hash."""
    if entry.download.magnet.startswith("magnet:"):
        return entry.download.magnet
    topic = f"btih:{entry.hash}"
    if entry.download.infohash_v2 and not entry.download.infohash_v1:
        topic = f"btmh:1220{entry.download.infohash_v2}"
    return f"magnet:?xt=urn:{topic}&dn={quote(entry.name, safe='')}"


def number(value: float) -> float:
    """Make a number that JSON can carry, whole ones as `1`: infinite and undefined become 0."""
    if not math.isfinite(value):
        return 0
    return int(value) if value == int(value) else value
