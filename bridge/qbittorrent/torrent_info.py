"""Renders a download as an entry of `torrents/info`. Pure.

Integers are integers and no number is infinite: one entry that a client cannot read breaks its
whole poll. Fields are in alphabetical order, as in qBittorrent.
"""

import math
from collections.abc import Sequence
from urllib.parse import quote

import msgspec
from msgspec import UNSET, UnsetType

from bridge.core.model import UNLIMITED, USE_GLOBAL, Entry, Phase
from bridge.core.modes import FETCHING
from bridge.core.seeding import last_active
from bridge.core.status import ETA_UNKNOWN
from bridge.downloads import View
from bridge.qbittorrent.responses import Profile

_ENCODER = msgspec.json.Encoder()
MONTH = 30.4 * 86400
NAME_BYTES = 240
"""libtorrent cuts longer names. Radarr names the library file after it, and file systems take 255."""
EXTENSION_BYTES = 10
SEEDING_STALE_SECONDS = 5.0
"""How old the seeding time of a download that seeds may be when it is shown."""
FINISHED_STALE_SECONDS = 60.0
"""The same of one that was finished just now."""
MOST_STALE_SECONDS = 3600.0
"""The same of one that was finished a day or more ago."""


class TorrentInfo(msgspec.Struct, kw_only=True, frozen=True, gc=False):
    """The fields of 4.6, and those of 5.1, which are unset in the replies of 4.6.

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


class Surroundings(msgspec.Struct, frozen=True, kw_only=True):
    """Settings that the entries of all downloads depend on. Limits as in qBittorrent, -1 is none."""

    profile: Profile
    incomplete_directory: str
    """Where the parts of incomplete downloads are, each in a folder of its hash."""
    max_ratio: float = UNLIMITED
    max_seeding_time: int = UNLIMITED
    max_inactive_seeding_time: int = UNLIMITED


class Rendered(msgspec.Struct, frozen=True, gc=False):
    """An entry as fields to sort by and as JSON, and until when (unix seconds) it is true."""

    view: View
    info: TorrentInfo
    trackers: Sequence[str]
    until: float

    @property
    def json(self) -> bytes:
        """The entry as JSON. Encoding takes microseconds, and keeping it would double the memory."""
        return _ENCODER.encode(self.info)


def render(
    view: View,
    trackers: Sequence[str],
    position: int,
    now: float,
    around: Surroundings,
    *,
    active_since: int = 0,
) -> Rendered:
    """Render a download.

    `position` is its place in the queue: 1-based, 0 when complete. `active_since` is the
    `last_activity` that was shown before; it never goes back.
    """
    info = torrent_info(view, trackers, position, now, around)
    if info.last_activity < active_since:
        info = msgspec.structs.replace(info, last_activity=active_since)
    if around.profile.fields_of_5:
        info = with_fields_of_5(info, view)
    return Rendered(view, info, trackers, _true_until(view, now))


def _true_until(view: View, now: float) -> float:
    """Return when the times in an entry are too old to be shown (unix seconds).

    A download that finished long ago shows a time that is at most a twentieth too short: there may
    be thousands, and no *arr or cleaner counts minutes over days.
    """
    match view.phase:
        case Phase.DELIVERED:
            return now + SEEDING_STALE_SECONDS
        case Phase.FINISHED:
            age = now - (view.grab.completed_at or now)
            stale = min(max(age / 20, FINISHED_STALE_SECONDS), MOST_STALE_SECONDS)
            # Not all of them at once.
            return now + stale * (1 + int(view.hash[:2], 16) / 256) / 2
        case _:
            return math.inf


def with_fields_of_5(info: TorrentInfo, view: View) -> TorrentInfo:
    """Add the fields of 5.x. Reannounces are TorBox's business and not known here."""
    known = has_metadata(view)
    return msgspec.structs.replace(
        info,
        comment=view.grab.comment,
        # 5.x says -1 for "never" where 4.x says 0.
        completion_on=info.completion_on or -1,
        has_metadata=known,
        popularity=number(info.ratio / (info.time_active / MONTH)) if info.time_active else 0,
        private=view.download.private if known else None,
        reannounce=0,
        root_path=root_path(view),
        seen_complete=info.seen_complete or -1,
    )


def has_metadata(view: View) -> bool:
    """Return whether the contents of the torrent are known."""
    return view.download.has_torrent or view.status.size > 0


def root_path(entry: Entry) -> str:
    """Return the folder that holds all its files; "" for a single file, and while unknown."""
    return content_path(entry) if entry.grab.content_is_folder else ""


