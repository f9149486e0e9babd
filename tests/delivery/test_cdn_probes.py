"""One file under several ETags: the same bytes are kept, other bytes never mixed."""

from itertools import count

import pytest
from aiohttp import web

from bridge.delivery.fetch.fetch_settings import KIB
from tests.support.cdn import Behaviour, Served, changed, cut_after, honest, no_ranges
from tests.support.delivery import Room, some_bytes

SMALL = 100 * KIB
BIG = 700 * KIB + 11


def nodes(number: int) -> Behaviour:
    """So many nodes take turns, each with an ETag of its own for the same bytes."""
    turns = count()

    async def behave(request: web.Request, served: Served) -> web.StreamResponse:
        served.etag = f'"node {next(turns) % number}"'
        return await honest(request, served)

    return behave


async def test_another_etag_for_the_same_bytes(room: Room) -> None:
    """After a cut the rest comes from a node with another ETag, and nothing is fetched twice."""
    data = some_bytes(SMALL)
    served = room.cdn.add(0, data, cut_after(40_000), changed(data, '"two"', then=cut_after(0)))
    request = room.request("Movie.mkv")
    await room.deliver(request)
    assert room.same(request)
    sample = 16 * KIB
    assert served.ranges[1:] == [
        f"bytes=40000-{SMALL - 1}",
        f"bytes={40_000 - sample}-39999",
        f"bytes=40000-{SMALL - 1}",
    ]
    assert served.sent == SMALL + sample


@pytest.mark.parametrize("number", [2, 3])
async def test_nodes_that_take_turns(room: Room, number: int) -> None:
    """A big file whose every request may meet another node arrives whole, each byte about once."""
    served = room.cdn.add(0, some_bytes(BIG))
    served.always = nodes(number)
    request = room.request("Movie.mkv")
    await room.deliver(request)
    assert room.same(request)
    assert room.cdn.asked == {False: 1}


async def test_other_bytes_of_the_same_size(room: Room) -> None:
    """If the sample differs the file starts anew, and only the new version is on disk."""
    second = some_bytes(SMALL, 2)
    served = room.cdn.add(0, some_bytes(SMALL, 1), cut_after(40_000), changed(second, '"two"'))
    request = room.request("Movie.mkv")
    await room.deliver(request)
    assert served.data == second
    assert room.same(request)


async def test_no_sample_without_ranges(room: Room) -> None:
    """A node that serves no ranges cannot vouch for what is on disk: the file starts anew."""
    second = some_bytes(SMALL, 2)
    change = changed(second, '"two"', then=no_ranges)
    served = room.cdn.add(0, some_bytes(SMALL, 1), cut_after(40_000), change)
    served.always = no_ranges
    request = room.request("Movie.mkv")
    await room.deliver(request)
    assert room.same(request)


async def test_a_sample_that_is_cut(room: Room) -> None:
    """A sample that fails says nothing: it is taken again, and what is on disk stays."""
    data = some_bytes(SMALL)
    served = room.cdn.add(
        0, data, cut_after(40_000), changed(data, '"two"', then=cut_after(0)), cut_after(0)
    )
    request = room.request("Movie.mkv")
    await room.deliver(request)
    assert room.same(request)
    assert served.ranges.count("") == 1
