"""The kinds of values that settings have.

Each says what is allowed, in words for the user, and how the text of a value is read. Every value
is given as text, in the YAML file as in the environment, so that both mean the same.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from msgspec import Meta

from bridge.config import units
from bridge.config.secret import Secret
from bridge.config.units import Network

Parse: TypeAlias = Callable[[str], object]


def _text(expected: str, parse: Parse, *, secret: bool = False) -> Meta:
    return Meta(description=expected, extra={"parse": parse, "secret": secret, "text": True})


def _number(expected: str, parse: Parse, *, least: float, most: float) -> Meta:
    return Meta(description=expected, extra={"parse": parse}, ge=least, le=most)


Text: TypeAlias = Annotated[str, _text("text that is not empty", units.some_text)]
Word: TypeAlias = Annotated[str, _text("text without spaces", units.word)]
FilePath: TypeAlias = Annotated[Path, _text("a path", units.path)]
Directory: TypeAlias = Annotated[Path, _text("an absolute path", units.absolute_path)]
SavePath: TypeAlias = Annotated[str, _text("an absolute path", units.save_path)]
Url: TypeAlias = Annotated[
    str, _text("an http or https URL without user, password and query", units.url)
]
UrlBase: TypeAlias = Annotated[
    str, _text("a path such as /torbox, of letters, digits, - _ . ~ and /", units.url_base)
]
NetworkText: TypeAlias = Annotated[
    Network, _text("an IP address or network such as 10.0.0.0/8", units.network)
]
CategoryName: TypeAlias = Annotated[
    str, _text("a name without \\, without / at an end and without //", units.category_name)
]
Password: TypeAlias = Annotated[
    Secret, _text("text that is not empty", units.password, secret=True)
]
ApiKey: TypeAlias = Annotated[Secret, _text("a key without spaces", units.api_key, secret=True)]
LongKey: TypeAlias = Annotated[
    Secret, _text("a key of at least 16 characters without spaces", units.long_key, secret=True)
]

Port: TypeAlias = Annotated[
    int, _number("an integer between 0 and 65535", int, least=0, most=65535)
]
UpTo16: TypeAlias = Annotated[int, _number("an integer between 1 and 16", int, least=1, most=16)]
UpTo64: TypeAlias = Annotated[int, _number("an integer between 1 and 64", int, least=1, most=64)]
UpTo1000: TypeAlias = Annotated[
    int, _number("an integer between 1 and 1000", int, least=1, most=1000)
]
Seconds: TypeAlias = Annotated[
    float,
    _number(
        "a duration of at least 1s such as 45s, 30m, 6h or 1d, or a number of seconds",
        units.duration,
        least=1,
        most=10 * 365 * 86400,
    ),
]
Pause: TypeAlias = Annotated[
    float, _number("between 1 and 86400 seconds", units.duration, least=1, most=86400)
]
Timeout: TypeAlias = Annotated[
    float, _number("between 1 and 300 seconds", units.duration, least=1, most=300)
]
Size: TypeAlias = Annotated[
    int,
    _number(
        "a size such as 500MB or 1GiB, or a number of bytes", units.size, least=0, most=2**63 - 1
    ),
]
Rate: TypeAlias = Annotated[
    int,
    _number(
        "a size above 0 such as 500KB or 10MiB, or a number of bytes",
        units.size,
        least=1,
        most=2**63 - 1,
    ),
]

Switch: TypeAlias = Annotated[
    bool, Meta(description="true or false", extra={"parse": units.switch})
]

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
