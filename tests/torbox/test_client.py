"""The endpoints: against the simulator, and against scripted answers that it does not give."""

import asyncio
import hashlib
import re
import time
from collections.abc import AsyncIterator
from typing import NamedTuple

import aiohttp
import msgspec
import pytest
import structlog.testing

from bridge.core.model import QueuedItem, Reason, RemoteFile
from bridge.simulator.content import Content, ContentFile
from bridge.simulator.faults import Cut, Hang, Html, Lost, Malformed, NoData, RotateKey
from bridge.simulator.scenario import Behaviour, RateLimits, Scenario
from bridge.simulator.scenario import SimulatedAccount as Owner
from bridge.simulator.simulator import Simulator
from bridge.torbox.budgets import Budgets, CallClass
from bridge.torbox.client import Operation, TorBox
from bridge.torbox.errors import (
    BadToken,
    NeedsUser,
    NoEndpoint,
    NotFound,
    RateLimited,
    Refused,
    SearchRefused,
    ServerError,
    Unreachable,
    WaitForSlot,
)
from bridge.torbox.payloads import CachedItem, Created
from tests.torbox.scripted import EMPTY, KEY, Scripted, envelope, http

GIB = 1 << 30


def info_hash(name: str) -> str:
    """Make up the hash of a content."""
    return hashlib.sha1(name.encode(), usedforsecurity=False).hexdigest()


def content(name: str, *, cached: bool = False, size: int = 5000) -> Content:
    """Make up a content: a video and a text."""
    files = (ContentFile(f"{name}.mkv", size), ContentFile("info.nfo", 12))
    return Content(info_hash(name), name, files, cached=cached)


def magnet(name: str) -> str:
    """Write the magnet of a content."""
    return f"magnet:?xt=urn:btih:{info_hash(name)}&dn={name}"


def torrent(name: str) -> bytes:
    """Write a .torrent of one file."""
    info = f"d6:lengthi9e4:name{len(name)}:{name}12:piece lengthi16384e6:pieces20:{'x' * 20}e"
    return f"d4:info{info}e".encode()


class World(NamedTuple):
    """A simulated account and a client of it."""

    simulator: Simulator
    torbox: TorBox


QUIET = Behaviour(download_bytes_per_second=1.0, metadata_seconds=0.0, list_stale_seconds=300.0)


HASTY = 0.5
"""Seconds: the time limit of a client that meets a server which says nothing."""


def client_of(
    session: aiohttp.ClientSession, simulator: Simulator, *, timeout: float = 5.0
) -> TorBox:
    """Make a client of a simulated account."""
    return TorBox(
        session,
        base_url=simulator.url,
        api_key=simulator.key,
        timeout=timeout,
        budgets=Budgets(),
        search_url=simulator.url,
    )


@pytest.fixture(name="world")
async def _world(
    session: aiohttp.ClientSession, request: pytest.FixtureRequest
) -> AsyncIterator[World]:
    scenario: Scenario = getattr(request, "param", Scenario(behaviour=QUIET))
    async with Simulator(scenario) as simulator:
        yield World(simulator, client_of(session, simulator))


def account(**manner: str) -> Scenario:
    """Make an account of two slots with a manner of its own."""
    quiet: dict[str, object] = {"download_bytes_per_second": 1.0, "metadata_seconds": 0.0}
    return Scenario(account=Owner(slots=2), behaviour=msgspec.convert(quiet | manner, Behaviour))


async def fill(torbox: TorBox) -> None:
    """Take both slots."""
    for name in ("first", "second"):
        await torbox.create(magnet=magnet(name), seed=3)


async def test_an_uncached_magnet(world: World) -> None:
    """An add gives the id under which the item is found by id and in the list."""
    created = await world.torbox.create(magnet=magnet("Show"), seed=3)
    assert created.torrent_id is not None
    assert not created.cached
    assert not created.already
    found = await world.torbox.item(created.torrent_id)
    assert found is not None
    assert (found.id, found.hash) == (created.torrent_id, info_hash("Show"))
    assert [item.id for item in await world.torbox.list_items()] == [created.torrent_id]


