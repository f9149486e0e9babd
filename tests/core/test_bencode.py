"""The bencode reader: as tolerant as libtorrent, within limits, and never recursive."""

import bencode2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.core.bencode import (
    MAX_DEPTH,
    MAX_KEYS,
    MAX_TOKENS,
    BadBencode,
    RawValue,
    read_dictionary,
)
from tests.support.torrents import bencode

INT64 = st.integers(-(1 << 63), (1 << 63) - 1)
VALUES = st.recursive(
    INT64 | st.binary(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.binary(max_size=5), inner),
    max_leaves=20,
)
DICTIONARIES = st.dictionaries(st.binary(max_size=5), VALUES, max_size=5)


@settings(max_examples=100, deadline=None)
@given(DICTIONARIES)
def test_reads_what_another_library_writes(value: dict[bytes, object]) -> None:
    """What bencode2 writes is read back whole, and each span holds its value's bytes."""
    data = bencode2.bencode(value)
    entries = read_dictionary(data)
    assert {key: entry.value for key, entry in entries.items()} == value
    for entry in entries.values():
        assert data[entry.start : entry.stop] == bencode2.bencode(entry.value)


@settings(max_examples=50, deadline=None)
@given(DICTIONARIES)
def test_every_cut_is_noticed(value: dict[bytes, object]) -> None:
    """No beginning of a dictionary passes for a whole one."""
    data = bencode2.bencode(value)
    for stop in range(len(data)):
        with pytest.raises(BadBencode):
            read_dictionary(data[:stop])


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b"d1:ai007ee", 7),
        (b"d1:ai-0ee", 0),
        (b"d1:a03:abce", b"abc"),
        (b"d1:ai1e1:ai2ee", 1),
        (b"d1:bi0e1:ai3ee", 3),
        (b"d1:ai4eegarbage", 4),
        (b"d1:ad1:xi1e1:xi2eee", {b"x": 1}),
        (b"d1:ai9223372036854775807ee", (1 << 63) - 1),
    ],
)
def test_tolerates_what_libtorrent_tolerates(data: bytes, value: object) -> None:
    """Leading zeros, any order of keys, repeated keys (the first counts), and a rest behind it."""
    assert read_dictionary(data)[b"a"].value == value


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"i1e",
        b"le",
        b"3:abc",
        b"\nd1:ai1ee",
        b"d",
        b"d1:a",
        b"d1:ae",
        b"di1ei2ee",
        b"d1:adi1ei2eee",
        b"d1:ad1:xee",
        b"d1:aie",
        b"d1:ai-ee",
        b"d1:ai+1ee",
        b"d1:ai 1ee",
        b"d1:ai9223372036854775808ee",
        b"d1:ai" + b"9" * 5000 + b"ee",
        b"d1:a99:abce",
        b"d1:a9999999999:abce",
        b"d1:a" + b"9" * 5000 + b":e",
        b"d1:a-1:e",
        b"d1:axe",
        b"d-1:ae",
        "d1:ai٣ee".encode(),
    ],
)
def test_refuses(data: bytes) -> None:
    """Anything else is refused, with a reason."""
    with pytest.raises(BadBencode, match=r"\w"):
        read_dictionary(data)


def test_depth_limit() -> None:
    """The deepest nesting that is read is libtorrent's; the next one is refused."""
    inside = MAX_DEPTH - 2
    assert read_dictionary(b"d1:a" + b"l" * inside + b"e" * inside + b"e")
    with pytest.raises(BadBencode, match="deep"):
        read_dictionary(b"d1:a" + b"l" * (inside + 1) + b"e" * (inside + 1) + b"e")


def test_bottomless_nesting_is_refused_at_once() -> None:
    """Ten million open lists cost nothing, and no recursion."""
    with pytest.raises(BadBencode, match="deep"):
        read_dictionary(b"d1:a" + b"l" * 10_000_000)


def test_token_limit_counts_everything_together() -> None:
    """Keys, lists and numbers count as one; at the limit a torrent is read, beyond it refused."""
    most = b"d1:ai1e1:bl" + b"i1e" * (MAX_TOKENS - 5) + b"ee"
    assert len(read_dictionary(most)) == 2
    with pytest.raises(BadBencode, match="parts"):
        read_dictionary(most.replace(b"1:b", b"1:ci1e1:b"))


@pytest.mark.parametrize(
    "parts",
    [
        b"".join(b"4:%04d0:" % number for number in range(MAX_KEYS)),
        b"1:a0:" * MAX_KEYS,
        b"1:ad" + b"".join(b"6:%06d0:" % number for number in range(MAX_TOKENS // 2)),
        b"1:al" + b"i1e" * MAX_TOKENS,
        b"1:al" + b"le" * (MAX_TOKENS // 2),
    ],
    ids=["keys", "one key", "keys inside", "integers", "lists"],
)
def test_nothing_is_read_beyond_the_token_limit(parts: bytes) -> None:
    """A few megabytes of tiny parts end at the limit, whatever follows."""
    with pytest.raises(BadBencode, match="too many parts"):
        read_dictionary(b"d" + parts + b"1:x1:x" + b"not bencode")


def test_an_entry_knows_its_bytes() -> None:
    """The raw bytes of a value, keys unsorted and all, are what its span says."""
    info = bencode({b"b": 1, b"a": [b"x"]}, unsorted=True)
    data = b"d4:info" + info + b"e"
    assert read_dictionary(data) == {b"info": RawValue({b"b": 1, b"a": [b"x"]}, 7, 7 + len(info))}
