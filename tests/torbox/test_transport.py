"""One request to TorBox and its answer, over a real socket."""

import asyncio
import gzip
import inspect
import re
import socket
import time
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import format_datetime

import aiohttp
import pytest
from aiohttp import client_exceptions

from bridge.torbox.budgets import Budgets, CallClass
from bridge.torbox.envelope import FALLBACK_WAIT
from bridge.torbox.errors import (
    BadToken,
    Down,
    NeedsUser,
    NoEndpoint,
    NotFound,
    PlanRestricted,
    RateLimited,
    ServerError,
    TorBoxError,
    Unreachable,
)
from bridge.torbox.transport import Request, Transport, translate
from tests.torbox.scripted import EMPTY, HANG, KEY, Held, Scripted, envelope, http

NOW = 1_800_000_000.0
GET = Request(call_class=CallClass.LIST, path="/things")
LINK = Request(call_class=CallClass.LINK, path="/torrents/requestdl", key_in_query=True)
ACCOUNT = Request(call_class=CallClass.LIST, path="/torrents/mylist", about_account=True)
ADD = Request(call_class=CallClass.CREATE, method="POST", path="/torrents/createtorrent")
DATE = format_datetime(datetime.fromtimestamp(NOW, UTC), usegmt=True)


@pytest.fixture(name="transport")
async def _transport(session: aiohttp.ClientSession, script: Scripted) -> Transport:
    return make_transport(session, script.url)


def make_transport(
    session: aiohttp.ClientSession,
    url: str,
    key: Callable[[], str] | str = KEY,
    *,
    timeout: float = 5.0,
) -> Transport:
    """Make a transport whose clock stands still."""
    return Transport(
        session,
        base_url=url,
        api_key=key,
        timeout=timeout,
        budgets=Budgets(),
        clock=lambda: NOW,
    )


