"""The .torrent reader: libtorrent's info-hashes, and a refusal for everything else."""

import hashlib
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bridge.core.bencode import MAX_DEPTH
from bridge.core.metainfo import (
    MAX_NAMES,
    Metainfo,
    NotATorrent,
    TorrentFile,
    parse_torrent,
    piece_hashes,
)
from tests.support.torrents import Bencodable, Torrent, bencode, make_torrent

libtorrent = pytest.importorskip("libtorrent", reason="no wheel for this Python")

REAL = {"b/e02.mkv": b"2" * 40_000, "a.nfo": b"n" * 5, "b/e01.mkv": b"1" * 16_384, "empty": b""}
SIZES = {path: len(data) * 1000 for path, data in REAL.items()}
TIERS = [["http://a.example/x", "udp://b.example:1"], ["http://c.example/"]]

KINDS = {
    "v1 single": make_torrent("Movie.mkv", b"m" * 100_000),
    "v1 single by size": make_torrent("Movie.mkv", 5 << 30, piece_length=4 << 20),
    "v1 multi": make_torrent("Show", REAL),
    "v1 multi by size": make_torrent("Show", SIZES, piece_length=1 << 20),
    "v1 one file in a folder": make_torrent("Movie", {"Movie.mkv": 7}),
    "v1 with pad files": make_torrent("Show", REAL, pad_files=True),
    "v1 unsorted": make_torrent("Show", REAL, unsorted=True, private=True),
    "v1 odd piece length": make_torrent("Show", REAL, piece_length=17_000),
    "v2 single": make_torrent("Movie.mkv", b"m" * 100_000, version="v2"),
    "v2 one piece": make_torrent("Movie.mkv", b"m" * 40_000, version="v2", piece_length=1 << 16),
    "v2 multi": make_torrent("Show", REAL, version="v2", piece_length=32_768),
    "v2 multi by size": make_torrent("Show", SIZES, version="v2"),
    "hybrid single": make_torrent("Movie.mkv", b"m" * 100_000, version="hybrid"),
    "hybrid multi": make_torrent("Show", REAL, version="hybrid"),
    "hybrid multi by size": make_torrent("Show", SIZES, version="hybrid"),
    "private": make_torrent("Movie.mkv", 7, private=True),
    "trackers": make_torrent("Movie.mkv", 7, trackers=TIERS, webseeds=["http://w.example/"]),
    "not ascii": make_torrent("Ünï 日本", {"ß/🎬.mkv": 7}),
}
INFO: dict[bytes, Bencodable] = {
    b"length": 5,
    b"name": b"a.bin",
    b"piece length": 16_384,
    b"pieces": b"x" * 20,
}
IN_FOLDER = {key: value for key, value in INFO.items() if key != b"length"}


def with_info(**changes: Bencodable | None) -> bytes:
    """Build a .torrent with keys of the info dictionary changed, or left out where None."""
    changed = {**INFO, **{key.replace("_", " ").encode(): value for key, value in changes.items()}}
    return bencode({b"info": {key: value for key, value in changed.items() if value is not None}})


def with_files(*files: Bencodable) -> bytes:
    """Build a .torrent with these entries in `files`."""
    return bencode({b"info": {**IN_FOLDER, b"files": files}})


def read(data: bytes) -> Metainfo:
    """Parse what has to be a torrent."""
    metainfo = parse_torrent(data)
    assert isinstance(metainfo, Metainfo), metainfo
    return metainfo


def ask_libtorrent(data: bytes) -> Any:
    """Let libtorrent read it; None if it refuses."""
    try:
        return libtorrent.load_torrent_buffer(data)
    except RuntimeError:
        return None


def hashes(found: Any) -> tuple[str, str]:
    """Return both info-hashes that libtorrent computed."""
    both = found.info_hashes
    return str(both.v1) if both.has_v1() else "", str(both.v2) if both.has_v2() else ""


def sizes(found: Any) -> list[int]:
    """Return the sizes of libtorrent's files without padding."""
    files = found.ti.layout()
    pad = libtorrent.file_flags_t.flag_pad_file
    numbers = range(files.num_files())
    return [files.file_size(at) for at in numbers if not files.file_flags(at) & pad]


