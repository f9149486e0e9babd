"""Connections that are alive and of no use."""

import asyncio
from contextlib import nullcontext

import aiohttp
import pytest
from aiohttp import web
from msgspec.structs import replace
from yarl import URL

from bridge.delivery.delivery_errors import DeliveryFailed, Interrupted, WrongContent
from bridge.delivery.fetch.cdn_connection import StallDetector, _redirected, open_response
from bridge.delivery.fetch.fetch_settings import KIB, FetchSettings
from tests.support.cdn import Cdn, Served, cut_at_once, honest, slowly, status
from tests.support.delivery import FAST, Room, some_bytes

TRICKLE = slowly(pause=0.03, step=50)
WARY = replace(FAST, slow_bytes_per_second=20 * KIB, slow_seconds=0.1)


@pytest.mark.parametrize(
    ("waits", "slow"),
    [
        ([(0, 0.09)], False),
        ([(0, 0.1)], True),
        ([(2048, 0.1)], False),
        ([(2047, 0.1)], True),
        ([(0, 0.06), (9999, 0.06)], False),
        ([(99999, 0.11), (0, 0.11)], True),
        ([(99999, 0.11), (0, 0.09)], False),
    ],
)
def test_what_counts_as_slow(waits: list[tuple[int, float]], slow: bool) -> None:
    """Each window of waiting is judged by itself, and only by what came in it."""
    pace = StallDetector(replace(WARY, slow_bytes_per_second=20_480))
    assert [pace.too_slow(size, waited) for size, waited in waits][-1] is slow


async def test_a_trickle_is_cut(room: Room) -> None:
    """A connection that trickles is given up, and the next one goes on where it was."""
    served = room.cdn.add(0, some_bytes(100 * KIB), TRICKLE)
    room.delivery = room.build(WARY)
    request = room.request("Movie.mkv")
    await asyncio.wait_for(room.deliver(request), 5)
    assert room.same(request)
    assert len(served.requests) == 2
    assert served.ranges[1] != ""


async def test_a_trickle_that_lasts_is_not_a_failure_at_once(room: Room) -> None:
    """What comes slowly still comes: attempts that bring bytes are not counted."""
    served = room.cdn.add(0, some_bytes(1500))
    served.always = TRICKLE
    room.delivery = room.build(WARY)
    request = room.request("Movie.mkv")
    await room.deliver(request)
    assert room.same(request)
    assert len(served.requests) > FAST.attempts


async def test_our_own_limit_is_no_trickle(room: Room) -> None:
    """A limit that the user set makes no connection look slow."""
    served = room.cdn.add(0, some_bytes(8 * KIB))
    room.delivery = room.build(WARY)
    room.delivery.set_limit(16 * KIB)
    await room.deliver(room.request("Movie.mkv"))
    assert len(served.requests) == 1


async def test_headers_that_never_end(room: Room) -> None:
    """A server that sends its headers drop by drop is left."""

    async def drops(request: web.Request, _: Served) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.write(b"HTTP/1.1 200 OK\r\n")
        for number in range(40):
            request.transport.write(b"X-%d: slow\r\n" % number)
            await asyncio.sleep(0.02)
        return await honest(request, _)

    room.cdn.add(0, some_bytes(1000)).always = drops
    room.delivery = room.build(replace(FAST, answer_timeout=0.1, attempts=2))
    with pytest.raises(DeliveryFailed, match="nothing for too long"):
        await room.deliver(room.request("Movie.mkv"))


async def test_no_error_holds_the_link(room: Room, session: aiohttp.ClientSession) -> None:
    """What goes wrong is told without the address, which carries a token."""
    room.cdn.add(0, b"x").always = cut_at_once
    url = await room.cdn.link(0, fresh=False)
    with pytest.raises(Interrupted) as caught:
        async with open_response(session, url, {}, FAST):
            pass
    assert "secret" not in str(caught.value)
    assert "127.0.0.1" not in str(caught.value)


@pytest.mark.parametrize(
    ("origin", "location", "allowed"),
    [
        ("https://1.1.1.1/a", "https://8.8.8.8/b", True),
        ("https://1.1.1.1/a", "/b?token=x", True),
        ("https://1.1.1.1/a", "//8.8.8.8/b", True),
        ("http://127.0.0.1:1/a", "http://127.0.0.1:2/b", True),
        ("http://192.168.1.2/a", "http://10.0.0.1/b", True),
        ("https://1.1.1.1/a", "http://127.0.0.1/b", False),
        ("https://1.1.1.1/a", "http://169.254.169.254/latest/meta-data", False),
        ("https://1.1.1.1/a", "http://[::1]/b", False),
        ("https://1.1.1.1/a", "http://[::ffff:10.0.0.1]/b", False),
        ("https://1.1.1.1/a", "http://[64:ff9b::7f00:1]/b", False),
        ("https://1.1.1.1/a", "http://localhost/b", False),
        ("https://1.1.1.1/a", "http://2130706433/b", False),
        ("https://1.1.1.1/a", "file:///etc/passwd", False),
        ("https://1.1.1.1/a", "http://[/b", False),
        ("https://1.1.1.1/a", "http:///b", False),
    ],
)
async def test_where_a_redirect_may_lead(origin: str, location: str, *, allowed: bool) -> None:
    """From a public address never to a private one, however it is written."""
    with nullcontext() if allowed else pytest.raises(WrongContent):
        await _redirected(URL(origin), location, FetchSettings())


async def test_redirects_are_followed(cdn: Cdn, session: aiohttp.ClientSession) -> None:
    """A few in a row, with the range; not for ever."""
    away = status(302, Location="/dld/0?token=x")
    served = cdn.add(0, b"0123456789", away, away)
    url = await cdn.link(0, fresh=False)
    async with open_response(session, url, {"Range": "bytes=2-4"}, FAST) as response:
        assert await response.read() == b"234"
    assert served.ranges == ["bytes=2-4"] * 3
    served.always = away
    with pytest.raises(WrongContent, match="too often"):
        async with open_response(session, url, {}, FAST):
            pass
    assert len(served.requests) == 8


@pytest.mark.parametrize("link", ["", "nonsense", "http://[", "http://x:999999/", "ftp://x/y"])
async def test_links_that_are_none(session: aiohttp.ClientSession, link: str) -> None:
    """TorBox may answer with anything; it is refused like any other wrong content."""
    with pytest.raises((WrongContent, Interrupted)):
        async with open_response(session, link, {}, FAST):
            pass