async def test_a_cached_magnet_is_ready_at_once(world: World) -> None:
    """A cached add says so, is ready, and costs nothing of the hour."""
    world.simulator.register(content("Show", cached=True))
    created = await world.torbox.create(magnet=magnet("Show"), seed=3)
    assert created.cached
    assert created.torrent_id is not None
    found = await world.torbox.item(created.torrent_id)
    assert found is not None
    assert found.ready
    assert found.files == (
        RemoteFile(id=0, name="Show/Show.mkv", size=5000),
        RemoteFile(id=1, name="Show/info.nfo", size=12),
    )
    (row,) = (row for row in world.torbox.budgets.rows() if row.kind == CallClass.UNCACHED)
    assert row.calls == ()


async def test_a_torrent_file_is_uploaded(world: World) -> None:
    """The bytes of a .torrent arrive, and its name with them."""
    created = await world.torbox.create(torrent=torrent("Show"), seed=2)
    assert created.torrent_id is not None
    found = await world.torbox.item(created.torrent_id)
    assert found is not None
    assert found.name == "Show"
    assert len(found.hash) == 40


async def test_an_add_takes_one_source(torbox: TorBox) -> None:
    """Neither or both is a mistake of the caller, found before anything is sent."""
    with pytest.raises(ValueError, match="exactly one"):
        await torbox.create(seed=1)
    with pytest.raises(ValueError, match="exactly one"):
        await torbox.create(seed=1, magnet="magnet:?x", torrent=b"d")


async def test_an_add_is_a_form_without_zips(torbox: TorBox, script: Scripted) -> None:
    """The form is multipart, never asks for a zip, and has its booleans in lower case."""
    script.answers = [envelope({"torrent_id": 1})]
    await torbox.create(magnet="magnet:?x", seed=3, as_queued=True)
    (seen,) = script.seen
    assert (seen.method, seen.path) == ("POST", "/v1/api/torrents/createtorrent")
    assert seen.headers["content-type"].startswith("multipart/form-data")
    fields = re.findall(rb'name="(\w+)"\r\n(?:.+\r\n)*\r\n(.*)\r\n', seen.body)
    assert dict(fields) == {
        b"magnet": b"magnet:?x",
        b"seed": b"3",
        b"allow_zip": b"false",
        b"as_queued": b"true",
        b"add_only_if_cached": b"false",
    }


async def test_adding_twice_is_one_item(world: World) -> None:
    """The second add of a hash gives the same id and says that it was there."""
    first = await world.torbox.create(magnet=magnet("Show"), seed=3)
    second = await world.torbox.create(magnet=magnet("Show"), seed=3)
    assert second.torrent_id == first.torrent_id
    assert second.already


@pytest.mark.parametrize("world", [account(duplicate="refuse")], indirect=True)
async def test_a_duplicate_is_no_error(world: World) -> None:
    """DUPLICATE_ITEM means that TorBox holds it; whose it is has to be looked up."""
    await world.torbox.create(magnet=magnet("Show"), seed=3)
    again = await world.torbox.create(magnet=magnet("Show"), seed=3)
    assert again == Created(already=True, detail="This item already exists.")


@pytest.mark.parametrize(
    "world", [account(), account(when_full="refuse_200")], indirect=True, ids=["400", "200"]
)
async def test_no_slot(world: World) -> None:
    """Both ways of saying that the slots are taken are a wait for a slot."""
    await fill(world.torbox)
    with pytest.raises(WaitForSlot):
        await world.torbox.create(magnet=magnet("third"), seed=3)


