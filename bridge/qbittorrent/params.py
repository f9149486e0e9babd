"""Request parameters: reading them within limits, and converting them.

A GET has its parameters in the query, a POST in its body only: urlencoded, or multipart, which the
*arr use as soon as one field is longer than 1024 bytes. Everything is bounded before it is read: the
whole body by its Content-Length, then bytes, fields and headers while they arrive. Too much is 413,
too slow 408, anything that is not UTF-8 or not a form 400.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from http import HTTPStatus
from types import MappingProxyType
from typing import Final
from urllib.parse import unquote_to_bytes

import msgspec
from aiohttp import BodyPartReader, MultipartReader, web
from aiohttp.http import HttpProcessingError

from bridge.qbittorrent.responses import HttpError

CHUNK: Final = 64 * 1024
OFF_LOOP_BYTES: Final = 64 * 1024
"""A longer form is decoded in a thread: 4 MiB of %-escapes take half a second."""
SHORT_QUERY: Final = 200
"""Characters: of a query that may well come again, and cannot have more fields than allowed."""
_DECODER: Final = ThreadPoolExecutor(1, thread_name_prefix="forms")
"""One thread for all, so that many long forms at once do not slow everything else down."""
UNQUOTE_BYTES: Final = 16 * 1024
LARGEST_INTEGER: Final = 2**63 - 1
"""What SQLite takes, and qBittorrent. More digits are no number to it."""
PART_HEADERS: Final = 8
"""Headers of one multipart part. Clients send two."""
PART_OVERHEAD: Final = 1024
"""Bytes that the boundary and the headers of one part may take."""

_NAME = re.compile(r'(?:^|[;\s])name="([^"]*)"|(?:^|[;\s])name=([^;\s]+)', re.IGNORECASE)
_FILENAME = re.compile(r'\bfilename\*?="([^"]*)"|\bfilename\*?=([^;\s]*)', re.IGNORECASE)
_FLAGS = MappingProxyType({"true": True, "1": True, "false": False, "0": False})


class BodyLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Limits on the body of a request: its size, its fields, the time it takes to arrive."""

    text: int = 4 * 1024 * 1024
    """Bytes of all text fields together."""
    uploads: int = 100 * 1024 * 1024
    """Bytes of all .torrent files together."""
    fields: int = 1000
    """Text fields and files together."""
    seconds: float = 120.0

    @property
    def whole_body(self) -> int:
        """Return the largest Content-Length, in bytes."""
        overhead = PART_OVERHEAD * min(self.fields, 1000)
        return self.text + self.uploads + (overhead if self.uploads else 0)


LIMITS: Final = BodyLimits()
"""For requests with a session."""
ANONYMOUS_LIMITS: Final = BodyLimits(text=16 * 1024, uploads=0, fields=20, seconds=10.0)
"""For requests without a session: a login is two short fields."""


class Upload(msgspec.Struct, frozen=True):
    """A file of a multipart body."""

    filename: str
    data: bytes


class Params(msgspec.Struct, frozen=True):
    """The parameters of a request, from its query or from its body, never from both."""

    fields: Mapping[str, str]
    uploads: tuple[Upload, ...] = ()

    def get(self, name: str) -> str | None:
        """Return a parameter as it was sent; None when it was not."""
        return self.fields.get(name)

    def text(self, name: str) -> str:
        """Return a parameter; "" when it was not sent."""
        return self.fields.get(name, "")

    def require(self, name: str) -> str:
        """Return a parameter that may be empty but must be there.

        Raises:
            HttpError: 400, it was not sent.
        """
        value = self.fields.get(name)
        if value is None:
            raise HttpError(HTTPStatus.BAD_REQUEST)
        return value

    def flag(self, name: str) -> bool | None:
        """Return a boolean. *arr send `True`, tools `true` or `1`; anything else counts as not sent."""
        return _FLAGS.get(self.text(name).strip().lower())

    def integer(self, name: str) -> int | None:
        """Return an integer of 64 bits; None when it was not sent or is not one."""
        try:
            value = int(self.text(name))
        except ValueError:
            return None
        return value if abs(value) <= LARGEST_INTEGER else None

    def number(self, name: str) -> float | None:
        """Return a number within 64 bits; None when it was not sent or is not one."""
        try:
            value = float(self.text(name))
        except ValueError:
            return None
        # Not a number is in no order, so it fails the comparison.
        return value if abs(value) < LARGEST_INTEGER else None

    def items(self, name: str, separator: str, *, at_most: int | None = None) -> tuple[str, ...]:
        """Return the parts of a list, trimmed, without empty ones.

        Raises:
            HttpError: 400, there are more than `at_most`.
        """
        given = self.text(name)
        if at_most is not None and given.count(separator) >= at_most:
            raise HttpError(HTTPStatus.BAD_REQUEST, f"'{name}': at most {at_most} in one request")
        parts = (part.strip() for part in given.split(separator))
        return tuple(part for part in parts if part)


class _Allowance:
    """Counts down what is left of a limit."""

    def __init__(self, limit: int) -> None:
        self._left = limit

    def spend(self, count: int) -> None:
        """Take `count` off; raise 413 when less was left."""
        self._left -= count
        if self._left < 0:
            raise HttpError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)


