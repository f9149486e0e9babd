"""The types that settings have: what each allows, in words for the user, and how its text is read.

Every value arrives as text, from the YAML file as from the environment, so that both mean the same.
A parser takes the text of one value and raises ValueError when the text is not what it should be.
"""

import re
from collections.abc import Callable
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeAlias, get_args, get_origin
from urllib.parse import urlsplit

from msgspec import Meta

from bridge.config.outbound_proxy import proxy_url
from bridge.config.secret import Secret

Network: TypeAlias = IPv4Network | IPv6Network
Parse: TypeAlias = Callable[[str], object]

LONG_KEY: Final = 16
"""Characters that a key needs which gives access; shorter ones can be guessed."""
TEN_YEARS: Final = 10 * 365 * 86400
MAX_SIZE: Final = 2**63 - 1

_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_BYTES = {"": 1, "b": 1} | {
    letter + ending: base**power
    for power, letter in enumerate("kmgt", start=1)
    for ending, base in (("", 1024), ("ib", 1024), ("b", 1000))
}
_AMOUNT = re.compile(r"(\d{1,18}(?:\.\d{1,9})?)\s*([a-z]*)")
_DURATION = re.compile(r"\d{1,18}(\.\d{1,9})?|(\d{1,18}(\.\d{1,9})?\s*[a-z]+\s*)+")
_URL_BASE = re.compile(r"(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*")


def parse_duration(text: str) -> float:
    """Return the seconds of `45s`, `30m`, `6h`, `1d`, `1h30m` or a number of seconds."""
    plain = text.strip().lower()
    if not _DURATION.fullmatch(plain):
        raise ValueError("not a duration")
    return sum(float(number) * _factor(_SECONDS, unit) for number, unit in _AMOUNT.findall(plain))


def parse_size(text: str) -> int:
    """Return the bytes of `500MB` (powers of 1000), `1GiB` or `1G` (powers of 1024) or a number."""
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


def parse_bool(text: str) -> bool:
    """Return the truth value of `true` or `false`, the words of YAML 1.2."""
    found = {"true": True, "false": False}.get(text.strip().lower())
    if found is None:
        raise ValueError("neither true nor false")
    return found


def parse_path(text: str) -> Path:
    """Return the path; `~` is the home directory."""
    if not text.strip() or "\0" in text:
        raise ValueError("not a path")
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        raise ValueError("no home directory") from error


def parse_absolute_path(text: str) -> Path:
    """Return a path that does not depend on the working directory."""
    found = parse_path(text)
    if not found.is_absolute():
        raise ValueError("not absolute")
    return found


def parse_save_path(text: str) -> str:
    """Return an absolute path, as text."""
    return str(parse_absolute_path(text))


def parse_url(text: str) -> str:
    """Return an http or https URL without its trailing slash. Credentials are refused."""
    parts = urlsplit(text)
    plain = not (parts.query or parts.fragment or "@" in parts.netloc or re.search(r"\s", text))
    # `parts.port` raises ValueError for a port that is out of range.
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.port == 0 or not plain:
        raise ValueError("not an http URL")
    return text.rstrip("/")


def parse_url_base(text: str) -> str:
    """Return the path that the bridge is served under: `` or `/torbox`."""
    inner = text.strip("/")
    base = f"/{inner}" if inner else ""
    if not _URL_BASE.fullmatch(base):
        raise ValueError("not a plain path")
    return base


def parse_text(text: str) -> str:
    """Return text that is not empty."""
    if not text.strip():
        raise ValueError("empty")
    return text


def parse_word(text: str) -> str:
    """Return text that is not empty and has no spaces or control characters."""
    if not text or any(letter.isspace() or not letter.isprintable() for letter in text):
        raise ValueError("not a word")
    return text


def parse_network(text: str) -> Network:
    """Return the network of an address (`10.0.0.2`) or a network (`10.0.0.0/8`)."""
    return ip_network(text.strip())


def parse_category_name(text: str) -> str:
    """Return a category's name if qBittorrent allows it: `a` or `a/b`, no backslash."""
    if "\\" in text or not all(text.split("/")):
        raise ValueError("not a category")
    return text


def parse_password(text: str) -> Secret:
    """Return a password that is not empty."""
    if not text:
        raise ValueError("empty")
    return Secret(text)


def parse_api_key(text: str) -> Secret:
    """Return a key that can be sent in an HTTP header."""
    if not text.isascii():
        raise ValueError("not a key")
    return Secret(parse_word(text))


def parse_long_key(text: str) -> Secret:
    """Return a key that gives access to the bridge, and is too long to be guessed."""
    if len(text) < LONG_KEY:
        raise ValueError("too short")
    return parse_api_key(text)


def _text(expected: str, parse: Parse, *, secret: bool = False) -> Meta:
    # "text": every text is a value, also `null`, which is then not read as YAML's null.
    return Meta(description=expected, extra={"parse": parse, "secret": secret, "text": True})


