"""Builds real .torrent files of every kind, and says which info-hashes they have."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

Bencodable: TypeAlias = int | bytes | Sequence["Bencodable"] | Mapping[bytes, "Bencodable"]
Info: TypeAlias = dict[bytes, Bencodable]
Version: TypeAlias = Literal["v1", "v2", "hybrid"]
Content: TypeAlias = bytes | int
"""A file's bytes; or only its size, and its hashes are made up."""

BLOCK = 16 * 1024
"""The leaves of a merkle tree, in bytes."""
HASH_BYTES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Torrent:
    """A .torrent file and what a reader has to find in it."""

    data: bytes
    infohash_v1: str
    infohash_v2: str
    name: str
    files: tuple[tuple[str, int], ...]
    """Path (root folder first) and size in bytes, without padding."""

    @property
    def infohash(self) -> str:
        """What the bridge calls it: v1's, or the beginning of v2's."""
        return self.infohash_v1 or self.infohash_v2[:40]

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(size for _, size in self.files)

    @property
    def magnet(self) -> str:
        """A magnet link with all of its hashes."""
        v1 = [f"xt=urn:btih:{self.infohash_v1}"] if self.infohash_v1 else []
        v2 = [f"xt=urn:btmh:1220{self.infohash_v2}"] if self.infohash_v2 else []
        return "magnet:?" + "&".join(v1 + v2)


def make_torrent(
    name: str,
    content: Content | Mapping[str, Content],
    *,
    version: Version = "v1",
    piece_length: int = BLOCK,
    pad_files: bool = False,
    private: bool = False,
    unsorted: bool = False,
    trackers: Sequence[Sequence[str]] = (),
    webseeds: Sequence[str] = (),
    extra: Mapping[bytes, Bencodable] | None = None,
) -> Torrent:
    """Build a .torrent of one file (`content` is its bytes or size) or of a folder.

    In a folder `content` maps '/' separated paths to bytes or sizes. `trackers` are tiers;
    `pad_files` aligns the files of a v1 torrent, as hybrids always do; `unsorted` writes all keys
    in the wrong order; `extra` adds keys beside `info`.
    """
    single = not isinstance(content, Mapping)
    files = {name: content} if not isinstance(content, Mapping) else dict(content)
    if version != "v1":
        files = dict(sorted(files.items(), key=lambda item: item[0].encode().split(b"/")))
    info: Info = {b"name": name.encode(), b"piece length": piece_length}
    if private:
        info[b"private"] = 1
    if version != "v2":
        padded = not single and (pad_files or version == "hybrid")
        info |= _v1(files, piece_length, single=single, padded=padded)
    outer: Info = {**_outer(trackers, webseeds), **(extra or {})}
    if version != "v1":
        info |= {b"meta version": 2, b"file tree": _tree(files, piece_length)}
        outer[b"piece layers"] = _layers(files, piece_length)
    raw = bencode(info, unsorted=unsorted)
    return Torrent(
        data=bencode({**outer, b"info": info}, unsorted=unsorted),
        infohash_v1=hashlib.sha1(raw).hexdigest() if version != "v2" else "",
        infohash_v2=hashlib.sha256(raw).hexdigest() if version != "v1" else "",
        name=name,
        files=tuple(
            (path if single else f"{name}/{path}", size_of(data)) for path, data in files.items()
        ),
    )


def bencode(value: Bencodable, *, unsorted: bool = False) -> bytes:
    """Write bencode; with `unsorted`, the keys of all dictionaries backwards."""
    if isinstance(value, int):
        return b"i%de" % value
    if isinstance(value, bytes):
        return b"%d:%b" % (len(value), value)
    if isinstance(value, Mapping):
        items = sorted(value.items(), reverse=unsorted)
        inside = (bencode(key) + bencode(item, unsorted=unsorted) for key, item in items)
        return b"d%be" % b"".join(inside)
    return b"l%be" % b"".join(bencode(item, unsorted=unsorted) for item in value)


