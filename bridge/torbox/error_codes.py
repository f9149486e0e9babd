"""Which error an answer of TorBox means.

By TorBox's documentation a code that ends in ERROR is TorBox's fault and any other the caller's, but
limits come as HTTP 500 and refusals as HTTP 200, too. So known codes go first, then known sentences
(older answers carry no code), then the rule, then the status. In doubt the call may work later.
"""

import re
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
    PlanRestricted,
    RateLimited,
    Refused,
    ServerError,
    TorBoxError,
    WaitForSlot,
)

LONGEST_COOLDOWN: Final = 86_400.0
"""Seconds. TorBox's longest is a day; whatever it says beyond that, we ask again after a day."""

_SERVER_ERRORS = HTTPStatus.INTERNAL_SERVER_ERROR
_NOBODY_THERE: Final = frozenset({502, 503, 504, *range(520, 531)})
"""Statuses of the gateway in front of TorBox; from 520 on they are Cloudflare's own."""

_BY_CODE: Final[Mapping[str, type[TorBoxError]]] = {
    "ACTIVE_LIMIT": WaitForSlot,
    "AIRLOCK_LIMIT_REACHED": Refused,
    "BAD_CONFIRMATION": Refused,
    "BAD_TOKEN": BadToken,
    "CONFIRMATION_EXPIRED": Refused,
    "DIFF_ISSUE": Refused,
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
    "maximum queued": WaitForSlot,
    "monthly download limit": NeedsUser,
    "private torrent downloading is currently disabled": Refused,
}
_ALREADY: Final = re.compile(
    r"already (?:been |is |was )?(?:queued|added|exists?|present|in (?:the |your )?(?:queue|list|account))"
    r"|(?:queued|added|exists|in (?:the |your )?(?:queue|list|account)) already",
    re.IGNORECASE,
)
"""TorBox's sentences for a torrent that is on the account or in its queue. Their codes differ:
DUPLICATE_ITEM, DIFF_ISSUE, UNKNOWN_ERROR or none."""


def error_for(answer: Answer, now: float) -> TorBoxError | None:
    """Return the error that an answer means; None if TorBox did what was asked."""
    if answer.ok:
        return None
    # A 429 has no envelope and comes as JSON, as plain text or as HTML: only the status counts.
    if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
        return _rate_limited(answer)
    if answer.success is None:
        return _without_envelope(answer)
    return _by_code(answer, now) or _by_sentence(answer, now) or _by_rule(answer)


def says_already_there(answer: Answer) -> bool:
    """Return whether what may look like a refusal says that TorBox has the torrent already.

    "Maximum queued" in the same sentence means that the queue is full.
    """
    if answer.success is None or _queue_is_full(answer):
        return False
    return answer.code == "DUPLICATE_ITEM" or bool(_ALREADY.search(answer.detail))


def server_error(answer: Answer, detail: str = "") -> ServerError:
    """Return the error that blames TorBox. Unclear, unless the status says it had no effect."""
    code, said, status = _said(answer)
    # Cloudflare answers for TorBox with HTML while TorBox is down.
    if status in _NOBODY_THERE and not answer.json:
        sentence = "TorBox is down, says the gateway in front of it"
        down = Down("", sentence, status, unclear=True)
        down.outage = not answer.others_answered
        return down
    return ServerError(code, detail or said, status, unclear=not _by_caller(status))


def _by_caller(status: int) -> bool:
    """Return whether a status says that the request was turned down before it took effect."""
    timeout = HTTPStatus.REQUEST_TIMEOUT
    return HTTPStatus.MULTIPLE_CHOICES <= status < _SERVER_ERRORS and status != timeout


def _said(answer: Answer) -> tuple[str, str, int]:
    return answer.code, answer.detail or "TorBox gave no reason", answer.status


def _queue_is_full(answer: Answer) -> bool:
    return "maximum queued" in answer.detail.lower()


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
            return _forbidden(answer)
        case HTTPStatus.NOT_FOUND | HTTPStatus.METHOD_NOT_ALLOWED:
            return NoEndpoint(*_said(answer))
        case status if status < HTTPStatus.BAD_REQUEST:
            return server_error(answer)
        case _:
            return Refused(*_said(answer))


def _forbidden(answer: Answer) -> TorBoxError:
    """A 401 or 403 without a code speaks of the key only where nothing else can be forbidden.

    Firewalls answer like that to single calls: if the key is bad, the next list says so.
    """
    return BadToken(*_said(answer)) if answer.about_account else server_error(answer)


def _by_code(answer: Answer, now: float) -> TorBoxError | None:
    match answer.code:
        case "COOLDOWN_LIMIT":
            return Cooldown(*_said(answer), until=_cooldown_until(answer, now))
        case code if "RATE_LIMIT" in code or code in {"SLOW_DOWN", "TOO_MANY_REQUESTS"}:
            return _rate_limited(answer)
        # DIFF_ISSUE covers any state that does not permit the request; only the sentence tells
        # which.
        case "DIFF_ISSUE" if _queue_is_full(answer):
            return WaitForSlot(*_said(answer))
        case "PLAN_RESTRICTED_FEATURE":
            # On a create it concerns the item: a plan may allow what is cached and nothing else.
            account = answer.about_account or "api access" in answer.detail.lower()
            return (NeedsUser if account else PlanRestricted)(*_said(answer))
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
    # Older answers to a full account: 200, success:false, no code, and the limit in `data`.
    if "active_limit" in answer.fields():
        return WaitForSlot(*_said(answer))
    return None


def _by_rule(answer: Answer) -> TorBoxError:
    """Decide by the form of the code and by the status; in doubt it may work later."""
    # An unknown code with a 5xx may be a new name for a failure of TorBox's.
    if answer.code.endswith("ERROR") or answer.status >= _SERVER_ERRORS:
        return server_error(answer)
    match answer.status:
        case HTTPStatus.UNAUTHORIZED | HTTPStatus.FORBIDDEN if not answer.code:
            return _forbidden(answer)
        case HTTPStatus.UNAUTHORIZED | HTTPStatus.FORBIDDEN:
            return (NeedsUser if answer.about_account else PlanRestricted)(*_said(answer))
        case HTTPStatus.NOT_FOUND:
            return NotFound(*_said(answer))
        case HTTPStatus.REQUEST_TIMEOUT:
            return server_error(answer)
        case status if answer.code or _by_caller(status):
            return Refused(*_said(answer))
        case _:
            return server_error(answer)


def _cooldown_until(answer: Answer, now: float) -> float:
    """Return when the next add may be made, by TorBox's own clock if it tells the time."""
    data = answer.fields()
    until = json_values.parse_timestamp(data.get("cooldown_until"))
    if until is None:
        return now + FALLBACK_WAIT
    wait = until - (json_values.parse_timestamp(data.get("current_time")) or now)
    return now + min(max(1.0, wait), LONGEST_COOLDOWN)