@pytest.mark.parametrize(
    "world",
    [account(queued_reply=reply) for reply in ("id", "empty", "refusal")],
    indirect=True,
    ids=["id", "empty", "refusal"],
)
async def test_the_queue(world: World) -> None:
    """However TorBox says that it queued an add, it is one, and the queue has it."""
    await fill(world.torbox)
    created = await world.torbox.create(magnet=magnet("third"), seed=3, as_queued=True)
    assert created.torrent_id is None
    (queued,) = await world.torbox.list_queued()
    assert queued.hash == info_hash("third")
    assert created.queued_id in {None, queued.id}
    await world.torbox.delete_queued(queued.id)
    assert await world.torbox.list_queued() == ()
    with pytest.raises(NotFound):
        await world.torbox.delete_queued(queued.id)


async def test_only_what_is_cached(world: World) -> None:
    """An add of cached things only is refused for others, with the reason."""
    with pytest.raises(Refused) as caught:
        await world.torbox.create(magnet=magnet("Show"), seed=3, only_if_cached=True)
    assert caught.value.reason is Reason.NOT_CACHED


async def test_what_no_plan_allows(world: World) -> None:
    """A torrent over the plan's size and a broken one are refused for their reasons."""
    world.simulator.register(content("Huge", size=600 * GIB))
    with pytest.raises(Refused) as caught:
        await world.torbox.create(magnet=magnet("Huge"), seed=3)
    assert caught.value.reason is Reason.TOO_LARGE
    with pytest.raises(Refused) as caught:
        await world.torbox.create(torrent=b"not a torrent", seed=3)
    assert caught.value.reason is Reason.INVALID


@pytest.mark.parametrize(
    "world", [Scenario(account=Owner(monthly_limit=1, monthly_used=1))], indirect=True
)
async def test_the_month_is_used_up(world: World) -> None:
    """The monthly limit is the user's business, not the torrent's fault."""
    with pytest.raises(NeedsUser):
        await world.torbox.create(magnet=magnet("Show"), seed=3)


@pytest.mark.parametrize("effect", [Cut(), Hang(seconds=5.0), Lost(), Malformed(), Html()])
async def test_a_lost_answer_is_unclear(
    world: World, session: aiohttp.ClientSession, effect: Cut | Hang | Lost
) -> None:
    """When the answer to an add is lost in any way, the caller is told to look first."""
    timeout = HASTY if isinstance(effect, Hang) else 5.0
    torbox = client_of(session, world.simulator, timeout=timeout)
    world.simulator.faults.add("createtorrent", effect)
    with pytest.raises((Unreachable, ServerError)) as caught:
        await torbox.create(magnet=magnet("Show"), seed=3)
    assert caught.value.unclear


async def test_a_success_without_ids(world: World) -> None:
    """An add that is answered without any id is a success with the ids left open."""
    world.simulator.faults.add("createtorrent", NoData())
    created = await world.torbox.create(magnet=magnet("Show"), seed=3)
    assert (created.torrent_id, created.queued_id) == (None, None)
    assert len(await world.torbox.list_items()) == 1


async def test_nothing_at_all(world: World) -> None:
    """An empty account has empty lists, and an id that nobody has is none."""
    assert await world.torbox.list_items() == ()
    assert await world.torbox.list_queued() == ()
    assert await world.torbox.item(1) is None


async def test_the_list_is_not_a_stale_copy(world: World) -> None:
    """A list read before an add does not hide the item afterwards."""
    await world.torbox.list_items()
    await world.torbox.create(magnet=magnet("Show"), seed=3)
    assert len(await world.torbox.list_items()) == 1


async def test_control(world: World) -> None:
    """Every operation is understood; deleting something twice says that it is gone."""
    item = world.simulator.register(content("Show"), on_account=True)
    assert item is not None
    for operation in Operation:
        if operation is not Operation.DELETE:
            await world.torbox.control(item.id, operation)
    await world.torbox.control(item.id, Operation.DELETE)
    assert await world.torbox.item(item.id) is None
    with pytest.raises(NotFound):
        await world.torbox.control(item.id, Operation.DELETE)


