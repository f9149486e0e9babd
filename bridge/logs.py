"""Logs: structlog and the standard library's loggers through one renderer, secrets masked.

debug    every call in and out, with method, path, status and milliseconds
info     what happens to downloads, and changes of the connection to TorBox
warning  something failed and is tried again, or could be set up better
error    something needs the user, or is a defect

JSON lines carry UTC times; the console shows local time, as `TZ` says.
"""

import json
import logging
import re
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping, MutableMapping
from contextlib import nullcontext, suppress
from functools import partial
from typing import TextIO
from urllib.parse import quote, quote_plus

import msgspec
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

HIDDEN = "***"
RECORDS = 1000
MAX_DEPTH = 8
WHOLE_WORDS = 6
"""Shorter secrets are masked only as whole words: else every `a` could be one."""

NORMAL, INFO, WARNING, CRITICAL = 1, 2, 4, 8
"""qBittorrent's types of log messages; a bitmask."""

_TYPES = {"debug": NORMAL, "info": INFO, "warning": WARNING, "error": CRITICAL}
_QUIET = ("aiohttp.access", "aiosqlite")
"""They log every request and statement, with query strings and values."""

_NAMES = (
    r"(?:token|api[-_]?key|pass(?:word|wd|key)|secret|sig(?:nature)?|authorization|cookie|sid"
    r"|credentials?)"
)
_SECRET_KEY = re.compile(rf"(?:.*[-_])?{_NAMES}", re.IGNORECASE)
_PATTERNS = (
    (re.compile(r"(://)[^\s/?#]*@"), rf"\1{HIDDEN}@"),
    (re.compile(r"(authorization\W{1,4})(?:\w+ +)?[^\s\"',]+", re.IGNORECASE), rf"\1{HIDDEN}"),
    (re.compile(r"\b(bearer\s+)[\w.~+/=-]+", re.IGNORECASE), rf"\1{HIDDEN}"),
    (
        re.compile(
            rf"(?:(?<![a-z])|(?<=%3F)|(?<=%26))({_NAMES}(?:=|%3D|[\"']\s*:\s*)[\"']?)[^\s&\"'<>;]+",
            re.IGNORECASE,
        ),
        rf"\1{HIDDEN}",
    ),
)
_HINT = re.compile(r"[=@:%]|authorization|bearer", re.IGNORECASE)
"""Found in every text that one of the patterns matches; most texts hold none of it."""


class Mask:
    """Replaces secrets in everything that a log event holds."""

    def __init__(self) -> None:
        self._known: set[str] = set()
        self._pattern: re.Pattern[str] | None = None

    def add(self, *secrets: str) -> None:
        """Mask these texts from now on, also where they are percent-encoded or escaped."""
        self._known.update(form for secret in secrets if secret for form in _forms(secret))
        # The longest first, because one secret may begin with another.
        ordered = sorted(self._known, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(_exactly, ordered))) if ordered else None

    def text(self, text: str) -> str:
        """Return the text with secrets masked."""
        if self._pattern is not None:
            text = self._pattern.sub(HIDDEN, text)
        if _HINT.search(text) is None:
            return text
        for pattern, replacement in _PATTERNS:
            text = pattern.sub(replacement, text)
        return text

    def value(self, value: object, depth: int = MAX_DEPTH) -> object:
        """Return a masked copy of nested data. Anything that is not plain data becomes its repr."""
        if value is None or isinstance(value, bool | int | float):
            return value if self.text(str(value)) == str(value) else HIDDEN
        if depth == 0:
            return "…"
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {
                self.text(str(key)): self.entry(key, item, depth - 1) for key, item in value.items()
            }
        if isinstance(value, list | tuple | set | frozenset):
            return [self.value(item, depth - 1) for item in value]
        return self.text(_shown(value))

    def entry(self, key: object, value: object, depth: int = MAX_DEPTH) -> object:
        """Return the masked value of a key; the key alone may say that it is a secret."""
        if value is not None and isinstance(key, str) and _SECRET_KEY.fullmatch(key):
            return HIDDEN
        return self.value(value, depth)

    def __call__(self, _logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        """Mask an event; a structlog processor."""
        return {
            self.text(key): value if key in {"level", "timestamp"} else self.entry(key, value)
            for key, value in event.items()
        }


def _forms(secret: str) -> set[str]:
    """Return the ways to write a secret: as it is, in URLs, in JSON and in a repr."""
    return {
        secret,
        quote(secret, errors="surrogateescape"),
        quote(secret, safe="", errors="surrogateescape"),
        quote_plus(secret, errors="surrogateescape"),
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        repr(secret)[1:-1],
        repr(secret.encode("utf-8", "surrogateescape"))[2:-1],
    }


def _exactly(secret: str) -> str:
    found = re.escape(secret)
    return rf"(?<!\w){found}(?!\w)" if len(secret) < WHOLE_WORDS else found


def _shown(value: object) -> str:
    try:
        return str(value) if isinstance(value, BaseException) else repr(value)
    except Exception:  # noqa: BLE001 - a broken repr must not cost the log line
        return f"<{type(value).__name__}>"


_mask = Mask()


def mask(*secrets: str) -> None:
    """Keep these texts out of everything that is logged from now on."""
    _mask.add(*secrets)


def masked(text: str) -> str:
    """Return the text with secrets masked, as the log would show it."""
    return _mask.text(text)


def for_terminal(text: str) -> str:
    """Return the text with control characters escaped.

    Names come from torrents: they must not move the cursor, change colours, forge a line or
    reverse the direction of text.
    """
    return _CONTROLS.sub(_escaped, text)


class LogRecord(msgspec.Struct, frozen=True):
    """A message as qBittorrent's log shows it; `timestamp` in unix seconds."""

    id: int
    message: str
    timestamp: float
    type: int


class RecentLogs:
    """The last messages, in memory. A structlog processor that passes every event on."""

    def __init__(self, clock: Callable[[], float] = time.time, size: int = RECORDS) -> None:
        self._clock = clock
        self._records: deque[LogRecord] = deque(maxlen=size)
        self._next_id = 0

    def __call__(self, _logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        """Remember the event."""
        rest = {key: event[key] for key in event.keys() - {"event", "level", "timestamp", "logger"}}
        words = [str(event.get("event", "")), *(f"{key}={rest[key]}" for key in sorted(rest))]
        kind = _TYPES.get(str(event.get("level")), CRITICAL)
        self._records.append(LogRecord(self._next_id, " ".join(words), self._clock(), kind))
        self._next_id += 1
        return event

    def since(
        self, last_id: int = -1, types: int = NORMAL | INFO | WARNING | CRITICAL
    ) -> list[LogRecord]:
        """Return the messages after `last_id`, oldest first, of the types in the bitmask."""
        return [
            found for found in tuple(self._records) if found.id > last_id and found.type & types
        ]


def setup(level: str, log_format: str, stream: TextIO | None = None) -> RecentLogs:
    """Send all logs to a stream (stderr). Return the memory of the latest messages.

    `log_format` is `console`, `json`, or `auto`: coloured on a terminal, JSON lines elsewhere.
    """
    stream = stream or sys.stderr
    recent = RecentLogs()
    handler = _Handler(stream)
    common: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        _timestamper(readable=_is_readable(log_format, stream)),
    ]
    final: list[Processor] = [
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        _mask,
        recent,
        *_renderer(log_format, stream),
    ]
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *final],
            foreign_pre_chain=common,
        )
    )
    _route(level, handler)
    structlog.configure(
        processors=[*common, *final],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=partial(_Lines, handler),
    )
    return recent


