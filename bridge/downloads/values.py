"""What goes in and out of the door."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from bridge.core.model import USE_GLOBAL, Download, RemoteItem
from bridge.core.status import Status


@dataclass(frozen=True, slots=True)
class View:
    """A download as the faces show it. The same object for as long as nothing about it changes."""

    download: Download
    status: Status
    item: RemoteItem | None
    """What TorBox last said of it."""
    number: int = 0
    """Of the claim by which a further *arr sees it; 0 for the first, and who knows of no others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What an *arr says beside the torrent itself. Limits as in qBittorrent: minutes, -1, -2."""

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
    """Who adds it, by its User-Agent: `Sonarr/4.0.15 (alpine 3.23)`."""
    cookie: str = ""
    """Sent along when a link to a .torrent is followed."""


@dataclass(frozen=True, slots=True)
class Added:
    """Accepted and committed: it survives whatever comes."""

    hash: str


@dataclass(frozen=True, slots=True)
class Known:
    """The hash is here already; nothing was added. *arr count this as success, and so do we."""

    hash: str


@dataclass(frozen=True, slots=True)
class Joined:
    """The hash is here already, for another category: from now on this one sees it, too."""

    hash: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """Not added, and why."""

    reason: str
    bad_torrent: bool = False
    """The file is not a torrent: qBittorrent says 415."""


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
    """A file of a download as `torrents/files` shows it; `name` is relative to save_path."""

    index: int
    name: str
    size: int
    progress: float
    chosen: bool
    priority: int = 1
    """qBittorrent's: 0 is not wanted, 1 normal, 6 high, 7 highest."""


class Refusal(StrEnum):
    """Why a download cannot go to a directory, in qBittorrent's words."""

    CANNOT_MAKE = "Cannot make save path"
    CANNOT_WRITE = "Cannot write to directory"
