"""The status of an entry in qBittorrent's terms: state, progress, eta, speeds, availability.

A pure function of the entry, of TorBox's latest report, and of the progress of the fetch. Two rules
have priority: a state that an *arr reads as complete is never shown before every chosen file is in
place, and a healthy download never looks stalled or dead. Cleaners (decluttarr, Cleanuparr, qBitrr,
autoremove-torrents, qbit_manage) remove what stays `stalledDL`, `metaDL`, or `downloading` at
0 B/s. So everything that waits is `queuedDL`: for a slot, a rate limit, a full disk, the end of an
outage, TorBox's own queue, or TorBox's storage.
"""

from collections.abc import Sequence
from enum import StrEnum

import msgspec

from bridge.core.model import Entry, GrabPhase, Phase, RemoteItem

ETA_UNKNOWN = 8_640_000
"""qBittorrent's value for an unknown eta; the *arr interpret it that way."""

REMOTE_SHARE = 0.5
"""TorBox's share of the progress bar; the fetch fills the rest."""

QUICK_SECONDS = 5.0
"""If TorBox needed no more observed time than this, the torrent was cached or nearly so. The whole
progress bar is then for the fetch, and `downloaded`, `amount_left`, `dlspeed` and `eta` agree.
"""

QUICK_CACHED_SECONDS = 30.0
"""The same of a torrent that TorBox said it has cached: it may take longer to say so in its list."""

STANDSTILL_SECONDS = 300.0
"""What TorBox calls downloading, without a speed and without progress for so long, is stalled."""

NEARLY = 0.999
"""The highest progress shown before every file is in place."""

_COMPLETE = -1.0
"""The availability of what is complete."""


class State(StrEnum):
    """qBittorrent's states in the spelling of 4.x (5.x has `stoppedUP`, `stoppedDL`)."""

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


class Fetched(msgspec.Struct, frozen=True, gc=False):
    """The progress of a fetch: bytes on disk, and the current speed in bytes/s."""

    done: int
    speed: int
    checking: bool = False
    """All bytes are on disk and are being compared with the torrent's hashes."""
    in_line: bool = False
    """Its files wait until others are fetched: only so many are fetched at one time."""


