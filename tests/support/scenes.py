"""Small builders of planner inputs, so that each test names only the values it is about.

Download number 1 has the hash `H`, the id 1 and, once it is at TorBox, the torrent_id 1. Its grabs
have the ids 11, 12 ...
"""

from collections.abc import Iterable
from typing import Any

from msgspec.structs import replace

from bridge.core.model import (
    Download,
    DownloadPhase,
    Entry,
    Failover,
    Grab,
    GrabPhase,
    Job,
    MetadataLookup,
    QueuedItem,
    Reason,
    RemoteFile,
    RemoteItem,
    Removal,
    RemovedDownload,
    Snapshot,
)
from bridge.core.planner_input import LiveDownload, PlannerInput, Rules

NOW = 1_000_000.0
HOUR = 3600.0
CATEGORIES = ("tv", "radarr", "music")
FILES = (RemoteFile(id=1, name="Show/Show.mkv", size=1000),)


def hash_of(number: int) -> str:
    """Return the info-hash of a download number."""
    return f"{number:040x}"


H = hash_of(1)


# Downloads


def download(number: int = 1, **fields: Any) -> Download:
    """Make a download that was added an hour ago."""
    new = Download(id=number, hash=hash_of(number), name=f"Show.{number}", phase_at=NOW - HOUR)
    return replace(new, **fields)


def queued(number: int = 1, **fields: Any) -> Download:
    """Make a download that is in TorBox's queue."""
    return download(number, **{"phase": DownloadPhase.QUEUED, "queued_id": 1000 + number} | fields)


def active(number: int = 1, **fields: Any) -> Download:
    """Make a download that TorBox has had for an hour, under its number as torrent_id."""
    at_torbox = {
        "phase": DownloadPhase.ACTIVE,
        "torrent_id": number,
        "remote_at": NOW - HOUR,
    }
    return download(number, **at_torbox | fields)


def ready(number: int = 1, **fields: Any) -> Download:
    """Make a download of which TorBox has all the files."""
    return active(number, **{"phase": DownloadPhase.READY, "size": 1000} | fields)


def failed(number: int = 1, **fields: Any) -> Download:
    """Make a download that was given up."""
    given_up = {
        "phase": DownloadPhase.FAILED,
        "failure_reason": Reason.STALLED,
        "failure_message": "no progress",
    }
    return download(number, **given_up | fields)


# Grabs


def grab(of: int = 1, nth: int = 1, **fields: Any) -> Grab:
    """Make a grab that has waited for an hour; each further one of a download has a category more."""
    waiting = Grab(
        id=10 * of + nth,
        download_id=of,
        category=CATEGORIES[nth - 1],
        save_path=f"/downloads/{CATEGORIES[nth - 1]}",
        added_at=NOW - HOUR,
        phase_at=NOW - HOUR,
    )
    return replace(waiting, **fields)


def planned(of: int = 1, nth: int = 1, **fields: Any) -> Grab:
    """Make a grab whose files are chosen and named."""
    return grab(of, nth, **{"content_name": "Show", "size": 1000} | fields)


def delivering(of: int = 1, nth: int = 1, **fields: Any) -> Grab:
    """Make a grab that is being delivered."""
    begun = {"phase": GrabPhase.DELIVERING, "delivery_mode": "download"}
    return planned(of, nth, **begun | fields)


def delivered(of: int = 1, nth: int = 1, **fields: Any) -> Grab:
    """Make a grab that was delivered a minute ago."""
    whole_at = {"phase": GrabPhase.DELIVERED, "completed_at": NOW - 60.0, "progress": 1.0}
    return delivering(of, nth, **whole_at | fields)


def finished(of: int = 1, nth: int = 1, **fields: Any) -> Grab:
    """Make a grab that was delivered a minute ago and has nothing left to seed."""
    return delivered(of, nth, **{"phase": GrabPhase.FINISHED} | fields)