async def test_a_request_says_who_asks(transport: Transport, script: Scripted) -> None:
    """Every request has our User-Agent and the key as bearer, below /v1/api."""
    script.answers = [envelope()]
    await transport.call(GET)
    (seen,) = script.seen
    assert seen.path == "/v1/api/things"
    assert re.fullmatch(r"torbox-bridge(/\d+\.\d+\.\d+\S*)?", seen.headers["user-agent"])
    assert seen.headers["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize("end", ["", "/", "/v1/api", "/v1/api/"])
async def test_the_address_may_end_as_it_likes(
    session: aiohttp.ClientSession, script: Scripted, end: str
) -> None:
    """A slash or the API's own path at the end of the address does no harm."""
    script.answers = [envelope()]
    await make_transport(session, script.url + end).call(GET)
    assert script.seen[0].path == "/v1/api/things"


async def test_a_link_has_the_key_in_its_query_only(transport: Transport, script: Scripted) -> None:
    """A request for a link carries the key as `token`, the way TorBox wants it."""
    script.answers = [envelope()]
    await transport.call(LINK)
    assert script.seen[0].query == {"token": KEY}
    assert "authorization" not in script.seen[0].headers


async def test_a_changed_key_is_taken_up(session: aiohttp.ClientSession, script: Scripted) -> None:
    """A key that is a function is asked for at every call, and stripped of white space."""
    keys = ["first\n", " second"]
    transport = make_transport(session, script.url, lambda: keys.pop(0))
    script.answers = [envelope(), envelope()]
    await transport.call(GET)
    await transport.call(GET)
    assert [seen.headers["authorization"] for seen in script.seen] == [
        "Bearer first",
        "Bearer second",
    ]


@pytest.mark.parametrize("key", ["", "  ", "two\r\nlines"])
async def test_an_unusable_key_is_not_sent(
    session: aiohttp.ClientSession, script: Scripted, key: str
) -> None:
    """Without a key that can be sent nothing is, and the user is told."""
    with pytest.raises(BadToken):
        await make_transport(session, script.url, key).call(GET)
    assert script.seen == []


CUT_HEAD = b"HTTP/1.1 200 OK\r\nContent-Le"
CUT_BODY = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{"
NOT_HTTP = b"SSH-2.0-OpenSSH_9.2\r\n\r\n"
BAD_CHUNK = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"
BAD_GZIP = http(b"this is not gzip", Content_Encoding="gzip")
REDIRECT = http(b"", status=307, Location="http://127.0.0.1:1/elsewhere")
LARGE = envelope("x" * 2_000_000)
BOMB = http(gzip.compress(b" " * 8_000_000), Content_Encoding="gzip")


@pytest.mark.parametrize("request_", [GET, LINK], ids=["list", "link"])
@pytest.mark.parametrize(
    ("answer", "kind", "unclear"),
    [
        (b"", Unreachable, True),
        (HANG, Unreachable, True),
        (CUT_HEAD, Unreachable, True),
        (CUT_BODY, Unreachable, True),
        (NOT_HTTP, ServerError, True),
        (BAD_CHUNK, TorBoxError, True),
        (BAD_GZIP, TorBoxError, True),
        (LARGE, ServerError, True),
        (BOMB, ServerError, True),
        (REDIRECT, ServerError, False),
        (http(b"<html>Bad gateway</html>", status=502), ServerError, True),
        (http(b""), ServerError, True),
    ],
    ids=[
        "closed",
        "hang",
        "head",
        "body",
        "ssh",
        "chunk",
        "gzip",
        "large",
        "bomb",
        "307",
        "502",
        "void",
    ],
)
async def test_every_broken_answer_is_an_error_of_ours(
    session: aiohttp.ClientSession,
    script: Scripted,
    request_: Request,
    answer: bytes,
    kind: type[TorBoxError],
    unclear: bool,
) -> None:
    """Whatever the socket brings, only our errors come out, and none of them knows the key."""
    transport = make_transport(session, script.url, timeout=1.0 if answer is HANG else 5.0)
    script.answers = [answer]
    with pytest.raises(TorBoxError) as caught:
        await transport.call(request_)
    assert isinstance(caught.value, kind)
    assert caught.value.unclear is unclear
    assert KEY not in "".join(traceback.format_exception(caught.value))


async def test_what_takes_time_gets_it(session: aiohttp.ClientSession, script: Scripted) -> None:
    """A call that TorBox itself takes its time over may last so much longer, and no more."""
    transport = make_transport(session, script.url, timeout=1.0)
    script.answers = [HANG]
    began = time.monotonic()
    with pytest.raises(Unreachable, match="in time"):
        await transport.call(Request(call_class=CallClass.LIST, path="/slow", more_seconds=0.15))
    assert 0.3 < time.monotonic() - began < 2.0


async def test_nobody_there(session: aiohttp.ClientSession) -> None:
    """Without a connection nothing can have happened, and the call is not counted."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        transport = make_transport(session, f"http://127.0.0.1:{taken.getsockname()[1]}")
        for _ in range(70):
            with pytest.raises(Unreachable, match="could not connect") as caught:
                await transport.call(ADD)
            assert not caught.value.unclear
    assert transport.budgets.ready_at(CallClass.CREATE, NOW) == NOW


@pytest.mark.parametrize("url", ["not a url", "ftp://127.0.0.1", "http://"])
async def test_no_address(session: aiohttp.ClientSession, url: str) -> None:
    """An address that is none fails the call, not the downloads."""
    with pytest.raises(NoEndpoint) as caught:
        await make_transport(session, url).call(LINK)
    assert not caught.value.unclear
    assert KEY not in "".join(traceback.format_exception(caught.value))


NEWER = {"UploadAbortedError"}
"""Classes that the oldest aiohttp we run with does not have; taken for the worst."""


def foreign() -> list[type[aiohttp.ClientError]]:
    """Collect aiohttp's client exceptions but those of websockets, which are not used."""
    return [
        kind
        for name, kind in inspect.getmembers(client_exceptions, inspect.isclass)
        if issubclass(kind, aiohttp.ClientError) and not name.startswith("WS")
    ]


@pytest.mark.parametrize("kind", foreign())
def test_every_exception_of_aiohttp_is_known(kind: type[aiohttp.ClientError]) -> None:
    """A class that aiohttp adds fails here until somebody decides whether it is unclear."""
    sentence = translate(kind.__new__(kind)).detail
    general = kind is aiohttp.ClientError or kind.__name__ in NEWER
    assert ("the call to TorBox failed" in sentence) is general
    assert kind.__name__ in sentence


UNSENT = (
    aiohttp.ClientConnectorError,
    aiohttp.ClientHttpProxyError,
    aiohttp.ConnectionTimeoutError,
    aiohttp.InvalidURL,
    aiohttp.NonHttpUrlClientError,
    aiohttp.ServerFingerprintMismatch,
)


@pytest.mark.parametrize("kind", [*foreign(), TimeoutError, OSError, ConnectionResetError])
def test_only_what_was_never_sent_is_clear(kind: type[Exception]) -> None:
    """Unless the request cannot have left us, it may have had its effect."""
    assert translate(kind.__new__(kind)).unclear is not issubclass(kind, UNSENT)


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"Retry_After": "7"}, 7.0),
        ({"Retry_After": "7.5", "x_ratelimit_reset": "99"}, 7.5),
        ({"Retry_After": "0"}, 1.0),
        ({"Retry_After": "999999"}, 7200.0),
        ({"Retry_After": "soon"}, FALLBACK_WAIT),
        (
            {"Retry_After": format_datetime(datetime.fromtimestamp(NOW + 30, UTC), usegmt=True)},
            30.0,
        ),
        ({"x_ratelimit_reset": str(int(NOW) + 40)}, 40.0),
        ({"x_ratelimit_reset": f"{NOW + 40.25:.6f}"}, 40.25),
        ({"x_ratelimit_reset": "40"}, 40.0),
        ({"x_ratelimit_reset": str(int(NOW) - 40)}, 1.0),
        ({}, FALLBACK_WAIT),
    ],
    ids=str,
)
@pytest.mark.parametrize("body", [b'{"detail":"300 per 1 minute"}', b"rate limit exceeded", b""])
async def test_a_429_is_obeyed(
    transport: Transport, script: Scripted, headers: dict[str, str], wait: float, body: bytes
) -> None:
    """After a 429 nothing of its kind is sent until the time that it named is over."""
    script.answers = [http(body, status=429, Date=DATE, **headers)]
    for _ in range(2):
        with pytest.raises(RateLimited) as caught:
            await transport.call(GET)
        assert caught.value.retry_after == pytest.approx(wait)
    assert len(script.seen) == 1
    assert transport.budgets.ready_at(CallClass.LINK, NOW) == NOW


