"""The client of the *arr's API, against a server that speaks it."""

import socket
from collections.abc import AsyncIterator

import aiohttp
import msgspec
import pytest
from aiohttp import web
from yarl import URL

from bridge.arr import (
    Arr,
    ArrError,
    ArrKeyRejected,
    ArrNotFound,
    ArrRefused,
    ArrServerError,
    ArrUnreachable,
)
from bridge.config import ArrSettings, Secret
from tests.support.arr_api import KEY, KINDS, ArrApi
from tests.support.rig import PASSWORD, Rig

HASH = "ab" * 20


@pytest.fixture(name="session")
async def _session() -> AsyncIterator[aiohttp.ClientSession]:
    """A session of aiohttp."""
    async with aiohttp.ClientSession() as session:
        yield session


def client(session: aiohttp.ClientSession, api: ArrApi, key: str = KEY) -> Arr:
    """The bridge's client of this *arr."""
    entry = msgspec.convert(
        {**api.settings(), "api_key": Secret(key)}, ArrSettings, dec_hook=lambda _, value: value
    )
    return Arr(session, entry)


@pytest.mark.parametrize("kind", KINDS)
async def test_every_kind_says_who_it_is(session: aiohttp.ClientSession, kind: str) -> None:
    """Each kind is asked at its own version of the API, also below a URL base."""
    async with ArrApi(kind, url_base="/base") as api:
        status = await client(session, api).status()
        assert (status.app_name, status.version) == (api.kind.app, api.kind.version)


@pytest.mark.parametrize("kind", KINDS)
async def test_the_queue_is_read_to_its_end(session: aiohttp.ClientSession, kind: str) -> None:
    """A record is found on the last of many pages, and if the *arr could not match it."""
    async with ArrApi(kind) as api:
        for number in range(450):
            api.track(f"{number:040x}")
        api.track(HASH, matched=False)
        (record,) = await client(session, api).queue(HASH)
        assert record.download_id == HASH.upper()
        assert api.calls.count("GET /queue") == 3


async def test_a_season_pack_has_many_records(session: aiohttp.ClientSession) -> None:
    """All records of one download are found, and no others."""
    async with ArrApi() as api:
        api.grab(HASH, records=3)
        api.grab("cd" * 20)
        arr = client(session, api)
        assert len(await arr.queue(HASH)) == 3
        assert len(await arr.history(HASH)) == 3


async def test_the_history_is_newest_first(session: aiohttp.ClientSession) -> None:
    """The newest record comes first."""
    async with ArrApi() as api:
        api.grab(HASH)
        api.imported(HASH)
        events = [record.event_type for record in await client(session, api).history(HASH)]
        assert events == ["downloadFolderImported", "grabbed"]


async def test_failing_a_record(session: aiohttp.ClientSession) -> None:
    """One request deletes it in the client, blocklists it and searches; then it is gone."""
    async with ArrApi() as api:
        api.grab(HASH, records=2)
        arr = client(session, api)
        queue_id = (await arr.queue(HASH))[0].id
        await arr.fail_queued(queue_id)
        assert api.blocklist == api.searches == [HASH.upper()]
        assert await arr.queue(HASH) == ()
        with pytest.raises(ArrNotFound):
            await arr.fail_queued(queue_id)


MESSAGE = "TorBox: larger than your plan allows"


async def test_the_history_says_why_where_it_can(session: aiohttp.ClientSession) -> None:
    """A Sonarr with the newer API gets the reason; its record there has an id of its own."""
    async with ArrApi("sonarr-5", url_base="/base") as api:
        api.grab("cd" * 20)
        api.grab(HASH, records=2)
        arr = client(session, api)
        queue_id = (await arr.queue(HASH))[0].id
        assert await arr.fail_queued(queue_id, info_hash=HASH, message=MESSAGE)
        assert api.messages == [MESSAGE]
        assert api.blocklist == api.searches == [HASH.upper()]
        assert await arr.queue(HASH) == ()
        assert len(await arr.queue("cd" * 20)) == 1


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "sonarr-5"])
async def test_the_older_api_is_used_where_there_is_no_newer(
    session: aiohttp.ClientSession, kind: str
) -> None:
    """An *arr without the newer API is told by its own one, without a reason."""
    async with ArrApi(kind) as api:
        api.grab(HASH)
        arr = client(session, api)
        queue_id = (await arr.queue(HASH))[0].id
        assert not await arr.fail_queued(queue_id, info_hash=HASH, message=MESSAGE)
        assert api.messages == ["Manually marked as failed"]
        assert api.searches == [HASH.upper()]


async def test_a_broken_newer_api_does_not_keep_the_failure(session: aiohttp.ClientSession) -> None:
    """If the newer API fails to list its queue, the older one is used."""
    async with ArrApi("sonarr-5") as api:
        api.grab(HASH)
        api.trouble["GET /api/v5/queue"] = [500]
        arr = client(session, api)
        queue_id = (await arr.queue(HASH))[0].id
        assert not await arr.fail_queued(queue_id, info_hash=HASH, message=MESSAGE)
        assert api.searches == [HASH.upper()]


async def test_a_long_message_is_cut(session: aiohttp.ClientSession) -> None:
    """A reason of any length and with any character fits into the request."""
    async with ArrApi("sonarr-5") as api:
        api.grab(HASH)
        arr = client(session, api)
        message = "50 % & more? #" + "ü" * 20_000
        assert await arr.fail_queued(0, info_hash=HASH, message=message)
        assert api.messages == [message[:300]]


