"""Which error an answer of TorBox means.

By its documents a code ending in ERROR is TorBox's
fault and any other the caller's, but limits come as HTTP 500 and refusals as HTTP 200 as well. So
known codes go first, then known sentences (older answers carry no code), the rule, the status.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from bridge.core.model import Reason
from bridge.torbox import json_values
from bridge.torbox.envelope import FALLBACK_WAIT, Answer
from bridge.torbox.errors import (
    BadToken,
    Cooldown,
    Down,
    NeedsUser,
    NoEndpoint,
    NotFound,
    RateLimited,
    Refused,
    ServerError,
    TorBoxError,
    WaitForSlot,
)

_SERVER_ERRORS = HTTPStatus.INTERNAL_SERVER_ERROR
_GATEWAY: Final = frozenset(
    {
        HTTPStatus.REQUEST_TIMEOUT,
        HTTPStatus.BAD_GATEWAY,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
    }
)

_NOBODY_THERE: Final = frozenset({502, 503, 504, *range(520, 531)})
"""What the gateway in front of TorBox answers in its place; from 520 on they are Cloudflare's own."""

_BY_CODE: Final[Mapping[str, type[TorBoxError]]] = {
    "ACTIVE_LIMIT": WaitForSlot,
    "AIRLOCK_LIMIT_REACHED": Refused,
    "BAD_CONFIRMATION": Refused,
    "BAD_TOKEN": BadToken,
    "CONFIRMATION_EXPIRED": Refused,
    "DUPLICATE_ITEM": Refused,
    "ENDPOINT_NOT_FOUND": NoEndpoint,
    "INVALID_DEVICE": NeedsUser,
    "INVALID_HASH": Refused,
    "INVALID_OPTION": Refused,
    "ITEM_NOT_FOUND": NotFound,
    "LINK_OFFLINE": Refused,
    "MISSING_REQUIRED_OPTION": Refused,
    "MONTHLY_LIMIT": NeedsUser,
    "NAME_TOO_LONG": Refused,
    "NAME_TOO_SHORT": Refused,
    "NO_AUTH": BadToken,
    "NO_CHANGES": Refused,
    "NOT_OWNER": NotFound,
    "PLAN_RESTRICTED_FEATURE": NeedsUser,
    "TOO_MANY_OPTIONS": Refused,
    "UNSUPPORTED_SITE": Refused,
    "VENDOR_DISABLED": NeedsUser,
}
_REASONS: Final = {
    "DOWNLOAD_TOO_LARGE": Reason.TOO_LARGE,
    "TOO_MUCH_DATA": Reason.TOO_LARGE,
    "DOWNLOAD_NOT_CACHED": Reason.NOT_CACHED,
}
_BY_SENTENCE: Final[Mapping[str, type[TorBoxError]]] = {
    "active download limit": WaitForSlot,
    "queued downloads limit": WaitForSlot,
    "monthly download limit": NeedsUser,
    "private torrent downloading is currently disabled": Refused,
}


def error_for(answer: Answer, now: float) -> TorBoxError | None:
    """Tell which error an answer means; None when TorBox did what was asked."""
    if answer.ok:
        return None
    if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
        return _rate_limited(answer)
    if answer.success is None:
        return _without_envelope(answer)
    return _by_code(answer, now) or _by_sentence(answer, now) or _by_rule(answer)


def server_error(answer: Answer, detail: str = "") -> ServerError:
    """Blame TorBox for an answer. Unclear, unless it was refused as the caller's fault."""
    code, said, status = _said(answer)
    if status in _NOBODY_THERE and not answer.json:
        return Down("", "TorBox is down, says the gateway in front of it", status, unclear=True)
    return ServerError(code, detail or said, status, unclear=not _by_caller(status))


def _by_caller(status: int) -> bool:
    """Tell whether a status says that the request was turned down before it had an effect."""
    timeout = HTTPStatus.REQUEST_TIMEOUT
    return HTTPStatus.MULTIPLE_CHOICES <= status < _SERVER_ERRORS and status != timeout


def _said(answer: Answer) -> tuple[str, str, int]:
    return answer.code, answer.detail or "TorBox gave no reason", answer.status


def _rate_limited(answer: Answer) -> RateLimited:
    detail = answer.detail if answer.json else ""
    return RateLimited(
        answer.code, detail or "too many calls", answer.status, retry_after=answer.retry_after
    )


def _without_envelope(answer: Answer) -> TorBoxError:
    if not answer.json or not _by_caller(answer.status):
        return server_error(answer)
    match answer.status:
        case HTTPStatus.UNAUTHORIZED | HTTPStatus.FORBIDDEN:
            return BadToken(*_said(answer))
        case HTTPStatus.NOT_FOUND | HTTPStatus.METHOD_NOT_ALLOWED:
            return NoEndpoint(*_said(answer))
        case status if status < HTTPStatus.BAD_REQUEST:
            return server_error(answer)
        case _:
            return Refused(*_said(answer))


def _by_code(answer: Answer, now: float) -> TorBoxError | None:
    match answer.code:
        case "COOLDOWN_LIMIT":
            return Cooldown(*_said(answer), until=_cooldown_until(answer, now))
        case "RATE_LIMIT" | "SLOW_DOWN":
            return _rate_limited(answer)
        case "DIFF_ISSUE":
            full = "queue" in answer.detail.lower()
            return (WaitForSlot if full else Refused)(*_said(answer))
        case code if code in _REASONS:
            return Refused(*_said(answer), reason=_REASONS[code])
        case code if code.startswith("BOZO_"):
            return Refused(*_said(answer), reason=Reason.INVALID)
        case code:
            known = _BY_CODE.get(code)
            return known(*_said(answer)) if known else None


def _by_sentence(answer: Answer, now: float) -> TorBoxError | None:
    sentence = answer.detail.lower()
    for words, kind in _BY_SENTENCE.items():
        if words in sentence:
            return kind(*_said(answer))
    if "cooldown until" in sentence:
        return Cooldown(*_said(answer), until=_cooldown_until(answer, now))
    if "active_limit" in answer.fields():
        return WaitForSlot(*_said(answer))
    return None


def _by_rule(answer: Answer) -> TorBoxError:
    """Judge by the form of the code and by the status; in doubt it may work later."""
    if answer.code.endswith("ERROR") or answer.status in _GATEWAY:
        return server_error(answer)
    match answer.status:
        case HTTPStatus.UNAUTHORIZED | HTTPStatus.FORBIDDEN:
            return NeedsUser(*_said(answer)) if answer.code else BadToken(*_said(answer))
        case HTTPStatus.NOT_FOUND:
            return NotFound(*_said(answer))
        case status if answer.code or _by_caller(status):
            return Refused(*_said(answer))
        case _:
            return server_error(answer)


def _cooldown_until(answer: Answer, now: float) -> float:
    """Read when the next add may be made, by TorBox's own clock where it tells the time."""
    data = answer.fields()
    until = json_values.parse_timestamp(data.get("cooldown_until"))
    if until is None:
        return now + FALLBACK_WAIT
    return now + max(1.0, until - (json_values.parse_timestamp(data.get("current_time")) or now))
