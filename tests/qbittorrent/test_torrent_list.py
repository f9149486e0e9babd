"""The list is encoded only when something is new, and survives a broken entry."""

import itertools

import msgspec
import pytest
from msgspec.structs import replace

from bridge.core.model import Phase
from bridge.delivery.delivery_progress import Progress
from bridge.downloads import AddOptions
from bridge.qbittorrent.responses import PROFILES, HttpError
from bridge.qbittorrent.torrent_filters import Query
from bridge.qbittorrent.torrent_list import EntryCache, TorrentList
from tests.support.face import Face, magnet

ONE, TWO = "1" * 40, "2" * 40


@pytest.fixture(name="listing")
async def _listing(face: Face) -> TorrentList:
    for info_hash in (ONE, TWO):
        await face.downloads.adds.magnet(magnet(info_hash), AddOptions(category="tv"))
    return TorrentList(EntryCache(face.downloads, PROFILES["4.6"]))


async def body(listing: TorrentList, query: Query, now: float) -> bytes:
    """Return the answer to a question, which is short."""
    found = await listing.body(query, now)
    assert isinstance(found, bytes)
    return found


def hashes(answer: bytes) -> list[str]:
    """Read the hashes of an answer."""
    rows: list[dict[str, str]] = msgspec.json.decode(answer)
    return [row["hash"] for row in rows]


async def test_a_poll_that_finds_nothing_new_encodes_nothing(listing: TorrentList) -> None:
    """The same question gets the very same bytes."""
    query = Query(category="tv")
    first = await body(listing, query, 1.0)
    assert hashes(first) == [ONE, TWO]
    assert await body(listing, Query(category="tv"), 1000.0) is first
    assert hashes(await body(listing, Query(category="movies"), 1.0)) == []


async def test_a_change_is_seen_at_once(listing: TorrentList, face: Face) -> None:
    """Whatever changes is in the next answer, and what is removed is not."""
    await body(listing, Query(), 1.0)
    await face.put(ONE, name="Renamed")
    assert b"Renamed" in await body(listing, Query(), 1.0)
    await face.downloads.commands.remove([ONE], delete_files=False)
    assert hashes(await body(listing, Query(), 1.0)) == [TWO]


async def test_seeding_time_is_at_most_seconds_old(listing: TorrentList, face: Face) -> None:
    """While a download seeds, its answer is renewed by the passing of time."""
    await face.put(ONE, phase=Phase.DELIVERED, completed_at=100.0)
    assert b'"seeding_time":10,' in await body(listing, Query(), 110.0)
    assert b'"seeding_time":10,' in await body(listing, Query(), 114.0)
    assert b'"seeding_time":16,' in await body(listing, Query(), 116.0)


async def test_a_broken_entry_does_not_break_the_list(listing: TorrentList, face: Face) -> None:
    """What cannot be rendered is left out; the others are there."""
    await face.downloads.labels.create_tags(["fine"])
    async with face.state.unit_of_work() as work:
        work.observe_grab(replace(face.view(ONE).grab, name="\ud800"))
    assert hashes(await body(listing, Query(), 1.0)) == [TWO]


async def test_a_bad_sort_key_is_refused_every_time(listing: TorrentList) -> None:
    """A refusal is not remembered as an answer."""
    for _ in range(2):
        with pytest.raises(HttpError):
            await body(listing, Query(sort="nope"), 1.0)


async def test_many_different_questions_do_not_pile_up(listing: TorrentList) -> None:
    """Answers are kept for a handful of clients, not for every question ever asked."""
    bodies = [await body(listing, Query(limit=limit), 1.0) for limit in range(1, 200)]
    assert hashes(bodies[0]) == [ONE]
    assert len({id(body) for body in bodies}) == len(bodies)


async def test_a_change_elsewhere_keeps_a_reply(listing: TorrentList, face: Face) -> None:
    """A category whose downloads rest costs nothing while those of another one move."""
    await face.downloads.labels.create_category("movies", "")
    await face.downloads.labels.set_category([TWO], "movies")
    tv, movies = Query(category="tv"), Query(category="movies")
    before = await body(listing, tv, 1.0), await body(listing, movies, 1.0)
    await face.put(TWO, name="Renamed")
    assert await body(listing, tv, 1.0) is before[0]
    assert b"Renamed" in await body(listing, movies, 1.0)
    await face.downloads.labels.set_category([TWO], "tv")
    assert hashes(await body(listing, tv, 1.0)) == [ONE, TWO]
    assert hashes(await body(listing, movies, 1.0)) == []


@pytest.mark.parametrize(
    "query", [Query(), Query(category="tv"), Query(hashes=frozenset({ONE, TWO}))]
)
async def test_a_fetch_is_listed_at_whatever_moment(
    listing: TorrentList, face: Face, query: Query
) -> None:
    """The speed of a fetch differs between two looks within one request; it is listed all the same."""
    await face.put(ONE, phase=Phase.DELIVERING)
    looks = itertools.count()
    meter = Progress(clock=lambda: next(looks) * 0.01)
    face.state.meters[face.view(ONE).grab.id] = meter
    meter.at(1, 0)
    meter.fetched(1, 10**9)
    for _ in range(3):
        assert hashes(await body(listing, query, 1.0)) == [ONE, TWO]
