"""The list is encoded only when something is new, and survives a broken entry."""

import msgspec
import pytest

from bridge.core.model import Phase
from bridge.downloads import AddOptions
from bridge.qbittorrent.http import HttpError
from bridge.qbittorrent.listing import Listing
from bridge.qbittorrent.profile import PROFILES
from bridge.qbittorrent.query import Query
from bridge.qbittorrent.rows import Rows
from tests.support.face import Face, magnet
from tests.support.views import a_view

ONE, TWO = "1" * 40, "2" * 40


@pytest.fixture(name="listing")
async def _listing(face: Face) -> Listing:
    for info_hash in (ONE, TWO):
        await face.downloads.adds.magnet(magnet(info_hash), AddOptions(category="tv"))
    return Listing(Rows(face.downloads, PROFILES["4.6"]))


def hashes(body: bytes) -> list[str]:
    """Read the hashes of an answer."""
    rows: list[dict[str, str]] = msgspec.json.decode(body)
    return [row["hash"] for row in rows]


def test_a_poll_that_finds_nothing_new_encodes_nothing(listing: Listing) -> None:
    """The same question gets the very same bytes."""
    query = Query(category="tv")
    first = listing.body(query, 1.0)
    assert hashes(first) == [ONE, TWO]
    assert listing.body(Query(category="tv"), 1000.0) is first
    assert hashes(listing.body(Query(category="movies"), 1.0)) == []


async def test_a_change_is_seen_at_once(listing: Listing, face: Face) -> None:
    """Whatever changes is in the next answer, and what is removed is not."""
    listing.body(Query(), 1.0)
    await face.put(ONE, name="Renamed")
    assert b"Renamed" in listing.body(Query(), 1.0)
    await face.downloads.commands.remove([ONE], delete_files=False)
    assert hashes(listing.body(Query(), 1.0)) == [TWO]


async def test_seeding_time_is_at_most_seconds_old(listing: Listing, face: Face) -> None:
    """While a download seeds, its answer is renewed by the passing of time."""
    await face.put(ONE, phase=Phase.DELIVERED, completed_at=100.0)
    assert b'"seeding_time":10,' in listing.body(Query(), 110.0)
    assert b'"seeding_time":10,' in listing.body(Query(), 114.0)
    assert b'"seeding_time":16,' in listing.body(Query(), 116.0)


async def test_a_broken_entry_does_not_break_the_list(listing: Listing, face: Face) -> None:
    """What cannot be rendered is left out; the others are there."""
    await face.downloads.labels.create_tags(["fine"])
    async with face.state.unit_of_work() as work:
        work.observe_download(replace(face.view(ONE).download, name="\ud800"))
    assert hashes(listing.body(Query(), 1.0)) == [TWO]


def test_a_bad_sort_key_is_refused_every_time(listing: Listing) -> None:
    """A refusal is not remembered as an answer."""
    for _ in range(2):
        with pytest.raises(HttpError):
            listing.body(Query(sort="nope"), 1.0)


def test_many_different_questions_do_not_pile_up(listing: Listing) -> None:
    """Answers are kept for a handful of clients, not for every question ever asked."""
    bodies = [listing.body(Query(limit=limit), 1.0) for limit in range(1, 200)]
    assert hashes(bodies[0]) == [ONE]
    assert len({id(body) for body in bodies}) == len(bodies)
