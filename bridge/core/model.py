"""The data model: downloads, grabs, their files, persisted jobs, and what TorBox last said.

Times are unix seconds (float), sizes are bytes, seed limits are minutes as qBittorrent counts them.
"""

from collections.abc import Mapping
from enum import StrEnum
from functools import cached_property
from types import MappingProxyType
from typing import TypeAlias, TypeVar

import msgspec

UNLIMITED = -1
USE_GLOBAL = -2

LONGEST_NAME = 4096
"""Maximum characters of a name or a path, as in Linux. A name is in every poll and in every line of
the log about it, and it comes from an indexer, from TorBox or from a client.
"""


class DownloadPhase(StrEnum):
    """A download's lifecycle at TorBox: `new -> submitting -> queued | active -> ready`.

    FAILED may follow any phase. A download whose files are needed again goes back to ACTIVE, or to
    NEW when TorBox no longer has its item.
    """

    NEW = "new"
    """Committed here; nothing was sent to TorBox yet."""
    SUBMITTING = "submitting"
    """A create may have reached TorBox; its answer is not known yet."""
    QUEUED = "queued"
    """TorBox keeps it in its own queue, under a queued_id."""
    ACTIVE = "active"
    """TorBox is downloading it, under a torrent_id."""
    READY = "ready"
    """TorBox has all the files and hands out links to them."""
    FAILED = "failed"
    """Failed for every grab that has no files yet."""


class GrabPhase(StrEnum):
    """A grab's lifecycle: `waiting -> delivering -> delivered -> finished`, or failed.

    A grab is DELIVERED only after every chosen file was renamed into place. Before that, no path
    that an *arr could import exists below its save path.
    """

    WAITING = "waiting"
    """No files yet: it shows the phase of its download, and fails with it."""
    DELIVERING = "delivering"
    """Its files are being made to appear on disk."""
    DELIVERED = "delivered"
    """Every chosen file is complete and in place; the seed rule is not met yet."""
    FINISHED = "finished"
    """Delivered, and nothing is left to seed."""
    FAILED = "failed"
    """Failed by the rules of its own category, or because delivery is impossible."""


class Phase(StrEnum):
    """The phase of an entry: the grab's once it is delivering, the download's before that.

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


_SHOWN_OF_GRAB = {
    phase: Phase(phase.value) for phase in GrabPhase if phase is not GrabPhase.WAITING
}


class Reason(StrEnum):
    """Why a download failed. The code is public: events and the page show it.

    `docs/troubleshooting.md` says what each means for the user.
    """

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


class Failure(msgspec.Struct, frozen=True, gc=False):
    """A reason code and a sentence that tells the user what happened."""

    reason: Reason
    message: str


class FileEdit(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A new name or priority for a file that has not been planned yet."""

    path: str
    """The path that the layout gives the file: below save_path, '/' separated."""
    name: str = ""
    """The path that the user wants; empty: no change."""
    priority: int = 1
    """0 is not wanted, 1 normal, 6 high, 7 highest."""