async def read_params(request: web.Request, limits: BodyLimits) -> Params:
    """Read the parameters of a request.

    Raises:
        HttpError: 400 (the body is not a form, or not UTF-8), 408 (it arrives too slowly), 413
            (it is too large).
    """
    if (request.content_length or 0) > limits.whole_body:
        raise HttpError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    try:
        if request.method != "POST":
            query = request.raw_path.partition("?")[2]
            if len(query) <= SHORT_QUERY:
                return _short_query(query)
            return Params(await _decode(query.encode("utf-8", "surrogateescape"), limits))
        async with asyncio.timeout(limits.seconds):
            return await _read_body(request, limits)
    except TimeoutError as error:
        raise HttpError(HTTPStatus.REQUEST_TIMEOUT) from error
    except (ValueError, HttpProcessingError) as error:  # codecs, and aiohttp on bad multipart
        raise HttpError(HTTPStatus.BAD_REQUEST) from error


@lru_cache(maxsize=64)
def _short_query(query: str) -> Params:
    # Cached: every poll sends the same one again.
    return Params(decode_form(query.encode("utf-8", "surrogateescape")))


async def _read_body(request: web.Request, limits: BodyLimits) -> Params:
    match request.content_type:
        case "application/x-www-form-urlencoded":
            chunks = request.content.iter_chunked(CHUNK)
            return Params(await _decode(await _collect(chunks, _Allowance(limits.text)), limits))
        case "multipart/form-data":
            body = MultipartReader(request.headers, request.content, max_headers=PART_HEADERS)
            return await _multipart(body, limits)
        case _ if await request.content.readany():
            raise HttpError(HTTPStatus.BAD_REQUEST)
        case _:
            return Params({})


async def _decode(raw: bytes, limits: BodyLimits) -> dict[str, str]:
    # Counting separators is cheap; decoding a million fields blocks everything else for a second.
    if raw.count(b"&") >= limits.fields:
        raise HttpError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    if len(raw) > OFF_LOOP_BYTES:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(_DECODER, decode_form, raw)
    return decode_form(raw)


def decode_form(raw: bytes) -> dict[str, str]:
    """Decode `a=b&c=d`. When a name comes twice the last value counts, as in qBittorrent.

    Raises:
        ValueError: it is not UTF-8, or holds a NUL.
    """
    found: dict[str, str] = {}
    for pair in filter(None, raw.split(b"&")):
        name, _, value = pair.partition(b"=")
        found[_unquote(name)] = _without_nul(_unquote(value))
    return found


def _unquote(raw: bytes) -> str:
    """Decode plus signs and %-escapes.

    Piece by piece, because `unquote_to_bytes` takes 80 bytes of memory for each escape.
    """
    plain = raw.replace(b"+", b" ")
    if b"%" not in plain:
        return plain.decode("utf-8")
    pieces, start = [], 0
    while start < len(plain):
        end = min(start + UNQUOTE_BYTES, len(plain))
        # An escape is three bytes long and stays in one piece.
        cut = plain.rfind(b"%", max(end - 2, start), end)
        end = cut if cut > start and end < len(plain) else end
        pieces.append(unquote_to_bytes(plain[start:end]))
        start = end
    return b"".join(pieces).decode("utf-8")


def _without_nul(value: str) -> str:
    if "\0" in value:
        raise ValueError("a NUL in a parameter")
    return value


async def _multipart(body: MultipartReader, limits: BodyLimits) -> Params:
    fields: dict[str, str] = {}
    uploads: list[Upload] = []
    text_left, uploads_left = _Allowance(limits.text), _Allowance(limits.uploads)
    # An empty part costs its sender 8 bytes and us 30 µs, so parts are counted, not only bytes.
    parts_left = _Allowance(limits.fields)
    while (part := await body.next()) is not None:
        parts_left.spend(1)
        if not isinstance(part, BodyPartReader):
            raise ValueError("a multipart in a multipart")  # noqa: TRY004 - the client's mistake
        text_left.spend(sum(len(name) + len(value) for name, value in part.headers.items()))
        disposition = part.headers.get("Content-Disposition", "")
        filename = _FILENAME.search(disposition)
        if filename is None:
            value = await _collect(_chunks(part), text_left)
            fields[_field_name(disposition)] = _without_nul(value.decode("utf-8"))
        elif (data := await _collect(_chunks(part), uploads_left)) or _group(filename):
            # A form whose file was not chosen sends neither name nor bytes.
            uploads.append(Upload(_group(filename), data))
    return Params(fields, tuple(uploads))


def _field_name(disposition: str) -> str:
    found = _NAME.search(disposition)
    return _group(found) if found is not None else ""


def _group(found: re.Match[str]) -> str:
    raw = found.group(1) or found.group(2) or ""
    return raw.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


async def _chunks(part: BodyPartReader) -> AsyncIterator[bytes]:
    while chunk := await part.read_chunk(CHUNK):
        yield chunk


async def _collect(chunks: AsyncIterator[bytes], left: _Allowance) -> bytes:
    held = bytearray()
    async for chunk in chunks:
        left.spend(len(chunk))
        held += chunk
    return bytes(held)
