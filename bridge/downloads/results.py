"""What goes in and out of the service."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from bridge.core.model import Download, Entry, Failure, Grab, Phase, RemoteItem
from bridge.core.status import Status


@dataclass(frozen=True, slots=True)
class View:
    """An entry as clients are shown it. The same object for as long as nothing about it changes."""

    entry: Entry
    status: Status
    item: RemoteItem | None
    """What TorBox last said of it."""

    @property
    def download(self) -> Download:
        """The download: what concerns TorBox."""
        return self.entry.download

    @property
    def grab(self) -> Grab:
        """The grab: what its client asked for, and has."""
        return self.entry.grab

    @property
    def hash(self) -> str:
        """The info-hash."""
        return self.entry.download.hash

    @property
    def name(self) -> str:
        """The name to show."""
        return self.entry.name

    @property
    def phase(self) -> Phase:
        """The phase to show."""
        return self.entry.phase

    @property
    def complete(self) -> bool:
        """Whether every chosen file is whole at its place."""
        return self.entry.complete

    @property
    def failure(self) -> Failure | None:
        """Why it failed, if it did."""
        return self.entry.failure


@dataclass(frozen=True, slots=True)
class Added:
    """Accepted and committed: it survives whatever comes."""

    hash: str


@dataclass(frozen=True, slots=True)
class Known:
    """The category has the hash already; nothing was added. *arr count this as success."""

    hash: str


@dataclass(frozen=True, slots=True)
class Joined:
    """The hash is here for another category already: this one has a grab of its own now."""

    hash: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """Not added, and why."""

    reason: str
    bad_torrent: bool = False
    """The file is not a torrent: qBittorrent says 415."""
    not_allowed: bool = False
    """A link leads to a private address, which the settings do not allow."""


@dataclass(frozen=True, slots=True)
class Pending:
    """A link that is being followed in the background. It survives a restart."""


AddResult: TypeAlias = Added | Known | Joined | Rejected | Pending


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """TorBox could not be asked, and why."""

    reason: str


@dataclass(frozen=True, slots=True)
class FileView:
    """A file of a grab as `torrents/files` shows it; `name` is relative to save_path."""

    index: int
    name: str
    size: int
    progress: float
    chosen: bool
    priority: int = 1
    """qBittorrent's: 0 is not wanted, 1 normal, 6 high, 7 highest."""


class Refusal(StrEnum):
    """Why a grab cannot go to a directory, in qBittorrent's words."""

    CANNOT_MAKE = "Cannot make save path"
    CANNOT_WRITE = "Cannot write to directory"


@dataclass(frozen=True, slots=True)
class CleanupEntry:
    """Something that is cleaned up automatically, or that was left alone."""

    name: str
    category: str
    why: str
    at: float | None = None
    """When it goes (unix seconds); None: not by itself."""
