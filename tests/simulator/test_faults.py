"""Faults: which calls they strike, and what each effect does to the API."""

import asyncio
from typing import Any

import aiohttp
import pytest

from bridge.simulator.api_handlers import ENDPOINTS
from bridge.simulator.faults import (
    NAMES,
    AnyEffect,
    Cut,
    Error,
    Fault,
    FaultBook,
    Gzip,
    Hang,
    Html,
    JsonBody,
    Lost,
    Malformed,
    NoData,
    RateLimit,
    RotateKey,
    Slow,
    StaleList,
    Subject,
)
from tests.simulator.conftest import Start
from tests.simulator.support import A, B, film, until

CUT = Cut()


def strikes(fault: Fault, subjects: list[Subject], *, seed: int = 0) -> list[bool]:
    """Which of the calls the fault strikes."""
    book = FaultBook(seed=seed)
    book.put(fault)
    return [book.take(subject) is not None for subject in subjects]


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (Fault("mylist", CUT), [True, False, False]),
        (Fault("mylist", CUT, times=2), [True, True, False]),
        (Fault("mylist", CUT, times=None), [True, True, True]),
        (Fault("mylist", CUT, after=1), [False, True, False]),
        (Fault("mylist", CUT, probability=0.0), [False, False, False]),
        (Fault("*", CUT), [True, False, False]),
        (Fault("cdn", CUT), [False, False, False]),
    ],
)
def test_how_often_a_fault_strikes(fault: Fault, expected: list[bool]) -> None:
    """After so many, so many times, with a probability."""
    assert strikes(fault, [Subject("mylist")] * 3) == expected


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        ({"hash": A}, [True, False]),
        ({"id": 7}, [True, False]),
        ({"operation": "delete"}, [True, False]),
        ({"hash": A, "id": 8}, [False, False]),
    ],
)
def test_whom_a_fault_strikes(conditions: dict[str, Any], expected: list[bool]) -> None:
    """All conditions must hold."""
    subjects = [Subject("me", A, 7, "delete"), Subject("me", B, 9, "resume")]
    assert strikes(Fault("me", CUT, times=None, **conditions), subjects) == expected


@pytest.mark.parametrize(
    ("endpoint", "effect"), [("nothing", CUT), ("cdn", NoData()), ("mylist", Gzip()), ("*", Gzip())]
)
def test_faults_that_could_never_strike_are_refused(endpoint: str, effect: AnyEffect) -> None:
    """An unknown endpoint, or an effect that it cannot have."""
    with pytest.raises(ValueError, match=r"endpoint|strike"):
        FaultBook().add(endpoint, effect)


def test_faults_know_all_endpoints() -> None:
    """Every endpoint can be struck, by the name it has in the log."""
    assert {endpoint.name for endpoint in ENDPOINTS} | {"*", "cdn"} == NAMES


def test_any_leaves_the_cdn_alone() -> None:
    """The star is for the API."""
    assert strikes(Fault("*", CUT), [Subject("cdn")]) == [False]


def test_chance_is_the_same_each_time() -> None:
    """The same seed draws the same calls."""
    fault = Fault("me", CUT, times=None, probability=0.5)
    one, two = (strikes(fault, [Subject("me")] * 50, seed=3) for _ in range(2))
    assert one == two
    assert 0 < sum(one) < 50


def test_faults_come_one_after_the_other_and_can_be_lifted() -> None:
    """The oldest strikes first; clear takes out one or all."""
    book = FaultBook()
    first = book.add("me", Cut())
    second = book.add("me", Hang(), times=None)
    assert [type(book.take(Subject("me"))) for _ in range(2)] == [Cut, Hang]
    assert (first.spent, second.spent) == (True, False)
    book.clear(second.id)
    assert [armed.id for armed in book] == [first.id]
    book.clear()
    assert list(book) == []


@pytest.mark.parametrize(
    ("effect", "status", "body"),
    [
        (Error(503, "DATABASE_ERROR", "x"), 503,
         b'{"success":false,"error":"DATABASE_ERROR","detail":"x","data":null}'),
        (Error(200, None, "full", {"a": 1}), 200,
         b'{"success":false,"error":null,"detail":"full","data":{"a":1}}'),
        (Html(502, "<html>"), 502, b"<html>"),
        (JsonBody("{}"), 200, b"{}"),
        (RateLimit(), 429, b'{"detail":"60 per 1 hour"}'),
        (RateLimit("text"), 429, b"rate limit exceeded"),
        (RateLimit("envelope", "x"), 429,
         b'{"success":false,"error":"RATE_LIMIT","detail":"x","data":null}'),
    ],
)  # fmt: skip
async def test_answers_instead_of_work(
    start: Start, effect: AnyEffect, status: int, body: bytes
) -> None:
    """The answer is the fault's, and nothing was done."""
    api = await start()
    api.sim.faults.add("createtorrent", effect)
    answer = await api.add(A)
    assert (answer.status, answer.body) == (status, body)
    assert api.sim.world.find(A) is None
    assert (await api.add(A)).status == 200


