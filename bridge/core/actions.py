"""What the engine can be told to do, as values. Each names a download, a grab or a job by its id."""

from dataclasses import dataclass
from typing import TypeAlias

from bridge.core.model import Failure


@dataclass(frozen=True, slots=True)
class Submit:
    """Create the download at TorBox. Nothing of an earlier create is to be found there."""

    download_id: int
    cached: bool = False
    """TorBox is known to have it cached, so the hourly limit does not count it."""


@dataclass(frozen=True, slots=True)
class CheckCached:
    """Ask which of these hashes TorBox has cached: creates of those are not scarce."""

    hashes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RefreshItem:
    """Ask TorBox for one item by its id."""

    download_id: int
    torrent_id: int


@dataclass(frozen=True, slots=True)
class RefreshList:
    """Read the list of all items, and TorBox's queue if anything of ours may be in it."""

    queue: bool


@dataclass(frozen=True, slots=True)
class AttachTorrent:
    """The download's item is found under this torrent_id."""

    download_id: int
    torrent_id: int


@dataclass(frozen=True, slots=True)
class AttachQueued:
    """The download's item is found in TorBox's queue, under this queued_id."""

    download_id: int
    queued_id: int


@dataclass(frozen=True, slots=True)
class PlanFiles:
    """TorBox has all the files: choose among them and name them, for every grab that waits."""

    download_id: int


@dataclass(frozen=True, slots=True)
class Deliver:
    """Make the files of a grab appear on disk.

    First by hard links to the files of one of the `source_ids`, if there are any: grabs of the same
    download that have theirs.
    """

    grab_id: int
    source_ids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Finish:
    """Nothing is left to seed for a grab."""

    grab_id: int


@dataclass(frozen=True, slots=True)
class Reannounce:
    """Let TorBox look for other peers, before the download is given up for want of progress."""

    download_id: int


@dataclass(frozen=True, slots=True)
class FailDownload:
    """Give the download up, for every grab that has no files yet."""

    download_id: int
    failure: Failure


@dataclass(frozen=True, slots=True)
class FailGrab:
    """Give up one grab by the rules of its category."""

    grab_id: int
    failure: Failure


@dataclass(frozen=True, slots=True)
class RunJob:
    """Make the next attempt at a persisted job."""

    job_id: int


@dataclass(frozen=True, slots=True)
class LookUpMetadata:
    """Find name, size and files of the magnets that these jobs are about: one call for all."""

    job_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class AskImport:
    """Ask the *arr of a grab whether it has imported it."""

    grab_id: int


@dataclass(frozen=True, slots=True)
class CleanUp:
    """Remove a grab though its *arr did not."""

    grab_id: int
    why: str


@dataclass(frozen=True, slots=True)
class DeleteStray:
    """Delete at TorBox what turned up there of a removed download."""

    hash: str
    torrent_id: int


Action: TypeAlias = (
    Submit
    | CheckCached
    | RefreshItem
    | RefreshList
    | AttachTorrent
    | AttachQueued
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
    """Nothing to do before this time (unix seconds)."""

    until: float


Step: TypeAlias = Action | Wait
