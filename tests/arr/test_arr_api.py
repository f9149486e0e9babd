"""The *arr that tests talk to does what the real ones do: asked here without the bridge's client."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from tests.arr_emulator.arr_wire import ArrError
from tests.support.arr_api import KEY, KINDS, ArrApi

HASH = "ab" * 20
TELL = {"removeFromClient": "true", "blocklist": "true", "skipRedownload": "false"}


class Asking:
    """Asks an *arr as any script would."""

    def __init__(self, api: ArrApi, session: aiohttp.ClientSession) -> None:
        self.api = api
        self._session = session

    async def ask(self, method: str, path: str, **query: str) -> tuple[int, Any]:
        """Answer the status and the JSON, None where there is none."""
        url = f"{self.api.url}{self.api.kind.api}{path}"
        async with self._session.request(method, url, params=query) as answer:
            return answer.status, await answer.json() if await answer.read() else None

    async def get(self, path: str, **query: str) -> Any:
        """Read something that is there."""
        status, told = await self.ask("GET", path, **query)
        assert status == 200
        return told

    async def records(self, path: str, **query: str) -> list[dict[str, Any]]:
        """Read the records of one page."""
        found: list[dict[str, Any]] = (await self.get(path, **query))["records"]
        return found

    async def events(self) -> list[str]:
        """Read what the history says, the newest first."""
        return [row["eventType"] for row in await self.records("/history")]

    async def remove(self, **query: str) -> tuple[int, Any]:
        """Remove the first record of the queue."""
        return await self.ask("DELETE", f"/queue/{self.api.queue[0].id}", **query)


@pytest.fixture(name="arr", params=KINDS)
async def _arr(request: pytest.FixtureRequest) -> AsyncIterator[Asking]:
    """Each kind, and somebody with its key."""
    headers = {"X-Api-Key": KEY}
    async with ArrApi(request.param) as api, aiohttp.ClientSession(headers=headers) as session:
        yield Asking(api, session)


async def test_unknown_items_are_hidden_unless_asked_for(arr: Asking) -> None:
    """Only the kind's own parameter brings what it could not match; case does not matter."""
    arr.api.track(HASH, matched=False)
    for query in ({}, {"includeUnknown": "true"}, {arr.api.kind.include_unknown: "false"}):
        assert await arr.records("/queue", **query) == []
    assert len(await arr.records("/queue", **{arr.api.kind.include_unknown.lower(): "True"})) == 1


async def test_pages(arr: Asking) -> None:
    """Ten to a page unless asked otherwise, and no page of the queue is empty while it is not."""
    for number in range(25):
        arr.api.track(f"{number:040x}")
        arr.api.grab(f"{number:040x}", queued=False)
    page = await arr.get("/queue")
    assert (page["totalRecords"], page["pageSize"], len(page["records"])) == (25, 10, 10)
    assert len(await arr.records("/queue", page="3")) == 5
    assert len(await arr.records("/queue", pageSize="1000")) == 25
    assert await arr.records("/queue", page="9") == await arr.records("/queue", page="2")
    assert await arr.records("/history", page="9") == []


async def test_the_history_is_found_by_the_very_id(arr: Asking) -> None:
    """The filter is case-sensitive, and the newest comes first unless asked otherwise."""
    arr.api.grab(HASH, records=2)
    arr.api.grab("cd" * 20)
    assert await arr.records("/history", downloadId=HASH) == []
    found = await arr.records("/history", downloadId=HASH.upper())
    assert [row["downloadId"] for row in found] == [HASH.upper()] * 2
    assert found[0]["id"] > found[1]["id"]
    oldest = await arr.records("/history", sortKey="date", sortDirection="ascending")
    assert oldest[-1]["downloadId"] == "CD" * 20


async def test_the_client_is_asked_before_anything_is_written(arr: Asking) -> None:
    """A season pack: deleted once, blocklisted once, searched once, failed for each episode."""
    seen: list[object] = []

    async def delete(download_id: str) -> None:
        seen.append((download_id, await arr.events(), len(arr.api.queue)))

    arr.api.delete_in_client = delete
    arr.api.grab(HASH, records=3)
    status, told = await arr.remove(**TELL)
    assert (status, told) == (200, None)
    assert seen == [(HASH.upper(), ["grabbed"] * 3, 3)]
    assert await arr.events() == ["downloadFailed"] * 3 + ["grabbed"] * 3
    assert arr.api.blocklist == arr.api.searches == [HASH.upper()]
    assert await arr.records("/queue") == []


