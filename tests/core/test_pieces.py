"""The pieces of real torrents: together they are all the bytes, and each has its digest."""

import random
from collections.abc import Mapping

import pytest

from bridge.core.metainfo import Blueprint, NotATorrent, blueprint
from bridge.core.pieces import BLOCK, Piece, hasher, merkle_root, pieces_of
from tests.support.torrents import Version, make_torrent

KIB = 1024


def bytes_of(**sizes: int) -> Mapping[str, bytes]:
    """Files of these sizes; their bytes look like nothing in particular."""
    return {
        name.replace("_", "."): random.Random(name).randbytes(size) for name, size in sizes.items()
    }


FILES = bytes_of(a_mkv=100 * KIB + 3, b_srt=11, c_mkv=64 * KIB, d_nfo=0, e_mkv=33 * KIB)


def read(data: bytes) -> Blueprint:
    """The blueprint of a .torrent that has one."""
    found = blueprint(data)
    assert isinstance(found, Blueprint)
    return found


def content(plan: Blueprint, piece: Piece) -> bytes:
    """The bytes that a piece is made of."""
    parts = []
    for part in piece.parts:
        if part.file is None:
            parts.append(bytes(part.end - part.start))
        else:
            name = plan.entries[part.file][0].path.rpartition("/")[2]
            parts.append(FILES[name][part.start : part.end])
    return b"".join(parts)


def digest(piece: Piece, data: bytes, step: int = 1000) -> bytes:
    """Hash in portions."""
    hashing = hasher(piece)
    for at in range(0, len(data), step):
        hashing.update(data[at : at + step])
    return hashing.digest()


@pytest.mark.parametrize("piece_length", [BLOCK, 64 * KIB, 256 * KIB])
@pytest.mark.parametrize("padded", [False, True])
@pytest.mark.parametrize("version", ["v1", "v2", "hybrid"])
def test_every_piece_has_its_digest(version: Version, padded: bool, piece_length: int) -> None:
    """The right bytes give the right digest, and together the pieces hold every byte once."""
    torrent = make_torrent(
        "Show", FILES, version=version, piece_length=piece_length, pad_files=padded
    )
    plan = read(torrent.data)
    pieces = list(pieces_of(plan))
    for piece in pieces:
        data = content(plan, piece)
        assert len(data) == piece.size
        assert digest(piece, data) == piece.digest
    held = sum(part.end - part.start for p in pieces for part in p.parts if part.file is not None)
    assert held == torrent.size


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_a_wrong_bit_shows(version: Version) -> None:
    """One bit that is not the torrent's makes another digest."""
    plan = read(make_torrent("Show", FILES, version=version, piece_length=64 * KIB).data)
    for piece in pieces_of(plan):
        data = bytearray(content(plan, piece))
        data[len(data) // 2] ^= 1
        assert digest(piece, bytes(data)) != piece.digest


def test_a_piece_spans_files() -> None:
    """Files of a plain v1 torrent share pieces; those of v2 and hybrids never do."""
    shared = read(make_torrent("Show", FILES, piece_length=256 * KIB).data)
    assert {part.file for part in next(pieces_of(shared)).parts} == {0, 1, 2, 4}
    for version in ("v2", "hybrid"):
        apart = read(make_torrent("Show", FILES, version=version, piece_length=256 * KIB).data)
        assert all(len(piece.parts) == 1 for piece in pieces_of(apart))


def test_made_up_layers_are_not_believed() -> None:
    """Hashes of pieces that do not lead to the file's root check nothing: its pieces are left out."""
    torrent = make_torrent("Show", {"a.mkv": 100 * KIB, "b.srt": 5}, version="v2")
    plan = read(torrent.data)
    wrong = {root: bytes(len(layer)) for root, layer in plan.layers.items()}
    forged = Blueprint(piece_length=plan.piece_length, entries=plan.entries, layers=wrong)
    assert [piece.parts[0].file for piece in pieces_of(forged)] == [1]


def test_no_torrent_has_no_blueprint() -> None:
    """What is not a .torrent is answered with a reason."""
    for data in (b"", b"d4:infoi1ee", b"de", b"nonsense"):
        assert isinstance(blueprint(data), NotATorrent)


@pytest.mark.parametrize("count", range(1, 9))
def test_a_short_tree_is_filled_up(count: int) -> None:
    """A tree with leaves left out is the tree with the missing ones written out."""
    leaves = [bytes([number]) * 32 for number in range(count)]
    assert merkle_root(leaves, 8) == merkle_root([*leaves, *[bytes(32)] * (8 - count)], 8)