async def test_a_link_works(world: World, session: aiohttp.ClientSession) -> None:
    """A link gives the bytes of the file that was asked for, and is not the file's neighbour."""
    item = world.simulator.register(content("Show", cached=True), on_account=True)
    assert item is not None
    link = await world.torbox.link(item.id, 1)
    async with session.get(link) as response:
        body = await response.read()
    assert body == world.simulator.content_bytes(info_hash("Show"), 1)
    with pytest.raises(NotFound):
        await world.torbox.link(item.id, 99)


async def test_no_link_before_the_files_are_there(world: World) -> None:
    """A link asked for too early is trouble that passes."""
    created = await world.torbox.create(magnet=magnet("Show"), seed=3)
    assert created.torrent_id is not None
    with pytest.raises(ServerError):
        await world.torbox.link(created.torrent_id, 0)


@pytest.mark.parametrize(
    "world",
    [Scenario(behaviour=Behaviour(nothing_cached=data)) for data in ("empty", "null")],
    indirect=True,
    ids=["empty", "null"],
)
async def test_the_cached_check(world: World) -> None:
    """What is cached is found by lower-case hash, over as many calls as it takes."""
    others = [info_hash(str(number)) for number in range(450)]
    assert await world.torbox.cached([]) == {}
    assert await world.torbox.cached(others) == {}
    world.simulator.register(content("Show", cached=True))
    show = info_hash("Show")
    found = await world.torbox.cached([*others, show.upper()])
    assert found == {show: CachedItem(hash=show, name="Show", size=5012)}
    assert world.simulator.calls.count("checkcached") == 6
    listed = await world.torbox.cached([show], list_files=True)
    assert [file.size for file in listed[show].files] == [5000, 12]


async def test_metadata(world: World) -> None:
    """Metadata are found, or not in time."""
    world.simulator.register(content("Show"))
    found = await world.torbox.info(info_hash("Show"), timeout_seconds=1)
    assert found is not None
    assert (found.name, [size for _, size in found.files]) == ("Show", [5000, 12])


async def test_no_metadata_in_time(torbox: TorBox, script: Scripted) -> None:
    """Metadata that TorBox cannot get are none; its other troubles are errors."""
    script.answers = [
        envelope(status=500, success=False, error="DOWNLOAD_SERVER_ERROR", detail="Not in time."),
        envelope(status=500, success=False, error="DATABASE_ERROR"),
        EMPTY,
    ]
    assert await torbox.info("ab" * 20, timeout_seconds=0.01) is None
    with pytest.raises(ServerError):
        await torbox.info("ab" * 20, timeout_seconds=0.01)
    assert await torbox.info("ab" * 20, timeout_seconds=0.01) is None
    assert script.seen[0].query == {"hash": "ab" * 20, "timeout": "1"}


async def test_export(world: World) -> None:
    """A torrent is exported as a file, unless it came from the cache."""
    created = await world.torbox.create(magnet=magnet("Show"), seed=3)
    assert created.torrent_id is not None
    exported = await world.torbox.export(created.torrent_id)
    assert exported is not None
    assert b"4:info" in exported
    cached = world.simulator.register(content("Other", cached=True), on_account=True)
    assert cached is not None
    for torrent_id in (cached.id, 1):
        assert await world.torbox.export(torrent_id) is None


async def test_an_export_that_fails_is_an_error(torbox: TorBox, script: Scripted) -> None:
    """A failure of TorBox is not taken for a torrent that cannot be exported."""
    script.answers = [http(b"<html>", status=502)]
    with pytest.raises(ServerError):
        await torbox.export(1)


async def test_search(world: World, session: aiohttp.ClientSession) -> None:
    """Both addresses of the search find a torrent by its words, whatever they contain."""
    world.simulator.register(content("A Show 50% &c"))
    (found,) = await world.torbox.search("show 50% &c")
    assert (found.hash, found.size) == (info_hash("A Show 50% &c"), 5012)
    old = TorBox(
        session,
        base_url=world.simulator.url,
        api_key=world.simulator.key,
        timeout=5.0,
        budgets=Budgets(),
    )
    assert await old.search("show 50% &c") == (found,)