def _number(expected: str, parse: Parse, *, least: float, most: float) -> Meta:
    return Meta(description=expected, extra={"parse": parse}, ge=least, le=most)


def _integer(least: int, most: int) -> Meta:
    return _number(f"an integer between {least} and {most}", int, least=least, most=most)


Text: TypeAlias = Annotated[str, _text("text that is not empty", parse_text)]
Word: TypeAlias = Annotated[str, _text("text without spaces", parse_word)]
Addresses: TypeAlias = Annotated[
    tuple[Word, ...],
    Meta(
        description="an address or a list of addresses", extra={"one_or_many": True}, min_length=1
    ),
]
FilePath: TypeAlias = Annotated[Path, _text("a path", parse_path)]
Directory: TypeAlias = Annotated[Path, _text("an absolute path", parse_absolute_path)]
SavePath: TypeAlias = Annotated[str, _text("an absolute path", parse_save_path)]
Url: TypeAlias = Annotated[
    str, _text("an http or https URL without user, password and query", parse_url)
]
UrlBase: TypeAlias = Annotated[
    str, _text("a path such as /torbox, of letters, digits, - _ . ~ and /", parse_url_base)
]
# `Network` itself is a union of two classes, which msgspec.inspect cannot describe.
NetworkText: TypeAlias = Annotated[
    Any, _text("an IP address or network such as 10.0.0.0/8", parse_network)
]
CategoryName: TypeAlias = Annotated[
    str, _text("a name without \\, without / at an end and without //", parse_category_name)
]
Password: TypeAlias = Annotated[
    Secret, _text("text that is not empty", parse_password, secret=True)
]
ApiKey: TypeAlias = Annotated[Secret, _text("a key without spaces", parse_api_key, secret=True)]
ProxyUrl: TypeAlias = Annotated[
    Secret,
    _text("direct, or the URL of a proxy such as http://proxy:3128", proxy_url, secret=True),
]
LongKey: TypeAlias = Annotated[
    Secret, _text("a key of at least 16 characters without spaces", parse_long_key, secret=True)
]

Port: TypeAlias = Annotated[int, _integer(0, 65535)]
UpTo16: TypeAlias = Annotated[int, _integer(1, 16)]
UpTo64: TypeAlias = Annotated[int, _integer(1, 64)]
UpTo1000: TypeAlias = Annotated[int, _integer(1, 1000)]
Seconds: TypeAlias = Annotated[
    float,
    _number(
        "a duration of at least 1s such as 45s, 30m, 6h or 1d, or a number of seconds",
        parse_duration,
        least=1,
        most=TEN_YEARS,
    ),
]
Pause: TypeAlias = Annotated[
    float, _number("between 1 and 86400 seconds", parse_duration, least=1, most=86400)
]
Timeout: TypeAlias = Annotated[
    float, _number("between 1 and 300 seconds", parse_duration, least=1, most=300)
]
Size: TypeAlias = Annotated[
    int,
    _number(
        "a size such as 500MB or 1GiB, or a number of bytes", parse_size, least=0, most=MAX_SIZE
    ),
]
Rate: TypeAlias = Annotated[
    int,
    _number(
        "a size above 0 such as 500KB or 10MiB, or a number of bytes",
        parse_size,
        least=1,
        most=MAX_SIZE,
    ),
]

Switch: TypeAlias = Annotated[bool, Meta(description="true or false", extra={"parse": parse_bool})]

Mode: TypeAlias = Literal["download", "symlink", "strm", "none", "aria2"]
Verify: TypeAlias = Literal["size", "pieces"]
LinkStyle: TypeAlias = Literal["absolute", "relative"]
Cached: TypeAlias = Literal["any", "only"]
Refuse: TypeAlias = Literal["auto", "always"]
Seed: TypeAlias = Literal["auto", "always", "never"]
WhenFull: TypeAlias = Literal["wait", "queue"]
RemoveFromTorBox: TypeAlias = Literal["own", "always", "never"]
Profile: TypeAlias = Literal["4.6", "5.1"]
ArrKind: TypeAlias = Literal["sonarr", "radarr", "lidarr", "readarr", "whisparr"]
NotifyKind: TypeAlias = Literal["apprise", "json", "discord", "ntfy"]
NotifyEvent: TypeAlias = Literal["failed", "attention", "blocked", "free", "disk_full", "completed"]
LogLevel: TypeAlias = Literal["debug", "info", "warning", "error"]
LogFormat: TypeAlias = Literal["auto", "console", "json"]

CHOICES: Final = {
    frozenset(get_args(kind)): get_args(kind)
    for kind in list(vars().values())
    if get_origin(kind) is Literal
}
"""The words of each choice in the order above: msgspec.inspect sorts them by letter."""
