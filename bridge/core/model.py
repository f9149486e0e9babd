"""The data model: downloads, grabs, their files, persisted jobs, and what TorBox last said.

Times are unix seconds (float), sizes are bytes, seed limits are minutes as qBittorrent counts them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from types import MappingProxyType
from typing import TypeAlias

UNLIMITED = -1
USE_GLOBAL = -2


class DownloadPhase(StrEnum):
    """Where a download is in its lifecycle at TorBox: `new -> submitting -> queued | active -> ready`.

    FAILED may follow any of them. A download that is to be delivered once more goes back to ACTIVE,
    or to NEW when TorBox no longer has its item.
    """

    NEW = "new"
    """Committed; TorBox has not been asked yet."""
    SUBMITTING = "submitting"
    """A create may have reached TorBox; its answer is not known yet."""
    QUEUED = "queued"
    """TorBox keeps it in its own queue, under a queued_id."""
    ACTIVE = "active"
    """TorBox works on it, under a torrent_id."""
    READY = "ready"
    """TorBox has all the files and gives links to them."""
    FAILED = "failed"
    """Given up for every grab that has no files yet."""


class GrabPhase(StrEnum):
    """Where a grab is in its lifecycle: `waiting -> delivering -> delivered -> finished`, or failed.

    A grab is DELIVERED only after every chosen file was renamed into place: before that, no path
    that an *arr could import exists below its save path.
    """

    WAITING = "waiting"
    """It has no files yet: what becomes of the download becomes of it."""
    DELIVERING = "delivering"
    """Its files are being made to appear on disk."""
    DELIVERED = "delivered"
    """Every chosen file is whole at its place; the seed rule is not met yet."""
    FINISHED = "finished"
    """Delivered, and nothing is left to seed."""
    FAILED = "failed"
    """Given up by the rules of its own category, or because it could not be delivered."""


class Phase(StrEnum):
    """The phase of an entry: of a grab that has begun to be delivered, else of its download.

    These words are public: events, metrics and the JSON API show them.
    """

    ACCEPTED = "accepted"
    SUBMITTING = "submitting"
    QUEUED = "queued"
    REMOTE = "remote"
    READY = "ready"
    DELIVERING = "delivering"
    DELIVERED = "delivered"
    FINISHED = "finished"
    FAILED = "failed"


AT_TORBOX = frozenset({DownloadPhase.QUEUED, DownloadPhase.ACTIVE, DownloadPhase.READY})
BEFORE_READY = frozenset(
    {DownloadPhase.NEW, DownloadPhase.SUBMITTING, DownloadPhase.QUEUED, DownloadPhase.ACTIVE}
)
COMPLETE = frozenset({GrabPhase.DELIVERED, GrabPhase.FINISHED})
NOT_DELIVERED = frozenset({GrabPhase.WAITING, GrabPhase.DELIVERING})

_SHOWN = {
    DownloadPhase.NEW: Phase.ACCEPTED,
    DownloadPhase.SUBMITTING: Phase.SUBMITTING,
    DownloadPhase.QUEUED: Phase.QUEUED,
    DownloadPhase.ACTIVE: Phase.REMOTE,
    DownloadPhase.READY: Phase.READY,
    DownloadPhase.FAILED: Phase.FAILED,
}


class Reason(StrEnum):
    """Why a download failed. The code is public: it stands in events and on the status page."""

    INVALID = "invalid"
    TOO_LARGE = "too_large"
    NOT_CACHED = "not_cached"
    REFUSED = "refused"
    REMOTE_ERROR = "remote_error"
    STALLED = "stalled"
    NO_METADATA = "no_metadata"
    NOT_PRESENT = "not_present"
    GAVE_UP = "gave_up"
    GONE = "gone"
    INFECTED = "infected"
    EXPIRED = "expired"
    ZIPPED = "zipped"
    INCOMPLETE = "incomplete"
    NOTHING_CHOSEN = "nothing_chosen"


@dataclass(frozen=True, slots=True)
class Failure:
    """A reason code and a sentence that tells the user what happened."""

    reason: Reason
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FileEdit:
    """Another name or priority for a file that TorBox does not have yet."""

    path: str
    """As it is laid out by itself: below save_path, '/' separated."""
    name: str = ""
    """The path that the user wants; empty: its own."""
    priority: int = 1
    """0 is not wanted, 1 normal, 6 high, 7 highest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Download:
    """One info-hash at TorBox: its ids there, its remote state, its metadata.

    One row per hash, whoever asked for it. `hash` is 40 lower-case hex digits, computed here from
    the magnet or the .torrent; it never changes, whatever TorBox reports.
    """

    id: int = 0
    kind: str = "torrent"
    hash: str
    infohash_v1: str = ""
    infohash_v2: str = ""
    name: str
    """What the magnet, the .torrent or TorBox calls it."""
    remote_name: str = ""
    """What TorBox calls its item, and a mount of TorBox its folder; empty until it was seen."""
    magnet: str = ""
    has_torrent: bool = False
    """The .torrent file itself is stored."""
    private: bool = False
    size: int = 0
    """Bytes of all its files; 0 until they are known."""

    phase: DownloadPhase = DownloadPhase.NEW
    phase_at: float = 0.0
    """When the phase began."""
    torrent_id: int | None = None
    queued_id: int | None = None
    ours: bool = False
    """One of our creates made the remote item, so the bridge may delete it."""
    submitted_at: float | None = None
    """When the first create that may have had an effect was sent."""
    lookup_until: float = 0.0
    """A create may have had an effect: the hash is looked up, and no further create is sent, until
    TorBox's lists were read at this time or later. 0 when there is nothing to look up.
    """
    remote_at: float | None = None
    """When the remote item's torrent_id became known."""
    known_cached: bool = False
    """TorBox said at the create that it has all of it already."""
    recreated: bool = False
    """It failed at TorBox, and was deleted there to be created once more."""
    attempts: int = 0
    next_attempt_at: float = 0.0
    note: str = ""
    """Why it waits, for the user; empty when nothing is in the way."""
    seen_at: float | None = None
    """When TorBox last showed the remote item."""
    failing_since: float | None = None
    """When TorBox was first seen to call it failed; None while it does not."""
    misses: int = 0
    """Looks in a row that found neither the id nor the hash."""
    idle_seconds: float = 0.0
    """Observed time without progress at TorBox. Outages and our own downtime do not count."""
    observed_seconds: float = 0.0
    """Observed time at TorBox in all, counted the same way."""
    reannounced_at: float = -1.0
    """`idle_seconds` when TorBox was asked to reannounce it; -1 since it last made progress."""
    remote_progress: float = 0.0
    """TorBox's own progress (0..1) when it last increased."""
    remote_active_at: float | None = None
    """When bytes were last seen to move at TorBox, down or up; None when never."""
    ratio: float = 0.0
    uploaded: int = 0
    uploaded_at: float | None = None
    """When TorBox was last seen to upload; None when never."""
    failure_reason: Reason | None = None
    failure_message: str = ""

    @property
    def failure(self) -> Failure | None:
        """Why the download failed, if it did."""
        if self.failure_reason is None:
            return None
        return Failure(self.failure_reason, self.failure_message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grab:
    """What one client asked for: category, save path, tags, limits, and its own delivered files."""

    id: int = 0
    download_id: int = 0
    category: str = ""
    save_path: str
    added_at: float
    client: str = ""
    """The program that added it, by its User-Agent: `Sonarr`."""
    name: str = ""
    """The name the client gave it; empty: the download's."""
    tags: tuple[str, ...] = ()
    comment: str = ""
    """The user's; empty: what the .torrent says."""

    stopped: bool = False
    """Paused by the user: nothing new is begun for it before it is delivered."""
    force_start: bool = False
    sequential: bool = False
    first_last_first: bool = False
    priority: int = 0
    """Place in the submit queue; the smallest goes first."""
    content_layout: str = "Original"
    super_seeding: bool = False
    auto_tmm: bool = False
    download_limit: int = 0
    """Bytes/s; 0 is none."""
    upload_limit: int = 0
    ratio_limit: float = USE_GLOBAL
    seeding_time_limit: int = USE_GLOBAL
    inactive_seeding_time_limit: int = USE_GLOBAL
    file_edits: tuple[FileEdit, ...] = ()
    """Names and priorities the user gave to files before they were planned."""

    phase: GrabPhase = GrabPhase.WAITING
    phase_at: float = 0.0
    """When the phase began."""
    delivery_mode: str = ""
    """`download`, `symlink` ...: chosen when its files are planned, and kept from then on."""
    content_name: str = ""
    """Top-level file or folder below save_path, as it is on disk."""
    staging_name: str = ""
    """Its directory below `paths.incomplete` while it is being delivered."""
    content_is_folder: bool = False
    """`content_name` is a folder."""
    size: int = 0
    """Bytes of the chosen files; 0 until they are known."""
    incomplete_list_bytes: int = -1
    """Bytes of TorBox's file list when wanted files were missing in it; -1 when none are."""
    incomplete_list_at: float | None = None
    """When wanted files were first found missing in this very list."""
    idle_at_join: float = 0.0
    """The download's `idle_seconds` when this grab came: no grab is failed for a standstill that
    ended before anybody asked it to wait.
    """
    observed_at_join: float = 0.0
    """The download's `observed_seconds` at that time."""
    progress: float = 0.0
    """The largest share (0..1) ever shown; a state read later never shows less."""
    attempts: int = 0
    next_attempt_at: float = 0.0
    note: str = ""
    """Why it waits, for the user; empty when nothing is in the way."""
    moving_to: str = ""
    """The save path its content is being moved to; empty when it stays."""
    missing_files: bool = False
    """A recheck found some of its delivered files gone from disk."""
    completed_at: float | None = None
    imported_at: float | None = None
    """When its *arr was first seen to have imported all of it; None while that is unknown."""
    failure_reason: Reason | None = None
    failure_message: str = ""

    @property
    def complete(self) -> bool:
        """Whether every chosen file is whole at its place."""
        return self.phase in COMPLETE

    @property
    def planned(self) -> bool:
        """Whether its files are chosen and named."""
        return bool(self.content_name)


@dataclass(frozen=True, slots=True)
class Entry:
    """A grab together with its download: one row of a client's list."""

    download: Download
    grab: Grab

    @property
    def hash(self) -> str:
        """The download's info-hash."""
        return self.download.hash

    @property
    def name(self) -> str:
        """The name to show."""
        return self.grab.name or self.download.name

    @property
    def phase(self) -> Phase:
        """The grab's phase once it is delivering, the download's before that."""
        if self.grab.phase is not GrabPhase.WAITING:
            return Phase(self.grab.phase.value)
        lacks_files = not self.grab.planned and self.grab.incomplete_list_bytes >= 0
        if self.download.phase is DownloadPhase.READY and lacks_files:
            return Phase.REMOTE  # TorBox's list of files is not whole yet
        return _SHOWN[self.download.phase]

    @property
    def phase_at(self) -> float:
        """When the phase that is shown began."""
        waits = self.grab.phase is GrabPhase.WAITING
        return self.download.phase_at if waits else self.grab.phase_at

    @property
    def complete(self) -> bool:
        """Whether every chosen file is whole at its place."""
        return self.grab.phase in COMPLETE

    @property
    def size(self) -> int:
        """Bytes of the chosen files, as far as they are known."""
        return self.grab.size or self.download.size

    @property
    def note(self) -> str:
        """Why it waits, for the user."""
        if self.complete or self.grab.note:
            return self.grab.note
        return self.download.note

    @property
    def failure(self) -> Failure | None:
        """Why the grab failed, or its download before the grab had files."""
        if self.grab.failure_reason is not None:
            return Failure(self.grab.failure_reason, self.grab.failure_message)
        return self.download.failure if self.grab.phase in NOT_DELIVERED else None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveredFile:
    """One file of a grab: what TorBox calls it and where it goes. One row in the database."""

    grab_id: int = 0
    file_id: int
    """TorBox's id of the file within its item."""
    remote_name: str
    size: int
    path: str
    """Relative to save_path, '/' separated, made safe."""
    chosen: bool = True
    done: bool = False
    priority: int = 1
    """qBittorrent's, to be shown: 0 is not wanted, 1 normal, 6 high, 7 highest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """Delete what a removed grab left on disk, and at TorBox if it was the last of its download."""

    grab_id: int = 0
    save_path: str = ""
    content_name: str = ""
    files: tuple[str, ...] = ()
    """Paths below save_path to delete; empty when the files are to stay."""
    delivery_mode: str = ""
    """The mode that delivered them."""
    staging_name: str = ""
    """Its directory below `paths.incomplete`, to be deleted; empty when there was none."""
    keeps_remote: bool = False
    """Other grabs of the download remain: TorBox is left alone."""
    delete_remote: bool = False
    torrent_id: int | None = None
    queued_id: int | None = None
    unclear: bool = False
    """A create may have had an effect whose ids never arrived: find the item by its hash."""
    submitted_at: float | None = None
    removed_at: float = 0.0
    """When the grab was removed here. No create was sent after that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failover:
    """Report a failed grab to its *arr, so that it finds another release.

    The *arr deletes the grab while it is told, so this job outlives it.
    """

    category: str
    message: str = ""
    """Why it failed: a sentence for the *arr's history."""
    sent_at: float | None = None
    """When the *arr was told first. From then on the user's delete cannot be told from its own."""
    looks: int = 0
    """Times that the *arr was asked and did not know the grab yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MetadataLookup:
    """Find name, size and files of a magnet while TorBox's item does not show them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """Move the content of a grab to `Grab.moving_to`."""

    grab_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Recheck:
    """Compare a delivered grab with the disk; deliver it again when files are found missing twice."""

    grab_id: int
    redeliver: bool = False
    """Deliver it again whatever is on disk."""
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkFollow:
    """Follow a link to a .torrent or a magnet and add what it leads to.

    `url` and `options` may hold secrets: neither is ever logged.
    """

    url: str
    options: "AddOptions"


@dataclass(frozen=True, slots=True, kw_only=True)
class AddOptions:
    """What a client says beside the torrent itself. Limits as in qBittorrent: minutes, -1, -2."""

    category: str = ""
    tags: tuple[str, ...] = ()
    save_path: str = ""
    name: str = ""
    stopped: bool = False
    force_start: bool = False
    sequential: bool = False
    first_last_first: bool = False
    to_top: bool = False
    content_layout: str = "Original"
    ratio_limit: float = USE_GLOBAL
    seeding_time_limit: int = USE_GLOBAL
    inactive_seeding_time_limit: int = USE_GLOBAL
    download_limit: int = 0
    """Bytes/s; 0 is none."""
    upload_limit: int = 0
    auto_tmm: bool = False
    asked_by: str = ""
    """The client, by its User-Agent: `Sonarr/4.0.15 (alpine 3.23)`."""
    cookie: str = ""
    """Sent along when a link to a .torrent is followed."""


Task: TypeAlias = Removal | Failover | MetadataLookup | Move | Recheck | LinkFollow


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Persisted work that is not a phase. It is retried until it is done, across restarts."""

    id: int = 0
    task: Task
    subject: str = ""
    """The info-hash it is about; empty when none is known yet."""
    created_at: float = 0.0
    attempts: int = 0
    next_attempt_at: float = 0.0
    finished_at: float | None = None
    """Set on a failover that is over: it still counts towards the limit per hour."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RemovedDownload:
    """What is remembered of a removed download: something of it may still turn up at TorBox."""

    hash: str
    submitted_at: float
    """When the first create of it was sent."""
    removed_at: float
    """When it was removed here. No create was sent after that."""
    left_at: float
    """When its removal was done."""
    unclear: bool
    """A create went unanswered, and its item was not found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Category:
    """A named group of downloads. `save_path` empty means `<downloads>/<name>`."""

    name: str
    save_path: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One line of a download's timeline."""

    hash: str
    at: float
    kind: str
    """`added`, `phase`, `note`, `arr`, `removed` …"""
    before: str = ""
    after: str = ""
    why: str = ""
    grab_id: int = 0
    """The grab it is about; 0 when it is about the download, that is about all of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteFile:
    """A file of a remote item. `name` is TorBox's, untrusted, '/' separated, root folder first."""

    id: int
    name: str
    size: int
    infected: bool = False
    zipped: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteItem:
    """What TorBox said of one torrent. Speeds in bytes/s, eta in seconds, progress 0..1."""

    id: int
    hash: str
    name: str = ""
    size: int = 0
    state: str = ""
    """TorBox's own text, trimmed and lower-case."""
    progress: float = 0.0
    download_speed: int = 0
    upload_speed: int = 0
    eta: int = 0
    seeds: int = 0
    peers: int = 0
    availability: float | None = None
    """Copies in the swarm; None when TorBox does not tell."""
    ratio: float = 0.0
    uploaded: int = 0
    active: bool = False
    finished: bool = False
    present: bool = False
    cached: bool = False
    private: bool = False
    files: tuple[RemoteFile, ...] = ()
    other_hashes: tuple[str, ...] = ()
    created_at: float | None = None
    expires_at: float | None = None
    message: str = ""
    """What the tracker said, if anything."""

    @property
    def listed_bytes(self) -> int:
        """Bytes of all files in the list."""
        return sum(file.size for file in self.files)

    @property
    def ready(self) -> bool:
        """TorBox has all the files and gives links: finished, present, and listed.

        Never judged by the state text: `completed` only says that TorBox's client has the pieces.
        """
        return self.finished and self.present and bool(self.files)


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuedItem:
    """What TorBox holds in its own queue. Its ids are not torrent ids, though they may collide."""

    id: int
    hash: str
    name: str = ""
    created_at: float | None = None


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """What TorBox last said of everything. Immutable; replaced as a whole."""

    items: Mapping[int, RemoteItem] = field(default_factory=lambda: MappingProxyType({}))
    queued: Mapping[int, QueuedItem] = field(default_factory=lambda: MappingProxyType({}))
    listed: frozenset[int] = frozenset()
    """Torrent ids in the last whole list. `items` may hold more: those asked for by id."""
    listed_at: float = 0.0
    """When the whole list was last read; 0 when never."""
    queue_listed_at: float = 0.0

    def item_by_hash(self, info_hash: str) -> RemoteItem | None:
        """Return the newest torrent that goes by this hash."""
        found = self._items_by_hash.get(info_hash)
        return self.items[found] if found is not None else None

    def queued_by_hash(self, info_hash: str) -> QueuedItem | None:
        """Return the newest queued item of this hash."""
        found = [item for item in self.queued.values() if item.hash == info_hash]
        return max(found, key=lambda item: item.id, default=None)

    @cached_property
    def _items_by_hash(self) -> Mapping[str, int]:
        index: dict[str, int] = {}
        for item in self.items.values():
            for info_hash in (item.hash, *item.other_hashes):
                index[info_hash] = max(item.id, index.get(info_hash, item.id))
        return index
