"""Where a path below the user's directories begins to be walked."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.delivery.delivery_errors import UnsafePath
from bridge.delivery.disk.safe_paths import TrustedRoots


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