async def test_the_account(world: World) -> None:
    """The account has its plan and slots."""
    found = await world.torbox.me()
    assert (found.plan, found.slots) == (2, 10)


async def test_a_changed_key(world: World) -> None:
    """A key that TorBox changed in mid-run is the user's business, for every call."""
    world.simulator.faults.add("mylist", RotateKey())
    with pytest.raises(BadToken):
        await world.torbox.list_items()
    with pytest.raises(BadToken):
        await world.torbox.link(1, 0)
    with pytest.raises(BadToken):
        await world.torbox.create(magnet=magnet("Show"), seed=3)


@pytest.mark.parametrize(
    "world", [Scenario(limits=RateLimits(enforce=True, uncached_per_hour=1))], indirect=True
)
async def test_the_hour_is_used_up(world: World) -> None:
    """The hourly 429 stops uncached adds without asking again, and lets cached ones through."""
    await world.torbox.create(magnet=magnet("first"), seed=3)
    for name in ("second", "third"):
        with pytest.raises(RateLimited):
            await world.torbox.create(magnet=magnet(name), seed=3)
    assert world.simulator.calls.count("createtorrent") == 2
    world.simulator.register(content("Show", cached=True))
    created = await world.torbox.create(magnet=magnet("Show"), seed=3, known_cached=True)
    assert created.cached


async def test_a_broken_item_is_not_gone(torbox: TorBox, script: Scripted) -> None:
    """An item that was asked for by id and cannot be parsed is an error, not absence."""
    script.answers = [
        envelope({"id": 5, "size": 1}),
        http(b'{"success":true,"data":{"id":5'),
        envelope({"id": 6}),
        envelope(None),
        envelope([{"id": 5}]),
        envelope(status=404, success=False, error="ITEM_NOT_FOUND"),
    ]
    assert await torbox.item(5) is not None
    for _ in range(2):
        with pytest.raises(ServerError):
            await torbox.item(5)
    assert await torbox.item(5) is None
    assert await torbox.item(5) is not None
    assert await torbox.item(5) is None
    assert script.seen[0].query == {"id": "5", "bypass_cache": "true"}


async def test_the_older_queue(torbox: TorBox, script: Scripted) -> None:
    """Where the queue's endpoints are missing their older form is used, and remembered."""
    gone = envelope(status=404, success=False, error="ENDPOINT_NOT_FOUND")
    script.answers = [gone, envelope([{"id": 7, "hash": "ab" * 20, "type": "usenet"}]), envelope()]
    assert await torbox.list_queued() == ()
    await torbox.delete_queued(7)
    assert [seen.path for seen in script.seen] == [
        "/v1/api/queued/getqueued",
        "/v1/api/torrents/getqueued",
        "/v1/api/torrents/controlqueued",
    ]


async def test_no_queue_anywhere(torbox: TorBox, script: Scripted) -> None:
    """Where neither form exists nothing is remembered: the address may have been wrong."""
    gone = envelope(status=404, success=False, error="ENDPOINT_NOT_FOUND")
    script.answers = [gone, gone, envelope([{"id": 7}])]
    with pytest.raises(NoEndpoint):
        await torbox.list_queued()
    assert await torbox.list_queued() == (QueuedItem(id=7, hash=""),)


async def test_a_busy_search_does_not_stop_the_polling(torbox: TorBox, script: Scripted) -> None:
    """A 429 to a search holds up nothing that a download waits for."""
    script.answers = [http(b"", status=429), EMPTY]
    with pytest.raises(RateLimited):
        await torbox.search("show")
    assert await torbox.list_items() == ()


