"""Where a path below the user's directories begins to be walked."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.delivery.delivery_errors import NotMounted, UnsafePath
from bridge.delivery.disk.safe_paths import TrustedRoots
from tests.support.mounts import bound, tmpfs


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    """A pool that the user reaches by a link, with a second root inside it."""
    (tmp_path / "pool/downloads/tv").mkdir(parents=True)
    (tmp_path / "data").symlink_to("pool")
    return tmp_path


@pytest.mark.parametrize(
    ("path", "start", "names"),
    [
        ("data/downloads", "pool/downloads", ()),
        ("data/downloads/radarr/Movie", "pool/downloads", ("radarr", "Movie")),
        # The root of a category lies inside another root, which is shared as well.
        ("data/downloads/tv/Show", "pool/downloads", ("tv", "Show")),
        # Its name only begins like that of a root.
        ("data/downloads-old/Movie", "pool/downloads-old", ("Movie",)),
        ("elsewhere/Movie", "elsewhere", ("Movie",)),
    ],
)
def test_a_path_is_walked_from_the_outermost_root(
    disk: Path, path: str, start: str, names: tuple[str, ...]
) -> None:
    """Links are followed up to the root and no further."""
    roots = TrustedRoots()
    roots.add(disk / "data/downloads", disk / "data/downloads/tv")
    assert roots.locate(disk / path) == (str(disk / start), names)


def test_a_link_that_is_planted_later_is_not_followed(disk: Path) -> None:
    """The root stays where it was when it was added."""
    roots = TrustedRoots()
    roots.add(disk / "data/downloads")
    (disk / "data").unlink()
    (disk / "data").symlink_to("/etc")
    assert roots.locate(disk / "data/downloads/x") == (str(disk / "pool/downloads"), ("x",))


def test_a_path_that_goes_up_is_refused(disk: Path) -> None:
    """Such a path could leave every root."""
    with pytest.raises(UnsafePath):
        TrustedRoots().locate(disk / "data/../../etc")


@given(st.lists(st.sampled_from(["a", "b", "ab", "c"]), max_size=5), st.booleans())
def test_walking_leads_to_the_path(names: list[str], at_the_top: bool) -> None:
    """The start and the names together are the path again, also where `/` is a root."""
    roots = TrustedRoots()
    roots.add(Path("/") if at_the_top else Path("/nowhere/a"))
    path = Path("/nowhere", *names)
    start, below = roots.locate(path)
    assert Path(start, *below) == Path(os.path.realpath(path))


def test_a_root_whose_file_system_is_gone(tmp_path: Path) -> None:
    """What lies below the mount point is not taken for the root, until it is mounted again."""
    roots, where = TrustedRoots(), tmp_path / "mnt"
    with tmpfs(tmp_path / "disk") as disk:
        (disk / "downloads").mkdir()
        with bound(disk, where):
            roots.add(where / "downloads")
            before = roots.locate(where / "downloads" / "tv")
        for path in (where / "downloads", where / "downloads" / "tv"):
            with pytest.raises(NotMounted, match=str(where)):
                roots.locate(path)
        with bound(disk, where):
            assert roots.locate(where / "downloads" / "tv") == before