async def test_rate_limits_tell_when_if_asked_to(start: Start) -> None:
    """retry-after and a float x-ratelimit-reset, or neither."""
    api = await start()
    api.sim.faults.add("me", RateLimit(retry_after=1.5, reset_in=2.5))
    told = await api.get("/user/me")
    assert told.headers["retry-after"] == "1.5"
    assert float(told.headers["x-ratelimit-reset"]) == pytest.approx(api.sim.clock() + 2.5)
    api.sim.faults.add("me", RateLimit())
    silent = await api.get("/user/me")
    assert not {"retry-after", "x-ratelimit-reset"} & {name.lower() for name in silent.headers}


@pytest.mark.parametrize(
    ("effect", "done"), [(Cut(), False), (Hang(0.01), False), (Lost(), True), (Lost(0.01), True)]
)
async def test_connections_end_without_an_answer(
    start: Start, effect: AnyEffect, done: bool
) -> None:
    """Cut and hang do nothing; lost has done the work."""
    api = await start()
    api.sim.faults.add("createtorrent", effect)
    with pytest.raises(aiohttp.ClientError):
        await api.add(A)
    assert (api.sim.world.find(A) is not None) is done
    assert api.sim.calls.to("createtorrent")[0].outcome.startswith("fault:")


async def test_a_hanging_call_does_not_hold_up_the_end(start: Start) -> None:
    """A client that gives up, gives up; the simulator stops all the same."""
    api = await start()
    api.sim.faults.add("me", Hang(60))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(api.get("/user/me"), 0.05)


async def test_slow_answers_are_right(start: Start) -> None:
    """The work is done at once; only the answer waits."""
    api = await start()
    api.sim.faults.add("createtorrent", Slow(0.05))
    async with asyncio.TaskGroup() as group:
        asked = group.create_task(api.add(A))
        await until(lambda: api.sim.world.find(A) is not None)
        assert not asked.done()
    assert asked.result().status == 200


async def test_broken_json_comes_after_the_work(start: Start) -> None:
    """malformed: a 200 that no parser takes, and the item is there."""
    api = await start()
    api.sim.faults.add("createtorrent", Malformed())
    answer = await api.add(A)
    assert answer.status == 200
    with pytest.raises(ValueError, match="truncated"):
        assert answer.json
    assert api.sim.world.find(A) is not None


async def test_success_without_ids(start: Start) -> None:
    """no_data: success:true, data null, and the item is there."""
    api = await start()
    api.sim.faults.add("createtorrent", NoData("Torrent Queued Successfully"))
    answer = await api.add(A)
    assert answer.json == {
        "success": True, "error": None, "detail": "Torrent Queued Successfully", "data": None
    }  # fmt: skip
    assert api.sim.world.find(A) is not None


async def test_a_refusal_is_no_success_without_ids(start: Start) -> None:
    """no_data: TorBox never calls a refusal a success."""
    api = await start()
    api.sim.world.behaviour.duplicate = "refuse"
    await api.add(A)
    api.sim.faults.add("createtorrent", NoData())
    answer = await api.add(A)
    assert (answer.status, answer.json["error"]) == (400, "DUPLICATE_ITEM")


async def test_a_list_can_be_stale_even_with_bypass(start: Start) -> None:
    """stale_list repeats the last list to a caller who did everything right."""
    api = await start(film(A), film(B), items=[A])
    await api.get("/torrents/mylist", bypass_cache="true")
    await api.add(B)
    api.sim.faults.add("mylist", StaleList())
    stale = await api.get("/torrents/mylist", bypass_cache="true")
    fresh = await api.get("/torrents/mylist", bypass_cache="true")
    assert [len(stale.data), len(fresh.data)] == [1, 2]


async def test_the_key_can_rotate_in_mid_run(start: Start) -> None:
    """rotate_key: BAD_TOKEN for this call and all later ones; old links are dead."""
    api = await start(film(), items=[A])
    link = (await api.link((await api.get("/torrents/mylist")).data[0]["id"])).data
    api.sim.faults.add("me", RotateKey())
    told = [(await api.get(path)).error for path in ("/user/me", "/torrents/mylist")]
    assert told == ["BAD_TOKEN", "BAD_TOKEN"]
    assert (await api.fetch(link)).status == 404
    api.key = api.sim.key
    assert (await api.get("/user/me")).status == 200


async def test_faults_aim_at_hashes_and_operations(start: Start) -> None:
    """A create by hash, a control by id and operation."""
    api = await start(film(), items=[A])
    torrent_id = (await api.get("/torrents/mylist")).data[0]["id"]
    api.sim.faults.add("createtorrent", Html(), hash=B)
    api.sim.faults.add("controltorrent", Html(), id=torrent_id, operation="delete")
    assert [(await api.add(info_hash)).status for info_hash in (A, B)] == [200, 502]
    statuses = [
        (
            await api.post(
                "/torrents/controltorrent", {"torrent_id": torrent_id, "operation": operation}
            )
        ).status
        for operation in ("resume", "delete")
    ]
    assert statuses == [200, 502]