@pytest.mark.parametrize(
    ("remaining", "reset", "wait"),
    [("0", f"{NOW + 20:.6f}", 20.0), ("0", "20", 20.0), ("1", "20", 0.0), ("0", "", 0.0)],
)
async def test_the_last_call_allowed_is_the_last(
    transport: Transport, script: Scripted, remaining: str, reset: str, wait: float
) -> None:
    """When the headers of a good answer say that nothing is left, the next call waits."""
    script.answers = [envelope(Date=DATE, x_ratelimit_remaining=remaining, x_ratelimit_reset=reset)]
    await transport.call(GET)
    assert transport.budgets.ready_at(GET.call_class, NOW) == pytest.approx(NOW + wait)


async def test_a_reset_goes_by_torboxs_clock(transport: Transport, script: Scripted) -> None:
    """A reset given as a time is right although our clock is an hour behind."""
    ahead = format_datetime(datetime.fromtimestamp(NOW + 3600, UTC), usegmt=True)
    reset = str(int(NOW) + 3600 + 15)
    script.answers = [http(b"", status=429, Date=ahead, x_ratelimit_reset=reset)]
    with pytest.raises(RateLimited) as caught:
        await transport.call(GET)
    assert caught.value.retry_after == pytest.approx(15.0)
    assert transport.offset_seconds == pytest.approx(3600.0)


async def test_an_unreadable_date_changes_nothing(transport: Transport, script: Scripted) -> None:
    """The clock is compared only with a date."""
    script.answers = [envelope(Date="yesterday"), envelope()]
    await transport.call(GET)
    await transport.call(GET)
    assert transport.offset_seconds == 0.0


