"""The pieces of a torrent: the byte ranges each covers, and how to check them.

v1: one SHA-1 for each piece of all files laid end to end, padding included. v2: each file begins a
new piece, and a piece is a merkle tree of SHA-256 over blocks of 16 KiB. A hybrid is checked by its
v2 part, because there no piece spans two files.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

import msgspec

from bridge.core.metainfo import HASH_BYTES, Blueprint, TorrentFile

BLOCK = 16 * 1024
"""Bytes under one leaf of a merkle tree."""
ROOT_BYTES = 32
"""Length of a SHA-256."""
ZERO_LEAF = bytes(ROOT_BYTES)
"""The leaf of a block beyond the end of the file."""


class Part(msgspec.Struct, frozen=True):
    """Bytes [start, end) of a file. `file` is its index in the blueprint; None stands for zeros."""

    file: int | None
    start: int
    end: int


class Piece(msgspec.Struct, frozen=True, kw_only=True):
    """A piece: its parts and its expected digest."""

    parts: tuple[Part, ...]
    digest: bytes
    leaves: int = 0
    """v2: the number of leaves of its merkle tree. v1: 0."""

    @property
    def size(self) -> int:
        """Length in bytes."""
        return sum(part.end - part.start for part in self.parts)


class Hasher(Protocol):
    """Hashes a piece. Takes its bytes in order, in chunks of any size."""

    def update(self, data: bytes | memoryview) -> None:
        """Add the next bytes."""

    def digest(self) -> bytes:
        """Return the digest of all bytes added."""


def pieces_of(blueprint: Blueprint) -> Iterator[Piece]:
    """Yield the pieces in order, without those of v2 files whose hashes the .torrent lacks."""
    if blueprint.hashes:
        return _v1(blueprint)
    return _v2(blueprint)


def hasher(piece: Piece) -> Hasher:
    """Return a new hasher for a piece."""
    return _Merkle(piece.leaves) if piece.leaves else hashlib.sha1(usedforsecurity=False)


def merkle_root(hashes: Sequence[bytes], width: int, missing: bytes = ZERO_LEAF) -> bytes:
    """Return the root of a tree of `width` (a power of two) leaves, padded with `missing`."""
    level = list(hashes)
    while width > 1:
        if len(level) % 2:
            level.append(missing)
        pairs = zip(level[::2], level[1::2], strict=True)
        level = [_both(left, right) for left, right in pairs]
        missing, width = _both(missing, missing), width // 2
    return level[0] if level else missing


def _both(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(left + right).digest()


def _v1(blueprint: Blueprint) -> Iterator[Piece]:
    parts = _cut(blueprint.entries, blueprint.piece_length)
    for at in range(0, len(blueprint.hashes), HASH_BYTES):
        digest = blueprint.hashes[at : at + HASH_BYTES]
        yield Piece(parts=tuple(next(parts, ())), digest=digest)


def _cut(entries: Iterable[tuple[TorrentFile, bool]], length: int) -> Iterator[Sequence[Part]]:
    """Yield the pieces of the files laid end to end; the last may be shorter."""
    parts: list[Part] = []
    room = length
    for index, (file, padding) in enumerate(entries):
        at = 0
        while at < file.size:
            end = min(file.size, at + room)
            parts.append(Part(None if padding else index, at, end))
            room, at = room - (end - at), end
            if not room:
                yield parts
                parts, room = [], length
    if parts:
        yield parts


def _v2(blueprint: Blueprint) -> Iterator[Piece]:
    for index, (file, padding) in enumerate(blueprint.entries):
        if file.size and len(file.root) == ROOT_BYTES and not padding:
            yield from _of_file(index, file, blueprint)


def _of_file(index: int, file: TorrentFile, blueprint: Blueprint) -> Iterator[Piece]:
    length = blueprint.piece_length
    if file.size <= length:
        leaves = _power_of_two(-(-file.size // BLOCK))
        yield Piece(parts=(Part(index, 0, file.size),), digest=file.root, leaves=leaves)
        return
    layer = _layer(file, blueprint)
    for number, digest in enumerate(layer):
        start = number * length
        part = Part(index, start, min(start + length, file.size))
        yield Piece(parts=(part,), digest=digest, leaves=length // BLOCK)


def _layer(file: TorrentFile, blueprint: Blueprint) -> Sequence[bytes]:
    """Return the hashes of a file's pieces if they lead to its root, otherwise nothing."""
    data = blueprint.layers.get(file.root, b"")
    count = -(-file.size // blueprint.piece_length)
    if len(data) != count * ROOT_BYTES or not _is_tree(blueprint.piece_length):
        return ()
    layer = [data[at : at + ROOT_BYTES] for at in range(0, len(data), ROOT_BYTES)]
    missing = merkle_root((), blueprint.piece_length // BLOCK)
    root = merkle_root(layer, _power_of_two(count), missing)
    return layer if root == file.root else ()


def _is_tree(piece_length: int) -> bool:
    return piece_length >= BLOCK and piece_length == _power_of_two(piece_length)


def _power_of_two(count: int) -> int:
    return 1 << (count - 1).bit_length()


class _Merkle:
    """Hashes block by block and keeps 32 bytes of each block."""

    def __init__(self, width: int) -> None:
        self._width = width
        self._leaves: list[bytes] = []
        self._block = hashlib.sha256()
        self._room = BLOCK

    def update(self, data: bytes | memoryview) -> None:
        view = memoryview(data)
        while view:
            taken, view = view[: self._room], view[self._room :]
            self._block.update(taken)
            self._room -= len(taken)
            if not self._room:
                self._end_block()

    def digest(self) -> bytes:
        if self._room < BLOCK:
            self._end_block()
        return merkle_root(self._leaves, self._width)

    def _end_block(self) -> None:
        self._leaves.append(self._block.digest())
        self._block, self._room = hashlib.sha256(), BLOCK
