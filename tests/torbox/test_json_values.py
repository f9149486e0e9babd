"""Values out of JSON that changed their types."""

from base64 import b32encode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.torbox import json_values

TEXT = st.text("0a-. :TZ\u0660é\ud800\udfff")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)
HASH = "ab" * 20
V2_HASH = "cd" * 32


@settings(max_examples=150)
@given(JSON)
def test_every_reader_takes_any_json(value: object) -> None:
    """No value that JSON can hold makes a reader raise or leave its range."""
    assert 0.0 <= json_values.parse_fraction(value) <= 1.0
    assert 0 <= json_values.parse_count(value) < 2**53
    assert json_values.parse_id(value) is None or isinstance(json_values.parse_id(value), int)
    assert isinstance(json_values.parse_flag(value), bool)
    json_values.parse_text(value).encode()
    assert isinstance(json_values.parse_number(value), float)
    assert isinstance(json_values.parse_timestamp(value), (float, type(None)))
    assert isinstance(json_values.parse_list(value), list)
    json_values.parse_info_hashes(value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (7, 7),
        (7.0, 7),
        ("7", 7),
        ("7.0", 7),
        (0, 0),
        (7.5, None),
        (-1, None),
        (True, None),
        (None, None),
        ("", None),
        (2**60 + 1, 2**60 + 1),
        (2**63 - 1, 2**63 - 1),
        (2**63, None),
        (1e300, None),
        ("9" * 5000, None),
    ],
    ids=repr,
)
def test_ids_come_in_any_notation(value: object, expected: int | None) -> None:
    """An id is the same as int, float or string; what is no id is none."""
    assert json_values.parse_id(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [(12, 12), (12.9, 12), ("12", 12), (-3, 0), (None, 0), ("many", 0), (10**30, 2**53 - 1)],
    ids=repr,
)
def test_counts_are_whole_and_fit_a_row(value: object, expected: int) -> None:
    """A count is never negative, never broken and never larger than SQLite holds."""
    assert json_values.parse_count(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0.5, 0.5), (1, 1.0), (1.0000002, 1.0), (42, 0.42), ("0.25", 0.25), (250, 1.0), (-1, 0.0)],
    ids=repr,
)
def test_progress_is_a_share(value: object, expected: float) -> None:
    """Progress is 0..1 whether TorBox sends a share or percent."""
    assert json_values.parse_fraction(value) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-06-22T10:00:00Z", 1782122400.0),
        ("2026-06-22T10:00:00.500000+00:00", 1782122400.5),
        ("2026-06-22T12:00:00+02:00", 1782122400.0),
        ("2026-06-22 10:00:00", 1782122400.0),
        (1782122400, 1782122400.0),
        ("1782122400.5", 1782122400.5),
        (30, None),
        ("soon", None),
        ("", None),
        (None, None),
        ("0001-01-01T00:00:00Z", None),
    ],
    ids=repr,
)
def test_dates_come_in_two_forms(value: object, expected: float | None) -> None:
    """Both of TorBox's date forms mean the same second; no date is no date."""
    assert json_values.parse_timestamp(value) == expected


def test_flags_are_words_or_numbers() -> None:
    """Only what says yes is true."""
    yes: list[object] = [True, 1, 1.0, "true", "True", " 1 "]
    no: list[object] = [False, 0, None, "false", "0", "", [], {"a": 1}]
    assert [json_values.parse_flag(value) for value in yes + no] == [True] * len(yes) + [
        False
    ] * len(no)


def test_only_info_hashes_are_hashes() -> None:
    """Other digests are passed over; a v2 hash is also known by its first 40 digits."""
    found = json_values.parse_info_hashes(HASH.upper(), "d" * 32, V2_HASH, HASH, None, 5, "z" * 40)
    assert found == (HASH, V2_HASH, V2_HASH[:40])


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (HASH.upper(), HASH),
        (f" {HASH} ", HASH),
        (b32encode(bytes.fromhex(HASH)).decode(), HASH),
        (b32encode(bytes.fromhex(HASH)).decode().lower(), HASH),
        ("", ""),
        (None, ""),
        ("Not a hash", "not a hash"),
    ],
)
def test_a_hash_in_any_form(value: object, expected: str) -> None:
    """Upper case, base32 and spaces are the same hash; what is none stays what it is."""
    assert json_values.parse_info_hash(value) == expected
