"""Leftovers of deliveries on disk, distinguished from foreign files."""

from pathlib import Path

import pytest

from bridge.delivery.disk.leftovers import leftovers

HASH, OTHER = "a" * 40, "b" * 40


def made(path: Path, *names: str) -> Path:
    """Make a folder with files in it; a name that ends in a slash is a folder."""
    path.mkdir(parents=True)
    for name in names:
        if name.endswith("/"):
            (path / name).mkdir()
        else:
            (path / name).write_text("x")
    return path


@pytest.mark.parametrize(
    ("names", "ours"),
    [
        ((), True),
        (("content",), True),
        (("content/", "1.json", "22.json"), True),
        (("content/", "3.whole"), True),
        (("content", "1.json.tmp"), True),
        (("content", "notes.txt"), False),
        (("Show.mkv",), False),
        (("content", "x.json"), False),
    ],
)
def test_only_what_a_delivery_makes_is_ours(
    tmp_path: Path, names: tuple[str, ...], ours: bool
) -> None:
    """A folder named after a hash with anything else in it is somebody's."""
    made(tmp_path / HASH, *names)
    (found,) = leftovers(tmp_path, [])
    assert (found.path, found.info_hash, found.ours) == (tmp_path / HASH, HASH, ours)


def test_other_names_are_nobodys(tmp_path: Path) -> None:
    """Files, other folders and links are told, and are not ours."""
    made(tmp_path / "My films")
    (tmp_path / OTHER).symlink_to(tmp_path / "My films")
    (tmp_path / HASH).write_text("a file")
    found = {one.path.name: (one.info_hash, one.ours) for one in leftovers(tmp_path, [])}
    assert found == {"My films": ("", False), OTHER: (OTHER, False), HASH: (HASH, False)}


def test_beside_finished_files(tmp_path: Path) -> None:
    """There only hidden folders of ours are looked at: everything else is what people keep."""
    place = tmp_path / "tv"
    made(place / f".torbox-bridge-{HASH}", "content/")
    made(place / f".torbox-bridge-{OTHER}", "mine")
    made(place / "Show")
    (place / ".torbox-bridge-x7k2").write_text("a probe")
    found = [(one.path.name, one.ours) for one in leftovers(tmp_path / "none", [place, place])]
    assert found == [(f".torbox-bridge-{HASH}", True), (f".torbox-bridge-{OTHER}", False)]


def test_what_cannot_be_read_has_nothing(tmp_path: Path) -> None:
    """A missing directory is no error: there is nothing in it."""
    assert leftovers(tmp_path / "gone", [tmp_path / "away"]) == []
