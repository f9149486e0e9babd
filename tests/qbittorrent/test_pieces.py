"""Pieces, counted from the metainfo."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.core.metainfo import Metainfo, TorrentFile
from bridge.core.model import Phase
from bridge.downloads import FileView
from bridge.qbittorrent.torrent_details import piece_ranges, piece_states
from tests.support.views import a_view


def metainfo(*files: TorrentFile, v2: bool = False) -> Metainfo:
    """Make a metainfo of pieces of 100 bytes."""
    size = sum(file.size for file in files)
    return Metainfo(
        infohash_v1="" if v2 else "a" * 40,
        infohash_v2="b" * 64 if v2 else "",
        name="Show",
        files=files,
        size=size,
        single_file=len(files) == 1,
        piece_length=100,
        pieces_num=-(-size // 100),
        private=False,
        trackers=(),
        webseeds=(),
        comment="",
        created_by="",
        creation_date=None,
    )


TEN = metainfo(TorrentFile("a.mkv", 1000))


@pytest.mark.parametrize(
    ("phase", "progress", "states"),
    [
        (Phase.REMOTE, 0, [0] * 10),
        (Phase.REMOTE, 0.35, [2, 2, 2, 0, 0, 0, 0, 0, 0, 0]),
        (Phase.DELIVERING, 0.5, [2, 2, 2, 2, 2, 1, 0, 0, 0, 0]),
        (Phase.DELIVERING, 0.999, [2] * 9 + [1]),
        (Phase.FINISHED, 1, [2] * 10),
    ],
)
def test_states(phase: Phase, progress: float, states: list[int]) -> None:
    """As many as there are, and all of them here only when it is complete."""
    assert piece_states(a_view(phase=phase, progress=progress, size=1000), TEN) == states


@pytest.mark.parametrize(
    ("phase", "size", "states"),
    [(Phase.REMOTE, 0, []), (Phase.REMOTE, 9, [0]), (Phase.FINISHED, 9, [2])],
)
def test_states_without_a_torrent(phase: Phase, size: int, states: list[int]) -> None:
    """The whole is one piece, and nothing while not even the size is known."""
    assert piece_states(a_view(phase=phase, progress=0.5, size=size), None) == states


def views(*files: tuple[str, int]) -> list[FileView]:
    """List files as they are shown."""
    return [FileView(index, name, size, 0, True, 1) for index, (name, size) in enumerate(files)]


def test_ranges_follow_the_torrents_order() -> None:
    """A file's pieces are those of the torrent, in whatever order TorBox lists the files."""
    found = metainfo(
        TorrentFile("S/a.mkv", 150), TorrentFile("S/b.mkv", 250), TorrentFile("S/c", 0)
    )
    shown = views(("S/b.mkv", 250), ("S/a.mkv", 150), ("S/c", 0), ("S/other", 9))
    assert piece_ranges(shown, found) == {0: (1, 3), 1: (0, 1), 2: (4, 4)}
    assert piece_ranges(shown, None) == {}


def test_files_of_v2_begin_with_a_piece() -> None:
    """In v2 and hybrid torrents no piece has two files."""
    found = metainfo(TorrentFile("a", 150), TorrentFile("b", 150), v2=True)
    assert piece_ranges(views(("a", 150), ("b", 150)), found) == {0: (0, 1), 1: (2, 3)}


@given(st.lists(st.integers(1, 1000), min_size=1, max_size=8))
def test_ranges_cover_all_pieces(sizes: list[int]) -> None:
    """The first file begins with piece 0, the last ends with the last, and none leaves a gap."""
    names = [(f"f{number}", size) for number, size in enumerate(sizes)]
    found = metainfo(*(TorrentFile(name, size) for name, size in names))
    ranges = list(piece_ranges(views(*names), found).values())
    assert (ranges[0][0], ranges[-1][1]) == (0, found.pieces_num - 1)
    assert all(after[0] - before[1] in {0, 1} for before, after in itertools.pairwise(ranges))