@pytest.mark.parametrize("torrent", KINDS.values(), ids=KINDS.keys())
def test_info_hashes_and_files(torrent: Torrent) -> None:
    """Every kind of torrent has the hashes, names and sizes it was built with."""
    metainfo = read(torrent.data)
    assert metainfo.infohash == torrent.infohash
    assert (metainfo.infohash_v1, metainfo.infohash_v2) == (
        torrent.infohash_v1,
        torrent.infohash_v2,
    )
    assert metainfo.files == tuple(TorrentFile(*file) for file in torrent.files)
    assert metainfo.size == torrent.size
    assert metainfo.name == torrent.name


@pytest.mark.parametrize("torrent", KINDS.values(), ids=KINDS.keys())
def test_libtorrent_agrees(torrent: Torrent) -> None:
    """Libtorrent computes the same hashes and finds the same files and pieces."""
    found, metainfo = ask_libtorrent(torrent.data), read(torrent.data)
    assert hashes(found) == (metainfo.infohash_v1, metainfo.infohash_v2)
    assert sizes(found) == [file.size for file in metainfo.files]
    assert found.ti.num_pieces() == metainfo.pieces_num
    assert found.ti.piece_length() == metainfo.piece_length
    assert found.ti.priv() == metainfo.private
    assert list(zip(found.trackers, found.tracker_tiers, strict=True)) == [
        (url, number) for number, tier in enumerate(metainfo.trackers) for url in tier
    ]


@pytest.mark.parametrize(
    ("kind", "single_file"),
    [
        ("v1 single", True),
        ("v1 one file in a folder", False),
        ("v1 multi", False),
        ("v2 single", True),
        ("v2 multi", False),
        ("hybrid single", True),
        ("hybrid multi", False),
    ],
)
def test_single_file(kind: str, single_file: bool) -> None:
    """A torrent without a root folder is known as one; a folder with one file is a folder."""
    assert read(KINDS[kind].data).single_file is single_file


def test_what_stands_beside_info() -> None:
    """Trackers keep their tiers; webseeds, comment, maker and date are read."""
    extra: dict[bytes, Bencodable] = {
        b"comment": b"hello",
        b"created by": b"me",
        b"creation date": 1_700_000_000,
    }
    metainfo = read(
        make_torrent("a", 7, trackers=TIERS, webseeds=["http://w.example/"], extra=extra).data
    )
    assert metainfo.trackers == tuple(map(tuple, TIERS))
    assert metainfo.webseeds == ("http://w.example/",)
    assert (metainfo.comment, metainfo.created_by) == ("hello", "me")
    assert metainfo.creation_date == 1_700_000_000


@pytest.mark.parametrize(
    ("extra", "trackers", "webseeds"),
    [
        ({}, (), ()),
        ({b"announce": b"http://a"}, (("http://a",),), ()),
        ({b"announce": b"http://a", b"announce-list": []}, (("http://a",),), ()),
        ({b"announce": b"http://a", b"announce-list": b"x"}, (("http://a",),), ()),
        ({b"announce": b"http://a", b"announce-list": [[b" "], [b"udp://b"]]}, (("udp://b",),), ()),
        ({b"announce": 5, b"url-list": b"http://w"}, (), ("http://w",)),
        ({b"announce-list": [b"http://b", 7, [[]]], b"url-list": [b"", 1]}, (("http://b",),), ()),
    ],
)
def test_trackers_and_webseeds_of_odd_shape(
    extra: dict[bytes, Bencodable],
    trackers: tuple[tuple[str, ...], ...],
    webseeds: tuple[str, ...],
) -> None:
    """The list wins over `announce` when it brings anything; nonsense is passed over."""
    metainfo = read(make_torrent("a", 7, extra=extra).data)
    assert (metainfo.trackers, metainfo.webseeds) == (trackers, webseeds)


