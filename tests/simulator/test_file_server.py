"""The CDN: links, ranges, and every way in which a body can be wrong."""

import asyncio

import aiohttp
import pytest

from bridge.simulator import Content, ContentFile
from bridge.simulator.faults import (
    AnyEffect,
    Cut,
    CutBody,
    DeadLink,
    Error,
    Gzip,
    Hang,
    Html,
    JsonBody,
    LongBody,
    NewEtag,
    NoRange,
    RateLimit,
    ShortBody,
    Slow,
    Trickle,
    WrongBytes,
    WrongRange,
)
from bridge.simulator.file_links import Span, Unsatisfiable, parse_range
from tests.simulator.conftest import Start
from tests.simulator.support import A, Api, single

SIZE = 300_000


async def linked(start: Start, **parts: object) -> tuple[Api, str, bytes]:
    """A simulator, a link to its only file, and the file's bytes."""
    api = await start(single(size=SIZE), items=[A], **parts)
    torrent_id = (await api.get("/torrents/mylist")).data[0]["id"]
    return api, (await api.link(torrent_id)).data, api.sim.content_bytes(A, 0)


async def gather(reply: aiohttp.ClientResponse, got: bytearray) -> None:
    """Read what comes, also of a body that breaks off."""
    async for chunk in reply.content.iter_any():
        got += chunk


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, None),
        ("bytes=0-0", Span(0, 1)),
        ("bytes=10-", Span(10, 100)),
        ("bytes=-10", Span(90, 100)),
        ("bytes=-1000", Span(0, 100)),
        ("bytes=90-1000", Span(90, 100)),
        ("bytes=100-", Unsatisfiable()),
        ("bytes=-0", Unsatisfiable()),
        ("bytes=5-4", None),
        ("bytes=-", None),
        ("bytes=0-1,5-6", None),
        ("lines=0-1", None),
    ],
)
def test_ranges(header: str | None, expected: object) -> None:
    """One range is understood; what cannot be is the whole file."""
    assert parse_range(header, 100) == expected


async def test_a_whole_file(start: Start) -> None:
    """200 with size, type, ETag and the right bytes."""
    api, link, whole = await linked(start)
    answer = await api.fetch(link)
    assert (answer.status, answer.body) == (200, whole)
    assert answer.headers["Content-Length"] == str(SIZE)
    assert answer.headers["Content-Type"] == "video/x-matroska"
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert api.sim.calls.to("cdn")[0].bytes == SIZE


async def test_a_part_of_a_file(start: Start) -> None:
    """206 with Content-Range."""
    api, link, whole = await linked(start)
    answer = await api.fetch(link, Range="bytes=65530-131080")
    assert (answer.status, answer.body) == (206, whole[65530:131081])
    assert answer.headers["Content-Range"] == f"bytes 65530-131080/{SIZE}"


async def test_a_part_past_the_end(start: Start) -> None:
    """416 with the size."""
    api, link, _ = await linked(start)
    answer = await api.fetch(link, Range=f"bytes={SIZE}-")
    assert (answer.status, answer.headers["Content-Range"]) == (416, f"bytes */{SIZE}")


async def test_if_range_decides_between_part_and_whole(start: Start) -> None:
    """The ETag resumes; another one starts over."""
    api, link, _ = await linked(start)
    etag = (await api.fetch(link, Range="bytes=0-0")).headers["ETag"]
    statuses = [
        (await api.fetch(link, **{"Range": "bytes=5-", "If-Range": tag})).status
        for tag in (etag, '"other"')
    ]
    assert statuses == [206, 200]


async def test_head_is_not_allowed(start: Start) -> None:
    """405, as TorBox's CDN answers."""
    api, link, _ = await linked(start)
    assert (await api.call("HEAD", link)).status == 405


async def test_links_need_their_token(start: Start) -> None:
    """Wrong token 403, unknown path 404."""
    api, link, _ = await linked(start)
    assert (await api.fetch(link + "x")).status == 403
    assert (await api.fetch(f"{api.sim.url}/dld/unknown?token=x")).status == 404


async def test_empty_files_are_files(start: Start) -> None:
    """Zero bytes, 200."""
    empty = Content(A, "x", (ContentFile("x.mkv", 0),), cached=True)
    api = await start(empty, items=[A])
    torrent_id = (await api.get("/torrents/mylist")).data[0]["id"]
    answer = await api.fetch((await api.link(torrent_id)).data)
    assert (answer.status, answer.body) == (200, b"")


@pytest.mark.parametrize(
    ("effect", "status", "body"),
    [
        (Error(500, "X", "y"), 500, b'{"success":false,"error":"X","detail":"y","data":null}'),
        (Html(503, "<html>"), 503, b"<html>"),
        (Html(200, "<html>"), 200, b"<html>"),
        (JsonBody('{"error":"x"}'), 200, b'{"error":"x"}'),
        (RateLimit("text", retry_after=2), 429, b"rate limit exceeded"),
    ],
)
async def test_answers_instead_of_the_file(
    start: Start, effect: AnyEffect, status: int, body: bytes
) -> None:
    """Pages and error bodies where a file should be, once."""
    api, link, whole = await linked(start)
    api.sim.faults.add("cdn", effect)
    answer = await api.fetch(link)
    assert (answer.status, answer.body) == (status, body)
    assert (await api.fetch(link)).body == whole


