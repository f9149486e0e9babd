"""What replies look like, and how parameters are read.

Texts are `text/plain; charset=UTF-8`, JSON is compact without a charset label, an answer without
data is 200 with no text. A parameter that cannot be read raises `HttpError`; only api.py catches it.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from types import MappingProxyType

from aiohttp import web

TEXT = "text/plain; charset=UTF-8"
JSON = "application/json"

SECURITY_HEADERS = MappingProxyType(
    {
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
    """A request that is answered with an error status. Without a text, the status names itself."""

    def __init__(self, status: HTTPStatus, text: str = "") -> None:
        super().__init__(text or status.phrase)
        self.status = status
        self.text = text or status.phrase


@dataclass(frozen=True, slots=True)
class Upload:
    """A file of a multipart body."""

    filename: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Params:
    """The parameters of a request, from its query or from its body, never from both."""

    fields: Mapping[str, str]
    uploads: tuple[Upload, ...] = ()

    def get(self, name: str) -> str | None:
        """Read a parameter as it came; None when it did not."""
        return self.fields.get(name)

    def text(self, name: str) -> str:
        """Read a parameter; "" when absent."""
        return self.fields.get(name, "")

    def require(self, name: str) -> str:
        """Read a parameter that may be empty but not absent (400)."""
        value = self.fields.get(name)
        if value is None:
            raise HttpError(HTTPStatus.BAD_REQUEST)
        return value

    def flag(self, name: str) -> bool | None:
        """Read a boolean. *arr send `True`, tools `true` or `1`; anything else counts as unset."""
        return _FLAGS.get(self.text(name).strip().lower())

    def integer(self, name: str) -> int | None:
        """Read an integer; None when absent or not one."""
        try:
            return int(self.text(name))
        except ValueError:
            return None

    def number(self, name: str) -> float | None:
        """Read a finite number; None when absent or not one."""
        try:
            value = float(self.text(name))
        except ValueError:
            return None
        return value if math.isfinite(value) else None

    def items(self, name: str, separator: str) -> tuple[str, ...]:
        """Read a list: parts trimmed, empty ones dropped."""
        parts = (part.strip() for part in self.text(name).split(separator))
        return tuple(part for part in parts if part)


_FLAGS = {"true": True, "1": True, "false": False, "0": False}


def text(body: str, status: HTTPStatus = HTTPStatus.OK) -> web.Response:
    """Reply with plain text."""
    return web.Response(status=status, body=body.encode("utf-8"), headers={"Content-Type": TEXT})


def done() -> web.Response:
    """Reply that it was done; there is nothing to tell."""
    return text("")


def json(body: bytes) -> web.Response:
    """Reply with JSON that is encoded already."""
    return web.Response(body=body, headers={"Content-Type": JSON})


async def dress(_request: web.Request, response: web.StreamResponse) -> None:
    """Send the headers that qBittorrent sends, and none that tells what really answers.

    What an answer says itself, a stricter policy say, stays.
    """
    for name, value in SECURITY_HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers.popall("Server", None)