@pytest.mark.parametrize("kind", KINDS)
async def test_refreshing_downloads(session: aiohttp.ClientSession, kind: str) -> None:
    """Every *arr takes the command to look at its download clients now."""
    async with ArrApi(kind, url_base="/base") as api:
        await client(session, api).refresh_downloads()
        assert api.commands == ["RefreshMonitoredDownloads"]


async def test_failing_a_grab(session: aiohttp.ClientSession) -> None:
    """A grab that is not in the queue is failed by its record in the history."""
    async with ArrApi("lidarr") as api:
        api.grab(HASH, queued=False)
        arr = client(session, api)
        await arr.fail_grabbed((await arr.history(HASH))[0].id)
        assert api.blocklist == [HASH.upper()]


async def test_what_it_is_set_up_with(session: aiohttp.ClientSession) -> None:
    """Clients, their categories and hosts, path mappings, library, options."""
    async with ArrApi("radarr") as api:
        api.use_client()
        api.mappings = [{"host": "torbox-bridge", "remotePath": "/d/", "localPath": "/data/"}]
        arr = client(session, api)
        (found,) = await arr.clients()
        assert (found.categories, found.text("host"), found.text("port")) == (
            ("radarr",),
            "torbox-bridge",
            "8080",
        )
        assert (await arr.path_mappings())[0].local_path == "/data/"
        assert [root.path for root in await arr.root_folders()] == ["/library"]
        assert (await arr.client_options()).enable_completed_download_handling


@pytest.mark.parametrize(
    ("path", "seen", "filled"),
    [
        ("/data", True, True),
        ("/data/tv/", True, False),
        ("/data/radarr", True, True),
        ("/dat", False, False),
        ("/data/film", False, False),
    ],
)
async def test_what_it_sees(
    session: aiohttp.ClientSession, path: str, seen: bool, filled: bool
) -> None:
    """A directory of its own file system is found by its whole path, and what is in it."""
    async with ArrApi() as api:
        api.sees = ["/data", "/data/radarr", "/data/tv", "/data/radarr/film"]
        arr = client(session, api)
        assert (await arr.sees(path), await arr.sees_inside(path)) == (seen, filled)


@pytest.mark.parametrize("hides", [True, False])
async def test_its_test_button_uses_the_stored_password(
    session: aiohttp.ClientSession, rig: Rig, hides: bool
) -> None:
    """Whether it shows its password or hides it, the test logs in with it: only a wrong one fails."""
    async with ArrApi() as api:
        api.hides_passwords = hides
        where = {"host": "127.0.0.1", "port": URL(rig.url).port}
        api.use_client(**where, password=PASSWORD)
        api.use_client(**where, password="wrong")
        arr = client(session, api)
        right, wrong = [found.id for found in await arr.clients()]
        assert await arr.test_client(right) == ()
        (failure,) = await arr.test_client(wrong)
        assert str(failure) == ("Authentication failure: Please verify your username and password.")
        assert (failure.property_name, failure.is_warning) == ("Username", False)


async def test_a_client_that_is_gone_cannot_be_tested(session: aiohttp.ClientSession) -> None:
    """The *arr says that it does not know it."""
    async with ArrApi() as api:
        with pytest.raises(ArrNotFound):
            await client(session, api).test_client(7)


@pytest.mark.parametrize(
    ("status", "kind", "unclear"),
    [
        (401, ArrKeyRejected, False),
        (404, ArrNotFound, False),
        (400, ArrRefused, False),
        (302, ArrServerError, False),
        (500, ArrServerError, True),
        (503, ArrServerError, True),
    ],
)
async def test_refusals(
    session: aiohttp.ClientSession, status: int, kind: type[ArrError], unclear: bool
) -> None:
    """Each status is an error of its kind; only a failure of the server may have had an effect."""
    async with ArrApi() as api:
        api.trouble["GET /system/status"] = [status]
        with pytest.raises(kind) as caught:
            await client(session, api).status()
        assert caught.value.status == status
        assert caught.value.unclear is unclear


async def test_nobody_there(session: aiohttp.ClientSession) -> None:
    """No server: unreachable, and certainly without effect."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        api = ArrApi()
        api.url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(ArrUnreachable) as caught:
            await client(session, api).status()
    assert not caught.value.unclear


async def test_another_server(session: aiohttp.ClientSession) -> None:
    """A page instead of JSON is told as a wrong URL."""

    async def page(_request: web.Request) -> web.Response:
        return web.Response(text="<!doctype html>", content_type="text/html")

    app = web.Application()
    app.router.add_get("/{path:.*}", page)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    api = ArrApi()
    api.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        with pytest.raises(ArrServerError, match="URL"):
            await client(session, api).status()
    finally:
        await runner.cleanup()


async def test_the_key_stays_secret(session: aiohttp.ClientSession) -> None:
    """No error and no repr shows the key."""
    wrong = "f00d" * 8
    async with ArrApi() as api:
        arr = client(session, api, wrong)
        with pytest.raises(ArrKeyRejected) as caught:
            await arr.status()
        assert wrong not in f"{caught.value} {caught.value!r} {arr!r}"