HOURLY = http(b'{"detail":"60 per 1 hour"}', status=429)


@pytest.mark.parametrize(
    ("answer", "cached", "cached_wait", "other_wait"),
    [
        (HOURLY, False, 0.0, FALLBACK_WAIT),
        (http(b"", status=429, x_ratelimit_limit="60"), False, 0.0, FALLBACK_WAIT),
        (http(b"", status=429, x_ratelimit_limit="300"), False, FALLBACK_WAIT, FALLBACK_WAIT),
        (http(b"", status=429), False, FALLBACK_WAIT, FALLBACK_WAIT),
        (HOURLY, True, FALLBACK_WAIT, FALLBACK_WAIT),
    ],
    ids=["text", "limit", "other limit", "bare", "of a cached add"],
)
async def test_the_hours_429_leaves_cached_adds_alone(
    transport: Transport,
    script: Scripted,
    answer: bytes,
    cached: bool,
    cached_wait: float,
    other_wait: float,
) -> None:
    """Only the limit that TorBox named is kept to, unless it struck a cached add itself."""
    script.answers = [answer]
    with pytest.raises(RateLimited):
        await transport.call(
            Request(call_class=CallClass.CREATE, method="POST", path="/add", cached=cached)
        )
    assert transport.budgets.ready_at(CallClass.CREATE, NOW, cached=True) == NOW + cached_wait
    assert transport.budgets.ready_at(CallClass.CREATE, NOW, cached=False) == NOW + other_wait


@pytest.mark.parametrize(("answer", "left"), [(http(b"", status=429), 150), (HOURLY, 300)])
async def test_adds_are_slower_after_a_429(
    transport: Transport, script: Scripted, answer: bytes, left: int
) -> None:
    """A 429 that is not the hour's halves the rate of adds when the wait is over."""
    script.answers = [answer]
    with pytest.raises(RateLimited):
        await transport.call(ADD)
    assert transport.budgets.left(CallClass.CREATE, NOW + FALLBACK_WAIT) == left


@pytest.mark.parametrize(
    "answer",
    [
        envelope(status=400, success=False, error="CREATE_RATE_LIMIT_EXCEEDED", Retry_After="5"),
        envelope(status=500, success=False, error="RATE_LIMIT", Retry_After="5"),
        envelope(status=200, success=False, error="too_many_requests", Retry_After="5"),
    ],
)
async def test_a_rate_limit_by_its_code_is_one(
    transport: Transport, script: Scripted, answer: bytes
) -> None:
    """A code that speaks of a rate limit is obeyed like a 429, whatever the status."""
    script.answers = [answer]
    with pytest.raises(RateLimited):
        await transport.call(ADD)
    assert transport.budgets.ready_at(CallClass.CREATE, NOW) == NOW + 5


async def test_a_call_that_hangs_beside_others_is_no_outage(
    session: aiohttp.ClientSession, script: Scripted
) -> None:
    """A create without an answer says nothing about TorBox as long as it answers other calls."""
    transport = make_transport(session, script.url, timeout=1.0)
    script.answers = [HANG, envelope()]

    async def meanwhile() -> None:
        await script.asked.wait()
        await transport.call(GET)

    first, _ = await asyncio.gather(transport.call(ADD), meanwhile(), return_exceptions=True)
    assert isinstance(first, Unreachable)
    assert not first.outage
    assert first.unclear

    script.answers = [HANG]
    with pytest.raises(Unreachable) as caught:
        await transport.call(ADD)
    assert caught.value.outage


async def test_the_gateway_beside_an_answer_is_no_outage(
    session: aiohttp.ClientSession, script: Scripted
) -> None:
    """A 502 to one call is TorBox's trouble with that call if another was answered meanwhile."""
    transport = make_transport(session, script.url)
    go_on = asyncio.Event()
    script.answers = [Held(http(b"<html>", status=502), go_on), envelope()]

    async def meanwhile() -> None:
        await script.asked.wait()
        await transport.call(GET)
        go_on.set()

    first, _ = await asyncio.gather(transport.call(ADD), meanwhile(), return_exceptions=True)
    assert isinstance(first, Down)
    assert not first.outage
    script.answers = [http(b"<html>", status=502)]
    with pytest.raises(Down) as caught:
        await transport.call(ADD)
    assert caught.value.outage


