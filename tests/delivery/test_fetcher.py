"""Fetching from a CDN that misbehaves: the right bytes, or an honest failure."""

import asyncio
import random
import time

import pytest
from aiohttp import web
from msgspec.structs import replace

from bridge.delivery.delivery_errors import DeliveryFailed
from bridge.delivery.fetch.fetch_settings import KIB
from tests.support.cdn import (
    Behaviour,
    Served,
    changed,
    compressed,
    cut_after,
    cut_at_once,
    garbage,
    honest,
    instead,
    no_ranges,
    only_token,
    slowly,
    stall_after,
    status,
    with_headers,
)
from tests.support.delivery import FAST, Room, begin, some_bytes, until

SMALL = 100 * KIB
BIG = 700 * KIB + 11
JSON = b'{"success": false, "error": "DATABASE_ERROR", "detail": "later", "data": null}'


NOISE = some_bytes(999_999)
LASTING: dict[str, Behaviour] = {
    "cut at once": cut_at_once,
    "cut before the body": cut_after(0),
    "silent": stall_after(0),
    "busy": status(503),
    "not found": status(404),
    "teapot": status(418),
    "no such range": status(416),
    "compressed": compressed,
    "JSON": instead(JSON, "application/json"),
    "JSON in disguise": instead(JSON, "application/octet-stream", chunked=True),
    "too short, unannounced": instead(b"\x1aE\xdf\xa3", "video/x-matroska", chunked=True),
    "too long, unannounced": instead(NOISE, "video/x-matroska", chunked=True),
    "too many requests": status(429, Retry_After="0"),
    "broken": status(500),
    "forbidden": status(403),
    "gone": status(410),
    "JSON with its length": instead(JSON, "application/octet-stream"),
    "HTML": instead(b"<html>", "text/html"),
    "HTML in disguise": instead(b"<!DOCTYPE html><p>502", "video/x-matroska", chunked=True),
    "too long": instead(NOISE, "video/x-matroska"),
    "empty": instead(b"", "video/x-matroska"),
    "a part of nothing": with_headers(206),
    "a part of another file": with_headers(206, Content_Range="bytes 0-9/10"),
}
PASSING: dict[str, Behaviour] = {
    **LASTING,
    "cut in the body": cut_after(5000),
    "silent in the body": stall_after(5000),
    "garbage": garbage,
}


@pytest.mark.parametrize("size", [SMALL, BIG])
@pytest.mark.parametrize("fault", PASSING)
async def test_one_fault_then_honest(room: Room, size: int, fault: str) -> None:
    """After any single fault the file arrives whole."""
    room.cdn.add(0, some_bytes(size), PASSING[fault])
    request = room.request("Movie/film.mkv")
    await room.deliver(request)
    assert room.same(request)
    assert room.progress.bytes_done == size


@pytest.mark.parametrize("size", [SMALL, BIG])
@pytest.mark.parametrize("fault", LASTING)
async def test_a_lasting_fault_ends_in_failure(room: Room, size: int, fault: str) -> None:
    """A fault that stays is given up after some attempts, to be tried again later."""
    served = room.cdn.add(0, some_bytes(size))
    served.always = LASTING[fault]
    request = room.request("Movie/film.mkv")
    with pytest.raises(DeliveryFailed) as caught:
        await room.deliver(request)
    assert caught.value.retryable
    assert len(served.requests) <= FAST.attempts * FAST.connections_per_file
    assert not request.target.exists()


async def test_a_cut_file_is_resumed(room: Room) -> None:
    """What arrived before a cut is not asked for again, and the resume depends on the ETag."""
    served = room.cdn.add(0, some_bytes(SMALL), cut_after(40_000), cut_after(30_000))
    request = room.request("Movie.mkv")
    await room.deliver(request)
    assert room.same(request)
    assert served.sent == SMALL
    assert served.ranges == ["", f"bytes=40000-{SMALL - 1}", f"bytes=70000-{SMALL - 1}"]
    assert [request.headers.get("If-Range") for request in served.requests[1:]] == ['"one"'] * 2


