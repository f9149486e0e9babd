"""Reading parameters off the wire.

GET has them in the query, POST in the body only: urlencoded, or multipart as *arr send it as soon
as one field is longer than 1024 bytes. Bodies are counted while they come in, so that too much is
refused (413) before it is held. What is not UTF-8, or not a form, is refused (400).
"""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qsl

from aiohttp import BodyPartReader, MultipartReader, web
from aiohttp.http import HttpProcessingError

from bridge.qbittorrent.http import HttpError, Params, Upload

CHUNK: Final = 64 * 1024

_NAME = re.compile(r'(?:^|[;\s])name="([^"]*)"|(?:^|[;\s])name=([^;\s]+)', re.IGNORECASE)
_FILENAME = re.compile(r'\bfilename\*?="([^"]*)"|\bfilename\*?=([^;\s]*)', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Limits:
    """How many bytes a request may bring: in all its text fields, in all its .torrent files."""

    text: int = 4 * 1024 * 1024
    uploads: int = 100 * 1024 * 1024


STRANGERS: Final = Limits(text=16 * 1024, uploads=0)
"""For who has no session yet."""


class _Allowance:
    """Counts bytes down."""

    def __init__(self, limit: int) -> None:
        self._left = limit

    def spend(self, count: int) -> None:
        """Take so many; refuse (413) when there are not so many left."""
        self._left -= count
        if self._left < 0:
            raise HttpError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)


async def read_params(request: web.Request, limits: Limits) -> Params:
    """Read the parameters of a request.

    Raises:
        HttpError: 400 for a body that is no form or no UTF-8, 413 for one that is too big.
    """
    try:
        return await _read(request, limits)
    except (ValueError, HttpProcessingError) as error:  # codecs, and aiohttp on bad multipart
        raise HttpError(HTTPStatus.BAD_REQUEST) from error


async def _read(request: web.Request, limits: Limits) -> Params:
    if request.method != "POST":
        query = request.raw_path.partition("?")[2]
        return Params(pairs(query.encode("utf-8", "surrogateescape")))
    match request.content_type:
        case "application/x-www-form-urlencoded":
            return Params(
                pairs(await _limited(request.content.iter_chunked(CHUNK), _Allowance(limits.text)))
            )
        case "multipart/form-data":
            return await _multipart(await request.multipart(), limits)
        case _ if await request.content.readany():
            raise HttpError(HTTPStatus.BAD_REQUEST)
        case _:
            return Params({})


def pairs(raw: bytes) -> dict[str, str]:
    """Decode `a=b&c=d`; of a name that comes twice the last value counts, as in qBittorrent.

    Raises:
        ValueError: it is not UTF-8, or holds a NUL.
    """
    found = parse_qsl(raw.decode("utf-8"), keep_blank_values=True, errors="strict")
    return {name: _clean(value) for name, value in found}


def _clean(value: str) -> str:
    if "\0" in value:
        raise ValueError("a NUL in a parameter")
    return value


async def _multipart(body: MultipartReader, limits: Limits) -> Params:
    fields: dict[str, str] = {}
    uploads: list[Upload] = []
    text_left, uploads_left = _Allowance(limits.text), _Allowance(limits.uploads)
    while (part := await body.next()) is not None:
        if not isinstance(part, BodyPartReader):
            raise ValueError("a multipart in a multipart")  # noqa: TRY004 - of the client, not ours
        disposition = part.headers.get("Content-Disposition", "")
        text_left.spend(len(disposition))
        filename = _FILENAME.search(disposition)
        if filename is None:
            value = await _limited(_chunks(part), text_left)
            fields[_field_name(disposition)] = _clean(value.decode("utf-8"))
        elif (data := await _limited(_chunks(part), uploads_left)) or _group(filename):
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


async def _limited(chunks: AsyncIterator[bytes], left: _Allowance) -> bytes:
    held = bytearray()
    async for chunk in chunks:
        left.spend(len(chunk))
        held += chunk
    return bytes(held)