def size_of(content: Content) -> int:
    """Return a file's size in bytes."""
    return content if isinstance(content, int) else len(content)


def _outer(trackers: Sequence[Sequence[str]], webseeds: Sequence[str]) -> Info:
    outer: Info = {}
    if trackers:
        outer[b"announce"] = trackers[0][0].encode()
        outer[b"announce-list"] = [[url.encode() for url in tier] for tier in trackers]
    if webseeds:
        outer[b"url-list"] = [url.encode() for url in webseeds]
    return outer


def _v1(files: Mapping[str, Content], piece_length: int, *, single: bool, padded: bool) -> Info:
    entries: list[Info] = []
    stream: list[Content] = []
    for number, (path, content) in enumerate(files.items(), start=1):
        size = size_of(content)
        entries.append({b"length": size, b"path": [part.encode() for part in path.split("/")]})
        stream.append(content)
        gap = -size % piece_length if padded and number < len(files) else 0
        if gap:
            entries.append({b"attr": b"p", b"length": gap, b"path": [b".pad", b"%d" % gap]})
            stream.append(bytes(gap))
    layout: Info = {b"length": entries[0][b"length"]} if single else {b"files": entries}
    return {**layout, b"pieces": _pieces(stream, piece_length)}


def _pieces(stream: Sequence[Content], piece_length: int) -> bytes:
    known = [content for content in stream if isinstance(content, bytes)]
    if len(known) < len(stream):
        count = -(-sum(map(size_of, stream)) // piece_length)
        return bytes(range(HASH_BYTES)) * count
    whole = b"".join(known)
    pieces = (whole[at : at + piece_length] for at in range(0, len(whole), piece_length))
    return b"".join(hashlib.sha1(piece).digest() for piece in pieces)


def _tree(files: Mapping[str, Content], piece_length: int) -> Bencodable:
    tree: Info = {}
    for path, content in files.items():
        *folders, name = path.encode().split(b"/")
        folder = tree
        for part in folders:
            below = folder.setdefault(part, {})
            assert isinstance(below, dict)
            folder = below
        leaf: Info = {b"length": size_of(content)}
        if size_of(content):
            leaf[b"pieces root"] = _root(_layer(content, piece_length), content, piece_length)
        folder[name] = {b"": leaf}
    return tree


def _layers(files: Mapping[str, Content], piece_length: int) -> Info:
    layers: Info = {}
    for content in files.values():
        if size_of(content) > piece_length:
            layer = _layer(content, piece_length)
            layers[_root(layer, content, piece_length)] = b"".join(layer)
    return layers


def _layer(content: Content, piece_length: int) -> list[bytes]:
    """Return the hash of every piece of a file; of every block, if it has but one piece."""
    if isinstance(content, int):
        count = -(-content // piece_length)
        return [hashlib.sha256(b"%d/%d" % (content, number)).digest() for number in range(count)]
    blocks = [hashlib.sha256(content[at : at + BLOCK]).digest() for at in _starts(content)]
    if len(content) <= piece_length:
        return blocks
    width = piece_length // BLOCK
    return [_merkle(blocks[at : at + width], width) for at in range(0, len(blocks), width)]


def _starts(content: bytes) -> range:
    return range(0, len(content), BLOCK)


def _root(layer: Sequence[bytes], content: Content, piece_length: int) -> bytes:
    """Return the top of the tree; what is missing to a power of two is zeros, hashed upwards."""
    missing = bytes(32)
    if size_of(content) > piece_length:
        width = piece_length // BLOCK
        missing = _merkle([missing] * width, width)
    width = 1 << (len(layer) - 1).bit_length()
    return _merkle([*layer, *[missing] * (width - len(layer))], width)


def _merkle(hashes: Sequence[bytes], width: int) -> bytes:
    level = [*hashes, *[bytes(32)] * (width - len(hashes))]
    while len(level) > 1:
        pairs = zip(level[::2], level[1::2], strict=True)
        level = [hashlib.sha256(left + right).digest() for left, right in pairs]
    return level[0]
