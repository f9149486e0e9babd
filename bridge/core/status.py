"""What a download looks like from outside: qBittorrent's state, progress, eta, speeds.

One pure function of the download, what TorBox last said, and how far the fetch is. The first rule
that matches wins, and only the first two can give a state that an *arr reads as complete.
"""

from dataclasses import dataclass
from enum import StrEnum

from bridge.core.model import Entry, Phase, RemoteItem

ETA_UNKNOWN = 8_640_000
"""What qBittorrent says for "no idea"; *arr read it so."""

REMOTE_SHARE = 0.5
"""The part of the progress bar that TorBox's own work fills; the fetch fills the rest."""

NEARLY = 0.999
"""The most that is shown before every file is in place."""


class State(StrEnum):
    """qBittorrent's words, as 4.x writes them (5.x says `stoppedUP`, `stoppedDL`)."""

    ERROR = "error"
    MISSING_FILES = "missingFiles"
    UPLOADING = "uploading"
    PAUSED_UP = "pausedUP"
    QUEUED_UP = "queuedUP"
    STALLED_UP = "stalledUP"
    CHECKING_UP = "checkingUP"
    FORCED_UP = "forcedUP"
    DOWNLOADING = "downloading"
    META_DL = "metaDL"
    PAUSED_DL = "pausedDL"
    QUEUED_DL = "queuedDL"
    STALLED_DL = "stalledDL"
    CHECKING_DL = "checkingDL"
    FORCED_DL = "forcedDL"
    FORCED_META_DL = "forcedMetaDL"
    CHECKING_RESUME_DATA = "checkingResumeData"
    MOVING = "moving"


@dataclass(frozen=True, slots=True)
class Fetched:
    """How far the fetch of a download is: bytes on disk, and bytes per second just now."""

    done: int
    speed: int
    checking: bool = False
    """All is on disk, and is compared with the torrent's hashes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """What a poll shows of a download. Speeds in bytes/s, eta in seconds, sizes in bytes."""

    state: State
    progress: float
    eta: int = ETA_UNKNOWN
    size: int = 0
    download_speed: int = 0
    upload_speed: int = 0
    seeds: int = 0
    peers: int = 0
    ratio: float = 0.0


def status_of(
    entry: Entry,
    item: RemoteItem | None,
    fetched: Fetched | None,
    *,
    shown: float = 0.0,
    turn_in: int = ETA_UNKNOWN,
    remote_share: float = REMOTE_SHARE,
) -> Status:
    """Tell what to show. `shown` is the progress shown last, below which it never falls.

    `turn_in` is in how many seconds TorBox will be asked for a download that waits to be submitted.
    `remote_share` is the part of the progress bar that TorBox's own work fills.
    """
    state = state_of(entry, item, fetched)
    size = entry.size or (item.size if item else 0)
    progress = _progress(entry, item, fetched, size, remote_share)
    if not entry.complete:
        progress = min(max(progress, shown, entry.grab.progress), NEARLY)
    working = item is not None and entry.phase in {Phase.REMOTE, Phase.READY, Phase.DELIVERED}
    down = _speed(entry, item, fetched)
    eta = _eta(entry, item, down, size * (1 - progress) / (1 - remote_share))
    return Status(
        state=state,
        progress=progress,
        eta=turn_in if entry.phase in {Phase.ACCEPTED, Phase.SUBMITTING} else eta,
        size=size,
        download_speed=down,
        upload_speed=item.upload_speed if item and working else 0,
        seeds=item.seeds if item and working else 0,
        peers=item.peers if item and working else 0,
        ratio=entry.download.ratio,
    )


def state_of(entry: Entry, item: RemoteItem | None, fetched: Fetched | None = None) -> State:
    """Name the state in qBittorrent's words."""
    if entry.complete and entry.grab.moving_to:
        return State.MOVING
    if entry.complete and entry.grab.missing_files:
        return State.MISSING_FILES
    match entry.phase:
        case Phase.FINISHED:
            return State.PAUSED_UP
        case Phase.DELIVERED:
            return State.UPLOADING if item and item.upload_speed > 0 else State.STALLED_UP
        case Phase.FAILED:
            return State.ERROR
        case _ if entry.grab.stopped:
            return State.PAUSED_DL
        case Phase.DELIVERING if fetched is not None and fetched.checking:
            return State.CHECKING_DL
        case Phase.DELIVERING:
            return State.FORCED_DL if entry.grab.force_start else State.DOWNLOADING
        case Phase.REMOTE if item is not None:
            state = remote_state(item, moving=entry.download.remote_progress > 0)
            return _FORCED.get(state, state) if entry.grab.force_start else state
        case _:
            return State.QUEUED_DL


