"""The planner's actions, as values. Each names a download, a grab or a job by its id."""

from dataclasses import dataclass
from typing import TypeAlias

from bridge.core.model import Failure


@dataclass(frozen=True, slots=True)
class Submit:
    """Create the download at TorBox. The planner has ruled out that an earlier create succeeded."""

    download_id: int
    cached: bool = False
    """TorBox is known to have it cached, so the create does not count against the hourly limit."""


@dataclass(frozen=True, slots=True)
class CheckCached:
    """Ask TorBox which hashes it has cached: creates of cached torrents are not scarce."""

    hashes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RefreshItem:
    """Ask TorBox for one item by its id."""

    download_id: int
    torrent_id: int


@dataclass(frozen=True, slots=True)
class RefreshList:
    """Read the list of all items, and TorBox's queue if it may hold an item of ours."""

    queue: bool


@dataclass(frozen=True, slots=True)
class AttachTorrent:
    """Follow the download under the torrent_id at which its item was found."""

    download_id: int
    torrent_id: int


@dataclass(frozen=True, slots=True)
class AttachQueued:
    """Follow the download under the queued_id at which its item was found in TorBox's queue."""

    download_id: int
    queued_id: int


@dataclass(frozen=True, slots=True)
class Reuse:
    """Give the download the item that a removal of its hash has not deleted at TorBox yet."""

    download_id: int
    job_id: int


@dataclass(frozen=True, slots=True)
class PlanFiles:
    """Choose and name the files of every waiting grab: TorBox has them all."""

    download_id: int


@dataclass(frozen=True, slots=True)
class Deliver:
    """Deliver a grab: make its files appear on disk.

    `source_ids` are grabs of the same download that have their files already: hard links to those
    are tried first.
    """

    grab_id: int
    source_ids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Finish:
    """Finish a grab that has nothing left to seed."""

    grab_id: int


@dataclass(frozen=True, slots=True)
class Reannounce:
    """Ask TorBox to look for other peers before the download is failed for lack of progress."""

    download_id: int


@dataclass(frozen=True, slots=True)
class FailDownload:
    """Fail the download for every grab that has no files yet."""

    download_id: int
    failure: Failure


@dataclass(frozen=True, slots=True)
class FailGrab:
    """Fail one grab by the rules of its category."""

    grab_id: int
    failure: Failure


@dataclass(frozen=True, slots=True)
class RunJob:
    """Make the next attempt at a persisted job."""

    job_id: int


@dataclass(frozen=True, slots=True)
class LookUpMetadata:
    """Find name, size and files of the magnets that the jobs name, in one call."""

    job_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class AskImport:
    """Ask the *arr of a grab whether it has imported it."""

    grab_id: int


@dataclass(frozen=True, slots=True)
class CleanUp:
    """Remove a grab that its *arr did not remove."""

    grab_id: int
    why: str


@dataclass(frozen=True, slots=True)
class DeleteStray:
    """Delete an item that appeared at TorBox after its download was removed."""

    hash: str
    torrent_id: int


Action: TypeAlias = (
    Submit
    | CheckCached
    | RefreshItem
    | RefreshList
    | AttachTorrent
    | AttachQueued
    | Reuse
    | PlanFiles
    | Deliver
    | Finish
    | Reannounce
    | FailDownload
    | FailGrab
    | RunJob
    | LookUpMetadata
    | AskImport
    | CleanUp
    | DeleteStray
)


@dataclass(frozen=True, slots=True)
class Wait:
    """Do nothing before this time (unix seconds)."""

    until: float


Step: TypeAlias = Action | Wait
