"""What an *arr makes of an entry of `torrents/info`. Pure."""

from dataclasses import dataclass
from enum import StrEnum

import msgspec

from tests.arr_emulator.dialects import Dialect

USE_GLOBAL = -2
ETA_UNKNOWN = 8_640_000
LONGEST_ETA = 31_536_000


class QueueStatus(StrEnum):
    """How the queue shows a download. None of qBittorrent's states reads as failed."""

    QUEUED = "queued"
    PAUSED = "paused"
    DOWNLOADING = "downloading"
    COMPLETED = "completed"
    WARNING = "warning"


class Torrent(msgspec.Struct, kw_only=True, frozen=True):
    """The fields that an *arr reads, with what it assumes where they are missing."""

    hash: str
    name: str
    size: int = 0
    progress: float = 0
    eta: int = 0
    state: str = ""
    category: str = ""
    save_path: str = ""
    content_path: str = ""
    ratio: float = 0
    ratio_limit: float = USE_GLOBAL
    seeding_time: int | None = None
    seeding_time_limit: int = USE_GLOBAL
    inactive_seeding_time_limit: int = USE_GLOBAL
    last_activity: int = 0


class Preferences(msgspec.Struct, kw_only=True, frozen=True):
    """The preferences that an *arr reads, with what it assumes where they are missing."""

    save_path: str
    max_ratio_enabled: bool = False
    max_ratio: float = 0
    max_seeding_time_enabled: bool = False
    max_seeding_time: int = 0
    max_inactive_seeding_time_enabled: bool = False
    max_inactive_seeding_time: int = 0
    max_ratio_act: int = 0
    queueing_enabled: bool = True
    dht: bool = False

    @property
    def removes_by_itself(self) -> bool:
        """Return whether qBittorrent would remove what is done before an import: the test fails."""
        fortnight = 20160
        soon = self.max_seeding_time_enabled and self.max_seeding_time < fortnight
        return (self.max_ratio_enabled or soon) and self.max_ratio_act in {1, 3}


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueItem:
    """A download in the *arr's queue. Sizes in bytes, times in seconds."""

    download_id: str
    title: str
    category: str
    size: int
    remaining_size: int
    remaining_seconds: int | None
    status: QueueStatus
    message: str
    output_path: str
    """Where to import from; empty while there is nothing."""
    can_be_removed: bool
    """Also whether the files may be moved away; else the import copies or links."""


_STATES = {
    "error": (QueueStatus.WARNING, "qBittorrent is reporting an error"),
    "pausedDL": (QueueStatus.PAUSED, ""),
    "stoppedDL": (QueueStatus.PAUSED, ""),
    "queuedDL": (QueueStatus.QUEUED, ""),
    "checkingDL": (QueueStatus.QUEUED, ""),
    "checkingUP": (QueueStatus.QUEUED, ""),
    "checkingResumeData": (QueueStatus.QUEUED, ""),
    "pausedUP": (QueueStatus.COMPLETED, ""),
    "stoppedUP": (QueueStatus.COMPLETED, ""),
    "uploading": (QueueStatus.COMPLETED, ""),
    "stalledUP": (QueueStatus.COMPLETED, ""),
    "queuedUP": (QueueStatus.COMPLETED, ""),
    "forcedUP": (QueueStatus.COMPLETED, ""),
    "stalledDL": (QueueStatus.WARNING, "The download is stalled with no connections"),
    "missingFiles": (QueueStatus.WARNING, "The download is missing files"),
    "downloading": (QueueStatus.DOWNLOADING, ""),
    "forcedDL": (QueueStatus.DOWNLOADING, ""),
    "moving": (QueueStatus.DOWNLOADING, ""),
}
_META = {"metaDL", "forcedMetaDL"}
_NEW_WORDS = {"stoppedDL", "stoppedUP", "forcedMetaDL"}
NO_DHT = "qBittorrent cannot resolve magnet link with DHT disabled"