@pytest.mark.parametrize(
    ("data", "paths"),
    [
        (with_info(**{"name.utf-8": "ü".encode(), "name": b"\xff"}), ["ü"]),
        (with_info(name=b"x\xffy"), ["x\ufffdy"]),
        (with_info(name=b"../etc"), [".._etc"]),
        (with_files({b"length": 5, b"path": [b"a", b"b"]}), ["a.bin/a/b"]),
        (with_files({b"length": 5, b"path": [b"a/b", b""]}), ["a.bin/a_b/_"]),
        (
            with_files({b"length": 5, b"path": [b"?"], b"path.utf-8": ["ü".encode()]}),
            ["a.bin/ü"],
        ),
        (
            with_files(
                {b"length": 5, b"path": [b"a"], b"attr": b"x"},
                {b"length": 9, b"path": [b".pad", b"9"], b"attr": b"p"},
            ),
            ["a.bin/a"],
        ),
    ],
)
def test_names(data: bytes, paths: list[str]) -> None:
    """UTF-8 names win, bad bytes are marked, and no component becomes two."""
    assert [file.path for file in read(data).files] == paths


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"this is not a torrent",
        b"d4:infoi1ee",
        b"d4:spami1ee",
        with_info(length=None),
        with_info(length=-5),
        with_info(length=0),
        with_info(length=b"5"),
        with_info(length=(1 << 63) - 1, pieces=b""),
        with_info(length=1 << 64),
        with_info(name=None),
        with_info(name=b""),
        with_info(name=7),
        with_info(piece_length=None),
        with_info(piece_length=0),
        with_info(piece_length=-1),
        with_info(piece_length=1 << 31),
        with_info(piece_length=[]),
        with_info(pieces=None),
        with_info(pieces=7),
        with_info(pieces=b"x" * 19),
        with_info(pieces=b"x" * 40),
        with_info(meta_version=3),
        with_info(meta_version=2),
        with_info(meta_version=2, file_tree={}),
        with_info(meta_version=2, file_tree={b"": {b"length": 5}}),
        with_info(meta_version=2, file_tree={b"a": {b"": 7}}),
        with_info(meta_version=2, file_tree={b"a": 7}),
        with_info(meta_version=2, file_tree={b"a": {}}),
        with_files(),
        with_files(7),
        with_files({b"length": 5}),
        with_files({b"length": 5, b"path": []}),
        with_files({b"length": -5, b"path": [b"a"]}, {b"length": 10, b"path": [b"b"]}),
    ],
)
def test_refusals(data: bytes) -> None:
    """What libtorrent refuses is refused, with a reason."""
    refused = parse_torrent(data)
    assert isinstance(refused, NotATorrent)
    assert refused.reason.startswith("not a torrent file: ")
    assert ask_libtorrent(data) is None


@pytest.mark.parametrize(
    "data",
    [
        bencode({b"info": INFO}) + b"garbage",
        bencode({b"info": INFO}).replace(b"i5e", b"i0005e"),
        bencode({b"info": INFO}).replace(b"5:a.bin", b"05:a.bin"),
        b"d4:info" + bencode(INFO) + b"4:info" + bencode({**INFO, b"name": b"b"}) + b"e",
        b"d4:info" + bencode(INFO)[:-1] + b"4:name1:bee",
        with_info(private=b"1"),
        with_info(meta_version=1),
        with_info(meta_version={}),
        with_info(private=2),
        with_info(private=[]),
        with_info(files=[{b"length": 5, b"path": [b"a"]}]),
        bencode({b"info": INFO, b"x": 1})[:-1] + b"1:y" + b"l" * 98 + b"e" * 99,
        with_files({b"length": 5, b"path": [b"a"]}, {b"length": 9, b"attr": b"p"}),
        KINDS["hybrid multi"].data.replace(b"5:files", b"5:filez"),
        KINDS["hybrid multi"].data.replace(b"6:pieces", b"6:piecez"),
    ],
)
def test_tolerance_is_libtorrents(data: bytes) -> None:
    """Trailing bytes, leading zeros, repeated keys and half a hybrid hash as in libtorrent."""
    found, metainfo = ask_libtorrent(data), read(data)
    assert hashes(found) == (metainfo.infohash_v1, metainfo.infohash_v2)
    assert found.ti.name() == metainfo.name
    assert found.ti.priv() == metainfo.private


