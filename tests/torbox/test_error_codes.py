"""Which error an answer of TorBox means."""

import msgspec
import pytest

from bridge.core.model import Reason
from bridge.torbox.envelope import FALLBACK_WAIT, Answer, parse
from bridge.torbox.error_codes import error_for
from bridge.torbox.errors import (
    BadToken,
    Cooldown,
    Down,
    NeedsUser,
    NoEndpoint,
    NotFound,
    RateLimited,
    Refused,
    Retryable,
    ServerError,
    TorBoxError,
    WaitForSlot,
)

NOW = 1_800_000_000.0

CODES: dict[str, type[TorBoxError]] = {
    "ACTIVE_LIMIT": WaitForSlot,
    "AIRLOCK_LIMIT_REACHED": Refused,
    "AUTH_ERROR": ServerError,
    "BAD_CONFIRMATION": Refused,
    "BAD_TOKEN": BadToken,
    "BOZO_FILE": Refused,
    "BOZO_NZB": Refused,
    "BOZO_REGEX": Refused,
    "BOZO_RSS_FEED": Refused,
    "BOZO_TORRENT": Refused,
    "CONFIRMATION_EXPIRED": Refused,
    "COOLDOWN_LIMIT": Cooldown,
    "DATABASE_ERROR": ServerError,
    "DOWNLOAD_NOT_CACHED": Refused,
    "DOWNLOAD_SERVER_ERROR": ServerError,
    "DOWNLOAD_TOO_LARGE": Refused,
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
    "NO_SERVERS_AVAILABLE_ERROR": ServerError,
    "OAUTH_VERIFICATION_ERROR": ServerError,
    "PLAN_RESTRICTED_FEATURE": NeedsUser,
    "RATE_LIMIT": RateLimited,
    "HOURLY_RATE_LIMIT_REACHED": RateLimited,
    "REDIRECT_ERROR": ServerError,
    "SEARCH_ERROR": ServerError,
    "SELLIX_ERROR": ServerError,
    "SLOW_DOWN": RateLimited,
    "TOO_MANY_OPTIONS": Refused,
    "TOO_MUCH_DATA": Refused,
    "UNKNOWN_ERROR": ServerError,
    "UNSUPPORTED_SITE": Refused,
    "VENDOR_DISABLED": NeedsUser,
    "A_NEW_ERROR": ServerError,
    "A_NEW_REFUSAL": Refused,
}


def told(
    code: object = None,
    detail: object = "",
    *,
    status: int = 400,
    data: object = None,
    success: object = False,
) -> Answer:
    """Make the answer that TorBox's envelope with these fields is read as."""
    body = {"success": success, "error": code, "detail": detail, "data": data}
    return parse(status, msgspec.json.encode(body))


def judged(answer: Answer) -> TorBoxError:
    """Return the error that an answer means; there has to be one."""
    error = error_for(answer, NOW)
    assert error is not None
    return error


@pytest.mark.parametrize("status", [200, 400, 500])
@pytest.mark.parametrize(("code", "kind"), CODES.items(), ids=CODES)
def test_every_code_means_one_kind(code: str, kind: type[TorBoxError], status: int) -> None:
    """A known code means the same under any status: limits come as 500 and refusals as 200."""
    if (code, status) == ("A_NEW_REFUSAL", 500):
        kind = ServerError  # an unknown code with a 5xx is TorBox's fault, see the next test
    error = judged(told(code, "A sentence.", status=status))
    assert type(error) is kind
    assert (error.code, error.detail, error.status) == (code, "A sentence.", status)
    assert type(judged(told(code.lower(), status=status))) is kind


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("DOWNLOAD_TOO_LARGE", Reason.TOO_LARGE),
        ("TOO_MUCH_DATA", Reason.TOO_LARGE),
        ("BOZO_TORRENT", Reason.INVALID),
        ("BOZO_FILE", Reason.INVALID),
        ("DOWNLOAD_NOT_CACHED", Reason.NOT_CACHED),
        ("A_NEW_REFUSAL", Reason.REFUSED),
    ],
)
def test_a_refusal_says_why(code: str, reason: Reason) -> None:
    """A refusal carries the reason that the download fails with."""
    error = judged(told(code))
    assert isinstance(error, Refused)
    assert error.reason is reason


@pytest.mark.parametrize(
    ("code", "detail", "kind"),
    [
        ("DIFF_ISSUE", "You have reached the maximum queued downloads limit.", WaitForSlot),
        ("DIFF_ISSUE", "Those options do not go together.", Refused),
        ("DIFF_ISSUE", "Download already queued.", Refused),
        ("DIFF_ISSUE", "Already in the queue: you have reached the maximum queued.", WaitForSlot),
        ("NOT_OWNER", "Item not found or you do not have permission.", NotFound),
        ("NOT_OWNER", "You are not the owner of this torrent.", NotFound),
        (None, "You have reached your active download limit of 3.", WaitForSlot),
        ("You have reached your active download limit of 3.", None, WaitForSlot),
        ("UNKNOWN_ERROR", "You have reached your active download limit of 3.", WaitForSlot),
        (None, "You have reached the maximum queued downloads limit of 1000.", WaitForSlot),
        (None, "You have reached your monthly download limit.", NeedsUser),
        (None, "You have a cooldown until 2027-01-15.", Cooldown),
        (None, "Private torrent downloading is currently disabled.", Refused),
        ("UNKNOWN_ERROR", "Private torrent downloading is currently disabled.", Refused),
    ],
)
def test_sentences_tell_what_codes_do_not(
    code: str | None, detail: str | None, kind: type[TorBoxError]
) -> None:
    """Older answers have no code, or the sentence in its place."""
    assert type(judged(told(code, detail))) is kind