_FORCED = {State.META_DL: State.FORCED_META_DL, State.DOWNLOADING: State.FORCED_DL}
FAILED_WORDS = frozenset(
    {"failed", "error", "dead", "corrupt", "missing", "missingfiles", "reported missing"}
    | {"timedout", "expired"}
)
_CHECKING = frozenset({"checking", "checkingdl", "checkingup", "allocating"})
_CHECKING |= {"verifying", "repairing"}
_WORKING = ("downloading", "uploading", "completed", "processing", "moving")
_KNOWN = FAILED_WORDS | _CHECKING
_KNOWN |= {"", "metadl", "checkingresumedata", "waiting", "forceddl", "forcedup", "cached"}
_KNOWN_STEMS = (*_WORKING, "queued", "paused", "stalled", "inactive", "incomplete")


def known_state(text: str) -> bool:
    """Tell whether TorBox's text is one that `remote_state` was made for."""
    word = state_word(text)
    return word in _KNOWN or word.startswith(_KNOWN_STEMS)


def state_word(text: str) -> str:
    """TorBox's state without what it adds in parentheses: `stalled (no seeds)` is `stalled`."""
    return text.partition("(")[0].strip().lower()


def remote_state(item: RemoteItem, *, moving: bool) -> State:
    """Translate TorBox's word. Never a complete state, and a word we do not know is no error."""
    word = state_word(item.state)
    if item.finished:
        return State.DOWNLOADING
    if word in FAILED_WORDS:
        return State.ERROR
    if word == "metadl" or (item.active and not item.size):
        return State.META_DL
    if word == "checkingresumedata":
        return State.CHECKING_RESUME_DATA
    if word in _CHECKING:
        return State.CHECKING_DL
    if word.startswith("queued") or word == "waiting":
        return State.QUEUED_DL
    if word.startswith("paused"):
        return State.PAUSED_DL
    if word.startswith(("stalled", "inactive", "incomplete")) or not item.active:
        return State.STALLED_DL
    if word == "forceddl":
        return State.FORCED_DL
    working = word.startswith(_WORKING) or moving or item.download_speed > 0
    return State.DOWNLOADING if working else State.STALLED_DL


def _progress(
    entry: Entry, item: RemoteItem | None, fetched: Fetched | None, size: int, share: float
) -> float:
    if entry.complete:
        return 1.0
    if entry.phase is Phase.DELIVERING:
        local = fetched.done / size if fetched and size else 0.0
        return share + (1 - share) * min(local, 1.0)
    if entry.phase is Phase.READY:
        return share
    if entry.phase is Phase.REMOTE and item is not None:
        return share * min(item.progress, 0.99)
    return 0.0


def _speed(entry: Entry, item: RemoteItem | None, fetched: Fetched | None) -> int:
    if entry.grab.stopped:
        return 0
    if entry.phase is Phase.DELIVERING:
        return fetched.speed if fetched else 0
    if entry.phase is Phase.REMOTE and item and not item.finished:
        return item.download_speed
    return 0


def _eta(entry: Entry, item: RemoteItem | None, speed: int, left: float) -> int:
    if entry.phase is Phase.DELIVERING and speed > 0:
        return min(round(left / speed), ETA_UNKNOWN)
    if entry.phase is Phase.REMOTE and item and speed > 0 and 0 < item.eta < ETA_UNKNOWN:
        return item.eta
    return ETA_UNKNOWN
