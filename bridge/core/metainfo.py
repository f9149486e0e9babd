"""Reads .torrent files: the info-hash from the raw bytes, and the metadata.

A file that is not a torrent yields a value, not an exception. This accepts the files that
libtorrent accepts, with the same info-hashes, unless they have no name or more parts than
`bridge.core.bencode` reads, and refuses the v1 torrents that libtorrent refuses. The merkle trees of v2 torrents are not verified here: `bridge.core.pieces` does that.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import msgspec

from bridge.core.bencode import BadBencode, Value, read_dictionary
from bridge.core.files import NamedFile
from bridge.core.model import LONGEST_NAME

HASH_BYTES = 20
"""Length of a SHA-1 in the `pieces` string."""
HASH_DIGITS = 40
"""Length of a download's identity in hex digits."""
MAX_SIZE = (1 << 48) - 1
"""Maximum bytes of a file and of a torrent; libtorrent's limit."""
MAX_PIECE_LENGTH = 1 << 29
"""Maximum piece length in bytes; libtorrent's limit."""
MAX_NAMES = 100 * 1024 * 1024
"""Maximum characters of all paths together. A long folder name is repeated in the path of every
file in it, so without a limit a small .torrent could fill the memory.
"""
META_VERSION = 2

Dictionary = dict[bytes, Value]


@dataclass(frozen=True, slots=True)
class TorrentFile:
    """A file of a torrent. `path` is untrusted."""

    path: str
    """Below the save path, '/' separated, with the root folder first: `Show/e01.mkv`, `Movie.mkv`.
    """
    size: int
    """Bytes."""
    root: bytes = field(default=b"", compare=False, repr=False)
    """Root of its merkle tree; empty in a v1 torrent and for an empty file."""


class Blueprint(msgspec.Struct, frozen=True, kw_only=True):
    """The hashes that the bytes of a torrent must have."""

    piece_length: int
    entries: tuple[tuple[TorrentFile, bool], ...]
    """The files in the torrent's order, each with whether it is padding (zero bytes)."""
    hashes: bytes = b""
    """v1: the SHA-1 of each piece, concatenated."""
    layers: Mapping[bytes, bytes] = msgspec.field(default_factory=dict)
    """v2: the hashes of a file's pieces, by the file's root, for files of more than one piece."""


class Metainfo(msgspec.Struct, frozen=True, kw_only=True):
    """The contents of a .torrent."""

    infohash_v1: str
    """40 lower-case hex digits; empty for a v2 torrent."""
    infohash_v2: str
    """64 lower-case hex digits; empty for a v1 torrent. A hybrid has both."""
    name: str
    files: tuple[TorrentFile, ...]
    """In the torrent's order, without padding files."""
    size: int
    """Bytes of all files."""
    single_file: bool
    """There is no root folder: the torrent is this one file."""
    piece_length: int
    """Bytes."""
    pieces_num: int
    private: bool
    trackers: tuple[tuple[str, ...], ...]
    """Tracker URLs by tier, the first tier first."""
    webseeds: tuple[str, ...]
    comment: str
    created_by: str
    creation_date: int | None
    """Unix seconds."""

    @property
    def infohash(self) -> str:
        """The download's identity: the 40 digits of v1, or the first 40 of v2."""
        return self.infohash_v1 or self.infohash_v2[:HASH_DIGITS]

    @property
    def named_files(self) -> tuple[NamedFile, ...]:
        """The files, numbered in the torrent's order."""
        return tuple(
            NamedFile(index, file.path, file.size) for index, file in enumerate(self.files)
        )


class NotATorrent(msgspec.Struct, frozen=True):
    """The bytes are not a .torrent; the text says why."""

    reason: str


def parse_torrent(data: bytes) -> Metainfo | NotATorrent:
    """Parse a .torrent. Never raises; takes a few seconds at most."""
    try:
        return _metainfo(data)
    except (BadBencode, _Broken) as broken:
        return NotATorrent(f"not a torrent file: {broken}")


def piece_hashes(data: bytes) -> Iterator[bytes]:
    """Yield the SHA-1 of each piece of a .torrent in order; nothing if it has no v1 part."""
    try:
        info = read_dictionary(data)[b"info"].value
    except (BadBencode, KeyError):
        return
    pieces = info.get(b"pieces") if isinstance(info, dict) else None
    if isinstance(pieces, bytes):
        for at in range(0, len(pieces) - HASH_BYTES + 1, HASH_BYTES):
            yield pieces[at : at + HASH_BYTES]


