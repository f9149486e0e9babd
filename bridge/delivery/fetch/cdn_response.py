"""Checking that an answer of the CDN is the file that was requested. Pure: no sockets, no clock.

The size that TorBox lists is decisive. An answer of another size, or an answer that looks like an
error page, is refused before a byte is written: TorBox's CDN sometimes answers 200 with a short JSON
body.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import PurePosixPath

from bridge.delivery.delivery_errors import (
    EtagChanged,
    LinkDead,
    ServerBusy,
    StartOver,
    WrongContent,
)
from bridge.delivery.file_state import UNKNOWN, Validator

_DEAD = {401, 403, 404, 410}
_NUMBER = r"\d{1,18}"
"""Python refuses to read a number of thousands of digits, and no file is larger than this."""
_RANGE = re.compile(rf"bytes ({_NUMBER})-({_NUMBER})/({_NUMBER})", re.ASCII)
_UNSATISFIED = re.compile(rf"bytes \*/({_NUMBER})", re.ASCII)
_ERROR_TYPE = re.compile(r"text/html|application/(.+\+)?json", re.IGNORECASE)
_ERROR_BODY = re.compile(
    rb"\s*(<!doctype\s+html|<html"
    rb'|\{\s*"(success|errors?|detail|message|code|status)"\s*:)',
    re.IGNORECASE,
)
_TEXT = frozenset(
    f".{suffix}"
    for suffix in (
        *("ass", "css", "csv", "htm", "html", "ini", "js", "json", "log", "lrc", "md", "nfo"),
        *("opf", "php", "rtf", "sh", "smi", "srt", "ssa", "sub", "svg", "tsv", "txt", "url"),
        *("vtt", "xhtml", "xml", "yaml", "yml"),
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RangeRequest:
    """A request for bytes [start, end) of a file of `size` bytes."""

    name: str
    size: int
    start: int
    end: int
    validator: Validator = UNKNOWN
    """Of the bytes that are on disk already."""
    others: tuple[Validator, ...] = ()
    """Of answers that turned out to have the same bytes."""
    begun: bool = False
    """Some bytes are on disk already, or other requests are on their way."""

    @property
    def whole(self) -> bool:
        """The whole file is wanted, so no range is asked for."""
        return (self.start, self.end) == (0, self.size)

    @property
    def headers(self) -> dict[str, str]:
        """The request's headers."""
        headers = {"Accept-Encoding": "identity"}
        if not self.whole:
            headers["Range"] = f"bytes={self.start}-{self.end - 1}"
            if self.begun and self.validator.if_range and not self.others:
                headers["If-Range"] = self.validator.if_range
        return headers

    def contradicted_by(self, found: Validator) -> bool:
        """Return whether the answer names a version that differs from every known version."""
        known = (self.validator, *self.others)
        return self.begun and all(found.contradicts(one) for one in known)


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """An accepted answer: its body holds bytes [start, end) of the file."""

    start: int
    end: int
    ranges: bool
    """The server proved that it serves ranges."""
    validator: Validator


def check_response(
    wanted: RangeRequest, status: int, headers: Mapping[str, str], *, now: float
) -> Body:
    """Return which bytes the body holds, or raise a FetchTrouble if it is not the file.

    `headers` must be case-insensitive. `now` is in unix seconds, for Retry-After.
    """
    if status in _DEAD:
        raise LinkDead(status)
    # Cloudflare's own 52x codes are 5xx as well: the node cannot reach TorBox's storage.
    if status == 429 or status >= 500:  # noqa: PLR2004 - HTTP's own numbers
        raise ServerBusy(status, retry_after(headers.get("Retry-After", ""), now))
    match status:
        case 200:
            _check_kind(wanted, headers)
            return _whole(wanted, headers)
        case 206:
            _check_kind(wanted, headers)
            return _part(wanted, headers)
        case 416:
            raise _unsatisfied(wanted, headers)
        case _:
            raise WrongContent(f"the CDN answered {status}")


def looks_like_error(name: str, beginning: bytes) -> bool:
    """Return whether the first bytes of a file called `name` are those of an error page."""
    return not _is_text(name) and _ERROR_BODY.match(beginning) is not None


def retry_after(value: str, now: float) -> float | None:
    """Read a Retry-After header, seconds or a date, as seconds from now; None if it says nothing."""
    if value.strip().isdecimal():
        return float(value)
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - now)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _is_text(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in _TEXT


def _check_kind(wanted: RangeRequest, headers: Mapping[str, str]) -> None:
    if headers.get("Content-Encoding", "identity").strip().lower() not in {"", "identity"}:
        raise WrongContent("the CDN sent the file compressed, unasked")
    kind = headers.get("Content-Type", "").strip()
    if _ERROR_TYPE.match(kind) and not _is_text(wanted.name):
        raise WrongContent(f"the CDN sent {kind.split(';')[0]} in place of the file")


def _whole(wanted: RangeRequest, headers: Mapping[str, str]) -> Body:
    _check_length(headers, wanted.size)
    validator = _validator(headers)
    # A 200 to a range request means that the server ignored the range, or that If-Range failed.
    if wanted.whole or not wanted.begun:
        return Body(start=0, end=wanted.size, ranges=False, validator=validator)
    if wanted.contradicted_by(validator):
        raise EtagChanged(validator.etag)
    raise StartOver("the CDN does not serve ranges", ranges=False)


def _part(wanted: RangeRequest, headers: Mapping[str, str]) -> Body:
    found = _RANGE.fullmatch(headers.get("Content-Range", "").strip())
    if wanted.whole or found is None:
        raise WrongContent("the CDN sent a part that was not asked for")
    first, last, total = map(int, found.groups())
    if total != wanted.size:
        raise WrongContent(f"the CDN has {total} bytes, TorBox lists {wanted.size}")
    if first != wanted.start or not first <= last < wanted.end:
        raise WrongContent("the CDN sent another part than was asked for")
    _check_length(headers, last + 1 - first)
    validator = _validator(headers)
    if wanted.contradicted_by(validator):
        raise EtagChanged(validator.etag)
    return Body(start=first, end=last + 1, ranges=True, validator=validator)


def _unsatisfied(wanted: RangeRequest, headers: Mapping[str, str]) -> WrongContent | StartOver:
    found = _UNSATISFIED.fullmatch(headers.get("Content-Range", "").strip())
    if found is not None and int(found[1]) != wanted.size:
        return WrongContent(f"the CDN has {found[1]} bytes, TorBox lists {wanted.size}")
    return StartOver("the CDN refused the range", ranges=False)


def _check_length(headers: Mapping[str, str], expected: int) -> None:
    # Chunked answers have no length; their end is checked when the body has been read.
    length = headers.get("Content-Length", str(expected)).strip()
    if length != str(expected):
        raise WrongContent(f"the CDN sends {length[:20]} bytes, {expected} are due")


def _validator(headers: Mapping[str, str]) -> Validator:
    return Validator(headers.get("ETag", ""), headers.get("Last-Modified", ""))
