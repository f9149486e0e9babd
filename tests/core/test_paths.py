"""Names from outside become paths that are safe, and that an *arr still reads."""

from itertools import combinations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bridge.core.files import NamedFile
from bridge.core.paths import (
    MAX_FOLDERS,
    NAME_BYTES,
    PATH_BYTES,
    Layout,
    layout,
    numbered,
    safe_name,
    safe_path,
)

NASTY = st.text(
    st.sampled_from("aA.é🎬/\\ \x00\n\x85\u3000\ud800:C") | st.characters(), max_size=12
) | st.sampled_from(["..", ".", "a" * 300, "é" * 200 + ".mkv", "C:", ".incomplete", "a/../b"])
ROOTED = st.builds("{}/{}".format, st.sampled_from(["Show", "show", ".."]), NASTY)
NAMES = st.lists(NASTY | ROOTED, min_size=1, max_size=8)


def named(*names: str) -> list[NamedFile]:
    """Make files of these names, with ids from 0 on."""
    return [NamedFile(number, name, 1) for number, name in enumerate(names)]


def is_safe_name(name: str) -> bool:
    """Say independently what a file system and an *arr bear."""
    return (
        name not in {"", ".", ".."}
        and not set(name) & set("/\\")
        and not any(ord(char) < 32 or 127 <= ord(char) < 160 for char in name)
        and name == name.strip()
        and not name.endswith(".")
        and not (name[1:2] == ":" and name[0].isascii() and name[0].isalpha())
        and len(name.encode()) <= NAME_BYTES
    )


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("Show.S01E01.1080p.WEB-GRP.mkv", "Show.S01E01.1080p.WEB-GRP.mkv"),
        ("Movie (2020) [1080p] {x}, it's: ok? *.mkv", "Movie (2020) [1080p] {x}, it's: ok? *.mkv"),
        ("Ünï 日本 🎬.mkv", "Ünï 日本 🎬.mkv"),
        ("u\u0308.mkv", "u\u0308.mkv"),
        (".hidden", ".hidden"),
        ("", "_"),
        (" ", "_"),
        (".", "_"),
        ("..", "_"),
        (" .. ", "_"),
        ("a/b", "a_b"),
        ("a\\b", "a_b"),
        ("..\\..\\x", ".._.._x"),
        ("a\0b\nc\x7fd\x85e", "a_b_c_d_e"),
        ("  a b. . ", "a b"),
        ("\u3000a\u00a0", "a"),
        ("C:", "C_"),
        ("c:x", "c_x"),
        ("CC:x", "CC:x"),
        ("a\ud800b", "a_b"),
        ("a" * 300, "a" * 247),
        ("a" * 300 + ".mkv", "a" * 243 + ".mkv"),
        ("é" * 200 + ".mkv", "é" * 121 + ".mkv"),
        ("a" * 300 + ".not an extension", "a" * 247),
        ("a" * 242 + " b" * 9 + ".mkv", "a" * 242 + ".mkv"),
        ("." * 300 + ".mkv", "_.mkv"),
    ],
)
def test_safe_name(name: str, safe: str) -> None:
    """Only what cannot stay is replaced; what is too long is cut before its extension."""
    assert safe_name(name) == safe


@settings(max_examples=200, deadline=None)
@given(NASTY)
@example("C:\\windows")
@example(" C:")
@example("a" * 246 + "é")
def test_any_name_is_made_safe_once(name: str) -> None:
    """Any name becomes safe, and a safe one is not touched again."""
    safe = safe_name(name)
    assert is_safe_name(safe)
    assert safe_name(safe) == safe


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("Show/Season 1/e01.mkv", "Show/Season 1/e01.mkv"),
        ("/etc/passwd", "etc/passwd"),
        ("//a///b/", "a/b"),
        ("./a/./b", "a/b"),
        ("../../etc/passwd", "_/_/etc/passwd"),
        ("a/../../b", "a/_/_/b"),
        ("C:\\Windows\\x", "C__Windows_x"),
        ("C:/x", "C_/x"),
        ("", "_"),
        ("/", "_"),
        ("a / b ", "a/b"),
    ],
)
def test_safe_path(name: str, safe: str) -> None:
    """A path stays relative and never climbs."""
    assert safe_path(name) == safe


@settings(max_examples=100, deadline=None)
@given(st.lists(NASTY, max_size=6).map("/".join) | st.text(max_size=40))
@example("a/" * 5000 + "b.mkv")
@example("/".join(["é" * 120] * 20) + "/b.mkv")
def test_any_path_is_made_safe_once(name: str) -> None:
    """Any path becomes a short list of safe names, and is not touched again."""
    safe = safe_path(name)
    assert all(map(is_safe_name, safe.split("/")))
    assert len(safe.encode()) <= PATH_BYTES
    assert safe.count("/") <= MAX_FOLDERS
    assert safe_path(safe) == safe


def test_a_path_too_long_keeps_its_ends() -> None:
    """The top folder and the file itself survive when folders have to go."""
    path = safe_path("/".join(["Show", *["x" * 200] * 30, "e01.mkv"]))
    assert path.startswith("Show/xxx")
    assert path.endswith("xxx/e01.mkv")


