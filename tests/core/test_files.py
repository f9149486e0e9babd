"""Which files of a download are delivered."""

from collections.abc import Sequence

import pytest

from bridge.core.files import FileRules, NamedFile, NothingLeft, choose

FILES = (
    NamedFile(0, "Show.S01/e01.mkv", 1_000_000),
    NamedFile(1, "Show.S01/Sample/e01.sample.MKV", 5_000),
    NamedFile(2, "Show.S01/Subs/e01.en.srt", 900),
    NamedFile(3, "Show.S01/readme.txt", 0),
    NamedFile(4, "bare.mkv", 2_000_000),
)


@pytest.mark.parametrize(
    ("rules", "dropped", "ids"),
    [
        (FileRules(), (), [0, 1, 2, 3, 4]),
        (FileRules(), (1, 99), [0, 2, 3, 4]),
        (FileRules(min_size=900), (), [0, 1, 2, 4]),
        (FileRules(min_size=901), (), [0, 1, 4]),
        (FileRules(include=["*.mkv"]), (), [0, 1, 4]),
        (FileRules(include=["*.MKV", "*.srt"]), (), [0, 1, 2, 4]),
        (FileRules(exclude=["*.txt"]), (), [0, 1, 2, 4]),
        (FileRules(include=["*.mkv"], exclude=["*sample*"]), (), [0, 4]),
        (FileRules(include=["*.mkv"], exclude=["*.mkv", ""]), (), None),
        (FileRules(exclude=["*/sample/*"]), (), [0, 2, 3, 4]),
        (FileRules(exclude=["show.s01/*"]), (), [4]),
        (FileRules(exclude=["Sample"]), (), [0, 1, 2, 3, 4]),
        (FileRules(include=["e0[12].*"]), (), [0, 1, 2]),
        (FileRules(include=["bare.mk?"]), (), [4]),
        (FileRules(include=["bare"]), (), None),
        (FileRules(exclude=["*"]), (), None),
    ],
)
def test_choose(rules: FileRules, dropped: Sequence[int], ids: list[int] | None) -> None:
    """Sizes, globs on the name and the whole path, and priority 0 decide; exclude wins."""
    chosen = choose(FILES, rules, dropped)
    if ids is None:
        assert isinstance(chosen, NothingLeft)
    else:
        assert not isinstance(chosen, NothingLeft)
        assert [file.id for file in chosen] == ids


def test_order_is_kept() -> None:
    """The chosen files come in the order given."""
    assert choose(FILES[::-1], FileRules()) == FILES[::-1]


@pytest.mark.parametrize(
    ("files", "rules", "dropped", "reason"),
    [
        ((), FileRules(), (), "TorBox lists no files for this torrent"),
        (
            FILES[:2],
            FileRules(),
            (0, 1),
            "no file is left of 2: 2 given priority 0 (do not download)",
        ),
        (
            FILES[:3],
            FileRules(min_size=6_000, exclude=["*.srt", "e01.mkv"]),
            (),
            "no file is left of 3: 2 matched by files.exclude (*.srt, e01.mkv); 1 smaller than files.min_size (6000 bytes)",
        ),
        (
            FILES[:1],
            FileRules(include=["*.mp4"]),
            (),
            "no file is left of 1: 1 not matched by files.include (*.mp4)",
        ),
    ],
)
def test_nothing_left(
    files: Sequence[NamedFile], rules: FileRules, dropped: Sequence[int], reason: str
) -> None:
    """The reason counts what was turned down, and names the setting that did it."""
    assert choose(files, rules, dropped) == NothingLeft(reason)


def test_slow_globs_do_not_hang() -> None:
    """A glob of many stars over a long name is tried in no time."""
    long = NamedFile(0, "a" * 5000, 1)
    assert isinstance(choose([long], FileRules(include=["*a" * 50 + "b"])), NothingLeft)
