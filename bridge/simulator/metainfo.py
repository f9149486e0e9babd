"""Magnets and .torrent files: read into what the account needs, and made for tests."""

import base64
import binascii
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qs, quote, urlsplit

from bridge.simulator.bencode import BencodeError, Value, decode, encode, info_slice
from bridge.simulator.content import Content, ContentFile

HASH_BYTES = 20
BASE32_LETTERS = 32


@dataclass(frozen=True, slots=True)
class Source:
    """What somebody handed in. `content` is None for a magnet: its files are not known yet."""

    hash: str
    name: str
    content: Content | None = None
    trackers: tuple[str, ...] = ()


def parse_magnet(uri: str) -> Source | None:
    """The torrent a magnet names; None if it names none. BitTorrent v1 topics only."""
    parts = urlsplit(uri.strip())
    if parts.scheme.lower() != "magnet":
        return None
    query = parse_qs(parts.query)
    found = next((topic for text in query.get("xt", []) if (topic := _btih(text))), None)
    if found is None:
        return None
    name = query.get("dn", [found])[0]
    return Source(found, name, trackers=tuple(query.get("tr", ())))


def parse_hash(text: str) -> str | None:
    """40 hex digits or 32 base32 letters as 40 lower-case hex digits; None for anything else."""
    try:
        raw = base64.b32decode(text.upper()) if len(text) == BASE32_LETTERS else bytes.fromhex(text)
    except (ValueError, binascii.Error):
        return None
    return raw.hex() if len(raw) == HASH_BYTES else None


def magnet_of(content: Content) -> str:
    """A magnet for the content, trackers included."""
    trackers = "".join(f"&tr={quote(tracker, safe='')}" for tracker in content.trackers)
    return f"magnet:?xt=urn:btih:{content.hash}&dn={quote(content.name)}{trackers}"


def parse_torrent(data: bytes) -> Source | None:
    """The torrent that a .torrent describes (v1, hybrid or v2); None if the file is broken."""
    try:
        whole, raw = decode(data), info_slice(data)
        content = _content(_mapping(whole), raw, data)
    except (BencodeError, KeyError, TypeError, ValueError, RecursionError):
        return None
    return Source(content.hash, content.name, content, content.trackers)


def make_torrent(
    name: str,
    files: Sequence[ContentFile],
    *,
    single_file: bool = False,
    piece_length: int = 64 * 1024,
    private: bool = False,
    trackers: Sequence[str] = (),
) -> Content:
    """A content with a .torrent whose v1 piece hashes are those of its (generated) bytes."""
    draft = Content("0" * 40, name, tuple(files), single_file=single_file, seed=name)
    info: dict[bytes, Value] = {
        b"name": name.encode(),
        b"piece length": piece_length,
        b"pieces": b"".join(_piece_hashes(draft, piece_length)),
        **_layout(files, single_file=single_file),
    }
    if private:
        info[b"private"] = 1
    raw = encode(info)
    torrent: dict[bytes, Value] = {
        b"info": info,
        b"announce-list": [[tracker.encode()] for tracker in trackers],
    }
    return Content(
        hash=hashlib.sha1(raw, usedforsecurity=False).hexdigest(),
        name=name,
        files=draft.files,
        single_file=single_file,
        private=private,
        trackers=tuple(trackers),
        seed=name,
        torrent=encode(torrent),
    )


def torrent_of(content: Content) -> bytes:
    """The content's .torrent, or a made-up one with its names and sizes and no piece hashes."""
    if content.torrent is not None:
        return content.torrent
    info: dict[bytes, Value] = {
        b"name": content.name.encode(),
        b"piece length": 1 << 20,
        b"pieces": b"",
        **_layout(content.files, single_file=content.single_file),
    }
    return encode({b"info": info, b"comment": content.hash.encode()})


def _btih(topic: str) -> str | None:
    prefix, _, value = topic.rpartition(":")
    return parse_hash(value) if prefix.lower() == "urn:btih" else None


def _layout(files: Sequence[ContentFile], *, single_file: bool) -> dict[bytes, Value]:
    if single_file:
        return {b"length": files[0].size}
    return {
        b"files": [
            {b"length": file.size, b"path": [part.encode() for part in file.path.split("/")]}
            for file in files
        ]
    }


def _piece_hashes(content: Content, piece_length: int) -> Iterator[bytes]:
    rest = b""
    for chunk in _stream(content):
        rest += chunk
        while len(rest) >= piece_length:
            piece, rest = rest[:piece_length], rest[piece_length:]
            yield hashlib.sha1(piece, usedforsecurity=False).digest()
    if rest:
        yield hashlib.sha1(rest, usedforsecurity=False).digest()


def _stream(content: Content, chunk: int = 1 << 20) -> Iterator[bytes]:
    for file in content.files:
        for offset in range(0, file.size, chunk):
            yield content.read(file, offset, chunk)


def _content(whole: Mapping[bytes, Value], raw: bytes, data: bytes) -> Content:
    info = _mapping(whole[b"info"])
    v1 = b"pieces" in info
    files = tuple(_files_v1(info) if v1 else _files_v2(_mapping(info[b"file tree"])))
    if not files:
        raise ValueError("no files")
    name = _text(info[b"name"])
    digest = hashlib.sha1(raw, usedforsecurity=False) if v1 else hashlib.sha256(raw)
    return Content(
        hash=digest.hexdigest()[:40],
        name=name,
        files=files,
        single_file=b"length" in info or (not v1 and [file.path for file in files] == [name]),
        private=info.get(b"private") == 1,
        trackers=tuple(_trackers(whole)),
        torrent=data,
    )


def _files_v1(info: Mapping[bytes, Value]) -> Iterator[ContentFile]:
    if b"length" in info:
        yield ContentFile(_text(info[b"name"]), _number(info[b"length"]))
        return
    for entry in map(_mapping, _list(info[b"files"])):
        path = "/".join(_text(part) for part in _list(entry[b"path"]))
        if b"p" not in _bytes(entry.get(b"attr", b"")):
            yield ContentFile(path, _number(entry[b"length"]))


def _files_v2(tree: Mapping[bytes, Value], above: str = "") -> Iterator[ContentFile]:
    for key, node in tree.items():
        branch = _mapping(node)
        if b"" in branch:
            yield ContentFile(above + key.decode(), _number(_mapping(branch[b""])[b"length"]))
        else:
            yield from _files_v2(branch, f"{above}{key.decode()}/")


def _trackers(whole: Mapping[bytes, Value]) -> Iterable[str]:
    if b"announce" in whole:
        yield _text(whole[b"announce"])
    for tier in _list(whole.get(b"announce-list", [])):
        yield from (_text(tracker) for tracker in _list(tier))


def _mapping(value: Value) -> Mapping[bytes, Value]:
    if not isinstance(value, Mapping):
        raise TypeError("a dictionary is missing")
    return value


def _list(value: Value) -> Sequence[Value]:
    if isinstance(value, (int, bytes, Mapping)):
        raise TypeError("a list is missing")
    return value


def _bytes(value: Value) -> bytes:
    if not isinstance(value, bytes):
        raise TypeError("a string is missing")
    return value


def _text(value: Value) -> str:
    return _bytes(value).decode(errors="replace")


def _number(value: Value) -> int:
    if not isinstance(value, int):
        raise TypeError("a number is missing")
    return value