@pytest.mark.parametrize(
    ("name", "is_file", "expected"),
    [
        ("Name.mkv", True, "Name (2).mkv"),
        ("Show.S01E01.1080p.mkv", True, "Show.S01E01.1080p (2).mkv"),
        ("Name", True, "Name (2)"),
        (".mkv", True, ".mkv (2)"),
        ("Show.S01", False, "Show.S01 (2)"),
        ("Name. not an extension", True, "Name. not an extension (2)"),
        ("a" * 255, False, "a" * 251 + " (2)"),
        ("a" * 251 + ".mkv", True, "a" * 247 + " (2).mkv"),
        ("é" * 127, False, "é" * 125 + " (2)"),
    ],
)
def test_numbered(name: str, is_file: bool, expected: str) -> None:
    """The number stands before a file's extension, and after a folder's whole name."""
    assert numbered(name, 2, is_file=is_file) == expected


@settings(max_examples=100, deadline=None)
@given(NASTY.map(safe_name), st.integers(2, 10**6), st.booleans())
def test_numbered_names_stay_safe(name: str, number: int, is_file: bool) -> None:
    """A safe name with a number is a safe name, another one than without."""
    assert is_safe_name(numbered(name, number, is_file=is_file))
    assert numbered(name, number, is_file=is_file) != name


@pytest.mark.parametrize(
    ("names", "paths"),
    [
        (["Movie.mkv"], ["Movie.mkv"]),
        (["Movie/Movie.mkv"], ["Movie/Movie.mkv"]),
        (["Movie.mkv/Movie.mkv"], ["Movie.mkv"]),
        (["movie.MKV/Movie.mkv"], ["Movie.mkv"]),
        (["Movie.mkv/Extras/Movie.mkv"], ["Movie.mkv/Extras/Movie.mkv"]),
        (["A/B/e01.mkv"], ["A/B/e01.mkv"]),
        (["/Movie.mkv"], ["Movie.mkv"]),
        (["Show/e01.mkv", "Show/Subs/e01.srt"], ["Show/e01.mkv", "Show/Subs/e01.srt"]),
        (["e01.mkv", "e02.mkv"], ["Title/e01.mkv", "Title/e02.mkv"]),
        (["A/e01.mkv", "B/e01.mkv"], ["Title/A/e01.mkv", "Title/B/e01.mkv"]),
        (["A/e01.mkv", "e01.mkv"], ["Title/A/e01.mkv", "Title/e01.mkv"]),
        (["Show/e01.mkv", "show/e02.mkv"], ["Show/e01.mkv", "Show/e02.mkv"]),
        (["S/Subs/a", "S/subs/b"], ["S/Subs/a", "S/Subs/b"]),
        (["S/a.mkv", "S/A.mkv", "S/a.MKV"], ["S/a.mkv", "S/A (2).mkv", "S/a (3).MKV"]),
        (["S/a.mkv", "S/a.mkv", "S/a (2).mkv"], ["S/a.mkv", "S/a (2).mkv", "S/a (2) (2).mkv"]),
        (["S/x", "S/x/e01.mkv"], ["S/x (2)", "S/x/e01.mkv"]),
        (["S/\u00fc", "S/u\u0308"], ["S/\u00fc", "S/u\u0308 (2)"]),
        (["S/a?b", "S/a/../b"], ["S/a?b", "S/a/_/b"]),
        (["../x", "../y"], ["_/x", "_/y"]),
        ([".incomplete/x", ".incomplete/y"], ["_.incomplete/x", "_.incomplete/y"]),
        ([".Incomplete"], ["_.Incomplete"]),
        (["S/.incomplete/x", "S/y"], ["S/.incomplete/x", "S/y"]),
    ],
)
def test_layout(names: list[str], paths: list[str]) -> None:
    """Roots are kept or made, one file's three shapes are told apart, clashes are numbered."""
    laid = layout(named(*names), "Title")
    assert list(laid.paths.values()) == paths
    assert laid.content_name == paths[0].partition("/")[0]
    assert laid.single_file == (paths[0] == laid.content_name)


@pytest.mark.parametrize(
    ("name", "single_file", "content_layout", "path"),
    [
        ("Movie/Movie.mkv", True, "Original", "Movie.mkv"),
        ("x/y/Movie.mkv", True, "Original", "Movie.mkv"),
        ("Movie.mkv", False, "Subfolder", "Movie/Movie.mkv"),
        ("Movie.mkv/Movie.mkv", False, "Subfolder", "Movie/Movie.mkv"),
        ("Other/Movie.mkv", True, "Subfolder", "Movie/Movie.mkv"),
        ("Other/Movie.mkv", False, "Subfolder", "Other/Movie.mkv"),
        ("Movie", False, "Subfolder", "Movie/Movie"),
        ("a . .mkv", False, "Subfolder", "a/a . .mkv"),
        (".incomplete.mkv", False, "Subfolder", "_.incomplete/.incomplete.mkv"),
        ("Movie.mkv", False, "NoSubfolder", "Movie.mkv"),
        ("Movie/Movie.mkv", False, "NoSubfolder", "Movie/Movie.mkv"),
        ("Movie.mkv", False, "Bogus", "Movie.mkv"),
    ],
)
def test_layout_of_one_file(name: str, single_file: bool, content_layout: str, path: str) -> None:
    """The .torrent knows whether there is a root folder; Subfolder adds one, nothing takes one."""
    laid = layout(named(name), "Title", single_file=single_file, content_layout=content_layout)
    assert laid == Layout({0: path}, path.partition("/")[0], "/" not in path)


