"""Where downloads may go: nothing leaves the download roots, however it is written."""

from posixpath import isabs, normpath

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bridge.core.paths import OutsideRoots, Roots

ROOTS = Roots(
    default="/downloads", others=("/media/tv", "/srv/films/"), reserved=("/downloads/.incomplete",)
)

parts = st.sampled_from(
    [
        "..",
        ".",
        "",
        "/",
        "downloads",
        "media",
        "tv",
        "etc",
        " ",
        "...",
        "~",
        "a\nb",
        "\\",
        "\0",
        "é",
    ]
) | st.text(max_size=4)
paths = st.lists(parts, max_size=8).map("/".join)


def inside(path: str) -> bool:
    """Return whether a path lies in one of the roots and not in the reserved directory."""
    below = any(
        (path + "/").startswith(root) for root in ("/downloads/", "/media/tv/", "/srv/films/")
    )
    return below and not (path + "/").startswith("/downloads/.incomplete/")


@pytest.mark.parametrize(
    ("path", "base", "expected"),
    [
        ("/downloads", "/downloads", "/downloads"),
        ("/downloads/", "/downloads", "/downloads"),
        ("/downloads/tv/", "/downloads", "/downloads/tv"),
        ("/downloads//tv/./x", "/downloads", "/downloads/tv/x"),
        ("//downloads/tv", "/downloads", "/downloads/tv"),
        ("///downloads/tv", "/downloads", "/downloads/tv"),
        ("/downloads/tv/../films", "/downloads", "/downloads/films"),
        ("/etc/../downloads/tv", "/downloads", "/downloads/tv"),
        ("tv", "/downloads", "/downloads/tv"),
        ("tv", "/downloads/x", "/downloads/x/tv"),
        ("../y", "/downloads/x", "/downloads/y"),
        ("", "/downloads", "/downloads"),
        (".", "/media/tv", "/media/tv"),
        ("/media/tv/x", "/downloads", "/media/tv/x"),
        ("/srv/films", "/downloads", "/srv/films"),
        ("/downloads/...", "/downloads", "/downloads/..."),
        ("/downloads/.incomplete.d", "/downloads", "/downloads/.incomplete.d"),
    ],
)
def test_inside(path: str, base: str, expected: str) -> None:
    """What stays below a root is made absolute and plain."""
    assert ROOTS.resolve(path, base) == expected


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "//",
        "/etc",
        "/downloads2",
        "/downloads/..",
        "/downloads/../etc/passwd",
        "/media",
        "/media/tvx",
        "..",
        "../..",
        "x/../../etc",
        "/downloads/\0/../../etc",
        "//etc",
        "C:\\downloads/../..",
    ],
)
def test_outside(path: str) -> None:
    """What leaves the roots is refused with a sentence that names the path."""
    with pytest.raises(OutsideRoots) as refused:
        ROOTS.resolve(path, "/downloads")
    assert str(refused.value) == f"{path!r} is not below /downloads"


@pytest.mark.parametrize("path", ["tv\0", "/downloads/\0", "/media/tv/\ud800"])
def test_what_no_disk_takes(path: str) -> None:
    """A path that the system would choke on is refused before anything tries it."""
    with pytest.raises(OutsideRoots, match="cannot be a path"):
        ROOTS.resolve(path, "/downloads")


@pytest.mark.parametrize("path", [".incomplete", "/downloads/.incomplete/x", "tv/../.incomplete/"])
def test_unfinished_files_are_kept_apart(path: str) -> None:
    """No download goes where the half-fetched ones are."""
    with pytest.raises(OutsideRoots, match="unfinished"):
        ROOTS.resolve(path, "/downloads")


@given(path=paths, base=st.sampled_from(["/downloads", "/downloads/tv", "/media/tv", "/etc", "/"]))
@example(path="..", base="/downloads")
@example(path="//etc", base="/downloads")
def test_nothing_leaves_the_roots(path: str, base: str) -> None:
    """Whatever comes in, what comes out is a plain absolute path inside, or a refusal."""
    try:
        found = ROOTS.resolve(path, base)
    except OutsideRoots:
        return
    assert isabs(found)
    assert found == normpath(found)
    assert inside(found)
    assert "\0" not in found
    assert ROOTS.resolve(found, "/") == found


@given(paths)
@example("..")
@example("/etc")
@example(".incomplete")
def test_a_category_name_is_no_way_out(name: str) -> None:
    """A category without a save path has a directory of its own below the default root."""
    try:
        found = ROOTS.category_path(name, "")
    except OutsideRoots:
        return
    assert found.startswith("/downloads/")
    assert found != "/downloads/"
    assert inside(found)


@pytest.mark.parametrize(
    ("name", "save_path", "expected"),
    [
        ("tv-sonarr", "", "/downloads/tv-sonarr"),
        ("tv/hd", "", "/downloads/tv/hd"),
        ("Fernsehen über alles", "", "/downloads/Fernsehen über alles"),
        ("tv", "series", "/downloads/series"),
        ("tv", "/media/tv", "/media/tv"),
    ],
)
def test_category_paths(name: str, save_path: str, expected: str) -> None:
    """A category lies where its save path says, and else below the root under its name."""
    assert ROOTS.category_path(name, save_path) == expected


def test_a_category_cannot_leave_by_its_save_path() -> None:
    """A save path outside is refused for a category as well."""
    with pytest.raises(OutsideRoots):
        ROOTS.category_path("tv", "/etc")


@pytest.mark.parametrize("root", ["/", "//data", "/data/", "/data/x/.."])
def test_oddly_written_roots(root: str) -> None:
    """A root means the same directory however the settings write it."""
    assert Roots(default=root).resolve("/data/tv", "/data") == "/data/tv"
    assert Roots(default=root).category_path("data", "").startswith("/data")
