"""TorBox's answers apart from its lists."""

import msgspec
import pytest

from bridge.core.model import RemoteFile
from bridge.torbox import payloads
from bridge.torbox.envelope import Answer, parse
from bridge.torbox.errors import ServerError
from bridge.torbox.payloads import (
    Account,
    CachedItem,
    Created,
    SearchResult,
    SwarmMetadata,
)

HASH = "ab" * 20


def told(data: object, detail: str = "", **envelope: object) -> Answer:
    """Make the answer of a success with these fields, or of what `envelope` says instead."""
    body = {"success": True, "error": None, "detail": detail, "data": data} | envelope
    return parse(200, msgspec.json.encode(body))


ADDED = "Torrent Added Successfully"
CACHED = "Found Cached Torrent. Using Cached Torrent."
QUEUED = "Torrent Queued Successfully"


@pytest.mark.parametrize(
    ("answer", "created"),
    [
        (told({"torrent_id": 5, "hash": HASH}, ADDED), Created(torrent_id=5, detail=ADDED)),
        (told({"torrent_id": 5.0}, ADDED), Created(torrent_id=5, detail=ADDED)),
        (told({"torrent_id": "5"}, ADDED), Created(torrent_id=5, detail=ADDED)),
        (told({"torrent_id": 5}, CACHED), Created(torrent_id=5, cached=True, detail=CACHED)),
        (
            told({"torrent_id": 5}, "Found Cached Torrent. Already added."),
            Created(
                torrent_id=5,
                already=True,
                detail="Found Cached Torrent. Already added.",
            ),
        ),
        (
            told({"torrent_id": None, "queued_id": 7, "active_limit": 3}, QUEUED),
            Created(queued_id=7, detail=QUEUED),
        ),
        (told(None, QUEUED), Created(detail=QUEUED)),
        (told({"torrent_id": None, "queued_id": None}), Created()),
        (told(None, QUEUED, success=False), Created(detail=QUEUED)),
        (
            told({"queued_id": 7, "active_limit": 3}, success=False),
            Created(queued_id=7),
        ),
        (
            told(None, "This item already exists.", success=False, error="DUPLICATE_ITEM"),
            Created(already=True, detail="This item already exists."),
        ),
        (
            told(None, "Download already queued."),
            Created(already=True, detail="Download already queued."),
        ),
        (told([], "odd"), Created(detail="odd")),
    ],
)
def test_an_add_has_many_ways_to_succeed(answer: Answer, created: Created) -> None:
    """Every form of success that TorBox has been seen to send is one."""
    assert payloads.created(answer) == created


@pytest.mark.parametrize(
    "answer",
    [
        told({"active_limit": 3}, "Full.", success=False),
        told(None, "Full.", success=False, error="ACTIVE_LIMIT"),
        told({"torrent_id": 5}, "Broken.", success=False, error="UNKNOWN_ERROR"),
        parse(200, b"<html>already queued successfully</html>"),
        parse(422, b'{"detail":"queued successfully"}'),
    ],
)
def test_a_refused_add_is_none(answer: Answer) -> None:
    """A refusal is never taken for a success."""
    assert payloads.created(answer) is None


ENTRY = {
    "name": "Show",
    "size": 9.0,
    "hash": HASH.upper(),
    "files": [{"id": 0, "name": "Show/a.mkv", "size": 9}],
}
ITEM = CachedItem(
    hash=HASH, name="Show", size=9, files=(RemoteFile(id=0, name="Show/a.mkv", size=9),)
)


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (None, {}),
        ({}, {}),
        ([], {}),
        ({HASH: ENTRY}, {HASH: ITEM}),
        ([ENTRY], {HASH: ITEM}),
        ({HASH: ENTRY, "x": None, "y": {"hash": None}}, {HASH: ITEM}),
        ({HASH: {"hash": HASH}}, {HASH: CachedItem(hash=HASH)}),
    ],
)
def test_what_is_cached(data: object, found: dict[str, CachedItem]) -> None:
    """Objects, lists and nothing are read alike, and a broken entry costs only itself."""
    assert payloads.cached_items(told(data), lambda _complaint: None) == found


def test_a_cached_answer_of_another_kind_is_trouble() -> None:
    """Text where the cached torrents should be does not mean that nothing is cached."""
    with pytest.raises(ServerError):
        payloads.cached_items(told("soon"), pytest.fail)


def test_metadata() -> None:
    """A torrent's metadata are read, and what is missing stays empty."""
    data = {"name": "Show", "peers": 2.0, "files": [{"name": "a.mkv", "size": 9.0}, None]}
    found = SwarmMetadata(name="Show", files=(("a.mkv", 9),))
    assert payloads.torrent_info(told(data)) == found
    assert payloads.torrent_info(told(None)) == SwarmMetadata()


def test_search_results() -> None:
    """Results are read out of a list and out of an object around it."""
    entry = {"hash": HASH, "raw_title": "Show", "size": 9, "last_known_seeders": 4, "cached": True}
    found = (SearchResult(hash=HASH, title="Show", size=9, seeds=4, cached=True),)
    complaints: list[str] = []
    assert payloads.search_results(told([entry, {}]), complaints.append) == found
    assert payloads.search_results(told({"torrents": [entry]}), pytest.fail) == found
    assert payloads.search_results(told({"torrents": []}), pytest.fail) == ()
    assert payloads.search_results(told(None), pytest.fail) == ()
    assert complaints == ["a search result has no hash"]


@pytest.mark.parametrize(("plan", "slots"), [(0, 1), (1, 3), (2, 10), (3, 5), (9, 1)])
def test_an_account_has_the_slots_of_its_plan(plan: int, slots: int) -> None:
    """Slots are the plan's and those bought beside it."""
    data = {"plan": plan, "additional_concurrent_slots": 2.0, "email": "user@example.invalid"}
    assert payloads.account(told(data)) == Account(plan=plan, slots=slots + 2, extra_slots=2)


def test_an_account_with_dates() -> None:
    """The dates are read."""
    data = {
        "plan": 2,
        "is_subscribed": True,
        "premium_expires_at": "2026-06-22T10:00:00Z",
        "cooldown_until": None,
    }
    assert payloads.account(told(data)) == Account(
        plan=2,
        slots=10,
        premium_expires_at=1782122400.0,
    )


def test_no_account_is_trouble() -> None:
    """A success without an account does not make an account up."""
    with pytest.raises(ServerError):
        payloads.account(told(None))


def test_a_link_is_an_address() -> None:
    """Only an http address is a link."""
    assert payloads.link(told("https://cdn.example/dld/1?token=a")) == (
        "https://cdn.example/dld/1?token=a"
    )
    for data in (None, "", "soon", {"url": "https://cdn.example"}, 7, "file:///etc/passwd"):
        with pytest.raises(ServerError):
            payloads.link(told(data))