@pytest.mark.parametrize("effect", [Cut(), Hang(0.01), CutBody(100_000), CutBody(0)])
async def test_bodies_that_break_off(start: Start, effect: AnyEffect) -> None:
    """The client sees a broken connection, not a short file."""
    api, link, _ = await linked(start)
    api.sim.faults.add("cdn", effect, times=None)
    with pytest.raises(aiohttp.ClientError):
        await api.fetch(link)
    assert api.sim.calls.to("cdn")[0].outcome.startswith("fault:")


async def test_what_came_before_the_cut_is_right(start: Start) -> None:
    """cut_body sends its bytes; the link may be dead afterwards."""
    api, link, whole = await linked(start)
    api.sim.faults.add("cdn", CutBody(100_000, kill_link=True))
    got = bytearray()
    async with api.http.get(link) as reply:
        assert reply.content_length == SIZE
        with pytest.raises(aiohttp.ClientPayloadError):
            await gather(reply, got)
    assert bytes(got) == whole[:100_000]
    assert (await api.fetch(link)).status == 404


async def test_bodies_of_the_wrong_length(start: Start) -> None:
    """short_body and long_body agree with their own Content-Length."""
    api, link, whole = await linked(start)
    api.sim.faults.add("cdn", ShortBody(150))
    api.sim.faults.add("cdn", LongBody(10))
    short, long = await api.fetch(link), await api.fetch(link)
    assert (short.body, short.headers["Content-Length"]) == (whole[:150], "150")
    assert (long.body[:SIZE], len(long.body)) == (whole, SIZE + 10)


async def test_dead_links_stay_dead(start: Start) -> None:
    """dead_link answers its status for good; a new link works."""
    api, link, whole = await linked(start)
    api.sim.faults.add("cdn", DeadLink(410))
    assert [(await api.fetch(link)).status for _ in range(2)] == [410, 410]
    (item,) = api.sim.world.torrents()
    assert (await api.fetch((await api.link(item.id)).data)).body == whole


async def test_ranges_can_be_ignored_or_wrong(start: Start) -> None:
    """no_range sends the whole with 200; wrong_range says and sends other bytes."""
    api, link, whole = await linked(start)
    api.sim.faults.add("cdn", NoRange())
    api.sim.faults.add("cdn", WrongRange(5))
    ignored = await api.fetch(link, Range="bytes=10-19")
    assert (ignored.status, ignored.body) == (200, whole)
    wrong = await api.fetch(link, Range="bytes=10-19")
    assert (wrong.status, wrong.body) == (206, whole[15:25])
    assert wrong.headers["Content-Range"] == f"bytes 15-24/{SIZE}"


async def test_gzip_is_announced(start: Start) -> None:
    """The body is compressed on the wire; a client that decodes gets the file."""
    api, link, whole = await linked(start)
    api.sim.faults.add("cdn", Gzip())
    answer = await api.fetch(link)
    assert (answer.headers["Content-Encoding"], answer.body) == ("gzip", whole)


async def test_wrong_bytes_are_wrong_in_one_place(start: Start) -> None:
    """Length and headers are right, one byte is not, in parts too."""
    api, link, whole = await linked(start)
    api.sim.faults.add("cdn", WrongBytes(70_000), times=2)
    got = (await api.fetch(link)).body
    assert [at for at in range(SIZE) if got[at] != whole[at]] == [70_000]
    part = (await api.fetch(link, Range="bytes=69999-70001")).body
    assert [part[at] != whole[69_999 + at] for at in range(3)] == [False, True, False]


async def test_a_changed_etag_starts_a_resume_over(start: Start) -> None:
    """new_etag makes If-Range fail."""
    api, link, _ = await linked(start)
    etag = (await api.fetch(link)).headers["ETag"]
    api.sim.faults.add("cdn", NewEtag())
    answer = await api.fetch(link, **{"Range": "bytes=5-", "If-Range": etag})
    assert answer.status == 200
    assert answer.headers["ETag"] != etag


@pytest.mark.parametrize("effect", [Slow(0.05), Trickle(4_000_000.0)])
async def test_slow_bytes_are_right_bytes(start: Start, effect: AnyEffect) -> None:
    """They take their time and are whole."""
    api, link, whole = await linked(start)
    api.sim.faults.add("cdn", effect)
    loop = asyncio.get_running_loop()
    began = loop.time()
    assert (await api.fetch(link)).body == whole
    assert loop.time() - began >= 0.045


async def test_the_cdn_has_a_speed(start: Start) -> None:
    """cdn.bytes_per_second holds for each connection."""
    api, link, whole = await linked(start, cdn={"bytes_per_second": 4_000_000})
    loop = asyncio.get_running_loop()
    began = loop.time()
    assert (await api.fetch(link)).body == whole
    assert loop.time() - began >= 0.07


async def test_faults_aim_at_files(start: Start) -> None:
    """A path as operation, a hash, a torrent id."""
    api, link, whole = await linked(start)
    api.sim.faults.add("cdn", Cut(), operation="Other.mkv")
    api.sim.faults.add("cdn", Html(503), operation="Movie.mkv", hash=A)
    assert (await api.fetch(link)).status == 503
    assert (await api.fetch(link)).body == whole
