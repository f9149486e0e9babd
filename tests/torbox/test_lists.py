"""TorBox's lists, over a real socket."""

import pytest
import structlog.testing

from bridge.torbox.client import TorBox
from bridge.torbox.errors import TorBoxError
from bridge.torbox.lists import PAGE
from tests.torbox.scripted import EMPTY, Scripted, envelope, http


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
