"""JSON that TorBox may have broken: what can be parsed is parsed, the rest is left out.

msgspec refuses a whole document for one bad value: a lone surrogate in a name, `NaN`, an integer of
5,000 digits, a thousand nested brackets. A list that is refused as a whole would hide every other
item, and an item that is missing from the list looks as if it had been deleted. So a document that
does not parse is split at its brackets and commas and parsed member by member.

A document that ends too early is never taken for a whole one.
"""

import json
import re
from collections.abc import Iterator
from typing import Final

import msgspec

UNREADABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""The errors of msgspec for bytes that are not valid JSON."""

_STRING = rb'"(?:[^"\\]++|\\.)*+"'
_FLAT = rb'(?:[^\[\]{}"]++|' + _STRING + rb")*+"
_TOKENS: Final = re.compile(
    _STRING + rb"|\{" + _FLAT + rb"\}|\[" + _FLAT + rb'\]|["\[\]{}:,]', re.DOTALL
)
"""Strings as a whole, so that their brackets do not count, and for speed also what has no brackets
inside. A lone quote opens a string that never ends."""
_DEPTH: Final = {b"[": 1, b"{": 1, b"]": -1, b"}": -1}
_DEEPEST: Final = 10_000
"""Brackets within brackets. No answer needs more than five."""
_LEVELS: Final = 4
"""How far down a broken value is split: list, item, files, file."""
_LONGEST_INTEGER: Final = 400
"""Digits. Python refuses to convert some thousands; as a float such a number is infinite anyway."""


class BrokenJsonError(ValueError):
    """The bytes are not JSON, not even roughly."""


def elements(raw: msgspec.Raw | bytes) -> list[msgspec.Raw]:
    """Return the elements of a JSON array, each still to be parsed; none for null.

    Raises:
        BrokenJsonError: it is no array, or its end is missing.
    """
    try:
        return msgspec.json.decode(raw, type=list[msgspec.Raw] | None) or []
    except UNREADABLE:
        return [msgspec.Raw(value) for _, value in _split(bytes(raw), b"[", b"]")]


def members(raw: msgspec.Raw | bytes) -> dict[str, msgspec.Raw]:
    """Return the members of a JSON object by name, each value still to be parsed.

    Raises:
        BrokenJsonError: it is no object, or its end is missing.
    """
    try:
        return msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
    except UNREADABLE:
        pairs = _split(bytes(raw), b"{", b"}")
        return {_name(name): msgspec.Raw(value) for name, value in pairs}


def parse_object(raw: msgspec.Raw | bytes) -> dict[str, object]:
    """Return a JSON object without the members that cannot be parsed; {} for anything else."""
    try:
        return msgspec.json.decode(raw, type=dict[str, object])
    except UNREADABLE:
        found = _salvage(bytes(raw), _LEVELS)
        return found if isinstance(found, dict) else {}


def parse_value(raw: msgspec.Raw | bytes) -> object:
    """Return a JSON value of any type; None for null and for what cannot be parsed."""
    try:
        return msgspec.json.decode(raw)
    except UNREADABLE:
        return _salvage(bytes(raw), _LEVELS)


def _salvage(raw: bytes, levels: int) -> object:
    try:
        text = raw.decode("utf-8", "replace")
        # The standard library bears what msgspec does not: lone surrogates, NaN, raw line breaks.
        return json.loads(text, strict=False, parse_int=_integer)
    except (ValueError, RecursionError):
        return _salvage_parts(raw, levels) if levels else None


def _salvage_parts(raw: bytes, levels: int) -> object:
    try:
        match raw.lstrip()[:1]:
            case b"{":
                pairs = _split(raw, b"{", b"}")
                return {_name(name): _salvage(value, levels - 1) for name, value in pairs}
            case b"[":
                return [_salvage(value, levels - 1) for _, value in _split(raw, b"[", b"]")]
            case _:
                return None
    except BrokenJsonError:
        return None


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) <= _LONGEST_INTEGER else float(digits)


def _name(raw: bytes) -> str:
    found = _salvage(raw, 0)
    return found if isinstance(found, str) else ""


def _split(raw: bytes, opening: bytes, closing: bytes) -> list[tuple[bytes, bytes]]:
    """Return the members of an array or object as (name, value), both raw bytes."""
    raw = raw.strip()
    if not (raw.startswith(opening) and raw.endswith(closing)):
        raise BrokenJsonError("not one whole value")
    found: list[tuple[bytes, bytes]] = []
    start, name = 1, b""
    for mark, token in _top_level(raw):
        if mark == b":":
            name, start = name or raw[start : token.start()].strip(), token.end()
            continue
        value = raw[start : token.start()].strip()
        if value:
            found.append((name, value))
        name, start = b"", token.end()
    return found


def _top_level(raw: bytes) -> Iterator[tuple[bytes, re.Match[bytes]]]:
    """Yield the commas and colons that belong to the outermost value, and its end."""
    depth = 1
    for token in _TOKENS.finditer(raw, 1):
        mark = token[0]
        depth += _DEPTH.get(mark, 0)
        if depth > _DEEPEST:
            raise BrokenJsonError("nested too deeply")
        if mark == b'"':
            raise BrokenJsonError("a string does not end")
        if depth == 0:
            if token.end() != len(raw):
                raise BrokenJsonError("something follows the end")
            yield mark, token
            return
        if depth == 1 and mark in {b",", b":"}:
            yield mark, token
    raise BrokenJsonError("the end is missing")
