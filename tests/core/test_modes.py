"""The files and names that each delivery mode makes of a list of files."""

import pytest

from bridge.core.files import NamedFile, NothingLeft
from bridge.core.modes import content_layout, deliverable, named_on_disk, remote_share
from bridge.core.paths import layout

FILES = (
    NamedFile(0, "Show/E01.mkv", 10),
    NamedFile(1, "Show/E01.mp4", 9),
    NamedFile(2, "Show/E01.srt", 1),
)


@pytest.mark.parametrize("mode", ["download", "aria2", "symlink", "none"])
def test_most_modes_take_the_files_as_they_are(mode: str) -> None:
    """Only strm chooses and renames."""
    assert deliverable(mode, FILES) == FILES
    assert named_on_disk(mode, FILES) == FILES


def test_strm_takes_videos() -> None:
    """A `.strm` stands for a video; two of one stem still get names of their own."""
    chosen = deliverable("strm", FILES)
    assert chosen == FILES[:2]
    laid = layout(named_on_disk("strm", FILES), "Show")
    assert laid.content_name == "Show"
    assert sorted(laid.paths.values()) == ["Show/E01 (2).strm", "Show/E01.srt", "Show/E01.strm"]


def test_strm_without_a_video() -> None:
    """Nothing to play is said as it is."""
    assert isinstance(deliverable("strm", (FILES[2],)), NothingLeft)


@pytest.mark.parametrize("name", ["Film.mkv", "Film.mkv/Film.mkv"])
def test_a_lone_strm(name: str) -> None:
    """A lone video is a lone `.strm`, also where TorBox puts it into a folder of its name."""
    laid = layout(named_on_disk("strm", [NamedFile(0, name, 1)]), "Film")
    assert laid.content_name == "Film.strm"


def test_none_is_always_a_folder() -> None:
    """The content of `none` is an empty folder, so a lone file gets one."""
    laid = layout(
        [NamedFile(0, "Film.mkv", 1)], "Film", content_layout=content_layout("none", "Original")
    )
    assert laid.content_name == "Film"
    assert content_layout("symlink", "NoSubfolder") == "NoSubfolder"


def test_the_bar_is_torbox_where_nothing_is_fetched() -> None:
    """Links are no work: TorBox's own progress is nearly all that is shown."""
    assert remote_share("download") == remote_share("aria2") == 0.5
    assert remote_share("symlink") == remote_share("strm") == remote_share("none") > 0.9