class Download(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An info-hash at TorBox: its ids there, its remote state, its metadata.

    There is one row per hash, however many clients want it. `hash` is 40 lower-case hex digits,
    computed from the magnet or the .torrent. It never changes, whatever TorBox reports.
    """

    id: int = 0
    kind: str = "torrent"
    hash: str
    infohash_v1: str = ""
    infohash_v2: str = ""
    name: str
    """The name in the magnet, in the .torrent, or at TorBox."""
    remote_name: str = ""
    """The item's name at TorBox, and of its folder on a mount; empty until it was seen."""
    magnet: str = ""
    has_torrent: bool = False
    """The .torrent file itself is stored."""
    private: bool = False
    size: int = 0
    """Bytes of all files; 0 while unknown."""

    phase: DownloadPhase = DownloadPhase.NEW
    phase_at: float = 0.0
    """When the phase began."""
    torrent_id: int | None = None
    queued_id: int | None = None
    ours: bool = False
    """The bridge created the remote item, so it may delete it."""
    submitted_at: float | None = None
    """When the first create that may have succeeded was sent."""
    lookup_until: float = 0.0
    """A create may have succeeded. No other is sent until TorBox's lists were read at this time or
    later and do not show the hash. 0 when no create is unclear.
    """
    remote_at: float | None = None
    """When the remote item's torrent_id became known."""
    known_cached: bool = False
    """TorBox's answer to the create said that it has the torrent cached."""
    recreated: bool = False
    """It failed at TorBox, and was deleted there to be created once more."""
    attempts: int = 0
    next_attempt_at: float = 0.0
    note: str = ""
    """Why it waits, for the user; empty when it does not wait."""
    seen_at: float | None = None
    """When TorBox last showed the remote item."""
    failing_since: float | None = None
    """Since when TorBox reports it as failed; None while it does not."""
    misses: int = 0
    """Consecutive lookups that found neither the id nor the hash."""
    idle_seconds: float = 0.0
    """Observed time without progress at TorBox. Outages and our own downtime do not count."""
    observed_seconds: float = 0.0
    """Total observed time at TorBox, counted the same way."""
    reannounced_at: float = -1.0
    """`idle_seconds` when TorBox was asked to reannounce it; -1 if not since the last progress."""
    remote_progress: float = 0.0
    """TorBox's own progress (0..1) when it last increased."""
    remote_active_at: float | None = None
    """When bytes were last seen to move at TorBox, in either direction; None when never."""
    seeds: int = 0
    """The last number of seeds above 0 that TorBox reported; 0 when it never did."""
    ratio: float = 0.0
    uploaded: int = 0
    uploaded_at: float | None = None
    """When TorBox was last seen to upload; None when never."""
    failure_reason: Reason | None = None
    failure_message: str = ""

    @property
    def failure(self) -> Failure | None:
        """The reason of the failure; None if it has not failed."""
        if self.failure_reason is None:
            return None
        return Failure(self.failure_reason, self.failure_message)


class Grab(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The request of a client: category, save path, tags, limits, and its own delivered files."""

    id: int = 0
    download_id: int = 0
    category: str = ""
    save_path: str
    added_at: float
    client: str = ""
    """The program that added it, by its User-Agent: `Sonarr`."""
    name: str = ""
    """The name that the client gave it; empty: the download's."""
    tags: tuple[str, ...] = ()
    comment: str = ""
    """The user's comment; empty: the comment in the .torrent."""

    stopped: bool = False
    """Paused by the user: until it is delivered, no new work starts for it."""
    force_start: bool = False
    sequential: bool = False
    first_last_first: bool = False
    priority: int = 0
    """Position in the submit queue; the smallest number goes first."""
    content_layout: str = "Original"
    super_seeding: bool = False
    auto_tmm: bool = False
    download_limit: int = 0
    """Bytes/s; 0 is unlimited."""
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
    """`download`, `symlink` ...: chosen when the files are planned, and kept from then on."""
    content_name: str = ""
    """Top-level file or folder below save_path, as it is on disk."""
    staging_name: str = ""
    """Its directory below `paths.incomplete` while it is being delivered."""
    content_is_folder: bool = False
    """`content_name` is a folder."""
    size: int = 0
    """Bytes of the chosen files; 0 until they are known."""
    incomplete_list_bytes: int = -1
    """Bytes of TorBox's file list when it lacked wanted files; -1 when it lacked none."""
    incomplete_list_at: float | None = None
    """When wanted files were first found missing in this very list."""
    idle_at_join: float = 0.0
    """The download's `idle_seconds` when this grab was added. Earlier standstill does not count
    against the grab.
    """
    observed_at_join: float = 0.0
    """The download's `observed_seconds` at that time."""
    progress: float = 0.0
    """The largest progress (0..1) ever shown; it never falls below this."""
    attempts: int = 0
    next_attempt_at: float = 0.0
    note: str = ""
    """Why it waits, for the user; empty when it does not wait."""
    moving_to: str = ""
    """The save path to which its content is being moved; empty when no move is pending."""
    missing_files: bool = False
    """A recheck did not find some of its delivered files on disk."""
    completed_at: float | None = None
    imported_at: float | None = None
    """When its *arr was first seen to have imported all of it; None while unknown."""
    failure_reason: Reason | None = None
    failure_message: str = ""

    @property
    def complete(self) -> bool:
        """Whether every chosen file is complete and in place."""
        return self.phase in COMPLETE

    @property
    def planned(self) -> bool:
        """Whether its files are chosen and named."""
        return bool(self.content_name)


class Entry(msgspec.Struct, frozen=True, gc=False):
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
            return _SHOWN_OF_GRAB[self.grab.phase]
        lacks_files = not self.grab.planned and self.grab.incomplete_list_bytes >= 0
        if self.download.phase is DownloadPhase.READY and lacks_files:
            # TorBox's file list is still incomplete, so to the client it is not ready.
            return Phase.REMOTE
        return _SHOWN[self.download.phase]

    @property
    def phase_at(self) -> float:
        """When the shown phase began."""
        waits = self.grab.phase is GrabPhase.WAITING
        return self.download.phase_at if waits else self.grab.phase_at

    @property
    def complete(self) -> bool:
        """Whether every chosen file is complete and in place."""
        return self.grab.phase in COMPLETE

    @property
    def size(self) -> int:
        """Bytes of the chosen files, or of all files while none are chosen."""
        return self.grab.size or self.download.size

    @property
    def note(self) -> str:
        """Why it waits, for the user."""
        if self.complete or self.grab.note:
            return self.grab.note
        return self.download.note

    @property
    def failure(self) -> Failure | None:
        """The failure of the grab, or of its download while the grab has no files."""
        if self.grab.failure_reason is not None:
            return Failure(self.grab.failure_reason, self.grab.failure_message)
        return self.download.failure if self.grab.phase in NOT_DELIVERED else None


class DeliveredFile(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A file of a grab: its name at TorBox and its path on disk. A row in the database."""

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
    """qBittorrent's file priority, for display: 0 not wanted, 1 normal, 6 high, 7 highest."""


class Removal(msgspec.Struct, frozen=True, kw_only=True):
    """Delete what a removed grab left on disk, and at TorBox if it was the download's last grab."""

    grab_id: int = 0
    save_path: str = ""
    content_name: str = ""
    files: tuple[str, ...] = ()
    """Paths below save_path to delete; empty when the files are kept."""
    delivery_mode: str = ""
    """The mode that delivered them."""
    staging_name: str = ""
    """Its directory below `paths.incomplete`, to be deleted; empty when there was none."""
    keeps_remote: bool = False
    """Other grabs of the download remain: nothing is deleted at TorBox."""
    delete_remote: bool = False
    torrent_id: int | None = None
    queued_id: int | None = None
    unclear: bool = False
    """A create may have succeeded, but its ids never arrived: find the item by its hash."""
    submitted_at: float | None = None
    removed_at: float = 0.0
    """When the grab was removed here. No create was sent later."""
    reusable: bool = False
    """TorBox had all of it: another add of the hash could use the item."""
    kept_until: float = 0.0
    """Only the item at TorBox is left to delete. Until this time an add of the hash takes it over."""

    @property
    def asks_torbox(self) -> bool:
        """Whether it has, or may have, something to delete at TorBox."""
        known = self.torrent_id is not None or self.queued_id is not None
        return self.delete_remote and (known or self.unclear)


class Failover(msgspec.Struct, frozen=True, kw_only=True):
    """Report a failed grab to its *arr, so that it searches for another release.

    The *arr deletes the grab during the report, so this job outlives the grab.
    """

    category: str
    message: str = ""
    """Why it failed: a sentence for the *arr's history."""
    sent_at: float | None = None
    """When the report was first sent. From then on a delete may come from the *arr or from the
    user.
    """
    looks: int = 0
    """How often the *arr's history was read and did not show the grab yet."""


class MetadataLookup(msgspec.Struct, frozen=True, kw_only=True):
    """Find the name, size and files of a magnet, while TorBox's item does not show them."""


class Move(msgspec.Struct, frozen=True, kw_only=True):
    """Move the content of a grab to `Grab.moving_to`."""

    grab_id: int


class Recheck(msgspec.Struct, frozen=True, kw_only=True):
    """Compare a delivered grab with the disk. If files are missing twice, deliver it again."""

    grab_id: int
    redeliver: bool = False
    """Deliver it again, whatever is on disk."""
    why: str = ""


class LinkFollow(msgspec.Struct, frozen=True, kw_only=True):
    """Follow a link to a .torrent or a magnet, and add the result.

    `url` and `options` may hold secrets: neither is ever logged.
    """

    url: str
    options: "AddOptions"


class AddOptions(msgspec.Struct, frozen=True, kw_only=True):
    """A client's options for an add. Limits as in qBittorrent: minutes, -1 unlimited, -2 global."""

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
    insist: bool = False
    """The user knows that TorBox has refused it: it is tried all the same."""
    asked_by: str = ""
    """The client, by its User-Agent: `Sonarr/4.0.15 (alpine 3.23)`."""
    cookie: str = ""
    """Sent when a link to a .torrent is followed, to the link's own host."""


Task: TypeAlias = Removal | Failover | MetadataLookup | Move | Recheck | LinkFollow
TaskT = TypeVar("TaskT", bound=Task)


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """Persisted work that is not a phase. It is retried until it is done, across restarts."""

    id: int = 0
    task: Task
    subject: str = ""
    """The info-hash; empty while it is unknown."""
    created_at: float = 0.0
    attempts: int = 0
    next_attempt_at: float = 0.0
    finished_at: float | None = None
    """Set on a failover report that is over: it still counts towards the hourly limit."""


class RemovedDownload(msgspec.Struct, frozen=True, kw_only=True):
    """A removed download whose item may still appear at TorBox."""

    hash: str
    submitted_at: float
    """When the first create for it was sent."""
    removed_at: float
    """When it was removed here. No create was sent later."""
    left_at: float
    """When the job that removed it was done. TorBox's lists may lag behind for some minutes."""
    unclear: bool
    """A create was not answered, and its item was not found."""


class Category(msgspec.Struct, frozen=True, kw_only=True):
    """A named group of grabs. An empty `save_path` means `<downloads>/<name>`."""

    name: str
    save_path: str = ""


class Event(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An entry of a download's timeline."""

    hash: str
    at: float
    kind: str
    """`added`, `phase`, `note`, `arr`, `removed` …"""
    before: str = ""
    after: str = ""
    why: str = ""
    grab_id: int = 0
    """The grab that the event is about; 0 when it is about the download, and so about all grabs."""


class RemoteFile(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A file of a remote item. `name` is TorBox's, untrusted, '/' separated, root folder first."""

    id: int
    name: str
    size: int
    infected: bool = False
    zipped: bool = False


class RemoteItem(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """TorBox's report on one torrent. Speeds in bytes/s, eta in seconds, progress 0..1."""

    id: int
    hash: str
    name: str = ""
    size: int = 0
    state: str = ""
    """TorBox's own state text, trimmed and in lower case."""
    progress: float = 0.0
    download_speed: int = 0
    upload_speed: int = 0
    eta: int = 0
    seeds: int = 0
    peers: int = 0
    availability: float | None = None
    """Copies in the swarm; None when TorBox does not report it."""
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
    """The tracker's message, if any."""

    @property
    def listed_bytes(self) -> int:
        """Bytes of all files in the list."""
        return sum(file.size for file in self.files)

    @property
    def ready(self) -> bool:
        """TorBox has all the files and hands out links: finished, present, and listed.

        The state text is not used: `completed` only means that TorBox's client has the pieces.
        """
        return self.finished and self.present and bool(self.files)


class QueuedItem(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An item in TorBox's own queue. Its ids are not torrent ids, though the numbers may collide."""

    id: int
    hash: str
    name: str = ""
    created_at: float | None = None


class Snapshot(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """TorBox's latest report on everything. Immutable; replaced as a whole."""

    items: Mapping[int, RemoteItem] = MappingProxyType({})
    queued: Mapping[int, QueuedItem] = MappingProxyType({})
    listed: frozenset[int] = frozenset()
    """Torrent ids in the last whole list. `items` may hold more: items that were read by id."""
    listed_at: float = 0.0
    """When the whole list was last read; 0 when never."""
    queue_listed_at: float = 0.0

    def item_by_hash(self, info_hash: str) -> RemoteItem | None:
        """Return the newest item with this hash."""
        found = self._items_by_hash.get(info_hash)
        return self.items[found] if found is not None else None

    def queued_by_hash(self, info_hash: str) -> QueuedItem | None:
        """Return the newest queued item with this hash."""
        found = [item for item in self.queued.values() if item.hash == info_hash]
        return max(found, key=lambda item: item.id, default=None)

    @cached_property
    def _items_by_hash(self) -> Mapping[str, int]:
        index: dict[str, int] = {}
        for item in self.items.values():
            for info_hash in (item.hash, *item.other_hashes):
                index[info_hash] = max(item.id, index.get(info_hash, item.id))
        return index