def test_the_older_form_of_a_full_account() -> None:
    """A 200 that is no success and names the active limit is a wait for a slot."""
    data = {"active_limit": 3, "current_active_downloads": 3}
    assert type(judged(told(status=200, data=data))) is WaitForSlot


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        (None, 200, ServerError),
        (None, 400, Refused),
        (None, 401, BadToken),
        (None, 403, BadToken),
        ("A_NEW_REFUSAL", 403, NeedsUser),
        ("A_NEW_REFUSAL", 500, ServerError),
        ("A_NEW_REFUSAL", 599, ServerError),
        ("A_NEW_REFUSAL", 499, Refused),
        ("AUTH_ERROR", 403, ServerError),
        (None, 404, NotFound),
        (None, 408, ServerError),
        (None, 500, ServerError),
        ("A_NEW_REFUSAL", 503, ServerError),
        (False, 500, ServerError),
        ("ACTIVE_LIMIT", 429, RateLimited),
    ],
)
def test_the_status_decides_last(code: str | None, status: int, kind: type[TorBoxError]) -> None:
    """Without a known code or sentence the status tells, and in doubt it may work later."""
    assert type(judged(told(code, status=status))) is kind


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (422, b'{"detail":[{"loc":["query","torrent_id"],"msg":"field required"}]}', Refused),
        (429, b'{"detail":"60 per 1 hour"}', RateLimited),
        (429, b"rate limit exceeded", RateLimited),
        (404, b'{"detail":"Not Found"}', NoEndpoint),
        (405, b'{"detail":"Method Not Allowed"}', NoEndpoint),
        (403, b'{"detail":"Not authenticated"}', BadToken),
        (302, b"{}", ServerError),
        (403, b"<html>blocked</html>", ServerError),
        (404, b"<html>not here</html>", ServerError),
        (502, b"<html>Bad gateway</html>", Down),
        (521, b"error code: 521", Down),
        (200, b"<html>ok</html>", ServerError),
        (200, b"", ServerError),
        (200, b"[]", ServerError),
        (200, b'{"success": tru', ServerError),
        (200, b"\xff\xfe", ServerError),
        (200, b'{"data":' + b"[" * 100_000, ServerError),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_is_no_envelope(status: int, body: bytes, kind: type[TorBoxError]) -> None:
    """The gateway's and the framework's own answers are understood; nothing is taken for data."""
    assert type(judged(parse(status, body))) is kind


@pytest.mark.parametrize(
    ("answer", "unclear"),
    [
        (parse(502, b"<html>"), True),
        (parse(200, b"<html>"), True),
        (parse(408, b"{}"), True),
        (parse(403, b"<html>"), False),
        (parse(302, b""), False),
        (told("DATABASE_ERROR", status=500), True),
        (told("DOWNLOAD_SERVER_ERROR", status=400), False),
        (told(status=200), True),
        (told("ACTIVE_LIMIT", status=500), False),
        (parse(429, b""), False),
    ],
)
def test_unclear_means_it_may_have_happened(answer: Answer, unclear: bool) -> None:
    """A refusal had no effect; a failure on TorBox's side may have had one."""
    assert judged(answer).unclear is unclear


def test_success_is_no_error() -> None:
    """Only a success with a good status passes, whatever stands in `error`."""
    assert error_for(told(False, success=True, status=200), NOW) is None
    assert error_for(told(success="true", status=200), NOW) is None
    assert judged(told("ITEM_NOT_FOUND", success=True, status=404)).code == "ITEM_NOT_FOUND"


@pytest.mark.parametrize(
    ("data", "wait"),
    [
        ({"cooldown_until": "2027-01-15T08:05:00Z"}, 300.0),
        (
            {
                "cooldown_until": "2027-01-15T09:00:30Z",
                "current_time": "2027-01-15T09:00:00.000000+00:00",
            },
            30.0,
        ),
        ({"cooldown_until": "2020-01-01T00:00:00Z"}, 1.0),
        (None, FALLBACK_WAIT),
    ],
)
def test_a_cooldown_goes_by_torboxs_clock(data: object, wait: float) -> None:
    """The pause is what TorBox says it is by its own clock, and never nothing."""
    error = judged(told("COOLDOWN_LIMIT", data=data))
    assert isinstance(error, Cooldown)
    assert error.until == NOW + wait


def test_a_cooldown_ends_within_a_day() -> None:
    """A date in the year 9999 does not stop adds for good: a day later we ask again."""
    error = judged(told("COOLDOWN_LIMIT", data={"cooldown_until": "9999-12-31T23:59:59Z"}))
    assert isinstance(error, Cooldown)
    assert error.until == NOW + 86_400


def test_kinds_tell_what_to_do() -> None:
    """What may work later, what the user must do and what is final are apart by type."""
    later: set[type[TorBoxError]] = {kind for kind in CODES.values() if issubclass(kind, Retryable)}
    waits: set[type[TorBoxError]] = {WaitForSlot, Cooldown, RateLimited}
    assert later == {*waits, ServerError, NoEndpoint}
    assert not issubclass(NeedsUser, Retryable)
    assert not issubclass(Refused, Retryable)
    assert issubclass(BadToken, NeedsUser)
