"""Single values out of JSON that does not keep its types.

Clients of TorBox have seen ids as floats and strings, counts as floats, null for anything and dates
in two forms (contracts of the official SDKs disagree as well). Each function takes any value and
returns the wanted type, or the stated substitute. No result is larger than SQLite and JavaScript can
hold, and no text holds what cannot be written as UTF-8.
"""

import math
import re
from base64 import b32decode
from datetime import UTC, datetime
from typing import Final

from bridge.core.model import LONGEST_NAME

LARGEST_COUNT: Final = 2**53 - 1
"""Exact in a JSON number, and a thousand of them still fit into SQLite's 64 bits."""
LARGEST_ID: Final = 2**63 - 1
"""SQLite's largest integer."""

_BASE32 = re.compile(r"[a-z2-7]{32}")
_HASH = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_SURROGATE = re.compile("[\ud800-\udfff]")
_LONGEST_NUMBER = 400
"""Characters. Longer ones are no number that anybody means, and converting them is not free."""
_EARLIEST = 1e8
"""The first unix time, in seconds, that is taken for a date: some day in 1973."""
_LATEST = 253_402_300_799.0
"""The last second of the year 9999, the latest that `datetime` can hold."""


def parse_optional_number(value: object) -> float | None:
    """Return a finite number, also from a string; None if there is none."""
    if isinstance(value, str) and len(value) > _LONGEST_NUMBER:
        return None
    try:
        found = float(value) if isinstance(value, (bool, int, float, str)) else math.nan
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def parse_number(value: object) -> float:
    """Return a finite number; 0 if there is none."""
    return parse_optional_number(value) or 0.0


def parse_count(value: object) -> int:
    """Return a whole number from 0 to 2**53 - 1; 0 if there is none, the nearest if it is outside."""
    found = int(value) if isinstance(value, int) else int(parse_number(value))
    return min(max(0, found), LARGEST_COUNT)


def parse_id(value: object) -> int | None:
    """Return an id: a whole number from 0 to 2**63 - 1 in any notation; None for anything else."""
    if isinstance(value, bool):
        return None
    found = parse_optional_number(value)
    if found is None or found < 0 or found != int(found):
        return None
    exact = value if isinstance(value, int) else int(found)
    return exact if exact <= LARGEST_ID else None


def parse_flag(value: object) -> bool:
    """Return a boolean; `"true"` and `1` are true, what cannot be parsed is false."""
    if isinstance(value, str):
        return value.strip().lower() in {"true", "1", "yes"}
    return bool(parse_optional_number(value))


def parse_text(value: object) -> str:
    """Return a string, cut off where no name goes on; a number as its digits, else nothing.

    A lone surrogate becomes U+FFFD: neither SQLite nor a socket takes it.
    """
    match value:
        case str():
            value = value[:LONGEST_NAME]
            return value if value.isascii() else _SURROGATE.sub("\ufffd", value)
        case bool():
            return ""
        case int() | float():
            return str(value) if abs(value) <= LARGEST_ID else ""
        case _:
            return ""


def parse_list(value: object) -> list[object]:
    """Return a list; an empty one for anything else."""
    return value if isinstance(value, list) else []


def parse_fraction(value: object) -> float:
    """Return a progress from 0 to 1; a number above 1 is taken for percent."""
    found = parse_number(value)
    if found > 1.001:  # noqa: PLR2004 - rounding may yield a little more than 1
        found /= 100
    return min(1.0, max(0.0, found))


def parse_timestamp(value: object) -> float | None:
    """Return a date as unix seconds, from ISO 8601 (UTC if it names no zone) or unix seconds.

    None for what lies before 1973 (a duration, or the zero value of a language) or after 9999.
    """
    seconds = parse_optional_number(value)
    if seconds is None:
        seconds = _iso(parse_text(value).strip())
    return seconds if seconds is not None and _EARLIEST < seconds <= _LATEST else None


def _iso(date: str) -> float | None:
    try:
        found = datetime.fromisoformat(date)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def parse_info_hash(value: object) -> str:
    """Return an info-hash as lower-case hex, also from base32; other text in lower case."""
    found = parse_text(value).strip().lower()
    if _BASE32.fullmatch(found):
        return b32decode(found, casefold=True).hex()
    return found


def parse_info_hashes(*values: object) -> tuple[str, ...]:
    """Return what looks like an info-hash, in lower case, each once.

    A v2 hash (64 digits) also yields its first 40 digits, by which a v2-only torrent is known.
    """
    found: dict[str, None] = {}
    for value in values:
        digits = parse_text(value).strip().lower()
        if _HASH.fullmatch(digits):
            found |= {digits: None, digits[:40]: None}
    return tuple(found)