def blueprint(data: bytes) -> Blueprint | NotATorrent:
    """Return the piece hashes of a .torrent; for a hybrid, those of the v2 part."""
    try:
        top = read_dictionary(data)
        info = _dictionary(top[b"info"].value if b"info" in top else None, "info")
        _, v2 = _versions(info)
        content = _content_v2(info) if v2 else _content_v1(info)
        length = _piece_length(info)
        if not v2:
            _check_pieces(info, content, length, aligned=False)
    except (BadBencode, _Broken) as broken:
        return NotATorrent(f"not a torrent file: {broken}")
    pieces, layers = info.get(b"pieces"), top.get(b"piece layers")
    return Blueprint(
        piece_length=length,
        entries=content.entries,
        hashes=pieces if isinstance(pieces, bytes) and not v2 else b"",
        layers=_layers(layers.value if layers and v2 else None),
    )


def _layers(value: Value | None) -> Mapping[bytes, bytes]:
    given = value if isinstance(value, dict) else {}
    return {root: layer for root, layer in given.items() if isinstance(layer, bytes)}


class _Broken(ValueError):
    """The bencode is valid but the torrent is not."""


class _Content(msgspec.Struct, frozen=True):
    """The files that an info dictionary describes."""

    entries: tuple[tuple[TorrentFile, bool], ...]
    """The files, each with whether it is padding."""
    single_file: bool

    @property
    def files(self) -> tuple[TorrentFile, ...]:
        return tuple(file for file, pad in self.entries if not pad)

    @property
    def padded_size(self) -> int:
        return sum(file.size for file, _ in self.entries)


def _metainfo(data: bytes) -> Metainfo:
    top = read_dictionary(data)
    outer = {key: entry.value for key, entry in top.items()}
    if b"info" not in top:
        raise _Broken("it has no info dictionary")
    info = _dictionary(top[b"info"].value, "info")
    v1, v2 = _versions(info)
    raw = memoryview(data)[top[b"info"].start : top[b"info"].stop]
    piece_length = _piece_length(info)
    content = _content_v2(info) if v2 else _content_v1(info)
    if not v2 or (v1 and b"pieces" in info):
        _check_pieces(info, content, piece_length, aligned=v2)
    return Metainfo(
        infohash_v1=hashlib.sha1(raw, usedforsecurity=False).hexdigest() if v1 else "",
        infohash_v2=hashlib.sha256(raw).hexdigest() if v2 else "",
        name=_name(info),
        files=content.files,
        size=sum(file.size for file in content.files),
        single_file=content.single_file,
        piece_length=piece_length,
        pieces_num=_pieces_num(content, piece_length, aligned=v2),
        private=_integer(info, b"private") not in {None, 0},
        trackers=_trackers(outer),
        webseeds=tuple(_urls(outer.get(b"url-list"))),
        comment=_first_text(outer, b"comment.utf-8", b"comment"),
        created_by=_first_text(outer, b"created by.utf-8", b"created by"),
        creation_date=_integer(outer, b"creation date"),
    )


def _versions(info: Dictionary) -> tuple[bool, bool]:
    """Return whether there is a v1 part, and a v2 part. A v1 file list makes a v2 torrent hybrid."""
    version = _integer(info, b"meta version") or 0
    if version > META_VERSION:
        raise _Broken(f"its meta version is {version}")
    v2 = version == META_VERSION
    listed = isinstance(info.get(b"files"), list) or _integer(info, b"length") is not None
    return listed or not v2, v2


def _piece_length(info: Dictionary) -> int:
    length = info.get(b"piece length")
    if not isinstance(length, int) or not 0 < length <= MAX_PIECE_LENGTH:
        raise _Broken("its piece length is missing or impossible")
    return length


def _name(info: Dictionary) -> str:
    name = _first_text(info, b"name.utf-8", b"name")
    if not name:
        raise _Broken("it has no name")
    return name


def _content_v1(info: Dictionary) -> _Content:
    files = info.get(b"files")
    if isinstance(files, list):
        return _content(_listed(_name(info), files), single_file=False)
    file = TorrentFile(_component(_name(info)), _size(info.get(b"length")))
    return _content([(file, False)], single_file=True)


def _listed(root: str, files: Iterable[Value]) -> Iterator[tuple[TorrentFile, bool]]:
    for entry in files:
        file = _dictionary(entry, "a file")
        is_pad = _is_pad(file)
        path = [b".pad"] if is_pad else file.get(b"path.utf-8", file.get(b"path"))
        if not isinstance(path, list) or not path:
            raise _Broken("a file without a path")
        parts = (root, *(_text(part) for part in path if isinstance(part, bytes)))
        yield TorrentFile(_joined(parts), _size(file.get(b"length"))), is_pad


