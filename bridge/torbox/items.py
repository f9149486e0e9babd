"""Torrents and queued downloads, parsed out of TorBox's lists.

Unknown fields are ignored, null may stand for anything, numbers may come in any notation. Each entry
is parsed on its own, so that a broken one costs only itself; what was wrong is reported once.
"""

from collections.abc import Callable, Iterable
from typing import Final, TypeVar

import msgspec

from bridge.core.model import QueuedItem, RemoteFile, RemoteItem
from bridge.torbox import json_values, tolerant_json
from bridge.torbox.envelope import Answer, scrub
from bridge.torbox.error_codes import server_error
from bridge.torbox.tolerant_json import UNREADABLE, BrokenJsonError

T = TypeVar("T")
Warn = Callable[[str], None]
"""Called with a sentence that names the entry and what is wrong with it."""

LARGEST_FILE: Final = 2**50
"""Bytes (1 PiB). TorBox's largest plan allows 0.5 TB for a torrent."""


class BrokenEntryError(ValueError):
    """An entry cannot be used; the text says why."""


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
    ratio: object = None
    availability: object = None
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
    """Return the elements of the list that an answer brings; null is an empty list.

    Raises:
        ServerError: it brings something else.
    """
    try:
        return tolerant_json.elements(answer.data)
    except BrokenJsonError:
        raise server_error(answer, "TorBox sent something else than a list") from None


def readable(
    raws: Iterable[msgspec.Raw], read: Callable[[msgspec.Raw, Warn], T], warn_once: Warn
) -> list[T]:
    """Parse each entry on its own; leave out, with a warning, what cannot be used."""
    found = []
    for raw in raws:
        try:
            found.append(read(raw, warn_once))
        except BrokenEntryError as broken:
            warn_once(str(broken))
    return found


def one(answer: Answer, torrent_id: int) -> msgspec.Raw | None:
    """Return the item that was asked for: TorBox sends an object, an array, or nothing.

    Raises:
        ServerError: the answer has other items only.
    """
    raws = [answer.data] if answer.fields() else entries(answer)
    for raw in raws:
        if json_values.parse_id(tolerant_json.parse_object(raw).get("id")) == torrent_id:
            return raw
    if raws:
        raise server_error(answer, f"TorBox sent another item than {torrent_id}")
    return None


def remote_item(raw: msgspec.Raw, warn_once: Warn) -> RemoteItem:
    """Parse one torrent of the list.

    A file that cannot be parsed hides all files of its torrent: an item with a gap in its list
    would be delivered with a gap.

    Raises:
        BrokenEntryError: it has no usable id.
    """
    item = _item(raw)
    torrent_id = json_values.parse_id(item.id)
    if torrent_id is None:
        raise BrokenEntryError("a torrent has no usable id")
    return _remote_item(torrent_id, item, _files_or_none(torrent_id, item.files, warn_once))


def _item(raw: msgspec.Raw) -> _Item:
    try:
        return msgspec.json.decode(raw, type=_Item)
    except UNREADABLE:
        fields = tolerant_json.parse_object(raw)
        known = {name: fields[name] for name in _Item.__struct_fields__ if name in fields}
        return _Item(**known)


def _remote_item(torrent_id: int, item: _Item, listed: tuple[RemoteFile, ...]) -> RemoteItem:
    # TorBox lists hashes in lower-case hex; other forms (upper case, base32) are converted, too.
    info_hash = json_values.parse_info_hash(item.hash)
    others = json_values.parse_info_hashes(
        info_hash, *json_values.parse_list(item.alternative_hashes)
    )
    availability = json_values.parse_optional_number(item.availability)
    return RemoteItem(
        id=torrent_id,
        hash=info_hash,
        # The name equals the hash until TorBox has the metadata.
        name=json_values.parse_text(item.name),
        size=json_values.parse_count(item.size),
        state=json_values.parse_text(item.download_state).strip().lower(),
        progress=json_values.parse_fraction(item.progress),
        download_speed=json_values.parse_count(item.download_speed),
        upload_speed=json_values.parse_count(item.upload_speed),
        eta=json_values.parse_count(item.eta),
        seeds=json_values.parse_count(item.seeds),
        peers=json_values.parse_count(item.peers),
        ratio=max(0.0, json_values.parse_number(item.ratio)),
        availability=None if availability is None else max(0.0, availability),
        uploaded=json_values.parse_count(item.total_uploaded),
        # `active` is true while the item holds a slot: while downloading and also while seeding.
        active=json_values.parse_flag(item.active),
        finished=json_values.parse_flag(item.download_finished),
        # Links work only once the files are in TorBox's storage; until then requestdl answers 500.
        present=json_values.parse_flag(item.download_present),
        cached=json_values.parse_flag(item.cached),
        private=json_values.parse_flag(item.private),
        files=listed,
        other_hashes=tuple(other for other in others if other != info_hash),
        created_at=json_values.parse_timestamp(item.created_at),
        expires_at=json_values.parse_timestamp(item.expires_at),
        message=scrub(json_values.parse_text(item.tracker_message)),
    )


def _files_or_none(owner: int, value: object, warn_once: Warn) -> tuple[RemoteFile, ...]:
    try:
        return files(value)
    except BrokenEntryError as broken:
        warn_once(f"torrent {owner}: {broken}; its files are ignored until TorBox sends them right")
        return ()


def files(value: object) -> tuple[RemoteFile, ...]:
    """Parse a list of files; null is an empty list.

    Raises:
        BrokenEntryError: a file has no usable id, name or size, or the total size is absurd.
    """
    found = tuple(_file(entry) for entry in json_values.parse_list(value))
    if sum(file.size for file in found) > json_values.LARGEST_COUNT:
        raise BrokenEntryError("the sizes of the files add up to more than any disk holds")
    return found


def _file(value: object) -> RemoteFile:
    entry = value if isinstance(value, dict) else {}
    file_id = json_values.parse_id(entry.get("id"))
    name = json_values.parse_text(entry.get("name")) or json_values.parse_text(
        entry.get("short_name")
    )
    # `parse_id` rejects negative and missing sizes; `parse_count` would turn them into 0.
    size = json_values.parse_id(entry.get("size"))
    if file_id is None or not name or size is None or size > LARGEST_FILE:
        raise BrokenEntryError("a file has no usable id, name or size")
    return RemoteFile(
        id=file_id,
        name=name,
        size=size,
        infected=json_values.parse_flag(entry.get("infected")),
        zipped=json_values.parse_flag(entry.get("zipped")),
    )


def queued_item(raw: msgspec.Raw, _warn: Warn) -> QueuedItem:
    """Parse one entry of TorBox's queue.

    Raises:
        BrokenEntryError: it has no usable id.
    """
    entry = tolerant_json.parse_object(raw)
    queued_id = json_values.parse_id(entry.get("id"))
    if queued_id is None:
        raise BrokenEntryError("a queued download has no usable id")
    name = json_values.parse_text(entry.get("name_override")) or json_values.parse_text(
        entry.get("name")
    )
    return QueuedItem(
        id=queued_id,
        hash=json_values.parse_info_hash(entry.get("hash")),
        name=name,
        created_at=json_values.parse_timestamp(entry.get("created_at")),
    )


def is_torrent(raw: msgspec.Raw) -> bool:
    """Return whether a queued download is a torrent; one without a type is."""
    return json_values.parse_text(tolerant_json.parse_object(raw).get("type")) in {"", "torrent"}