async def test_a_client_that_fails(arr: Asking) -> None:
    """500 with the client's words; the record stays, and nothing is blocklisted."""

    async def delete(_download_id: str) -> None:
        raise ArrError("no such luck")

    arr.api.delete_in_client = delete
    arr.api.grab(HASH)
    status, told = await arr.remove(**TELL)
    assert (status, told["message"]) == (500, "no such luck")
    assert await arr.events() == ["grabbed"]
    assert len(await arr.records("/queue")) == 1


async def test_what_it_never_grabbed(arr: Asking) -> None:
    """The record is deleted and leaves the queue with 200, although nothing is blocklisted."""
    arr.api.track(HASH)
    assert (await arr.remove(**TELL))[0] == 200
    assert (await arr.events(), arr.api.blocklist, arr.api.queue) == ([], [], [])


async def test_what_is_not_there(arr: Asking) -> None:
    """404, in the queue and in the history."""
    for method, path in (("DELETE", "/queue/7"), ("POST", "/history/failed/7")):
        assert (await arr.ask(method, path))[0] == 404


async def test_the_flags(arr: Asking) -> None:
    """Without a blocklist nothing is written; without a new download nothing is searched."""
    deleted: list[str] = []

    async def delete(download_id: str) -> None:
        deleted.append(download_id)

    arr.api.delete_in_client = delete
    arr.api.grab(HASH)
    await arr.remove(removeFromClient="false")
    assert (deleted, arr.api.blocklist) == ([], [])
    arr.api.grab(HASH)
    await arr.remove()
    assert (deleted, arr.api.blocklist) == ([HASH.upper()], [])
    arr.api.grab(HASH)
    await arr.remove(blocklist="true", skipRedownload="true")
    assert (arr.api.blocklist, arr.api.searches) == ([HASH.upper()], [])


async def test_redownloading_turned_off(arr: Asking) -> None:
    """With the option off a failure is blocklisted and not searched."""
    arr.api.options["autoRedownloadFailed"] = False
    arr.api.grab(HASH)
    await arr.remove(**TELL)
    assert (arr.api.blocklist, arr.api.searches) == ([HASH.upper()], [])


async def test_a_release_that_waits(arr: Asking) -> None:
    """It is always shown, has no download id, and goes without a word to client or history."""
    waiting = arr.api.pend("Show.S01E01")
    (shown,) = await arr.records("/queue")
    assert "downloadId" not in shown
    assert (await arr.remove(**TELL))[0] == 200
    assert arr.api.blocklist == [waiting.title]
    assert (await arr.events(), arr.api.searches, arr.api.queue) == ([], [], [])


async def test_failing_by_the_history(arr: Asking) -> None:
    """It blocklists and searches, and leaves the download in its client and in the queue."""
    arr.api.grab(HASH, records=2)
    (newest, _) = await arr.records("/history")
    assert await arr.ask("POST", f"/history/failed/{newest['id']}") == (200, {})
    assert await arr.events() == ["downloadFailed"] * 2 + ["grabbed"] * 2
    assert arr.api.blocklist == arr.api.searches == [HASH.upper()]
    assert len(await arr.records("/queue")) == 2


async def test_imports_in_its_own_words(arr: Asking) -> None:
    """Lidarr and Readarr tell of each file and then of the whole; the others of files alone."""
    arr.api.grab(HASH)
    arr.api.imported(HASH)
    words = {
        "sonarr": ["downloadFolderImported"],
        "radarr": ["downloadFolderImported"],
        "lidarr": ["downloadImported", "trackFileImported"],
        "readarr": ["downloadImported", "bookFileImported"],
        "whisparr": ["downloadFolderImported"],
    }
    assert await arr.events() == [*words[arr.api.kind.name], "grabbed"]


async def test_without_the_key(arr: Asking) -> None:
    """401, whatever is asked."""
    async with aiohttp.ClientSession() as session:
        assert (await Asking(arr.api, session).ask("GET", "/queue"))[0] == 401
