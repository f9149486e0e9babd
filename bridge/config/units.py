"""Durations, sizes, addresses and the like, as people write them.

Each function takes the text of one value and raises ValueError when it is not what it should be.
"""

import re
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import TypeAlias
from urllib.parse import urlsplit

from bridge.config.secret import Secret

Network: TypeAlias = IPv4Network | IPv6Network

LONG_KEY = 16

_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_BYTES = {"": 1, "b": 1} | {
    letter + ending: base**power
    for power, letter in enumerate("kmgt", start=1)
    for ending, base in (("", 1024), ("ib", 1024), ("b", 1000))
}
_AMOUNT = re.compile(r"(\d{1,18}(?:\.\d{1,9})?)\s*([a-z]*)")
_DURATION = re.compile(r"\d{1,18}(\.\d{1,9})?|(\d{1,18}(\.\d{1,9})?\s*[a-z]+\s*)+")
_URL_BASE = re.compile(r"(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*")


def duration(text: str) -> float:
    """Read `45s`, `30m`, `6h`, `1d`, `1h30m` or a number of seconds; answers seconds."""
    plain = text.strip().lower()
    if not _DURATION.fullmatch(plain):
        raise ValueError("not a duration")
    return sum(float(number) * _factor(_SECONDS, unit) for number, unit in _AMOUNT.findall(plain))


def size(text: str) -> int:
    """Read `500MB` (powers of 1000), `1GiB` or `1G` (powers of 1024) or a number; answers bytes."""
    found = _AMOUNT.fullmatch(text.strip().lower())
    if found is None:
        raise ValueError("not a size")
    number, unit = found.groups()
    factor = _factor(_BYTES, unit)
    return int(number) * factor if number.isdigit() else int(float(number) * factor)


def _factor(units: dict[str, int], unit: str) -> int:
    factor = units.get(unit)
    if factor is None:
        raise ValueError(f"no unit {unit}")
    return factor


def switch(text: str) -> bool:
    """Read `true` or `false`, as YAML 1.2 writes them."""
    found = {"true": True, "false": False}.get(text.strip().lower())
    if found is None:
        raise ValueError("neither true nor false")
    return found


def path(text: str) -> Path:
    """Read a path; `~` is the home directory."""
    if not text.strip() or "\0" in text:
        raise ValueError("not a path")
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        raise ValueError("no home directory") from error


def absolute_path(text: str) -> Path:
    """Read a path that says where it is on its own."""
    found = path(text)
    if not found.is_absolute():
        raise ValueError("not absolute")
    return found


def save_path(text: str) -> str:
    """Read an absolute path, as text."""
    return str(absolute_path(text))


def url(text: str) -> str:
    """Read an http or https URL without credentials; the trailing slash is cut."""
    parts = urlsplit(text)
    plain = not (parts.query or parts.fragment or "@" in parts.netloc or re.search(r"\s", text))
    # Reading the port raises ValueError for one that is out of range.
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.port == 0 or not plain:
        raise ValueError("not an http URL")
    return text.rstrip("/")


def url_base(text: str) -> str:
    """Read the path that the bridge is served under: `` or `/torbox`."""
    inner = text.strip("/")
    base = f"/{inner}" if inner else ""
    if not _URL_BASE.fullmatch(base):
        raise ValueError("not a plain path")
    return base


def some_text(text: str) -> str:
    """Read text that is not empty."""
    if not text.strip():
        raise ValueError("empty")
    return text


def word(text: str) -> str:
    """Read text that is not empty and has no spaces or control characters."""
    if not text or any(letter.isspace() or not letter.isprintable() for letter in text):
        raise ValueError("not a word")
    return text


def network(text: str) -> Network:
    """Read an address (`10.0.0.2`) or a network (`10.0.0.0/8`)."""
    return ip_network(text.strip())


def category_name(text: str) -> str:
    """Read a category's name by qBittorrent's rule: `a` or `a/b`, no backslash."""
    if "\\" in text or not all(text.split("/")):
        raise ValueError("not a category")
    return text


def password(text: str) -> Secret:
    """Read a password."""
    if not text:
        raise ValueError("empty")
    return Secret(text)


def api_key(text: str) -> Secret:
    """Read a key that goes into an HTTP header."""
    if not text.isascii():
        raise ValueError("not a key")
    return Secret(word(text))


def long_key(text: str) -> Secret:
    """Read a key that lets its holder in; too long to be guessed."""
    if len(text) < LONG_KEY:
        raise ValueError("too short")
    return api_key(text)
