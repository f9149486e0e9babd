"""The values that the service takes and returns."""

from enum import StrEnum
from typing import TypeAlias

import msgspec

from bridge.core.model import Entry, RemoteItem
from bridge.core.status import Status


class View(Entry, frozen=True, gc=False):
    """An entry as clients see it. The same object as long as nothing in it changes."""

    status: Status
    item: RemoteItem | None
    """TorBox's latest report on its item."""


class Added(msgspec.Struct, frozen=True):
    """Accepted and committed: it survives a crash."""

    hash: str


class Known(msgspec.Struct, frozen=True):
    """The category has the hash already; nothing was added. The *arr count this as success."""

    hash: str


class Joined(msgspec.Struct, frozen=True):
    """The hash exists for another category; this category has a grab of its own now."""

    hash: str


class Rejected(msgspec.Struct, frozen=True):
    """Not added, with the reason."""

    reason: str
    bad_torrent: bool = False
    """The file is not a torrent: qBittorrent answers 415."""


class Pending(msgspec.Struct, frozen=True):
    """A link that is followed in the background. It survives a restart."""

    leads_nowhere: str = ""
    """Why it leads to nothing, if that is known already: nobody follows it any more. Clients of
    qBittorrent are not told."""


AddResult: TypeAlias = Added | Known | Joined | Rejected | Pending


class NoAnswer(msgspec.Struct, frozen=True):
    """TorBox gave no answer, with the reason."""

    reason: str


class FileView(msgspec.Struct, frozen=True, gc=False):
    """A file of a grab as `torrents/files` shows it; `name` is relative to save_path."""

    index: int
    name: str
    size: int
    progress: float
    chosen: bool
    priority: int
    """qBittorrent's: 0 is not wanted, 1 normal, 6 high, 7 highest."""


class DirectoryRefusal(StrEnum):
    """Why a grab cannot go to a directory, in qBittorrent's words."""

    CANNOT_MAKE = "Cannot make save path"
    CANNOT_WRITE = "Cannot write to directory"


class CleanupEntry(msgspec.Struct, frozen=True):
    """An entry of the automatic clean-up, or something that was left alone."""

    name: str
    category: str
    why: str
    at: float | None = None
    """When it is removed (unix seconds); None if that is not scheduled."""