def status_of(dialect: Dialect, state: str, preferences: Preferences) -> tuple[QueueStatus, str]:
    """Read a state: how the queue shows it, and the *arr's own sentence about it."""
    unknown = (QueueStatus.DOWNLOADING, f"Unknown download state: {state}")
    if state in _NEW_WORDS and not dialect.knows_stopped:
        return unknown
    if state in _META:
        if not preferences.dht:
            return QueueStatus.WARNING, NO_DHT
        return QueueStatus.QUEUED, "qBittorrent is downloading metadata"
    return _STATES.get(state, unknown)


def queue_item(
    dialect: Dialect,
    torrent: Torrent,
    preferences: Preferences,
    *,
    now: float,
    remove_completed: bool = True,
) -> QueueItem:
    """Read an entry. `output_path` is left empty where the *arr has to ask for the files."""
    status, message = status_of(dialect, torrent.state, preferences)
    output_path = ""
    if status is QueueStatus.COMPLETED and torrent.content_path:
        if torrent.content_path == torrent.save_path:
            status = QueueStatus.WARNING
            message = "Path matches client base download directory"
        else:
            output_path = torrent.content_path
    return QueueItem(
        download_id=torrent.hash.upper(),
        title=torrent.name,
        category=torrent.category,
        size=torrent.size,
        remaining_size=int(torrent.size * (1 - torrent.progress)),
        remaining_seconds=_remaining(torrent, status),
        status=status,
        message=message,
        output_path=output_path,
        can_be_removed=(remove_completed or not dialect.heeds_remove_option)
        and stopped_after_seeding(dialect, torrent.state)
        and seed_limit_reached(dialect, torrent, preferences, now),
    )


def _remaining(torrent: Torrent, status: QueueStatus) -> int | None:
    if status is QueueStatus.COMPLETED:
        return 0
    if torrent.eta < 0 or torrent.eta > LONGEST_ETA or torrent.eta == ETA_UNKNOWN:
        return None
    return torrent.eta


def stopped_after_seeding(dialect: Dialect, state: str) -> bool:
    """Return whether the state is the one that may be removed."""
    return state == "pausedUP" or (dialect.knows_stopped and state == "stoppedUP")


def seed_limit_reached(
    dialect: Dialect, torrent: Torrent, preferences: Preferences, now: float
) -> bool:
    """Return whether any limit is reached, the torrent's own or the global one (`-2`)."""
    return (
        ratio_reached(dialect, torrent, preferences)
        or seeding_time_reached(torrent, preferences)
        or _idle_long_enough(dialect, torrent, preferences, now)
    )


def ratio_reached(dialect: Dialect, torrent: Torrent, preferences: Preferences) -> bool:
    """Compare the ratio with the limit that holds."""
    limit = torrent.ratio_limit
    if limit == USE_GLOBAL and preferences.max_ratio_enabled:
        limit = preferences.max_ratio
    return 0 <= limit <= torrent.ratio + dialect.ratio_tolerance


def time_limit(torrent: Torrent, preferences: Preferences) -> int:
    """Return the seeding time limit that holds, in minutes; negative for none."""
    if torrent.seeding_time_limit == USE_GLOBAL and preferences.max_seeding_time_enabled:
        return preferences.max_seeding_time
    return torrent.seeding_time_limit


def seeding_time_reached(torrent: Torrent, preferences: Preferences) -> bool:
    """Compare the seeding time with the limit that holds."""
    return 0 <= time_limit(torrent, preferences) * 60 <= (torrent.seeding_time or 0)


def _idle_long_enough(
    dialect: Dialect, torrent: Torrent, preferences: Preferences, now: float
) -> bool:
    limit = torrent.inactive_seeding_time_limit
    if limit == USE_GLOBAL and preferences.max_inactive_seeding_time_enabled:
        limit = preferences.max_inactive_seeding_time
    return dialect.knows_inactive_limit and 0 <= limit * 60 < now - torrent.last_activity
