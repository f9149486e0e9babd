"""Renames and priorities of files, as decisions."""

from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.core.edits import (
    EditRefused,
    edited,
    rename_file,
    rename_folder,
    with_names,
    with_priority,
)
from bridge.core.model import FileEdit
from bridge.core.paths import safe_path

PATHS = ("Show/e01.mkv", "Show/e02.mkv", "Show/Subs/e01.srt")


@pytest.mark.parametrize(("old", "new", "reason"), [
    ("nope", "x", "No such file: 'nope'."),
    ("Show/e01.mkv", "Show/e02.mkv", "The file already exists: 'Show/e02.mkv'."),
    ("Show/e01.mkv", "Show/E02.MKV", "The file already exists: 'Show/E02.MKV'."),
    ("Show/e01.mkv", "Show/Subs", "The file already exists: 'Show/Subs'."),
    ("Show/e01.mkv", "..", "File name has invalid characters"),
    ("Show/e01.mkv", "Show/../../x", "File name has invalid characters"),
    ("Show/e01.mkv", "/etc/passwd", "File name has invalid characters"),
    ("Show/e01.mkv", "", "File name has invalid characters"),
    ("Show/e01.mkv", "Show/a\\b", "File name has invalid characters"),
    ("Show/e01.mkv", "e01.mkv", "All files have to stay in one folder: 'e01.mkv' is outside of it."),
])  # fmt: skip
def test_refused_renames(old: str, new: str, reason: str) -> None:
    """Nothing leaves the content, becomes another file, or gets a name that is not safe."""
    assert rename_file(PATHS, old, new) == EditRefused(reason)


def test_a_file_and_a_folder_get_other_names() -> None:
    """A file gets the new path; with a folder goes all that is in it."""
    assert rename_file(PATHS, "Show/e01.mkv", "Show/S1/1.mkv") == ("Show/S1/1.mkv", *PATHS[1:])
    assert rename_folder(PATHS, "Show", "Other/") == (
        "Other/e01.mkv", "Other/e02.mkv", "Other/Subs/e01.srt",
    )  # fmt: skip
    assert rename_folder(PATHS, "Show/Sub", "x") == EditRefused("No such folder: 'Show/Sub'.")
    assert rename_file(("Film.mkv",), "Film.mkv", "Movie.mkv") == ("Movie.mkv",)
    assert rename_file(("Film.mkv",), "Film.mkv", ".incomplete") == EditRefused(
        "File name has invalid characters"
    )


@settings(max_examples=100)
@given(st.sampled_from(PATHS), st.text(alphabet="Show/.e01mkv \\\n:", max_size=20))
def test_whatever_is_asked_stays_safe(old: str, new: str) -> None:
    """An accepted rename gives safe, distinct paths below one top."""
    after = rename_file(PATHS, old, new)
    if isinstance(after, EditRefused):
        return
    assert [safe_path(path) for path in after] == list(after)
    assert len({path.casefold() for path in after}) == len(after)
    assert len({path.split("/")[0] for path in after}) == 1


def test_wishes_are_carried_out_when_files_are_laid_out() -> None:
    """Names and priorities that were wished meet the laid-out paths; others stay as they are."""
    edits = with_names((), PATHS, ("Show/1.mkv", *PATHS[1:]))
    edits = with_priority(edits, [PATHS[1]], 0)
    assert len(edits) == 2
    laid = {7: PATHS[0], 8: PATHS[1], 9: PATHS[2]}
    assert edited(laid, edits) == {7: ("Show/1.mkv", 1), 8: (PATHS[1], 0), 9: (PATHS[2], 1)}
    assert with_priority(edits, [PATHS[1]], 1) == (FileEdit(path=PATHS[0], name="Show/1.mkv"),)


def test_wishes_that_fit_no_more_are_left_out() -> None:
    """When TorBox lists other files than the swarm told of, no rename may make two files one."""
    edits = (FileEdit(path="Show/a", name="Show/b"),)
    assert edited({1: "Show/a", 2: "Show/b"}, edits) == {1: ("Show/a", 1), 2: ("Show/b", 1)}


def test_large_torrents_cost_no_more_than_their_files() -> None:
    """Renaming a folder of 60,000 files took 28 s when each was compared with all others."""
    paths = [f"Pack/dir{number // 100}/file{number:06}.mkv" for number in range(60_000)]
    before = process_time()
    names = rename_folder(paths, "Pack", "Other")
    assert not isinstance(names, EditRefused)
    edits = with_priority(with_names((), paths, names), paths, 0)
    found = edited(dict(enumerate(paths)), edits)
    assert found[59_999] == ("Other/dir599/file059999.mkv", 0)
    assert process_time() - before < 5
