"""Videos, samples and extras by name and size."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.core.file_types import is_video, without_extras
from bridge.core.files import NamedFile

MIB = 2**20


def left(*files: tuple[str, int]) -> list[str]:
    """Name what is left of files of so many MiB."""
    listed = [NamedFile(number, name, size * MIB) for number, (name, size) in enumerate(files)]
    return [file.name for file in without_extras(listed)]


@pytest.mark.parametrize(
    ("name", "video"),
    [
        ("a/Film.MKV", True),
        ("Film.mp4", True),
        ("Film.m2ts", True),
        ("Film.srt", False),
        ("Film.mkv/readme", False),
        (".mkv", False),
        ("mkv", False),
        ("a.mkv.txt", False),
    ],
)
def test_a_video_is_known_by_its_extension(name: str, video: bool) -> None:
    """Only the last extension counts, in any case."""
    assert is_video(name) is video


@pytest.mark.parametrize(
    "name",
    [
        "Film/Sample/film.mkv",
        "Film/samples/film.mkv",
        "Film/film-sample.mkv",
        "Film/sample.mkv",
        "Film/film.sample.mp4",
        "Film/film (sample).mkv",
        "Film/Featurettes/making of.mkv",
        "Film/a/Behind the Scenes/b/c.mkv",
    ],
)
def test_what_no_arr_imports_is_left_out(name: str) -> None:
    """Samples and the videos in folders of extras go when the film itself is there."""
    assert left(("Film/film.mkv", 5000), (name, 50)) == ["Film/film.mkv"]


@pytest.mark.parametrize(
    "name",
    [
        "Film/Sample/film.srt",
        "Film/Extras/cover.jpg",
        "Film/resampled.mkv",
        "Film/Specials/S00E01.mkv",
        "Film/extras.mkv",
        "Film/S01E01.The.Free.Samples.mkv",
    ],
)
def test_everything_else_stays(name: str) -> None:
    """What is no video, or is only called nearly so, is delivered."""
    assert left(("Film/film.mkv", 5000), (name, 50)) == ["Film/film.mkv", name]


def test_a_sample_is_much_smaller() -> None:
    """A film or an episode called "Sample" is no sample: it is about as large as the others."""
    for sizes in ((1000, 250), (9000, 700)):
        files = ("Show/S01E01.mkv", sizes[0]), ("Show/S01E02.Sample.mkv", sizes[1])
        assert left(*files) == [name for name, _ in files]


@pytest.mark.parametrize("root", ["Extras", "Sample"])
def test_the_root_is_the_name_of_the_release(root: str) -> None:
    """A series called "Extras" is delivered."""
    assert left((f"{root}/S01E01.mkv", 10), (f"{root}/S01E02.mkv", 9)) == [
        f"{root}/S01E01.mkv",
        f"{root}/S01E02.mkv",
    ]


NAMES = st.lists(
    st.sampled_from(["Sample", "Extras", "Film", "sample.mkv", "a.mkv", "b.srt"]),
    min_size=1,
    max_size=4,
)


@given(st.lists(st.tuples(NAMES.map("/".join), st.integers(0, 100)), min_size=1, max_size=8))
def test_something_is_always_left(files: list[tuple[str, int]]) -> None:
    """Where there was a video, one stays; where there was none, nothing goes."""
    kept = left(*files)
    videos = [name for name, _ in files if is_video(name)]
    assert any(map(is_video, kept)) == bool(videos)
    assert [name for name, _ in files if not is_video(name)] == [
        name for name in kept if not is_video(name)
    ]