def set_level(level: str) -> None:
    """Log from this level on, from now on."""
    logging.getLogger().setLevel(level.upper())
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(level))


class _Handler(logging.StreamHandler[TextIO]):
    """Writes lines. Reports a lost line by name: the original would print the record unmasked."""

    def write(self, line: str, name: str) -> None:
        """Write a finished line of a logger."""
        try:
            with self.lock or nullcontext():
                self.stream.write(line + self.terminator)
                self.flush()
        except (OSError, ValueError):
            self._lost(name)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's own name
        self._lost(record.name)

    def _lost(self, name: str) -> None:
        with suppress(OSError, ValueError):
            why = type(sys.exception()).__name__
            self.stream.write(f"a log line of {name} was lost: {why}\n")


class _Lines:
    """Where structlog sends its finished lines: past the standard library, which costs as much."""

    def __init__(self, handler: _Handler, name: str = "") -> None:
        self.name = name
        self._handler = handler

    def msg(self, line: str) -> None:
        """Write a line. The level is in it."""
        self._handler.write(line, self.name)

    debug = info = warning = error = critical = exception = msg


def _route(level: str, handler: logging.Handler) -> None:
    """Send the standard library's loggers there too."""
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


def _renderer(log_format: str, stream: TextIO) -> list[Processor]:
    if not _is_readable(log_format, stream):
        return [structlog.processors.JSONRenderer(sort_keys=False)]
    console = structlog.dev.ConsoleRenderer(
        colors=stream.isatty(), pad_event_to=0, exception_formatter=structlog.dev.plain_traceback
    )
    return [_one_line, console]


def _is_readable(log_format: str, stream: TextIO) -> bool:
    return log_format == "console" or (log_format == "auto" and stream.isatty())


def _timestamper(*, readable: bool) -> Processor:
    if readable:
        return structlog.processors.TimeStamper(fmt="%Y-%m-%d %H:%M:%S%z", utc=False)
    return structlog.processors.TimeStamper(fmt="iso", utc=True)


def _one_line(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Escape control characters in every text but tracebacks, which are lines of our own."""
    kept: MutableMapping[str, object] = {}
    for key, value in event.items():
        plain = isinstance(value, str) and key not in {"exception", "stack"}
        kept[key] = for_terminal(str(value)) if plain else value
    return kept


_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


def _escaped(found: re.Match[str]) -> str:
    return found.group().encode("unicode_escape").decode("ascii")