def _content_v2(info: Dictionary) -> _Content:
    tree = _dictionary(info.get(b"file tree"), "its file tree")
    if b"" in tree:
        raise _Broken("a file without a name")
    only = next(iter(tree.values()), None)
    single_file = len(tree) == 1 and isinstance(only, dict) and b"" in only
    root = () if single_file else (_name(info),)
    return _content(_leaves(tree, root), single_file=single_file)


def _leaves(tree: Dictionary, root: tuple[str, ...]) -> Iterator[tuple[TorrentFile, bool]]:
    pending: list[tuple[tuple[str, ...], Value]] = [(root, tree)]
    while pending:
        path, value = pending.pop()
        node = _dictionary(value, "a folder")
        if b"" in node:
            leaf = _dictionary(node[b""], "a file")
            top = leaf.get(b"pieces root")
            hashed = top if isinstance(top, bytes) else b""
            yield TorrentFile(_joined(path), _size(leaf.get(b"length")), hashed), _is_pad(leaf)
        else:
            children = [((*path, _text(name)), child) for name, child in node.items()]
            pending.extend(reversed(children))


def _content(entries: Iterable[tuple[TorrentFile, bool]], *, single_file: bool) -> _Content:
    kept, characters = [], 0
    for entry in entries:
        characters += len(entry[0].path)
        if characters > MAX_NAMES or len(entry[0].path) > LONGEST_NAME:
            raise _Broken("its file names are too long")
        kept.append(entry)
    content = _Content(tuple(kept), single_file)
    if not kept:
        raise _Broken("it has no files")
    if not 0 < content.padded_size <= MAX_SIZE:
        raise _Broken("its files have no bytes, or too many")
    return content


def _check_pieces(info: Dictionary, content: _Content, piece_length: int, *, aligned: bool) -> None:
    """Raise if the piece hashes do not match the files."""
    pieces = info.get(b"pieces")
    if not isinstance(pieces, bytes):
        raise _Broken("it has no piece hashes")
    expected = _pieces_num(content, piece_length, aligned=aligned)
    if len(pieces) != HASH_BYTES * expected:
        raise _Broken(f"{len(pieces)} bytes of piece hashes do not make {expected} pieces")


def _pieces_num(content: _Content, piece_length: int, *, aligned: bool) -> int:
    """Return the number of pieces. In v2 and hybrids every file begins with a new piece."""
    if aligned:
        return sum(-(-file.size // piece_length) for file in content.files)
    return -(-content.padded_size // piece_length)


def _trackers(outer: Dictionary) -> tuple[tuple[str, ...], ...]:
    """Return the tiers. The single `announce` is used when `announce-list` has no usable URL."""
    listed = outer.get(b"announce-list")
    tiers = (tuple(_urls(tier)) for tier in (listed if isinstance(listed, list) else ()))
    kept = tuple(tier for tier in tiers if tier)
    announce = tuple(_urls(outer.get(b"announce")))
    return kept or ((announce,) if announce else ())


def _urls(value: Value | None) -> Iterator[str]:
    for item in value if isinstance(value, list) else [value]:
        url = _text(item).strip() if isinstance(item, bytes) else ""
        if url:
            yield url


def _dictionary(value: Value | None, what: str) -> Dictionary:
    if not isinstance(value, dict):
        raise _Broken(f"{what} is not a dictionary")
    return value


def _integer(dictionary: Dictionary, key: bytes) -> int | None:
    value = dictionary.get(key)
    return value if isinstance(value, int) else None


def _size(value: Value | None) -> int:
    if not isinstance(value, int) or not 0 <= value <= MAX_SIZE:
        raise _Broken("the length of a file is missing or impossible")
    return value


def _is_pad(file: Dictionary) -> bool:
    attributes = file.get(b"attr")
    return isinstance(attributes, bytes) and b"p" in attributes


def _first_text(dictionary: Dictionary, *keys: bytes) -> str:
    values = (dictionary.get(key) for key in keys)
    return next((_text(value) for value in values if isinstance(value, bytes) and value), "")


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace")


def _joined(parts: Iterable[str]) -> str:
    return "/".join(_component(part) for part in parts)


def _component(name: str) -> str:
    """Return a path component: separators in it are replaced, and an empty one gets a name."""
    return name.replace("/", "_") or "_"