def torrent_info(
    view: View, trackers: Sequence[str], position: int, now: float, around: Surroundings
) -> TorrentInfo:
    """Translate a download into qBittorrent's fields."""
    entry, status = view, view.status
    progress = min(max(number(status.progress), 0), 1)
    done = int(status.size * progress)
    ratio = max(number(entry.download.ratio), 0)
    ratio_limit = shown_ratio_limit(entry, ratio, now)
    ended = int(entry.grab.completed_at or 0)
    minutes, idle = entry.grab.seeding_time_limit, entry.grab.inactive_seeding_time_limit
    return TorrentInfo(
        added_on=int(entry.grab.added_at),
        # *arr compute the size as completed + amount_left.
        amount_left=status.size - done,
        availability=number(status.availability),
        auto_tmm=entry.grab.auto_tmm,
        category=entry.grab.category,
        completed=done,
        completion_on=ended,
        content_path=content_path(entry),
        dl_limit=entry.grab.download_limit,
        dlspeed=status.download_speed,
        download_path=download_path(entry, around.incomplete_directory),
        downloaded=done,
        downloaded_session=done,
        eta=min(max(status.eta, 0), ETA_UNKNOWN),
        f_l_piece_prio=entry.grab.first_last_first,
        force_start=entry.grab.force_start,
        hash=entry.hash,
        inactive_seeding_time_limit=idle,
        infohash_v1=entry.download.infohash_v1,
        infohash_v2=entry.download.infohash_v2,
        last_activity=last_activity(view, now),
        magnet_uri=magnet_uri(entry),
        max_inactive_seeding_time=int(_effective(idle, around.max_inactive_seeding_time)),
        max_ratio=_effective(ratio_limit, around.max_ratio),
        max_seeding_time=int(_effective(minutes, around.max_seeding_time)),
        name=shown_name(entry),
        num_complete=status.swarm_seeds,
        num_incomplete=status.peers,
        num_leechs=status.peers,
        num_seeds=status.seeds,
        priority=position,
        progress=progress,
        ratio=ratio,
        ratio_limit=ratio_limit,
        save_path=save_path(entry),
        seeding_time=seeding_time(entry, now),
        seeding_time_limit=minutes,
        seen_complete=ended,
        seq_dl=entry.grab.sequential,
        size=status.size,
        state=around.profile.state(status.state),
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


def _effective(limit: float, global_limit: float) -> float:
    """Return the limit in force; -1 is none."""
    return max(global_limit if limit == USE_GLOBAL else limit, UNLIMITED)


def shown_name(entry: Entry) -> str:
    """Return the name, cut as libtorrent cuts names of torrents; a short extension stays."""
    name = entry.name or entry.hash
    raw = name.encode("utf-8", "surrogatepass")
    if len(raw) <= NAME_BYTES:
        return name
    dot = raw.rfind(b".")
    extension = raw[dot:] if dot > max(len(raw) - EXTENSION_BYTES, NAME_BYTES) else b""
    return (raw[:NAME_BYTES] + extension).decode("utf-8", "ignore")


def shown_ratio_limit(entry: Entry, ratio: float, now: float) -> float:
    """Return the ratio limit, such that an *arr may remove every finished download.

    The *arr decide that themselves (Sonarr: HasReachedSeedLimit). To them `-2` without a global
    limit, and `-1`, mean never, and Readarr does not know the limit of inactivity. Nothing is left
    to seed of a finished download, so where they would not find its own limits reached, it shows 0.
    """
    limit = number(entry.grab.ratio_limit)
    if entry.phase is not Phase.FINISHED:
        return limit
    minutes = entry.grab.seeding_time_limit
    seeded = 0 <= minutes * 60 <= seeding_time(entry, now)
    return limit if 0 <= limit <= ratio or seeded else 0


def seeding_time(entry: Entry, now: float) -> int:
    """Return the seconds since it was complete.

    They go on when nothing is left to seed: cleaners wait for a minimum of seeding time.
    """
    if entry.grab.completed_at is None:
        return 0
    return max(int(now - entry.grab.completed_at), 0)


def time_active(entry: Entry, now: float) -> int:
    """Return the seconds of work on it, seeding included."""
    if entry.grab.completed_at is None:
        return max(int(entry.download.observed_seconds), 0)
    fetching = max(int(entry.grab.completed_at - entry.grab.added_at), 0)
    return fetching + seeding_time(entry, now)


def last_activity(view: View, now: float) -> int:
    """Return when bytes last moved, at TorBox or from its CDN (unix seconds).

    An *arr and autoremove-torrents count idleness from here.
    """
    entry = view
    if entry.grab.completed_at is not None:
        return int(last_active(entry))
    if view.status.moving:
        return int(now)
    # TorBox was seen at `seen_at`, and nothing had moved for `idle_seconds` then.
    download = entry.download
    moved = (download.seen_at or 0.0) - download.idle_seconds if download.remote_progress else 0.0
    return int(max(entry.grab.added_at, entry.phase_at, moved))


def save_path(entry: Entry) -> str:
    """Return the directory it goes to, without a slash at the end."""
    return entry.grab.save_path.rstrip("/") or "/"


def download_path(entry: Entry, incomplete_directory: str) -> str:
    """Return where the parts of an incomplete download are; "" when there are none (yet)."""
    if entry.complete or entry.grab.delivery_mode not in FETCHING:
        return ""
    return f"{incomplete_directory.rstrip('/')}/{entry.grab.staging_name or entry.hash}"


def content_path(entry: Entry) -> str:
    """Return its file or folder on disk: a strict child of save_path, or "" while unknown.

    The *arr refuse to import from a content_path that equals save_path.
    """
    if not entry.grab.content_name:
        return ""
    return f"{save_path(entry).rstrip('/')}/{entry.grab.content_name}"


def total_size(view: View) -> int:
    """Return the bytes of all files, wanted or not; -1 while they are not known."""
    listed = view.item.size if view.item else 0
    return max(listed, view.status.size) or -1


def magnet_uri(entry: Entry) -> str:
    """Return the magnet it was added by, or one made of its hash."""
    if entry.download.magnet.startswith("magnet:"):
        return entry.download.magnet
    topic = f"btih:{entry.hash}"
    if entry.download.infohash_v2 and not entry.download.infohash_v1:
        topic = f"btmh:1220{entry.download.infohash_v2}"
    return f"magnet:?xt=urn:{topic}&dn={quote(entry.name, safe='')}"


def number(value: float) -> float:
    """Return a number that JSON can carry, whole ones as `1`: infinite and undefined become 0."""
    if not math.isfinite(value):
        return 0
    return int(value) if value == int(value) else value