def test_raw_bytes_are_hashed() -> None:
    """The v1 hash is of the info dictionary as it stands in the file, whatever its order."""
    raw = bencode(INFO, unsorted=True)
    assert read(b"d4:info" + raw + b"e").infohash == hashlib.sha1(raw).hexdigest()


def test_piece_hashes_come_from_the_bytes() -> None:
    """The hashes of the pieces are those of the content, in order."""
    content = bytes(range(256)) * 200
    torrent = make_torrent("a.bin", content)
    pieces = (content[at : at + 16_384] for at in range(0, len(content), 16_384))
    assert list(piece_hashes(torrent.data)) == [hashlib.sha1(piece).digest() for piece in pieces]


@pytest.mark.parametrize("data", [KINDS["v2 single"].data, b"", b"d4:infoi1ee", b"garbage"])
def test_no_piece_hashes(data: bytes) -> None:
    """Where there are no v1 pieces, none come."""
    assert not list(piece_hashes(data))


def test_a_hundred_megabytes_of_pieces() -> None:
    """A .torrent as large as qBittorrent takes is read; the metainfo holds none of its bulk."""
    torrent = make_torrent("a.bin", 16_384 * 5_000_000)
    assert len(torrent.data) > 100_000_000
    metainfo = read(torrent.data)
    assert metainfo.infohash == torrent.infohash
    assert metainfo.pieces_num == 5_000_000
    assert len(repr(metainfo)) < 1000


def test_a_long_folder_name_over_many_files() -> None:
    """A small .torrent cannot fill the memory with paths."""
    tree = {b"%d" % number: {b"": {b"length": 1}} for number in range(30_000)}
    long = b"n" * (MAX_NAMES // 28_000)
    refused = parse_torrent(with_info(name=long, meta_version=2, file_tree=tree, pieces=None))
    assert refused == NotATorrent("not a torrent file: its file names are too long")


def test_a_deep_tree_of_folders() -> None:
    """Folders within folders up to the limit of depth are walked without recursion."""
    tree: Bencodable = {b"": {b"length": 1}}
    for _ in range(MAX_DEPTH - 6):
        tree = {b"d": tree}
    metainfo = read(with_info(meta_version=2, file_tree={b"d": tree}, pieces=None))
    assert metainfo.files[0].path.count("/") == MAX_DEPTH - 5


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
@example(b"d4:infod6:lengthi5ee")
@example(b"d4:infod7:privatelee")
def test_any_bytes(data: bytes) -> None:
    """Whatever the bytes are, the answer is a value."""
    assert isinstance(parse_torrent(data), Metainfo | NotATorrent)


SMALL = [
    make_torrent("a", 7),
    make_torrent("a", {"b": 7, "c": 9}, pad_files=True, private=True, trackers=TIERS),
    make_torrent("a", {"b": 7, "c": 9}, version="v2"),
    make_torrent("a", {"b": 7, "c/d": 9}, version="hybrid"),
]


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """Change, take out or put in a few bytes of a sound .torrent."""
    data = bytearray(draw(st.sampled_from(SMALL)).data)
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(data) - 1))
        patch = draw(st.binary(max_size=2) | st.sampled_from([b"e", b"d", b"l", b"i-1e", b"0:"]))
        data[at : at + draw(st.integers(0, 3))] = patch
    return bytes(data)


@settings(max_examples=200, deadline=None)
@given(mutated())
def test_mutations(data: bytes) -> None:
    """A broken torrent is a refusal; what libtorrent still takes is taken, with its hashes."""
    found, metainfo = ask_libtorrent(data), parse_torrent(data)
    if found is None:
        assert isinstance(metainfo, Metainfo | NotATorrent)
    elif isinstance(metainfo, NotATorrent):
        # Libtorrent bears an empty name in v2 alone; a download cannot do without one.
        assert metainfo.reason.endswith("it has no name")
    else:
        assert hashes(found) == (metainfo.infohash_v1, metainfo.infohash_v2)
        assert sizes(found) == [file.size for file in metainfo.files]
