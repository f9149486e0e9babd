"""Answers before they meet a socket."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import msgspec

from bridge.simulator.refusals import Refusal

NO_HEADERS: Mapping[str, str] = MappingProxyType({})
JSON = "application/json"


class Envelope(msgspec.Struct, frozen=True):
    """What TorBox wraps nearly every answer in."""

    success: bool
    error: str | bool | None
    detail: str
    data: object


@dataclass(frozen=True, slots=True)
class Reply:
    """Status, body and headers. `body` is bytes as they are, or something to be written as JSON."""

    status: int
    body: object
    content_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    """Real seconds to wait before answering."""

    def encoded(self) -> bytes:
        """The body's bytes."""
        return self.body if isinstance(self.body, bytes) else msgspec.json.encode(self.body)

    @property
    def outcome(self) -> str:
        """One word for the log."""
        if isinstance(self.body, Envelope) and self.body.error:
            return str(self.body.error)
        return "ok" if self.status < 400 else str(self.status)  # noqa: PLR2004 - HTTP's own


def ok(detail: str, data: object = None) -> Reply:
    """A success."""
    return Reply(200, Envelope(True, None, detail, data))


def refused(refusal: Refusal) -> Reply:
    """A refusal in its envelope."""
    envelope = Envelope(refusal.success, refusal.code, refusal.detail, refusal.data)
    return Reply(refusal.status, envelope)


def unprocessable(where: str, name: str, message: str, kind: str) -> Reply:
    """FastAPI's 422 for a missing or bad parameter: no envelope."""
    problem = {"loc": [where, name], "msg": message, "type": kind}
    return Reply(422, {"detail": [problem]})


def rate_limited(shape: str, detail: str, headers: Mapping[str, str] = NO_HEADERS) -> Reply:
    """A 429 in one of its shapes: json, text or envelope."""
    if shape == "text":
        return Reply(429, b"rate limit exceeded", "text/plain", headers)
    if shape == "envelope":
        return Reply(429, Envelope(False, "RATE_LIMIT", detail, None), headers=headers)
    return Reply(429, {"detail": detail}, headers=headers)
