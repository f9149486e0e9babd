"""Small builders of what a decision depends on: every test names only what it is about."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from bridge.core.model import (
    Download,
    Phase,
    QueuedItem,
    RemoteFile,
    RemoteItem,
    Removal,
    Snapshot,
)
from bridge.core.scene import Scene

NOW = 1_000_000.0
HOUR = 3600.0
FILES = (RemoteFile(id=1, name="Show/Show.mkv", size=1000),)


def hash_of(number: int) -> str:
    """Make the info-hash number so-and-so."""
    return f"{number:040x}"


H = hash_of(1)


def download(number: int = 1, **fields: Any) -> Download:
    """Make a download that was accepted an hour ago."""
    accepted = Download(
        hash=hash_of(number),
        name=f"Show.{number}",
        save_path="/downloads/tv",
        added_at=NOW - HOUR,
        phase_at=NOW - HOUR,
    )
    return replace(accepted, **fields)


def queued(number: int = 1, **fields: Any) -> Download:
    """Make a download that stands in TorBox's queue."""
    return replace(download(number, phase=Phase.QUEUED, queued_id=1000 + number), **fields)


def remote(number: int = 1, **fields: Any) -> Download:
    """Make a download that TorBox has had for an hour, under its number as torrent_id."""
    known = download(number, phase=Phase.REMOTE, torrent_id=number, remote_at=NOW - HOUR)
    return replace(known, **fields)


def ready(number: int = 1, **fields: Any) -> Download:
    """Make a download that can be delivered."""
    return replace(remote(number, phase=Phase.READY, size=1000), **fields)


def delivered(number: int = 1, **fields: Any) -> Download:
    """Make a download that was delivered a minute ago."""
    return replace(ready(number, phase=Phase.DELIVERED, completed_at=NOW - 60.0), **fields)


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
        items={entry.id: entry for entry in items},
        queued={entry.id: entry for entry in queue},
        listed=frozenset(entry.id for entry in items),
        listed_at=listed_at,
        queue_listed_at=listed_at,
    )
    return replace(said, **fields)


def removal(number: int = 1, **fields: Any) -> Removal:
    """Make the removal of a download, due now, under the download's number as its id."""
    due = Removal(
        id=number,
        hash=hash_of(number),
        save_path="/downloads/tv",
        content_name="",
        files=(),
        delete_remote=True,
        torrent_id=number,
        queued_id=None,
        unclear=False,
    )
    return replace(due, **fields)


def scene(*downloads: Download, **fields: Any) -> Scene:
    """Make a scene at NOW; the list was read this moment, so that no poll is due."""
    return replace(Scene(now=NOW, downloads=downloads, polled_at=NOW), **fields)