def failed_grab(of: int = 1, nth: int = 1, **fields: Any) -> Grab:
    """Make a grab that was given up by the rules of its category."""
    given_up = {"phase": GrabPhase.FAILED, "failure_reason": Reason.NOT_CACHED}
    return grab(of, nth, **given_up | fields)


def live(of: Download, *grabs: Grab, **fields: Any) -> LiveDownload:
    """Make a download with its grabs; without any, with one that waits and has these fields."""
    own = tuple(replace(one, download_id=of.id) for one in grabs)
    return LiveDownload(of, own or (grab(of.id, **fields),))


def entry(of: Download, one: Grab | None = None, **fields: Any) -> Entry:
    """Make a grab together with its download; other keywords are fields of the grab."""
    return Entry(of, replace(one or grab(of.id), download_id=of.id, **fields))


# What TorBox says


def item(number: int = 1, **fields: Any) -> RemoteItem:
    """Make a remote item that TorBox works on."""
    working = RemoteItem(
        id=number, hash=hash_of(number), state="downloading", active=True, size=1000
    )
    return replace(working, **fields)


def whole(number: int = 1, **fields: Any) -> RemoteItem:
    """Make a remote item that TorBox has all the files of."""
    return replace(item(number, finished=True, present=True, files=FILES), **fields)


def snapshot(
    *items: RemoteItem, queue: Iterable[QueuedItem] = (), listed_at: float = NOW, **fields: Any
) -> Snapshot:
    """Make what TorBox said when both of its lists were read at `listed_at`."""
    said = Snapshot(
        items={one.id: one for one in items},
        queued={one.id: one for one in queue},
        listed=frozenset(one.id for one in items),
        listed_at=listed_at,
        queue_listed_at=listed_at,
    )
    return replace(said, **fields)


# Jobs


def removal(number: int = 1, of: int | None = None, **fields: Any) -> Job:
    """Make the removal of the last grab of a download, due now. The number is the job's id.

    Keywords are fields of the job, or else of the removal.
    """
    about = number if of is None else of
    job = {name: fields.pop(name) for name in ("next_attempt_at", "attempts") if name in fields}
    task = Removal(
        grab_id=10 * about + 9,
        save_path="/downloads/tv",
        delete_remote=True,
        torrent_id=about,
        removed_at=NOW,
    )
    return Job(
        id=number, task=replace(task, **fields), subject=hash_of(about), created_at=NOW, **job
    )


def failover(number: int = 1, **fields: Any) -> Job:
    """Make the report of a failed grab, due now. Keywords are fields of the job, or of its task."""
    task = {name: fields.pop(name) for name in ("sent_at", "looks", "category") if name in fields}
    made = Failover(**dict[str, Any]({"category": "tv"} | task))
    return Job(id=number, task=made, subject=hash_of(number), created_at=NOW - 1, **fields)


def lookup(number: int = 1, **fields: Any) -> Job:
    """Make the job that looks up the metadata of a magnet, due now."""
    return Job(id=number, task=MetadataLookup(), subject=hash_of(number), **fields)


def removed_download(number: int = 1, **fields: Any) -> RemovedDownload:
    """Make what is remembered of a download that was removed an hour ago, after an unclear create."""
    an_hour_ago = RemovedDownload(
        hash=hash_of(number),
        submitted_at=NOW - 2 * HOUR,
        removed_at=NOW - HOUR,
        left_at=NOW - HOUR,
        unclear=True,
    )
    return replace(an_hour_ago, **fields)


# All of it


def known(*lives: LiveDownload | Download, **fields: Any) -> PlannerInput:
    """Make what is known at NOW; the list was read this moment, so that no list is due.

    A download alone has one grab, which waits.
    """
    both = tuple(one if isinstance(one, LiveDownload) else live(one) for one in lives)
    return replace(PlannerInput(now=NOW, live=both, polled_at=NOW), **fields)


def for_all(rules: Rules) -> dict[str, Rules]:
    """Return the same rules for every category."""
    return dict.fromkeys(("", *CATEGORIES), rules)
