"""Torrents and queued downloads, read leniently out of TorBox's lists.

Unknown fields are ignored, null may stand for anything, numbers may come in any notation. A list
is taken apart first and each entry read on its own, so that a broken one costs only itself; what
was wrong goes to a `Complain`, in words that name the entry.
"""

from collections.abc import Callable, Iterable
from typing import TypeVar

import msgspec

from bridge.core.model import QueuedItem, RemoteFile, RemoteItem
from bridge.torbox import lenient
from bridge.torbox.envelope import UNREADABLE, Answer, fields, scrub
from bridge.torbox.verdicts import trouble

T = TypeVar("T")
Complain = Callable[[str], None]


class BrokenEntryError(ValueError):
    """An entry that cannot be read, and why."""


class _Item(msgspec.Struct):
    id: object = None
    hash: object = None
    name: object = None
    size: object = None
    download_state: object = None
    progress: object = None
    download_speed: object = None
    upload_speed: object = None
    eta: object = None
    seeds: object = None
    peers: object = None
    availability: object = None
    ratio: object = None
    total_uploaded: object = None
    active: object = None
    download_finished: object = None
    download_present: object = None
    cached: object = None
    private: object = None
    files: object = None
    alternative_hashes: object = None
    created_at: object = None
    expires_at: object = None
    tracker_message: object = None


def entries(answer: Answer) -> list[msgspec.Raw]:
    """Take apart the list that an answer brings; null is an empty one.

    Raises:
        ServerTrouble: it brings something else.
    """
    try:
        return msgspec.json.decode(answer.data, type=list[msgspec.Raw] | None) or []
    except UNREADABLE:
        raise trouble(answer, "TorBox sent something else than a list") from None


def readable(
    raws: Iterable[msgspec.Raw], read: Callable[[msgspec.Raw, Complain], T], complain: Complain
) -> list[T]:
    """Read each entry on its own and leave out, with a complaint, what cannot be read."""
    found = []
    for raw in raws:
        try:
            found.append(read(raw, complain))
        except BrokenEntryError as broken:
            complain(str(broken))
    return found


def one(answer: Answer, torrent_id: int) -> msgspec.Raw | None:
    """Pick the item that was asked for: TorBox sends an object, an array, or nothing.

    Raises:
        ServerTrouble: the answer has other items only.
    """
    raws = [answer.data] if answer.fields() else entries(answer)
    for raw in raws:
        if lenient.identity(fields(raw).get("id")) == torrent_id:
            return raw
    if raws:
        raise trouble(answer, f"TorBox sent another item than {torrent_id}")
    return None


def remote_item(raw: msgspec.Raw, complain: Complain) -> RemoteItem:
    """Read one torrent of the list.

    A file that cannot be read hides all files of its torrent: an item with a gap in its list
    would be delivered with a gap.

    Raises:
        BrokenEntryError: it is not an object, or has no usable id.
    """
    try:
        item = msgspec.json.decode(raw, type=_Item)
    except UNREADABLE:
        raise BrokenEntryError("a torrent is not a JSON object") from None
    torrent_id = lenient.identity(item.id)
    if torrent_id is None:
        raise BrokenEntryError("a torrent has no usable id")
    return _remote_item(torrent_id, item, _files_or_none(torrent_id, item.files, complain))


def _remote_item(torrent_id: int, item: _Item, listed: tuple[RemoteFile, ...]) -> RemoteItem:
    info_hash = lenient.info_hash(item.hash)
    others = lenient.info_hashes(info_hash, *lenient.sequence(item.alternative_hashes))
    return RemoteItem(
        id=torrent_id,
        hash=info_hash,
        name=lenient.text(item.name),
        size=lenient.count(item.size),
        state=lenient.text(item.download_state).strip().lower(),
        progress=lenient.share(item.progress),
        download_speed=lenient.count(item.download_speed),
        upload_speed=lenient.count(item.upload_speed),
        eta=lenient.count(item.eta),
        seeds=lenient.count(item.seeds),
        peers=lenient.count(item.peers),
        availability=(
            None if item.availability is None else max(0.0, lenient.real(item.availability))
        ),
        ratio=max(0.0, lenient.real(item.ratio)),
        uploaded=lenient.count(item.total_uploaded),
        active=lenient.flag(item.active),
        finished=lenient.flag(item.download_finished),
        present=lenient.flag(item.download_present),
        cached=lenient.flag(item.cached),
        private=lenient.flag(item.private),
        files=listed,
        other_hashes=tuple(other for other in others if other != info_hash),
        created_at=lenient.moment(item.created_at),
        expires_at=lenient.moment(item.expires_at),
        message=scrub(lenient.text(item.tracker_message)),
    )


def _files_or_none(owner: int, value: object, complain: Complain) -> tuple[RemoteFile, ...]:
    try:
        return files(value)
    except BrokenEntryError as broken:
        complain(f"torrent {owner}: {broken}; its files are ignored until TorBox sends them right")
        return ()


def files(value: object) -> tuple[RemoteFile, ...]:
    """Read a list of files; null is an empty one.

    Raises:
        BrokenEntryError: one of them has no usable id, name or size.
    """
    return tuple(_file(entry) for entry in lenient.sequence(value))


def _file(value: object) -> RemoteFile:
    entry = value if isinstance(value, dict) else {}
    file_id = lenient.identity(entry.get("id"))
    name = lenient.text(entry.get("name")) or lenient.text(entry.get("short_name"))
    size = lenient.identity(entry.get("size"))
    if file_id is None or not name or size is None:
        raise BrokenEntryError("a file has no usable id, name or size")
    return RemoteFile(
        id=file_id,
        name=name,
        size=size,
        infected=lenient.flag(entry.get("infected")),
        zipped=lenient.flag(entry.get("zipped")),
    )


def queued_item(raw: msgspec.Raw, _complain: Complain) -> QueuedItem:
    """Read one entry of TorBox's queue.

    Raises:
        BrokenEntryError: it is not an object, or has no usable id.
    """
    entry = fields(raw)
    queued_id = lenient.identity(entry.get("id"))
    if queued_id is None:
        raise BrokenEntryError("a queued download has no usable id")
    name = lenient.text(entry.get("name_override")) or lenient.text(entry.get("name"))
    return QueuedItem(
        id=queued_id,
        hash=lenient.info_hash(entry.get("hash")),
        name=name,
        created_at=lenient.moment(entry.get("created_at")),
    )


def is_torrent(raw: msgspec.Raw) -> bool:
    """Tell a queued torrent from other downloads; what says nothing of its type is one."""
    return lenient.text(fields(raw).get("type")) in {"", "torrent"}
