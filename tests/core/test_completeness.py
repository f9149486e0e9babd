"""Which of a torrent's files TorBox does not list."""

import random
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.core.completeness import Named, missing, pairs
from bridge.core.metainfo import TorrentFile
from bridge.core.model import RemoteFile

PACK = (
    TorrentFile("Show.S01/e01.mkv", 900),
    TorrentFile("Show.S01/e02.mkv", 901),
    TorrentFile("Show.S01/Subs/e01.srt", 12),
)


def listed(*files: tuple[str, int], zipped: bool = False) -> Sequence[RemoteFile]:
    """Files as TorBox lists them."""
    return [
        RemoteFile(id=index, name=name, size=size, zipped=zipped)
        for index, (name, size) in enumerate(files)
    ]


@pytest.mark.parametrize(
    ("files", "lacking"),
    [
        ([("Show.S01/e01.mkv", 900), ("Show.S01/e02.mkv", 901), ("Show.S01/Subs/e01.srt", 12)], ()),
        ([("e02.mkv", 901), ("e01.srt", 12), ("e01.mkv", 900)], ()),
        ([("x/1", 900), ("x/2", 901), ("x/3", 12)], ()),
        ([("a", 900), ("b", 901), ("c", 12), ("added by TorBox.txt", 7)], ()),
        ([("Show.S01/e01.mkv", 900), ("Show.S01/Subs/e01.srt", 12)], (1,)),
        ([("Show.S01/e01.mkv", 900), ("e02.mkv", 500), ("Show.S01/Subs/e01.srt", 12)], (1,)),
        ([], (0, 1, 2)),
    ],
)
def test_what_is_missing(files: Sequence[tuple[str, int]], lacking: Sequence[int]) -> None:
    """A file is there if its size is, whatever TorBox calls it; a file of another size is not."""
    assert missing(PACK, listed(*files)) == tuple(PACK[index] for index in lacking)


def test_files_of_one_size_are_counted() -> None:
    """Two episodes of one size need two files; the one whose name is missing is named."""
    twins = (TorrentFile("S/e01.mkv", 900), TorrentFile("S/e02.mkv", 900))
    assert missing(twins, listed(("S/e02.mkv", 900))) == twins[:1]
    assert missing(twins, listed(("S/one", 900), ("S/two", 900))) == ()
    assert len(missing(twins, listed(("S/one", 900)))) == 1


def test_a_zip_is_not_compared() -> None:
    """A zipped item lists a single file for many."""
    assert missing(PACK, listed(("Show.S01.zip", 1700), zipped=True)) == ()


def test_empty_files_and_padding_are_not_missed() -> None:
    """Nobody misses a file without bytes, nor padding that is not marked."""
    odd = (TorrentFile("S/.empty", 0), TorrentFile("S/_____padding_file_0_if you see this", 99))
    assert missing((*PACK, *odd), listed(*((file.path, file.size) for file in PACK))) == ()


def test_pairs_only_what_is_beyond_doubt() -> None:
    """Two files of one size and strange names are not guessed at; one of them by name is enough."""
    wanted = [Named("S/e01.mkv", 9), Named("S/e02.mkv", 9), Named("S/c.mkv", 5)]
    assert pairs(wanted, [Named("S/x", 9), Named("S/y", 9), Named("z", 5)]) == {2: 2}
    assert pairs(wanted, [Named("S/x", 9), Named("E 02 (MKV)", 9)]) == {1: 1, 0: 0}


NAMES = st.text("aB./ é", min_size=1, max_size=6)


@given(st.lists(st.tuples(NAMES, st.integers(1, 3)), max_size=7), st.integers(0, 99))
def test_the_same_list_is_complete(files: list[tuple[str, int]], seed: int) -> None:
    """In any order, the torrent's own files lack nothing; without one of them, one is missing."""
    wanted = [TorrentFile(*file) for file in files]
    random.Random(seed).shuffle(files)
    assert missing(wanted, listed(*files)) == ()
    assert len(missing(wanted, listed(*files[1:]))) == min(len(files), 1)
