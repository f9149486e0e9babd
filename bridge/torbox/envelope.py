"""An answer of TorBox, as far as it can be read.

TorBox wraps its answers in `{"success", "error", "detail", "data"}`; its gateway and its framework
do not, and neither may be trusted to send JSON.
"""

import re
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Final

import msgspec

from bridge.torbox import json_values

FALLBACK_WAIT: Final = 120.0
"""Seconds to wait after a refusal that does not say how long; the hourly limit's 429 is one."""
UNREADABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What msgspec raises on bytes that are not the JSON that was hoped for."""

_CODE = re.compile(r"\w+", re.ASCII)
_QUERY = re.compile(r"(https?://[^\s?\"']+)\?[^\s\"']*")
_TOKEN = re.compile(r"\b(token|api_?key)=[^\s&\"']+", re.IGNORECASE)
_LONGEST_DETAIL = 300


def _null() -> msgspec.Raw:
    return msgspec.Raw(b"null")


def fields(raw: msgspec.Raw) -> dict[str, object]:
    """Read a JSON object; anything else is read as an empty one."""
    try:
        return msgspec.json.decode(raw, type=dict[str, object])
    except UNREADABLE:
        return {}


class _Envelope(msgspec.Struct):
    success: object = None
    error: object = None
    detail: object = None
    data: msgspec.Raw = msgspec.field(default_factory=_null)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer of TorBox, as far as it could be read."""

    status: int
    body: bytes = b""
    json: bool = False
    """The body is a JSON object."""
    success: bool | None = None
    """None when there is no envelope."""
    code: str = ""
    """Upper case; empty when there is none."""
    detail: str = ""
    data: msgspec.Raw = field(default_factory=_null)
    retry_after: float = FALLBACK_WAIT
    """Seconds, from the headers; means something only when the call was refused."""
    used_up: float = 0.0
    """Seconds until more calls of this kind are allowed, from the headers of a call that was."""
    sent_at: float = 0.0
    """When the request was counted by the budgets."""
    hourly: bool = False
    """The headers or the text name the hourly limit of uncached adds."""

    @property
    def ok(self) -> bool:
        """TorBox did what was asked."""
        return self.success is True and self.status < HTTPStatus.MULTIPLE_CHOICES

    @property
    def empty(self) -> bool:
        """There is nothing to list, which TorBox says with a 404 that is a success."""
        return (
            self.success is True
            and self.status == HTTPStatus.NOT_FOUND
            and self.code == "ITEM_NOT_FOUND"
        )

    def fields(self) -> dict[str, object]:
        """Give `data` when it is a JSON object, otherwise nothing."""
        return fields(self.data)


def parse(
    status: int,
    body: bytes,
    *,
    secret: str = "",
    retry_after: float = FALLBACK_WAIT,
    hourly: bool = False,
    used_up: float = 0.0,
    sent_at: float = 0.0,
) -> Answer:
    """Read an answer, whatever it is. `secret` is taken out of the texts."""
    answer = Answer(
        status=status,
        body=body,
        retry_after=retry_after,
        hourly=hourly or b"per 1 hour" in body[:_LONGEST_DETAIL],
        used_up=used_up,
        sent_at=sent_at,
    )
    try:
        envelope = msgspec.json.decode(body, type=_Envelope)
    except UNREADABLE:
        return replace(answer, detail="TorBox's answer is not what its API sends")
    code, detail = _code_and_detail(envelope)
    return replace(
        answer,
        json=True,
        success=None if envelope.success is None else json_values.parse_flag(envelope.success),
        code=code,
        detail=scrub(detail, secret),
        data=envelope.data,
    )


def _code_and_detail(envelope: _Envelope) -> tuple[str, str]:
    """Tell code and sentence apart: older answers have the sentence in `error`."""
    error, detail = json_values.parse_text(envelope.error).strip(), _sentence(envelope.detail)
    if _CODE.fullmatch(error):
        return error.upper(), detail
    return "", detail or error


def _sentence(detail: object) -> str:
    """Read `detail`; the framework's own refusals (422) have a list of complaints there."""
    if not isinstance(detail, list):
        return json_values.parse_text(detail)
    complaints = (entry for entry in detail if isinstance(entry, dict))
    return "; ".join(
        f"{_last(entry.get('loc'))}: {json_values.parse_text(entry.get('msg'))}"
        for entry in complaints
    )


def _last(location: object) -> str:
    return (
        json_values.parse_text(location[-1])
        if isinstance(location, list) and location
        else "request"
    )


def scrub(text: str, secret: str = "") -> str:
    """Make a text of TorBox's fit to be shown: one short line, no key, no query of a link."""
    if secret:
        text = text.replace(secret, "***")
    text = _TOKEN.sub(r"\1=***", _QUERY.sub(r"\1?***", text))
    return " ".join(text.split())[:_LONGEST_DETAIL]
