"""Parsing a request to the API."""

import json
from collections.abc import Iterable, Mapping

import msgspec
from aiohttp import web

from bridge.simulator.faults import Subject
from bridge.simulator.releases import parse_hash, parse_magnet, parse_torrent

ID_NAMES = ("torrent_id", "queued_id", "id")


class Call(msgspec.Struct, frozen=True):
    """A parsed request. `broken` means that the body could not be parsed."""

    endpoint: str
    base_url: str
    query: Mapping[str, object]
    body: Mapping[str, object]
    upload: bytes | None
    path: Mapping[str, str]
    bearer: str | None
    broken: bool = False
    stale: float = 0.0
    """The age, in seconds, that a fault allows a list to have."""

    @property
    def everything(self) -> dict[str, object]:
        """The parameters of path, query and body."""
        return {**self.query, **self.body, **self.path}

    def subject(self) -> Subject:
        """Return the properties that a fault can be aimed at."""
        told = self.everything
        operation = told.get("operation")
        return Subject(
            endpoint=self.endpoint,
            hash=self._hash(),
            id=next((found for name in ID_NAMES if (found := _int(told.get(name)))), None),
            operation=operation if isinstance(operation, str) else None,
        )

    def _hash(self) -> str | None:
        told = self.everything
        if self.upload is not None:
            source = parse_torrent(self.upload)
        else:
            magnet = told.get("magnet")
            source = parse_magnet(magnet) if isinstance(magnet, str) else None
        if source is not None:
            return source.hash
        given = told.get("hash")
        return parse_hash(given) if isinstance(given, str) else None


async def read_call(request: web.Request, endpoint: str) -> Call:
    """Parse a request. Its body may be multipart, urlencoded or JSON."""
    upload, broken = None, False
    body: dict[str, object] = {}
    try:
        if request.content_type == "application/json":
            body = await _json(request)
        elif request.can_read_body:
            body, upload = await _form(request)
    except ValueError:
        broken = True
    return Call(
        endpoint=endpoint,
        base_url=f"{request.scheme}://{request.host}",
        query=_joined(request.query.items()),
        body=body,
        upload=upload,
        path=dict(request.match_info),
        bearer=_bearer(request),
        broken=broken,
    )


def _bearer(request: web.Request) -> str | None:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def _joined(pairs: Iterable[tuple[str, str]]) -> dict[str, object]:
    """Join the values of a repeated name with commas."""
    joined: dict[str, str] = {}
    for name, value in pairs:
        joined[name] = f"{joined[name]},{value}" if name in joined else value
    return {**joined}


async def _json(request: web.Request) -> dict[str, object]:
    found = json.loads(await request.read() or b"{}")
    if not isinstance(found, dict):
        raise ValueError("not an object")  # noqa: TRY004 - one kind for every unreadable body
    return found


async def _form(request: web.Request) -> tuple[dict[str, object], bytes | None]:
    fields: list[tuple[str, str]] = []
    upload = None
    for name, value in (await request.post()).items():
        if isinstance(value, web.FileField):
            upload = value.file.read()
        elif isinstance(value, str):
            fields.append((name, value))
        else:
            upload = bytes(value)
    return _joined(fields), upload


def _int(value: object) -> int | None:
    try:
        return int(value) if isinstance(value, (int, str)) else None
    except ValueError:
        return None
