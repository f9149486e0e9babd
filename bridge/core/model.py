"""The values everything else passes around.

Times are unix seconds (float), sizes are bytes, seed limits are minutes as qBittorrent counts them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

UNLIMITED = -1
USE_GLOBAL = -2


class Phase(StrEnum):
    """Where a download stands in its life. Ours alone; no *arr ever sees it.

    A download is DELIVERED only after every chosen file was renamed into place: no path that an
    *arr could import exists under its save path before.
    """

    ACCEPTED = "accepted"
    """The row is committed; TorBox has not been asked."""
    SUBMITTING = "submitting"
    """A create may have reached TorBox; its answer is not known yet."""
    QUEUED = "queued"
    """TorBox holds it in its own queue, under a queued_id."""
    REMOTE = "remote"
    """TorBox works on it, under a torrent_id."""
    READY = "ready"
    """TorBox has all the files and gives links to them."""
    DELIVERING = "delivering"
    """The files are being made to appear on disk."""
    DELIVERED = "delivered"
    """Every chosen file is whole at its place; the seed rule is not met yet."""
    FINISHED = "finished"
    """Delivered, and nothing is left to seed."""
    FAILED = "failed"
    """Given up, with a reason that is kept."""


FINAL = frozenset({Phase.FINISHED, Phase.FAILED})
COMPLETE = frozenset({Phase.DELIVERED, Phase.FINISHED})
BEFORE_READY = frozenset({Phase.ACCEPTED, Phase.SUBMITTING, Phase.QUEUED, Phase.REMOTE})


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
    """What an *arr asked for: one info-hash, one category. One row in the store.

    `hash` is the identity (40 lower-case hex digits, computed here from the magnet or .torrent)
    and never changes, whatever TorBox reports.
    """

    hash: str
    name: str
    save_path: str
    added_at: float
    infohash_v1: str = ""
    infohash_v2: str = ""
    category: str = ""
    asked_by: str = ""
    """The program that added it, by its User-Agent: `Sonarr`."""
    tags: tuple[str, ...] = ()
    magnet: str = ""
    has_torrent: bool = False
    """The .torrent file itself is kept in the store."""
    private: bool = False
    size: int = 0
    """Bytes of the chosen files; 0 until they are known."""

    phase: Phase = Phase.ACCEPTED
    phase_at: float = 0.0
    """When the phase began."""
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
    comment: str = ""
    """The user's; empty: what the .torrent says."""
    download_limit: int = 0
    """Bytes/s; 0 is none."""
    upload_limit: int = 0
    file_edits: tuple[FileEdit, ...] = ()
    """What the user said of files before they were planned."""
    moving_to: str = ""
    """Where its content is being moved to; empty when it stays where it is."""
    missing_files: bool = False
    """Files of it are gone from disk, as a recheck found after it was complete."""
    ratio_limit: float = USE_GLOBAL
    seeding_time_limit: int = USE_GLOBAL
    inactive_seeding_time_limit: int = USE_GLOBAL

    torrent_id: int | None = None
    queued_id: int | None = None
    ours: bool = False
    """The bridge created the remote item, so the bridge may delete it."""
    submitted_at: float | None = None
    """When the first create that may have had an effect was sent."""
    lookup_until: float = 0.0
    """A create may have had an effect: it is looked for by hash, and not sent again, until TorBox's
    lists were read at this time or later. 0 when there is nothing to look for.
    """
    remote_at: float | None = None
    """When the remote item's torrent_id became known."""
    attempts: int = 0
    next_attempt_at: float = 0.0
    note: str = ""
    """What stands in the way just now, for the user; empty when nothing does."""
    seen_at: float | None = None
    """Last sign of life of the remote item."""
    failing_since: float | None = None
    """When TorBox was first seen to call it failed; None while it does not."""
    misses: int = 0
    """Looks in a row that found neither the id nor the hash."""
    idle_seconds: float = 0.0
    """Observed time without progress at TorBox. Outages and our own downtime do not count."""
    observed_seconds: float = 0.0
    """Observed time at TorBox in all, counted the same way."""
    reannounced_at: float = -1.0
    """`idle_seconds` when TorBox was told to reannounce it; -1 since it last moved."""
    remote_progress: float = 0.0
    """TorBox's own share (0..1) when it last moved."""
    progress: float = 0.0
    """The largest share (0..1) ever shown; a state read later never shows less."""
    ratio: float = 0.0
    uploaded: int = 0

    lacking_at: int = -1
    """Bytes of TorBox's file list when wanted files were missing in it; -1 when none ever were."""
    content_name: str = ""
    """Top-level file or folder below save_path, as it is on disk."""
    delivery_mode: str = ""
    """`download`, `symlink` …: decided when it is ready, and kept whatever the settings say later."""
    completed_at: float | None = None
    failure_reason: Reason | None = None
    failure_message: str = ""
    active_at: float | None = None
    """When TorBox last showed that it uploads; None when it never did."""
    imported_at: float | None = None
    """When its *arr was first seen to have imported all of it; None while nobody knows."""

    @property
    def complete(self) -> bool:
        """Every chosen file is whole at its place."""
        return self.phase in COMPLETE

    @property
    def failure(self) -> Failure | None:
        """Why it failed, when it did."""
        if self.failure_reason is None:
            return None
        return Failure(self.failure_reason, self.failure_message)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveredFile:
    """One file of a download: what TorBox calls it and where it goes. One row in the store."""

    hash: str
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
class Claim:
    """What a further *arr asked for of a download that is here already: its own category and files.

    The first one's stand in the download's row. All share the remote item and one fetch; each sees
    the download in its category, with its path and its seed limits, and leaves without the others.
    One row in the store.
    """

    hash: str
    number: int = 0
    """Tells the claims of one hash apart, 1 and up; 0 is the download's own row."""
    category: str
    save_path: str
    added_at: float
    asked_by: str = ""
    tags: tuple[str, ...] = ()
    ratio_limit: float = USE_GLOBAL
    seeding_time_limit: int = USE_GLOBAL
    inactive_seeding_time_limit: int = USE_GLOBAL
    phase: Phase = Phase.ACCEPTED
    """ACCEPTED while it waits for its files, then DELIVERED and FINISHED, as a download; FAILED if
    it was given up by the rules of its own category.
    """
    phase_at: float = 0.0
    content_name: str = ""
    """As in a download, of this one's own files. They may be on disk once this is set."""
    delivery_mode: str = ""
    size: int = 0
    files: tuple[DeliveredFile, ...] = ()
    completed_at: float | None = None
    imported_at: float | None = None
    failure_reason: Reason | None = None
    failure_message: str = ""

    @property
    def waits(self) -> bool:
        """It has no files yet: what becomes of the download becomes of it."""
        return self.phase is Phase.ACCEPTED

    @property
    def complete(self) -> bool:
        """Every chosen file is whole at its place."""
        return self.phase in COMPLETE


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """A download the user deleted: what is still to be cleaned up. A persisted, retried job."""

    id: int = 0
    hash: str
    save_path: str = ""
    content_name: str = ""
    files: tuple[str, ...] = ()
    """Paths below save_path to delete; empty when the files are to stay."""
    delivery_mode: str = ""
    """How they came there."""
    files_only: bool = False
    """Another claim lives on: what is staged and the remote item are its own."""
    delete_remote: bool = False
    torrent_id: int | None = None
    queued_id: int | None = None
    unclear: bool = False
    """A create may have had an effect whose ids never arrived: look for the hash."""
    submitted_at: float | None = None
    created_at: float = 0.0
    attempts: int = 0
    next_attempt_at: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """What is remembered of a download that is gone: something of it may turn up at TorBox yet."""

    hash: str
    submitted_at: float
    """When the first create of it was sent."""
    removed_at: float
    """When it was removed here. No create was sent after that."""
    left_at: float
    """When its removal was over."""
    unclear: bool
    """A create went unanswered, and was not found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failover:
    """A failed download that an *arr is told of. A persisted, retried job.

    The *arr deletes the download while it is told, so this outlives it.
    """

    id: int = 0
    hash: str
    category: str
    created_at: float
    sent_at: float | None = None
    """When the *arr was told first. From then on the user's delete cannot be told from its own."""
    ended_at: float | None = None
    """When the job was over, one way or another; kept for an hour, to be counted."""
    looks: int = 0
    """Times that the *arr was asked and did not know the download yet."""
    attempts: int = 0
    next_attempt_at: float = 0.0


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What TorBox last said of everything. Immutable, swapped whole."""

    items: Mapping[int, RemoteItem] = field(default_factory=lambda: MappingProxyType({}))
    queued: Mapping[int, QueuedItem] = field(default_factory=lambda: MappingProxyType({}))
    listed: frozenset[int] = frozenset()
    """Torrent ids in the last whole list. `items` may hold more: those asked for by id."""
    listed_at: float = 0.0
    """When the whole list was last read; 0 when never."""
    queue_listed_at: float = 0.0

    def item_by_hash(self, info_hash: str) -> RemoteItem | None:
        """Find a torrent by any hash it goes by; the newest when there are several."""
        found = [
            item
            for item in self.items.values()
            if item.hash == info_hash or info_hash in item.other_hashes
        ]
        return max(found, key=lambda item: item.id, default=None)

    def queued_by_hash(self, info_hash: str) -> QueuedItem | None:
        """Find a queued item by its hash; the newest when there are several."""
        found = [item for item in self.queued.values() if item.hash == info_hash]
        return max(found, key=lambda item: item.id, default=None)
