"""The planner's actions, as values. Each names a download, a grab or a job by its id."""

from typing import TypeAlias

import msgspec

from bridge.core.model import Failure


class Submit(msgspec.Struct, frozen=True):
    """Create the download at TorBox. The planner has ruled out that an earlier create succeeded."""

    download_id: int
    cached: bool = False
    """TorBox is known to have it cached, so the create does not count against the hourly limit."""


class CheckCached(msgspec.Struct, frozen=True):
    """Ask TorBox which hashes it has cached: creates of cached torrents are not scarce."""

    hashes: tuple[str, ...]


class RefreshItem(msgspec.Struct, frozen=True):
    """Ask TorBox for one item by its id."""

    download_id: int
    torrent_id: int


class RefreshList(msgspec.Struct, frozen=True):
    """Read the list of all items, and TorBox's queue if it may hold an item of ours."""

    queue: bool


class AttachTorrent(msgspec.Struct, frozen=True):
    """Follow the download under the torrent_id at which its item was found."""

    download_id: int
    torrent_id: int


class AttachQueued(msgspec.Struct, frozen=True):
    """Follow the download under the queued_id at which its item was found in TorBox's queue."""

    download_id: int
    queued_id: int


class Reuse(msgspec.Struct, frozen=True):
    """Give the download the item that a removal of its hash has not deleted at TorBox yet."""

    download_id: int
    job_id: int


class PlanFiles(msgspec.Struct, frozen=True):
    """Choose and name the files of every waiting grab: TorBox has them all."""

    download_id: int


class Deliver(msgspec.Struct, frozen=True):
    """Deliver a grab: make its files appear on disk.

    `source_ids` are grabs of the same download that have their files already: hard links to those
    are tried first.
    """

    grab_id: int
    source_ids: tuple[int, ...] = ()


class Finish(msgspec.Struct, frozen=True):
    """Finish a grab that has nothing left to seed."""

    grab_id: int


class Reannounce(msgspec.Struct, frozen=True):
    """Ask TorBox to look for other peers before the download is failed for lack of progress."""

    download_id: int


class FailDownload(msgspec.Struct, frozen=True):
    """Fail the download for every grab that has no files yet."""

    download_id: int
    failure: Failure


class FailGrab(msgspec.Struct, frozen=True):
    """Fail one grab by the rules of its category."""

    grab_id: int
    failure: Failure


class RunJob(msgspec.Struct, frozen=True):
    """Make the next attempt at a persisted job."""

    job_id: int


class RunRemovals(msgspec.Struct, frozen=True):
    """Perform removals that leave TorBox alone, one after another, and end them in one commit."""

    job_ids: tuple[int, ...]


class LookUpMetadata(msgspec.Struct, frozen=True):
    """Find name, size and files of the magnets that the jobs name, in one call."""

    job_ids: tuple[int, ...]


class AskImport(msgspec.Struct, frozen=True):
    """Ask the *arr of a grab whether it has imported it."""

    grab_id: int


class CleanUp(msgspec.Struct, frozen=True):
    """Remove a grab that its *arr did not remove."""

    grab_id: int
    why: str


class DeleteStray(msgspec.Struct, frozen=True):
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
    | RunRemovals
    | LookUpMetadata
    | AskImport
    | CleanUp
    | DeleteStray
)


class Wait(msgspec.Struct, frozen=True):
    """Do nothing before this time (unix seconds)."""

    until: float


Step: TypeAlias = Action | Wait
