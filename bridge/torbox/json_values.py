"""Single values out of JSON that cannot be trusted to keep its types.

Clients of TorBox have seen ids as floats and strings, counts as floats, null for anything and
dates in two forms. Each function takes whatever came and gives the type that is wanted, or the
stated stand-in.
"""

import math
import re
from base64 import b32decode
from datetime import UTC, datetime

_BASE32 = re.compile(r"[a-z2-7]{32}")
_HASH = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_LARGEST = 2**63 - 1
_EARLIEST = 1e8
"""The first unix second of a date that makes sense here, in 1973."""


def parse_optional_number(value: object) -> float | None:
    """Read a finite number, also out of a string; None when there is none."""
    try:
        found = float(value) if isinstance(value, (bool, int, float, str)) else math.nan
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def parse_number(value: object) -> float:
    """Read a number; 0 when there is none."""
    return parse_optional_number(value) or 0.0


def parse_count(value: object) -> int:
    """Read a whole number that is not negative; 0 when there is none."""
    found = int(value) if isinstance(value, int) else int(parse_number(value))
    return min(max(0, found), _LARGEST)


def parse_id(value: object) -> int | None:
    """Read an id: a whole number that is not negative, in any notation; None otherwise."""
    if isinstance(value, bool):
        return None
    found = parse_optional_number(value)
    if found is None or found < 0 or found != int(found):
        return None
    return value if isinstance(value, int) else int(found)


def parse_flag(value: object) -> bool:
    """Read a boolean; `"true"` and `1` are true, what cannot be read is false."""
    if isinstance(value, str):
        return value.strip().lower() in {"true", "1", "yes"}
    return bool(parse_optional_number(value))


def parse_text(value: object) -> str:
    """Read a string; a number as its digits, anything else as the empty string."""
    match value:
        case str():
            return value
        case bool():
            return ""
        case int() | float():
            return str(value)
        case _:
            return ""


def parse_list(value: object) -> list[object]:
    """Read a list; anything else is read as an empty one."""
    return value if isinstance(value, list) else []


def parse_fraction(value: object) -> float:
    """Read a progress as 0..1; what is above 1 is taken for percent."""
    found = parse_number(value)
    if found > 1.001:  # noqa: PLR2004 - rounding may give a little more than 1
        found /= 100
    return min(1.0, max(0.0, found))


def parse_timestamp(value: object) -> float | None:
    """Read a date as unix seconds: ISO 8601 (UTC when no zone is given) or unix seconds.

    What lies before 1973 is no date: a duration, or the zero of some language.
    """
    seconds = parse_optional_number(value)
    if seconds is None:
        seconds = _iso(parse_text(value).strip())
    return seconds if seconds is not None and seconds > _EARLIEST else None


def _iso(date: str) -> float | None:
    try:
        found = datetime.fromisoformat(date)
    except ValueError:
        return None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


def parse_info_hash(value: object) -> str:
    """Read an info-hash as lower-case hex, also out of base32; other text comes back lower-case."""
    found = parse_text(value).strip().lower()
    if _BASE32.fullmatch(found):
        return b32decode(found, casefold=True).hex()
    return found


def parse_info_hashes(*values: object) -> tuple[str, ...]:
    """Pick what looks like an info-hash, lower-case, each once.

    A v2 hash (64 digits) also yields its first 40, which is what a v2-only torrent goes by.
    """
    found: dict[str, None] = {}
    for value in values:
        digits = parse_text(value).strip().lower()
        if _HASH.fullmatch(digits):
            found |= {digits: None, digits[:40]: None}
    return tuple(found)