class Status(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The status that a poll shows. Speeds in bytes/s, eta in seconds, sizes in bytes."""

    state: State
    progress: float
    eta: int = ETA_UNKNOWN
    size: int = 0
    download_speed: int = 0
    upload_speed: int = 0
    seeds: int = 0
    """Seeds that TorBox is connected to."""
    peers: int = 0
    swarm_seeds: int = 1
    """Known seeds. 0 marks a dead torrent, so only a stalled one may show it."""
    availability: float = 1.0
    """Available copies; -1 when complete. Below 1 only when TorBox is stalled or the user paused
    it.
    """
    ratio: float = 0.0
    moving: bool = False
    """Bytes are arriving, at TorBox or here."""
    in_line: bool = False
    """Its files wait until other files are fetched."""


def status_of(
    entry: Entry,
    item: RemoteItem | None,
    fetched: Fetched | None,
    *,
    shown: float = 0.0,
    turn_in: int = ETA_UNKNOWN,
    remote_share: float = REMOTE_SHARE,
    unreachable: bool = False,
) -> Status:
    """Return the status to show.

    `shown` is the progress shown last; it never falls below that. `turn_in` is the number of
    seconds until a waiting download is submitted. `remote_share` is TorBox's share of the progress
    bar. `unreachable` means that TorBox does not answer or rejects the key, so that its last report
    is outdated.
    """
    size = entry.size or (item.size if item else 0)
    if entry.grab.phase is GrabPhase.FINISHED:
        # Nothing moves any more. A start makes the status of tens of thousands of these.
        return Status(
            state=state_of(entry, None),
            progress=1.0,
            size=size,
            swarm_seeds=_swarm_seeds(entry, item, least=1),
            availability=_COMPLETE,
            ratio=entry.download.ratio,
        )
    known = None if unreachable else item
    state = state_of(entry, known, fetched)
    # Modes that fetch nothing (links, .strm) have a larger share, because all the work is TorBox's.
    quick = was_quick(entry) and remote_share <= REMOTE_SHARE
    share = 0.0 if quick else remote_share
    progress = _progress(entry, item, fetched, size, share)
    if not entry.complete:
        progress = min(max(progress, shown, entry.grab.progress), NEARLY)
    working = known is not None and entry.phase in {Phase.REMOTE, Phase.READY, Phase.DELIVERED}
    down = _speed(entry, known, fetched)
    stalled = state in {State.STALLED_DL, State.ERROR} and known is not None
    # A download that the user paused shows 0, as in qBittorrent: cleaners skip paused downloads.
    idle = stalled or (entry.grab.stopped and not (item and item.finished))
    seeds = known.seeds if known and working else 0
    if down and entry.phase is Phase.REMOTE:
        # Some TorBox reports show a speed and 0 seeds; cleaners would read that as a dead torrent.
        seeds = max(seeds, 1)
    waits_for_turn = entry.phase in {Phase.ACCEPTED, Phase.SUBMITTING}
    return Status(
        state=state,
        progress=progress,
        eta=turn_in if waits_for_turn else _eta(entry, known, fetched, size, down),
        size=size,
        download_speed=down,
        upload_speed=known.upload_speed if known and working else 0,
        seeds=seeds,
        peers=known.peers if known and working else 0,
        swarm_seeds=_swarm_seeds(entry, item, least=0 if idle and not entry.complete else 1),
        availability=_availability(entry, item, idle=idle),
        ratio=entry.download.ratio,
        moving=down > 0,
        in_line=fetched is not None and fetched.in_line,
    )


def files_progress(done: Sequence[int], sizes: Sequence[int], progress: float) -> Sequence[float]:
    """Return the progress of each chosen file; together they add up to that of the download.

    `done` are the bytes of each that are known to be on disk. `progress` is what the download
    shows. That counts TorBox's part of the work, too, and what was on disk before a restart, which
    is spread evenly over what is left of the files.
    """
    total = sum(sizes)
    local = sum(done) / total if total else 0.0
    rest = max(progress - local, 0.0) / (1 - local) if local < 1 else 0.0
    shares = (part / size if size else progress for part, size in zip(done, sizes, strict=True))
    return [min(share + (1 - share) * rest, 1.0) for share in shares]


def was_quick(entry: Entry) -> bool:
    """Return whether TorBox took almost no time, as for a cached torrent."""
    longest = QUICK_CACHED_SECONDS if entry.download.known_cached else QUICK_SECONDS
    return entry.download.observed_seconds < longest


def state_of(entry: Entry, item: RemoteItem | None, fetched: Fetched | None = None) -> State:
    """Return the state in qBittorrent's words. `item` is None while TorBox's report is unknown."""
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
        case Phase.DELIVERING if fetched is not None and fetched.speed > 0:
            return State.FORCED_DL if entry.grab.force_start else State.DOWNLOADING
        case Phase.REMOTE if item is not None:
            return _state_at_torbox(entry, item)
        case _:
            return State.QUEUED_DL


def _state_at_torbox(entry: Entry, item: RemoteItem) -> State:
    state = remote_state(item, moving=entry.download.remote_progress > 0)
    if state in _LOADING and item.download_speed <= 0:
        # A speed of 0 in one report is no standstill, and beside it there is no eta.
        idle = entry.download.idle_seconds
        return State.STALLED_DL if idle >= STANDSTILL_SECONDS else State.QUEUED_DL
    return _FORCED.get(state, state) if entry.grab.force_start else state


_LOADING = frozenset({State.DOWNLOADING, State.FORCED_DL})
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
    """Return whether `remote_state` knows this state text of TorBox."""
    word = state_word(text)
    return word in _KNOWN or word.startswith(_KNOWN_STEMS)


def state_word(text: str) -> str:
    """Return TorBox's state without its parentheses: `stalled (no seeds)` becomes `stalled`."""
    return text.partition("(")[0].strip().lower()


def remote_state(item: RemoteItem, *, moving: bool) -> State:
    """Return qBittorrent's state for TorBox's. Never a complete state, nor an error for a new word."""
    word = state_word(item.state)
    if item.finished:
        # TorBox copies the files to its storage: no bytes move that a client could count.
        return State.QUEUED_DL
    if word in FAILED_WORDS:
        return State.ERROR
    # An active item without a size is looking for its metadata, whatever its state says.
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


def _eta(
    entry: Entry, item: RemoteItem | None, fetched: Fetched | None, size: int, speed: int
) -> int:
    """Return the estimated seconds left of the current transfer.

    TorBox often reports an eta of 0 or 8640000 together with a speed. Cleaners read that as "never"
    (Cleanuparr: slow-time strikes), so the eta is then computed here.
    """
    if speed <= 0:
        return ETA_UNKNOWN
    if entry.phase is Phase.REMOTE and item:
        if 0 < item.eta < ETA_UNKNOWN:
            return item.eta
        # Without a usable eta of TorBox's, size and progress give one.
        left = (item.size or size) * (1 - min(item.progress, 1.0))
    else:
        left = size - (fetched.done if fetched else 0)
    return min(max(round(left / speed), 1), ETA_UNKNOWN)


def _swarm_seeds(entry: Entry, item: RemoteItem | None, *, least: int) -> int:
    """Return the known seeds: of what is no longer in a swarm, the last known number.

    Rules of cleaners ask for a minimum of seeds before they remove what has been imported.
    """
    told = item.seeds if item else 0
    if entry.complete or item is None or item.finished:
        told = told or entry.download.seeds
    return max(told, least)


def _availability(entry: Entry, item: RemoteItem | None, *, idle: bool) -> float:
    if entry.complete:
        return _COMPLETE
    # Cleaners remove what shows less than one copy, so a healthy download never does, whatever
    # TorBox reports.
    told = item.availability if item and item.availability is not None else 0.0
    return max(told, 0.0 if idle else 1.0)