REFUSALS = [
    http(b'{"detail":"Forbidden"}', status=403),
    http(b"<html>forbidden</html>", status=403),
    envelope(status=403, success=False, error="PLAN_RESTRICTED_FEATURE", detail="Pro only."),
    envelope(status=404, success=False, error="ENDPOINT_NOT_FOUND"),
]


@pytest.mark.parametrize("refusal", REFUSALS, ids=["bare", "html", "plan", "route"])
async def test_a_search_that_is_refused(torbox: TorBox, script: Scripted, refusal: bytes) -> None:
    """The reason is logged once and known until a search works; downloads are not affected."""
    script.answers = [refusal, refusal, envelope([])]
    with structlog.testing.capture_logs() as logs:
        for _ in range(2):
            with pytest.raises(SearchRefused):
                await torbox.search("show")
            assert torbox.search_refusal
    assert [line["event"] for line in logs] == ["torbox_search_refused"]
    assert await torbox.search("show") == ()
    assert torbox.search_refusal == ""


async def test_a_search_that_fails_is_not_refused(torbox: TorBox, script: Scripted) -> None:
    """An error of the moment does not disable the search."""
    script.answers = [envelope(status=500, success=False, error="SEARCH_ERROR")]
    with pytest.raises(ServerError):
        await torbox.search("show")
    assert torbox.search_refusal == ""


ALREADY = [
    ("DIFF_ISSUE", "Download already queued.", 400),
    ("DIFF_ISSUE", "This torrent is already in your account.", 200),
    (None, "Torrent is already in queue.", 400),
    (None, "This item already exists.", 500),
    ("UNKNOWN_ERROR", "Already added.", 500),
    ("DUPLICATE_ITEM", "", 400),
]


@pytest.mark.parametrize(("code", "detail", "status"), ALREADY)
async def test_a_refusal_that_says_it_is_there(
    torbox: TorBox, script: Scripted, code: str | None, detail: str, status: int
) -> None:
    """An add of what the account has already is no failure: the lists will show where it is."""
    script.answers = [envelope(status=status, success=False, error=code, detail=detail)]
    found = await torbox.create(magnet=magnet("Show"), seed=3)
    assert found.already
    assert (found.torrent_id, found.queued_id) == (None, None)


async def test_a_full_queue_is_a_wait(torbox: TorBox, script: Scripted) -> None:
    """Only "maximum queued" means that the queue is full."""
    detail = "You have reached the maximum queued downloads limit of 1000; 3 are already queued."
    script.answers = [envelope(status=400, success=False, error="DIFF_ISSUE", detail=detail)]
    with pytest.raises(WaitForSlot):
        await torbox.create(magnet=magnet("Show"), seed=3)


async def test_a_link_that_is_none(torbox: TorBox, script: Scripted) -> None:
    """A success without a link is trouble."""
    script.answers = [envelope(None)]
    with pytest.raises(ServerError):
        await torbox.link(1, 0)


async def test_the_log_never_has_the_key(torbox: TorBox, script: Scripted) -> None:
    """Neither a refusal nor a wait puts the key into the log."""
    script.answers = [http(f'{{"detail":"slow down {KEY}"}}'.encode(), status=429)]
    with structlog.testing.capture_logs() as logs, pytest.raises(RateLimited):
        await torbox.link(1, 0)
    assert logs
    assert KEY not in str(logs)


async def test_the_clocks_are_compared(world: World) -> None:
    """The offset is known after the first answer, to about a second."""
    assert world.torbox.offset_seconds == 0.0
    await world.torbox.list_items()
    assert abs(world.torbox.offset_seconds) < 3.0


async def test_a_call_ends_in_time(world: World, session: aiohttp.ClientSession) -> None:
    """A server that says nothing holds a call no longer than its time limit."""
    torbox = client_of(session, world.simulator, timeout=HASTY)
    world.simulator.faults.add("mylist", Hang(seconds=30.0))
    began = time.monotonic()
    with pytest.raises(Unreachable):
        async with asyncio.timeout(5):
            await torbox.list_items()
    assert time.monotonic() - began < 2.0
