"""The replies of the API: their content types, headers and errors, and whose version they name.

As in qBittorrent, texts are `text/plain; charset=UTF-8`, JSON is compact and has no charset, and an
action without a result is 200 with an empty text.
"""

from collections.abc import AsyncIterator
from http import HTTPStatus
from types import MappingProxyType

import msgspec
from aiohttp import web

from bridge.core.status import State

TEXT = "text/plain; charset=UTF-8"
JSON = "application/json"
LARGE = 64 * 1024
"""Bytes of a reply from which on a copy costs more than sending it in two pieces."""

SECURITY_HEADERS = MappingProxyType(
    {
        "cache-control": "no-store",
        "content-security-policy": (
            "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
            "script-src 'self' 'unsafe-inline'; object-src 'none'; form-action 'self'; "
            "frame-ancestors 'self';"
        ),
        "referrer-policy": "same-origin",
        "x-content-type-options": "nosniff",
        "x-frame-options": "SAMEORIGIN",
        "x-xss-protection": "1; mode=block",
    }
)


class HttpError(Exception):
    """Ends a request with an error status. Only api.py catches it.

    Without a text the reply is the status phrase, as in qBittorrent.
    """

    def __init__(self, status: HTTPStatus, text: str = "") -> None:
        super().__init__(text or status.phrase)
        self.status = status
        self.text = text or status.phrase


def raise_conflict(reason: str | None) -> None:
    """Refuse a request with 409 and the reason, if there is one."""
    if reason is not None:
        raise HttpError(HTTPStatus.CONFLICT, reason)


def text_response(body: str, status: HTTPStatus = HTTPStatus.OK) -> web.Response:
    """Return a plain text reply."""
    return web.Response(status=status, body=body.encode("utf-8"), headers={"Content-Type": TEXT})


def reply(result: object) -> web.Response:
    """Return the reply to what a handler returned.

    None is an empty text, and a str a text. Bytes are JSON that is already encoded; an iterator of
    bytes is sent in chunks. Anything else is encoded as JSON.
    """
    body: object = result
    match result:
        case None | str():
            return text_response(result or "")
        case bytes() | bytearray() if len(result) > LARGE:
            return _Large(body=result, headers={"Content-Type": JSON})
        case bytes() | bytearray() | AsyncIterator():
            pass
        case web.Response():
            return result
        case _:
            body = msgspec.json.encode(result)
    return web.Response(body=body, headers={"Content-Type": JSON})


class _Large(web.Response):
    """A large reply. Its headers are sent before it; aiohttp would copy both into one piece."""

    _send_headers_immediately = True


async def add_security_headers(_request: web.Request, response: web.StreamResponse) -> None:
    """Add qBittorrent's security headers, and remove `Server`, which names aiohttp's version.

    Replies stay out of caches, since they name what the user downloads. A header that the reply has
    already, such as a stricter policy or the caching of a file of the page, stays.
    """
    for name, value in SECURITY_HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers.popall("Server", None)


class Profile(msgspec.Struct, frozen=True):
    """The version numbers of a real qBittorrent, and which names and fields it uses.

    The API version has three parts, because .NET orders `2.11` below `2.11.0`.
    """

    app_version: str
    api_version: str
    fields_of_5: bool
    """`stopped` instead of `paused`, and the fields and preferences that 5.x added."""

    def state(self, state: State) -> str:
        """Return the name of a state in this version."""
        return _STOPPED.get(state, state.value) if self.fields_of_5 else state.value


_STOPPED = {State.PAUSED_UP: "stoppedUP", State.PAUSED_DL: "stoppedDL"}

PROFILES = MappingProxyType(
    {
        "4.6": Profile("v4.6.7", "2.9.3", fields_of_5=False),
        "5.1": Profile("v5.1.4", "2.11.4", fields_of_5=True),
    }
)
"""By the value of the setting. Every *arr understands 4.6; Readarr does not know `stoppedUP`."""