@pytest.mark.parametrize("content_layout", ["Original", "Subfolder", "NoSubfolder"])
def test_layout_of_a_folder_is_always_original(content_layout: str) -> None:
    """The content path of several files is never the save path, whatever layout is asked for."""
    laid = layout(named("Show/a", "Show/b"), "Title", content_layout=content_layout)
    assert dict(laid.paths) == {0: "Show/a", 1: "Show/b"}
    assert laid.content_name == "Show"


def test_layout_of_nothing() -> None:
    """No files have no paths, and still a name."""
    assert layout([], "a/b") == Layout({}, "a_b", single_file=False)


def test_a_title_is_made_safe() -> None:
    """The folder that is made of the title is one safe component."""
    assert layout(named("a", "b"), "../x/y ").content_name == ".._x_y"


@settings(max_examples=150, deadline=None)
@given(NAMES, NASTY, st.sampled_from(["Original", "Subfolder"]), st.booleans())
@example(["x", "x/y", "X/Y/z", "x/y/Z"], "x", "Original", False)
@example(["S/" + "a" * 300 + str(number) for number in range(5)], "x", "Original", False)
@example(["S/a/b", "S/A", "S/a (2)", "S/A"], "x", "Original", False)
@example(["", "/", "..", "."], "", "Original", False)
def test_layout_is_always_a_tree_below_one_name(
    names: list[str], title: str, content_layout: str, single_file: bool
) -> None:
    """Every file has a safe path of its own; none is equal to, or a folder of, another."""
    laid = layout(named(*names), title, single_file=single_file, content_layout=content_layout)
    split = [path.split("/") for path in laid.paths.values()]
    assert len(split) == len(names)
    assert all(is_safe_name(part) for path in split for part in path)
    assert {path[0] for path in split} == {laid.content_name}
    assert laid.content_name.casefold() != ".incomplete"
    assert laid.single_file == (split == [[laid.content_name]])
    folded = [path.casefold().split("/") for path in laid.paths.values()]
    for one, other in combinations(folded, 2):
        assert one[: len(other)] != other
        assert other[: len(one)] != one


@settings(max_examples=50, deadline=None)
@given(NAMES.flatmap(lambda names: st.permutations(named(*names))))
def test_layout_does_not_depend_on_the_order(files: list[NamedFile]) -> None:
    """The same files in another order, or after a restart, get the same paths."""
    assert layout(files, "Title") == layout(sorted(files, key=lambda file: file.id), "Title")


@pytest.mark.parametrize(
    ("title", "names", "folder"),
    [
        # Without a root folder: the title, unless that is one of the episodes.
        ("Show.S01.1080p-GRP", ("Show.S01E01.mkv", "Show.S01E02.mkv"), "Show.S01.1080p-GRP"),
        ("Show.S01E01.mkv", ("Show.S01E01.mkv", "Show.S01E02.mkv"), "Show.S01"),
        ("Show.S01E01", ("Show.S01E01.mkv", "Show.S01E02.mkv", "a.nfo"), "Show.S01"),
        ("Show - 01.mkv", ("Show - 01.mkv", "Show - 02.mkv"), "Show"),
        ("A.mkv", ("A.mkv", "B.mkv"), "A"),
        # With one: that, unless it is one of the episodes.
        ("Show.S01", ("S/Show.S01E01.mkv", "S/Show.S01E02.mkv"), "S"),
        (
            "Show.S01",
            ("Show.S01E01.mkv/Show.S01E01.mkv", "Show.S01E01.mkv/Show.S01E02.mkv"),
            "Show.S01",
        ),
        (
            "Show.S01E01.mkv",
            ("Show.S01E01.mkv/Show.S01E01.mkv", "Show.S01E01.mkv/Show.S01E02.mkv"),
            "Show.S01",
        ),
        # One episode or one film with what belongs to it keeps its own name.
        ("x", ("Show.S01E01/Show.S01E01.mkv", "Show.S01E01/Show.S01E01.srt"), "Show.S01E01"),
        ("x", ("Film.2024/Film.2024.mkv", "Film.2024/Making of.mkv"), "Film.2024"),
        ("Film.2024.mkv", ("Film.2024.mkv", "Film.2024.srt"), "Film.2024"),
    ],
)
def test_a_pack_is_not_called_after_one_episode(
    title: str, names: tuple[str, ...], folder: str
) -> None:
    """An *arr would take the whole folder for that episode."""
    files = [NamedFile(number, name, 1) for number, name in enumerate(names)]
    laid = layout(files, title)
    assert laid.content_name == folder
    assert list(laid.paths.values()) == [f"{folder}/{name.split('/')[-1]}" for name in names]
