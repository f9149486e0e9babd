"""The envelope of TorBox's answers, as far as it can be parsed.

TorBox wraps its answers in `{"success", "error", "detail", "data"}`. Its gateway (Cloudflare) and its
framework (FastAPI) do not, and neither can be trusted to send JSON.
"""

import re
from http import HTTPStatus
from typing import Final

import msgspec
from msgspec.structs import replace

from bridge.torbox import json_values, tolerant_json
from bridge.torbox.tolerant_json import BrokenJsonError

FALLBACK_WAIT: Final = 120.0
"""Seconds to wait after a 429 that does not say how long, as that of the hourly limit."""

_CODE = re.compile(r"\w+", re.ASCII)
_URL = re.compile(r"\b([a-z][a-z0-9+.-]{1,20}://)([^\s/?#\"'<>]*)([^\s\"'<>]*)", re.IGNORECASE)
_MAGNET = re.compile(r"\bmagnet:\?[^\s\"'<>]*", re.IGNORECASE)
_TOKEN = re.compile(r"\b(token|api_?key|passkey)=[^\s&\"']+", re.IGNORECASE)
_LONGEST_DETAIL = 300
_SCRUBBED = 4 * _LONGEST_DETAIL
"""Characters that are looked at: a detail may be as long as the answer."""


def _null() -> msgspec.Raw:
    return msgspec.Raw(b"null")


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """An answer of TorBox, as far as it could be parsed."""

    status: int
    body: bytes = b""
    json: bool = False
    """The body is a JSON object."""
    success: bool | None = None
    """None if there is no envelope."""
    code: str = ""
    """Upper case; empty if there is none."""
    detail: str = ""
    data: msgspec.Raw = msgspec.field(default_factory=_null)
    retry_after: float = FALLBACK_WAIT
    """Seconds, from the headers; means something only if the call was refused."""
    used_up: float = 0.0
    """Seconds until more calls of this class are allowed, from the headers of a call that was."""
    sent_at: float = 0.0
    """When the request was counted by the budgets."""
    hourly: bool = False
    """The headers or the text name the hourly limit of uncached adds."""
    about_account: bool = True
    """The call was about the account as a whole, so a refusal is, too; not about one item."""
    others_answered: bool = False
    """TorBox answered another call after this one was sent."""

    @property
    def ok(self) -> bool:
        """Whether TorBox did what was asked."""
        return self.success is True and self.status < HTTPStatus.MULTIPLE_CHOICES

    @property
    def empty(self) -> bool:
        """Whether there is nothing to list, which TorBox says by a 404 that is a success."""
        return (
            self.success is True
            and self.status == HTTPStatus.NOT_FOUND
            and self.code == "ITEM_NOT_FOUND"
        )

    def fields(self) -> dict[str, object]:
        """Return `data` if it is a JSON object, otherwise {}."""
        return tolerant_json.parse_object(self.data)


def parse(
    status: int,
    body: bytes,
    *,
    secret: str = "",
    retry_after: float = FALLBACK_WAIT,
    hourly: bool = False,
    used_up: float = 0.0,
    sent_at: float = 0.0,
    about_account: bool = True,
) -> Answer:
    """Parse an answer, whatever it is. `secret` is removed from the texts."""
    answer = Answer(
        status=status,
        body=body,
        retry_after=retry_after,
        hourly=hourly or b"per 1 hour" in body[:_LONGEST_DETAIL],
        used_up=used_up,
        sent_at=sent_at,
        about_account=about_account,
    )
    try:
        members = tolerant_json.members(body)
    except BrokenJsonError:
        return replace(answer, detail="TorBox's answer is not what its API sends")
    success, error, sentence = (
        tolerant_json.parse_value(members.get(name, b"null"))
        for name in ("success", "error", "detail")
    )
    code, detail = _code_and_detail(error, sentence)
    return replace(
        answer,
        json=True,
        success=None if success is None else json_values.parse_flag(success),
        code=code,
        detail=scrub(detail, secret),
        data=members.get("data") or _null(),
    )


def _code_and_detail(error: object, sentence: object) -> tuple[str, str]:
    """Return the code and the sentence: older answers have the sentence in `error`."""
    code, detail = json_values.parse_text(error).strip(), _sentence(sentence)
    if _CODE.fullmatch(code):
        return code.upper(), detail
    return "", detail or code


def _sentence(detail: object) -> str:
    """Return `detail` as text; FastAPI's 422 has a list of validation errors there."""
    if not isinstance(detail, list):
        return json_values.parse_text(detail)
    errors = (entry for entry in detail if isinstance(entry, dict))
    return "; ".join(
        f"{_last(entry.get('loc'))}: {json_values.parse_text(entry.get('msg'))}" for entry in errors
    )


def _last(location: object) -> str:
    found = json_values.parse_text(location[-1]) if isinstance(location, list) and location else ""
    return found or "request"


def scrub(text: str, secret: str = "") -> str:
    """Return a text of TorBox's that may be logged: one short printable line without secrets.

    Of a URL only scheme and host remain: private trackers have the user's passkey in the path.
    """
    text = text[:_SCRUBBED]
    if secret:
        text = text.replace(secret, "***")
    text = _MAGNET.sub("magnet:?***", _URL.sub(_without_path, text))
    text = _TOKEN.sub(r"\1=***", text)
    # Escape sequences would reach the terminal of whoever reads the log.
    printable = "".join(char if char.isprintable() else " " for char in text)
    return " ".join(printable.split())[:_LONGEST_DETAIL]


def _without_path(url: re.Match[str]) -> str:
    scheme, host, rest = url.groups()
    host = host.rpartition("@")[2]
    return f"{scheme}{host}/***" if rest.strip("/.,;:!)") else f"{scheme}{host}{rest}"
