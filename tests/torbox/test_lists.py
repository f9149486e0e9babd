"""TorBox's lists, over a real socket."""

import asyncio
import json
import time
from collections.abc import Awaitable

import aiohttp
import pytest
import structlog.testing

from bridge.torbox.budgets import Budgets
from bridge.torbox.client import TorBox
from bridge.torbox.errors import ServerError, TorBoxError
from bridge.torbox.lists import LIST_BYTES, PAGE, READS_UNTIL_LARGER, Lists
from bridge.torbox.transport import Transport
from tests.torbox.scripted import EMPTY, HANG, KEY, Scripted, envelope, http, scripted_server


async def test_what_did_not_change_is_the_same(torbox: TorBox, script: Scripted) -> None:
    """An item is read anew only when TorBox says something new of it, and is never left behind."""
    script.answers = [
        envelope([{"id": 1}, {"id": 2}]),
        envelope([{"id": 1}, {"id": 2, "progress": 0.5}]),
        envelope([{"id": 2, "progress": 0.5}]),
    ]
    first, second, third = [await torbox.list_items() for _ in range(3)]
    assert second[0] is first[0]
    assert (first[1].progress, second[1].progress) == (0.0, 0.5)
    assert third == (second[1],)


async def test_pages_are_joined(torbox: TorBox, script: Scripted) -> None:
    """The list is read page by page until one is short; an item that moved up is there once."""
    first = [{"id": number} for number in range(PAGE)]
    script.answers = [envelope(first), envelope([{"id": PAGE - 1}, {"id": PAGE}])]
    assert [item.id for item in await torbox.list_items()] == list(range(PAGE + 1))
    assert [seen.query for seen in script.seen] == [
        {"offset": "0", "limit": "1000", "bypass_cache": "true"},
        {"offset": "1000", "limit": "1000", "bypass_cache": "true"},
    ]


async def test_a_full_last_page(torbox: TorBox, script: Scripted) -> None:
    """A list of exactly one page ends with the 404 after it."""
    script.answers = [envelope([{"id": number} for number in range(PAGE)]), EMPTY]
    assert len(await torbox.list_items()) == PAGE


async def test_a_server_that_ignores_the_offset(torbox: TorBox, script: Scripted) -> None:
    """The same page again ends the list instead of going round for ever."""
    page = envelope([{"id": number} for number in range(PAGE)])
    script.answers = [page, page]
    assert len(await torbox.list_items()) == PAGE


@pytest.mark.parametrize(
    "failure",
    [
        http(b"<html>", status=502),
        http(b'{"detail":"300 per 1 minute"}', status=429),
        envelope(status=404, success=False, error="ITEM_NOT_FOUND"),
        envelope({}),
        b"",
    ],
    ids=["502", "429", "404", "object", "cut"],
)
async def test_a_failed_page_fails_the_list(
    torbox: TorBox, script: Scripted, failure: bytes
) -> None:
    """A short list is never given out: what is missing from it would look gone."""
    script.answers = [envelope([{"id": number} for number in range(PAGE)]), failure]
    with pytest.raises(TorBoxError):
        await torbox.list_items()


async def test_a_broken_item_is_logged_once(torbox: TorBox, script: Scripted) -> None:
    """The others are listed, and the log has one line however often the list is read."""
    listed = envelope([{"id": 1}, {"id": None}, {"id": 2, "files": [{}]}])
    script.answers = [listed, listed]
    with structlog.testing.capture_logs() as logs:
        for _ in range(2):
            assert [item.id for item in await torbox.list_items()] == [1, 2]
    assert [line["event"] for line in logs] == ["torbox_sent_broken_entry"] * 2


def limits(script: Scripted) -> list[int]:
    """List the page sizes that were asked for."""
    return [int(seen.query["limit"]) for seen in script.seen]


async def test_a_server_that_ignores_the_offset_and_changes_its_items(
    torbox: TorBox, script: Scripted
) -> None:
    """Items that are new in their bytes and not in their ids end the list, too."""
    script.answers = [
        envelope([{"id": number, "progress": share} for number in range(PAGE)])
        for share in (0.1, 0.2, 0.3)
    ]
    assert {item.progress for item in await torbox.list_items()} == {0.2}
    assert len(script.seen) == 2


