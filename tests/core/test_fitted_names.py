"""Names for file systems that take fewer than Linux does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.core.model import DeliveredFile
from bridge.core.paths import fitted


def files(*paths: str) -> tuple[DeliveredFile, ...]:
    """Planned files under these paths."""
    return tuple(
        DeliveredFile(file_id=number, remote_name=path, size=1, path=path)
        for number, path in enumerate(paths)
    )


def names(*paths: str, longest: int = 255, ascii_only: bool = False) -> list[str]:
    """The paths that these become."""
    found = fitted(files(*paths), longest=longest, ascii_only=ascii_only)
    return [file.path for file in found]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("Show.S01/Show.S01E01.mkv", "Show.S01/Show.S01E01.mkv"),
        ("Show: One/What?.mkv", "Show_ One/What_.mkv"),
        ("CON/aux.srt", "_CON/_aux.srt"),
        ("Contact.mkv", "Contact.mkv"),
        ('a<b>c"d|e*f\\g.mkv', "a_b_c_d_e_f_g.mkv"),
        ("Ends with a dot./x ", "Ends with a dot/x"),
    ],
)
def test_what_windows_does_not_allow_is_replaced(path: str, expected: str) -> None:
    """Everything else stays, since an *arr reads quality and season from it."""
    assert names(path) == [expected]


def test_names_stay_distinct() -> None:
    """Names that become equal are numbered."""
    assert names("S/a:.mkv", "S/a?.mkv") == ["S/a_.mkv", "S/a_ (2).mkv"]


def test_long_names_keep_their_extension() -> None:
    """ECryptfs allows 143 bytes."""
    [name] = names("S/" + "ü" * 120 + ".mkv", longest=143)
    assert name.endswith("ü.mkv")
    assert len(name[2:].encode()) <= 143


def test_ascii_only() -> None:
    """Accents go; other letters are replaced."""
    assert names("Amélie 天/日.mkv", ascii_only=True) == ["Amelie _/_.mkv"]


@given(
    st.lists(st.text(min_size=1, max_size=60).filter(lambda text: "/" not in text), min_size=1),
    st.integers(20, 255),
    st.booleans(),
)
def test_fits_whatever_it_is(parts: list[str], longest: int, ascii_only: bool) -> None:
    """Every component has at most so many bytes, and fitting twice changes nothing more."""
    paths = [f"Show/{number}{part}" for number, part in enumerate(parts)]
    try:
        "".join(paths).encode()
    except UnicodeEncodeError:
        return
    once = names(*paths, longest=longest, ascii_only=ascii_only)
    assert len(set(once)) == len(paths)
    assert all(len(part.encode()) <= longest for path in once for part in path.split("/"))
    assert names(*once, longest=longest, ascii_only=ascii_only) == once