@pytest.mark.parametrize("status", [401, 403])
async def test_a_bare_403_speaks_of_the_key_only_to_account_calls(
    transport: Transport, script: Scripted, status: int
) -> None:
    """A firewall's refusal of one add does not stop everything as a rejected key does."""
    script.answers = [http(b'{"detail":"Forbidden"}', status=status)] * 2
    with pytest.raises(ServerError):
        await transport.call(ADD)
    with pytest.raises(BadToken):
        await transport.call(ACCOUNT)


async def test_a_plan_restricts_the_item_or_the_account(
    transport: Transport, script: Scripted
) -> None:
    """The same code stops an add alone, or every call when it comes to the account itself."""
    answer = envelope(status=403, success=False, error="PLAN_RESTRICTED_FEATURE")
    script.answers = [answer] * 2
    with pytest.raises(PlanRestricted):
        await transport.call(ADD)
    with pytest.raises(NeedsUser):
        await transport.call(ACCOUNT)


JUNK = [
    "9" * 4300,
    "-" + "9" * 4300,
    "1e999999",
    "nan",
    "inf",
    "0x10",
    "٣",
    "\x1b[31m",
    "-5",
    "1,5",
]


@pytest.mark.parametrize(
    "name", ["Retry_After", "x_ratelimit_reset", "x_ratelimit_remaining", "Date"]
)
@pytest.mark.parametrize("junk", JUNK)
async def test_junk_in_headers_is_bounded(
    transport: Transport, script: Scripted, name: str, junk: str
) -> None:
    """Whatever a header says, the wait is between a second and two hours."""
    script.answers = [http(b"", status=429, **{name: junk.encode().decode("latin-1")})]
    with pytest.raises(RateLimited) as caught:
        await transport.call(GET)
    assert 1.0 <= caught.value.retry_after <= 7200.0


async def test_a_cooldown_holds_up_adds(transport: Transport, script: Scripted) -> None:
    """After COOLDOWN_LIMIT no add is sent before its time."""
    until = {"cooldown_until": datetime.fromtimestamp(NOW + 60, UTC).isoformat()}
    script.answers = [envelope(until, status=400, success=False, error="COOLDOWN_LIMIT", Date=DATE)]
    with pytest.raises(TorBoxError):
        await transport.call(ADD)
    with pytest.raises(RateLimited) as caught:
        await transport.call(ADD)
    assert caught.value.retry_after == pytest.approx(60.0)
    assert len(script.seen) == 1


async def test_empty_is_an_error_unless_it_is_expected(
    transport: Transport, script: Scripted
) -> None:
    """The 404 that is a success passes only where a list may be empty."""
    script.answers = [EMPTY, EMPTY]
    assert (await transport.call(GET, empty_ok=True)).empty
    with pytest.raises(NotFound):
        await transport.call(GET)


async def test_the_key_is_in_no_text(transport: Transport, script: Scripted) -> None:
    """An answer that echoes the request's address does not bring the key into the error."""
    detail = f"no file at http://127.0.0.1/v1/api/torrents/requestdl?token={KEY}, key {KEY}"
    script.answers = [envelope(status=500, success=False, error="UNKNOWN_ERROR", detail=detail)]
    with pytest.raises(ServerError) as caught:
        await transport.call(LINK)
    assert KEY not in "".join(traceback.format_exception(caught.value))
    assert KEY not in repr(caught.value)
    assert KEY not in repr(LINK)


async def test_a_sessions_own_strictness_does_not_matter(script: Scripted) -> None:
    """A session that raises on error statuses still lets us read what TorBox says."""
    async with aiohttp.ClientSession(raise_for_status=True) as session:
        script.answers = [envelope(status=403, success=False, error="BAD_TOKEN")]
        with pytest.raises(BadToken):
            await make_transport(session, script.url).call(LINK)