async def test_a_list_without_an_end_is_cut_off(
    session: aiohttp.ClientSession, script: Scripted
) -> None:
    """A server that invents items for ever costs a bounded number of pages, and is an error."""
    transport = Transport(
        session,
        base_url=script.url,
        api_key=KEY,
        timeout=5.0,
        budgets=Budgets(),
        clock=lambda: 1e9,
    )
    problems: list[str] = []
    lists = Lists(transport, problems.append, most_items=2500)
    script.answers = [
        envelope([{"id": page * PAGE + number} for number in range(PAGE)]) for page in range(5)
    ]
    with pytest.raises(ServerError, match="no end"):
        await lists.torrents()
    assert len(script.seen) == 3


async def test_a_list_with_more_pages_than_calls_a_minute(
    session: aiohttp.ClientSession, script: Scripted
) -> None:
    """A list that meets our own limit waits for it and goes on, instead of starting over."""
    now = 1e9

    async def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds

    transport = Transport(
        session,
        base_url=script.url,
        api_key=KEY,
        timeout=5.0,
        budgets=Budgets(calls_per_minute=2),
        clock=lambda: now,
    )
    lists = Lists(transport, pytest.fail, sleep=sleep)
    script.answers = [
        envelope([{"id": page * PAGE + number} for number in range(PAGE)]) for page in range(4)
    ]
    script.answers.append(EMPTY)
    assert len(await lists.torrents()) == 4 * PAGE
    assert now == 1e9 + 120


TOO_LARGE = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (LIST_BYTES + 1)


async def test_a_list_that_is_too_large_comes_in_smaller_pages(
    torbox: TorBox, script: Scripted
) -> None:
    """A page that is larger than may be read is asked for in parts, at the same offset."""
    few = [{"id": number} for number in range(250)]
    script.answers = [TOO_LARGE, envelope(few), envelope([{"id": 250}])]
    assert len(await torbox.list_items()) == 251
    assert limits(script) == [1000, 250, 250]
    assert [seen.query["offset"] for seen in script.seen] == ["0", "0", "250"]


async def test_pages_grow_again(torbox: TorBox, script: Scripted) -> None:
    """After a while larger pages are tried again, so that a bad day does not cost calls for ever."""
    script.answers = [TOO_LARGE]
    script.answers += [envelope([{"id": 1}])] * (READS_UNTIL_LARGER + 1)
    for _ in range(READS_UNTIL_LARGER + 1):
        await torbox.list_items()
    assert limits(script)[-2:] == [250, 500]


async def test_a_list_that_is_too_slow_comes_in_smaller_pages(
    session: aiohttp.ClientSession, script: Scripted
) -> None:
    """A page that does not come in time fails the list; the next one asks for less at a time."""
    torbox = TorBox(
        session, base_url=script.url, api_key=KEY, timeout=1.0, budgets=Budgets(), clock=lambda: 1e9
    )
    script.answers = [HANG, envelope([{"id": 1}])]
    with pytest.raises(TorBoxError):
        await torbox.list_items()
    assert [item.id for item in await torbox.list_items()] == [1]
    assert limits(script) == [1000, 250]


