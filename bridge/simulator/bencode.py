"""Bencode, as far as a .torrent needs it. Keys and strings are bytes."""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

Value: TypeAlias = "int | bytes | Sequence[Value] | Mapping[bytes, Value]"

MAX_DEPTH = 64


class BencodeError(ValueError):
    """The bytes are not one whole bencoded value."""


def decode(data: bytes) -> Value:
    """The value that `data` holds. Raises BencodeError unless it is exactly one."""
    reader = _Reader(data)
    value = reader.value(0)
    if reader.at != len(data):
        raise BencodeError("trailing bytes")
    return value


def info_slice(data: bytes) -> bytes:
    """The raw bytes of the top-level `info` value: what the info-hash is computed of."""
    reader = _Reader(data)
    if not reader.take(b"d"):
        raise BencodeError("a torrent is a dictionary")
    while not reader.take(b"e"):
        key = reader.string()
        start = reader.at
        reader.value(1)
        if key == b"info":
            return data[start : reader.at]
    raise BencodeError("no info dictionary")


def encode(value: Value) -> bytes:
    """`value` in bencode, dictionary keys sorted."""
    if isinstance(value, int):
        return b"i%de" % value
    if isinstance(value, bytes):
        return b"%d:%s" % (len(value), value)
    if isinstance(value, Mapping):
        pairs = sorted(value.items())
        return b"d" + b"".join(encode(key) + encode(item) for key, item in pairs) + b"e"
    return b"l" + b"".join(encode(item) for item in value) + b"e"


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self.at = 0

    def take(self, token: bytes) -> bool:
        if self._data[self.at : self.at + 1] != token:
            return False
        self.at += 1
        return True

    def value(self, depth: int) -> Value:
        if depth > MAX_DEPTH:
            raise BencodeError("nested too deeply")
        if self.take(b"i"):
            return self._number(b"e")
        if self.take(b"l"):
            return self._list(depth)
        if self.take(b"d"):
            return self._dictionary(depth)
        return self.string()

    def string(self) -> bytes:
        length = self._number(b":")
        start, self.at = self.at, self.at + length
        if length < 0 or self.at > len(self._data):
            raise BencodeError("a string runs past the end")
        return self._data[start : self.at]

    def _number(self, end: bytes) -> int:
        stop = self._data.find(end, self.at, self.at + 24)
        text = self._data[self.at : stop]
        if stop < 0 or not text.removeprefix(b"-").isdigit():
            raise BencodeError("a number is broken")
        self.at = stop + 1
        return int(text)

    def _list(self, depth: int) -> list[Value]:
        values: list[Value] = []
        while not self.take(b"e"):
            values.append(self.value(depth + 1))
        return values

    def _dictionary(self, depth: int) -> dict[bytes, Value]:
        values: dict[bytes, Value] = {}
        while not self.take(b"e"):
            key = self.string()
            values[key] = self.value(depth + 1)
        return values
