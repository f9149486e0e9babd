"""Reads bencode: iteratively, within limits, and as tolerantly as libtorrent.

Where libtorrent and BEP 3 differ, libtorrent wins, because every other client computes the
info-hash with its rules: keys may be in any order, the first of two equal keys counts, numbers may
have leading zeros, and bytes after the top dictionary are ignored. Like libtorrent, this refuses
keys that are not strings and integers beyond 64 bits.
"""

import re
from typing import NamedTuple, TypeAlias

Value: TypeAlias = int | bytes | list["Value"] | dict[bytes, "Value"]

MAX_DEPTH = 100
"""Maximum nesting, the top container included; libtorrent's limit."""
MAX_TOKENS = 1_000_000
"""Maximum number of strings, integers, container starts and container ends: enough for 100,000
files. libtorrent's limit is three times as many, which cost seconds of CPU.
"""
MAX_KEYS = 1000
"""Maximum number of keys in the top dictionary. A torrent has a dozen."""

_INT64 = 1 << 63
_TOKEN = re.compile(rb"([0-9]{1,10}):|i(-?[0-9]{1,20})e|(l)|(d)|(e)")
_STRING, _INTEGER, _LIST, _DICTIONARY = 1, 2, 3, 4


class BadBencode(ValueError):
    """The data is not bencode or exceeds the limits. The text says what is wrong and where."""


class RawValue(NamedTuple):
    """A value of the top dictionary and the position of its raw bytes: `data[start:stop]`."""

    value: Value
    start: int
    stop: int


def read_dictionary(data: bytes) -> dict[bytes, RawValue]:
    """Return the entries of the dictionary that the data begins with.

    Raises:
        BadBencode: there is no dictionary, it is broken or cut off, or it exceeds the limits.
    """
    if not data.startswith(b"d"):
        raise BadBencode("it does not begin with a dictionary")
    reader = _Reader(data, 1)
    entries: dict[bytes, RawValue] = {}
    keys = 0
    while not reader.at_end():
        keys += 1
        if keys > MAX_KEYS:
            raise BadBencode("too many parts")
        key = reader.value()
        if not isinstance(key, bytes):
            raise BadBencode(f"a key that is not a string before byte {reader.at}")
        start = reader.at
        value = reader.value()
        entries.setdefault(key, RawValue(value, start, reader.at))
    return entries


class _List:
    """A list that is still open."""

    __slots__ = ("items",)

    def __init__(self) -> None:
        self.items: list[Value] = []

    def add(self, value: Value) -> None:
        self.items.append(value)

    def close(self) -> Value:
        return self.items


class _Dictionary:
    """A dictionary that is still open; `key` waits for its value."""

    __slots__ = ("items", "key")

    def __init__(self) -> None:
        self.items: dict[bytes, Value] = {}
        self.key: bytes | None = None

    def add(self, value: Value) -> None:
        if self.key is not None:
            self.items.setdefault(self.key, value)
            self.key = None
        elif isinstance(value, bytes):
            self.key = value
        else:
            raise BadBencode("a key that is not a string")

    def close(self) -> Value:
        if self.key is not None:
            raise BadBencode("a key without a value")
        return self.items


class _Reader:
    """Reads one value after another. The token limit covers all values together."""

    def __init__(self, data: bytes, at: int) -> None:
        self.at = at
        self._data = data
        self._tokens = MAX_TOKENS

    def at_end(self) -> bool:
        """Return whether the container that is being read ends here."""
        return self._data.startswith(b"e", self.at)

    def value(self) -> Value:
        """Return the next value, with everything nested in it."""
        stack: list[_List | _Dictionary] = []
        while True:
            token = self._token()
            kind = token.lastindex
            if kind == _STRING:
                value: Value = self._string(int(token[_STRING]))
            elif kind == _INTEGER:
                value = _integer(token[_INTEGER])
            elif kind in {_LIST, _DICTIONARY}:
                _open(stack, _List() if kind == _LIST else _Dictionary())
                continue
            elif stack:
                value = stack.pop().close()
            else:
                raise BadBencode(f"an end without a beginning before byte {self.at}")
            if not stack:
                return value
            stack[-1].add(value)

    def _token(self) -> re.Match[bytes]:
        token = _TOKEN.match(self._data, self.at)
        if token is None:
            what = "it is cut off" if self.at >= len(self._data) else "not bencode"
            raise BadBencode(f"{what} at byte {self.at}")
        self._tokens -= 1
        if self._tokens < 0:
            raise BadBencode("too many parts")
        self.at = token.end()
        return token

    def _string(self, length: int) -> bytes:
        start, self.at = self.at, self.at + length
        if self.at > len(self._data):
            raise BadBencode(f"a string of {length} bytes at byte {start} is cut off")
        return self._data[start : self.at]


def _open(stack: list[_List | _Dictionary], container: _List | _Dictionary) -> None:
    if len(stack) + 2 >= MAX_DEPTH:
        raise BadBencode(f"nested {MAX_DEPTH} deep")
    stack.append(container)


def _integer(digits: bytes) -> int:
    number = int(digits)
    if not -_INT64 <= number < _INT64:
        raise BadBencode("an integer of more than 64 bits")
    return number