BROKEN = {
    "lone surrogate": rb'{"id": 2, "name": "a\ud83d", "progress": 0.5}',
    "integer beyond 64 bits": b'{"id": 2, "size": 123456789012345678901234567890, "progress": 0.5}',
    "integer of 5,000 digits": b'{"id": 2, "eta": ' + b"9" * 5000 + b', "progress": 0.5}',
    "number beyond a float": b'{"id": 2, "ratio": 1e999, "progress": 0.5}',
    "NaN": b'{"id": 2, "ratio": NaN, "seeds": -Infinity, "progress": 0.5}',
    "deep nesting": b'{"id": 2, "tags": ' + b"[" * 5000 + b"]" * 5000 + b', "progress": 0.5}',
    "bytes that are not UTF-8": b'{"id": 2, "name": "\xff\xfe", "progress": 0.5}',
    "a raw line break": b'{"id": 2, "name": "a\nb", "progress": 0.5}',
    "a trailing comma": b'{"id": 2, "progress": 0.5,}',
    "no value": b'{"id": 2, "name": , "progress": 0.5}',
    "a word": b'{"id": 2, "name": None, "progress": 0.5}',
    "a wrong type": b'{"id": 2, "name": {"a": [1]}, "files": 7, "progress": "0.5"}',
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
async def test_a_broken_value_costs_neither_the_list_nor_the_item(
    torbox: TorBox, script: Scripted, broken: bytes
) -> None:
    """The items beside it are there, and so is the item itself with all else that it says."""
    body = b'{"success": true, "error": null, "data": [{"id": 1}, %b, {"id": 3}]}' % broken
    script.answers = [http(body)]
    found = {item.id: item for item in await torbox.list_items()}
    assert set(found) == {1, 2, 3}
    assert found[2].progress == 0.5
    found[2].name.encode()
    assert found[2].size < 2**63


async def test_a_broken_value_in_a_file(torbox: TorBox, script: Scripted) -> None:
    """What nobody needs of a file may be broken; a name is repaired; a lost size hides the files."""
    deep = b"[" * 5000 + b"]" * 5000
    files = [
        rb'{"id": 0, "name": "S/a\udc00.mkv", "size": 5}',
        b'{"id": 1, "name": "S/b.mkv", "size": 6, "x": %b}' % deep,
    ]
    lost = b'{"id": 2, "name": "S/c.mkv", "size": 1e999}'
    for listed, sizes in ((files, [5, 6]), ([*files, lost], [])):
        body = b'{"success": true, "data": [{"id": 1, "files": [%b]}]}' % b",".join(listed)
        script.answers = [http(body)]
        (item,) = await torbox.list_items()
        assert [file.size for file in item.files] == sizes


@pytest.mark.parametrize("cut", [1, 2, 10, 25])
async def test_half_a_list_is_none(torbox: TorBox, script: Scripted, cut: int) -> None:
    """A body that ends too early is an error, never a shorter list."""
    body = b'{"success": true, "error": null, "data": [{"id": 1}, {"id": 2, "a": "\xff"}]}'
    script.answers = [http(body[:-cut])]
    with pytest.raises(ServerError):
        await torbox.list_items()


async def longest_pause(work: Awaitable[object]) -> float:
    """Return the longest time, in CPU seconds, that the loop ran nothing else during some work.

    CPU time of the loop's thread, so that other programs on the machine do not count.
    """
    longest, done = 0.0, asyncio.Event()

    async def watch() -> None:
        nonlocal longest
        while not done.is_set():
            began = time.thread_time()
            await asyncio.sleep(0.005)
            longest = max(longest, time.thread_time() - began)

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(watch())
        await asyncio.sleep(0)
        await work
        done.set()
    return longest


@pytest.mark.parametrize(
    ("count", "broken"), [(50_000, False), (20_000, True)], ids=["valid", "broken"]
)
async def test_a_huge_list_does_not_block_the_loop(
    session: aiohttp.ClientSession, count: int, broken: bool
) -> None:
    """What would take seconds is parsed beside everything else, also if it has to be split first."""
    item = {"id": 0, "hash": "ab" * 20, "name": "Show", "progress": 1, "size": 5, "files": None}
    rest = json.dumps(item).encode().removeprefix(b'{"id": 0')
    raws = [b'{"id": %d' % number + rest for number in range(count)]
    if broken:
        raws[1000] = rb'{"id": 1000, "name": "\ud800"}'
    body = b'{"success":true,"error":null,"detail":"","data":[%b]}' % b",".join(raws)
    answer = http(body)
    async with scripted_server() as script:
        script.answers = [answer, EMPTY]
        torbox = TorBox(session, base_url=script.url, api_key=KEY, timeout=60.0, budgets=Budgets())
        pause = await longest_pause(torbox.list_items())
        assert len(script.seen) == 2
    assert pause < 0.2