async def test_progress_renews_the_attempts(room: Room) -> None:
    """Many cuts in a row are no reason to give up while each attempt brings something."""
    served = room.cdn.add(0, some_bytes(SMALL), *[cut_after(5000)] * (3 * FAST.attempts))
    await room.deliver(room.request("Movie.mkv"))
    assert len(served.requests) == 3 * FAST.attempts + 1


async def test_a_dated_file_is_resumed(room: Room) -> None:
    """With a weak ETag the date guards the resume."""
    served = room.cdn.add(0, some_bytes(SMALL), cut_after(40_000))
    served.etag, served.last_modified = 'W/"one"', "Mon, 23 Nov 2026 10:00:00 GMT"
    request = room.request("Movie.mkv")
    await room.deliver(request)
    assert room.same(request)
    assert served.requests[1].headers["If-Range"] == served.last_modified
    assert served.sent == SMALL


async def test_a_big_file_has_several_connections(room: Room) -> None:
    """A big file is asked for in segments, several at once, each byte once."""
    served = room.cdn.add(0, some_bytes(BIG))
    served.always = slowly(pause=0.002, step=8 * KIB)
    request = room.request("Movie.mkv")
    await room.deliver(request)
    assert room.same(request)
    assert served.sent == BIG
    assert room.cdn.most_open == FAST.connections_per_file
    assert len(served.requests) == -(-BIG // FAST.segment)


async def test_files_at_once_are_limited(room: Room) -> None:
    """No more files than allowed are fetched at once, of all downloads together."""
    for file_id in range(8):
        room.cdn.add(file_id, some_bytes(1000, file_id), slowly(pause=0.02, step=500))
    request = room.request(*(f"Show/{file_id}.mkv" for file_id in range(8)))
    room.delivery = room.build(replace(FAST, parallel_files=3))
    await room.deliver(request)
    assert room.same(request)
    assert room.cdn.most_open == 3


@pytest.mark.parametrize("size", [SMALL, BIG])
async def test_a_server_without_ranges(room: Room, size: int) -> None:
    """Without ranges the file comes in one piece, from the beginning again after a cut."""
    served = room.cdn.add(0, some_bytes(size), cut_after(40_000, then=no_ranges))
    served.always = no_ranges
    request = room.request("Movie.mkv")
    await room.deliver(request)
    assert room.same(request)
    assert room.cdn.most_open == 1


async def test_a_server_without_ranges_that_always_cuts(room: Room) -> None:
    """Going in circles is not progress: it is given up."""
    served = room.cdn.add(0, some_bytes(SMALL))
    served.always = cut_after(40_000, then=no_ranges)
    with pytest.raises(DeliveryFailed):
        await room.deliver(room.request("Movie.mkv"))
    assert len(served.requests) < 3 * FAST.attempts


@pytest.mark.parametrize("size", [SMALL, BIG])
async def test_a_file_that_changes_half_way(room: Room, size: int) -> None:
    """Two versions are never mixed: when the ETag changes, the file starts anew."""
    first, second = some_bytes(size, 1), some_bytes(size, 2)
    served = room.cdn.add(0, first, cut_after(40_000), changed(second, '"two"'))
    request = room.request("Movie.mkv")
    await room.deliver(request)
    assert served.data == second
    assert room.same(request)


async def test_a_file_that_changes_between_segments(room: Room) -> None:
    """A change seen by one of several connections discards what all of them brought."""
    second = some_bytes(BIG, 2)
    served = room.cdn.add(0, some_bytes(BIG, 1), *[honest] * 5, changed(second, '"two"'))
    request = room.request("Movie.mkv")
    await room.deliver(request)
    assert served.data == second
    assert room.same(request)


async def test_a_file_that_changes_with_every_request(room: Room) -> None:
    """A server that never serves one version twice is given up."""
    served = room.cdn.add(0, some_bytes(BIG))
    numbers = iter(range(1000))

    async def restless(request: web.Request, _: Served) -> web.StreamResponse:
        served.etag = f'"{next(numbers)}"'
        return await honest(request, served)

    served.always = restless
    with pytest.raises(DeliveryFailed, match="changed"):
        await room.deliver(room.request("Movie.mkv"))


@pytest.mark.parametrize("code", [401, 403, 404, 410])
async def test_a_dead_link_is_replaced(room: Room, code: int) -> None:
    """A link that is refused half-way is asked for anew, once, and the bytes are kept."""
    served = room.cdn.add(0, some_bytes(SMALL), cut_after(40_000))
    served.always, served.refuse_with = only_token(1), code
    request = room.request("Movie.mkv")
    await room.deliver(request)
    assert room.same(request)
    assert room.cdn.asked == {False: 1, True: 1}
    assert served.sent == SMALL


async def test_a_node_that_does_not_know_the_file_yet(room: Room) -> None:
    """A fresh link that is refused, too, is tried again before another one is asked for."""
    served = room.cdn.add(0, some_bytes(SMALL), *[status(404)] * 3)
    await room.deliver(room.request("Movie.mkv"))
    assert len(served.requests) == 4
    assert room.cdn.asked == {False: 1, True: 1}


async def test_links_are_not_asked_for_over_and_over(room: Room) -> None:
    """A file that stays missing costs few links: TorBox counts them."""
    served = room.cdn.add(0, some_bytes(SMALL))
    served.always = status(404)
    with pytest.raises(DeliveryFailed):
        await room.deliver(room.request("Movie.mkv"))
    assert len(served.requests) == FAST.attempts
    assert room.cdn.asked[True] == 2


async def test_retry_after_is_honoured(room: Room) -> None:
    """A busy CDN is left alone for as long as it says, within reason."""
    room.cdn.add(0, some_bytes(SMALL), status(503, Retry_After="3600"))
    loop = asyncio.get_running_loop()
    began = loop.time()
    await room.deliver(room.request("Movie.mkv"))
    assert loop.time() - began >= FAST.retry_after_cap


async def test_a_refused_connection_does_not_stop_the_others(room: Room) -> None:
    """A CDN that allows only one connection still gives the file."""
    served = room.cdn.add(0, some_bytes(BIG))

    async def only_one(request: web.Request, _: Served) -> web.StreamResponse:
        behave = status(429) if room.cdn.open > 1 else slowly(pause=0.001, step=16 * KIB)
        return await behave(request, served)

    served.always = only_one
    request = room.request("Movie.mkv")
    await room.deliver(request)
    assert room.same(request)


async def test_waiting_for_a_retry_gives_the_slot_away(room: Room) -> None:
    """While one file waits for a busy CDN, its slot fetches another."""
    room.cdn.add(0, some_bytes(1000), status(503, Retry_After="3600"))
    room.cdn.add(1, some_bytes(1000, 1))
    room.delivery = room.build(replace(FAST, parallel_files=1))
    request = room.request("Show/a.mkv", "Show/b.mkv")
    task = begin(room.deliver(request))
    await until(lambda: room.progress.done(1) == 1000)
    assert room.progress.done(0) == 0
    await task
    assert room.same(request)


@pytest.mark.parametrize("seed", range(12))
async def test_random_faults(room: Room, seed: int) -> None:
    """Whatever mixture of faults comes, the bytes are right in the end."""
    dice = random.Random(seed)
    faults: list[Behaviour] = [
        *(cut_after(dice.randrange(120_000)) for _ in range(6)),
        *(dice.choice([cut_at_once, status(503), status(404), garbage]) for _ in range(3)),
        instead(JSON, "application/octet-stream", chunked=True),
        honest,
        honest,
    ]
    dice.shuffle(faults)
    settings = replace(FAST, attempts=40, connections_per_file=dice.choice([1, 2, 4]))
    room.delivery = room.build(settings)
    for file_id, size in enumerate((BIG, SMALL, dice.randrange(1, BIG))):
        room.cdn.add(file_id, some_bytes(size, seed + file_id), *faults[file_id::2])
    request = room.request("Show/a.mkv", "Show/b.mkv", "Show/c.mkv")
    await room.deliver(request)
    assert room.same(request)


@pytest.mark.parametrize("fault", ["cut at once", "broken", "silent", "busy"])
async def test_a_node_that_is_down_is_left(room: Room, fault: str) -> None:
    """After two attempts without a byte a fresh link is asked for, which leads to another node."""
    served = room.cdn.add(0, some_bytes(SMALL))

    async def first_node_is_down(request: web.Request, served: Served) -> web.StreamResponse:
        first = request.query["token"] == "secret-0"
        return await (LASTING[fault] if first else honest)(request, served)

    served.always = first_node_is_down
    request = room.request("Movie.mkv")
    await room.deliver(request)
    assert room.same(request)
    assert room.cdn.asked[True] == 1
    asked = [request.query["token"] for request in served.requests]
    assert asked[-1] == "secret-1"
    assert asked.count("secret-1") == 1


async def test_too_many_requests_are_no_reason_for_another_link(room: Room) -> None:
    """A CDN that asks for patience gets it."""
    served = room.cdn.add(0, some_bytes(SMALL), *[status(429)] * 3)
    request = room.request("Movie.mkv")
    await room.deliver(request)
    assert room.cdn.asked[True] == 0
    assert len(served.requests) == 4


async def test_progress_keeps_the_link(room: Room) -> None:
    """A node that cuts connections and still brings bytes is not left."""
    served = room.cdn.add(0, some_bytes(SMALL), *[cut_after(5000)] * 6)
    await room.deliver(room.request("Movie.mkv"))
    assert room.cdn.asked[True] == 0
    assert served.sent == SMALL


async def open_late(room: Room, behave: Behaviour) -> list[int]:
    """Fetch a large file with up to 8 connections; return how many were open, late on."""
    served = room.cdn.add(0, some_bytes(12_000 * KIB))
    served.always = behave
    late: list[int] = []

    async def watch(request: web.Request, served: Served) -> web.StreamResponse:
        if served.sent > len(served.data) // 2:
            late.append(room.cdn.open)
        return await behave(request, served)

    served.always = watch
    room.delivery = room.build(
        replace(FAST, connections_per_file=8, tune_every=0.25, idle_timeout=5.0, segment=256 * KIB)
    )
    request = room.request("Movie.mkv")
    await room.deliver(request)
    assert room.same(request)
    return late


async def test_more_connections_where_each_is_limited(room: Room) -> None:
    """A CDN that limits each connection is asked over as many as allowed."""
    await open_late(room, slowly(pause=0.02, step=16 * KIB))
    assert room.cdn.most_open == 8


async def test_fewer_connections_where_they_slow_each_other_down(room: Room) -> None:
    """Where half the connections are twice as fast, a file soon has fewer than it began with.

    The difference is that large because speeds are measured on a real clock, beside other tests.
    What a smaller one leads to is a matter of the tuner's own tests.
    """
    free_at = 0.0

    async def crowded(request: web.Request, served: Served) -> web.StreamResponse:
        nonlocal free_at
        start, end = (int(at) for at in request.headers["Range"].removeprefix("bytes=").split("-"))
        response = web.StreamResponse(status=206)
        response.headers["Content-Range"] = f"bytes {start}-{end}/{len(served.data)}"
        response.headers["ETag"] = served.etag
        response.content_length = end + 1 - start
        await response.prepare(request)
        for at in range(start, end + 1, 8 * KIB):
            free_at = max(free_at, time.monotonic()) + 0.001 * room.cdn.open
            await asyncio.sleep(free_at - time.monotonic())
            part = served.data[at : min(at + 8 * KIB, end + 1)]
            await response.write(part)
            served.sent += len(part)
        return response

    assert min(await open_late(room, crowded)) <= 3


async def test_two_big_files_with_one_slot(room: Room) -> None:
    """Downloads that take the slot from each other all the time both arrive, and block nobody."""
    for number in range(2):
        served = room.cdn.add(number, some_bytes(1500 * KIB, number))
        served.always = slowly(pause=0.005, step=16 * KIB)
    room.delivery = room.build(replace(FAST, parallel_files=1, turn=0.01, tune_every=0.01))
    first = room.request("First.mkv")
    second = replace(
        first,
        staging_name=f"{first.info_hash}-2",
        content_name="Second.mkv",
        files=(replace(first.files[0], file_id=1, path="Second.mkv"),),
    )
    slowest, ticks = 0.0, 0

    async def deliver_both() -> None:
        await asyncio.gather(room.deliver(first), room.deliver(second))

    both = begin(deliver_both())
    while not both.done():
        before = time.monotonic()
        await asyncio.sleep(0.005)
        slowest, ticks = max(slowest, time.monotonic() - before), ticks + 1
    await both
    assert room.same(first)
    assert room.same(second)
    assert slowest < 5.0
    assert ticks > 10
