"""What the engine can be told to do, as values."""

from dataclasses import dataclass
from typing import TypeAlias

from bridge.core.model import Failure


@dataclass(frozen=True, slots=True)
class Submit:
    """Create it on TorBox. Nothing of an earlier create is to be found there."""

    hash: str
    cached: bool = False
    """TorBox is known to have it cached, so the hourly limit does not count it."""


@dataclass(frozen=True, slots=True)
class CheckCached:
    """Ask which of these TorBox has cached: creates of those are not scarce."""

    hashes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Look:
    """Ask TorBox for the item by its id."""

    hash: str
    torrent_id: int


@dataclass(frozen=True, slots=True)
class Poll:
    """Read the shared list, and TorBox's queue if anything of ours may stand in it."""

    queue: bool


@dataclass(frozen=True, slots=True)
class Promote:
    """It shows up under this torrent_id."""

    hash: str
    torrent_id: int


@dataclass(frozen=True, slots=True)
class Enqueue:
    """It stands in TorBox's queue under this queued_id."""

    hash: str
    queued_id: int


@dataclass(frozen=True, slots=True)
class Ready:
    """TorBox has all the files: choose among them and name them."""

    hash: str


@dataclass(frozen=True, slots=True)
class Deliver:
    """Make the files appear on disk."""

    hash: str


@dataclass(frozen=True, slots=True)
class Share:
    """Give a claim its files: those of the download are there."""

    hash: str
    number: int


@dataclass(frozen=True, slots=True)
class Finish:
    """Nothing is left to seed for one who asked for it: a claim by its number, or 0 the first."""

    hash: str
    number: int = 0


@dataclass(frozen=True, slots=True)
class Reannounce:
    """Let TorBox look for other peers, before it is given up for want of progress."""

    hash: str


@dataclass(frozen=True, slots=True)
class Fail:
    """Give it up, with a reason that is kept."""

    hash: str
    failure: Failure


@dataclass(frozen=True, slots=True)
class Remove:
    """Clean up after a download that the user deleted."""

    removal_id: int


@dataclass(frozen=True, slots=True)
class AskImport:
    """Ask the *arr of one who asked for a download whether it has imported it."""

    hash: str
    number: int


@dataclass(frozen=True, slots=True)
class CleanUp:
    """Remove a download for one who asked for it, though its *arr did not."""

    hash: str
    number: int
    why: str


@dataclass(frozen=True, slots=True)
class Reclaim:
    """Remove what turned up at TorBox of a download that is gone."""

    hash: str
    torrent_id: int


@dataclass(frozen=True, slots=True)
class FailOver:
    """Tell the *arr that a download failed, so that it finds another release."""

    failover_id: int


Action: TypeAlias = (
    Submit
    | CheckCached
    | Look
    | Poll
    | Promote
    | Enqueue
    | Ready
    | Deliver
    | Share
    | Finish
    | Reannounce
    | Fail
    | AskImport
    | CleanUp
    | Reclaim
    | FailOver
    | Remove
)


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to do before this time."""

    until: float


Step: TypeAlias = Action | Wait
