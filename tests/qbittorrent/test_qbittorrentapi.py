"""The client library that most scripts use, against the API."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

import pytest
import qbittorrentapi as qb

from tests.support.face import PASSWORD, USERNAME, Face, magnet, make_torrent

T = TypeVar("T")
ONE, TWO = "1a" * 20, "2b" * 20


@asynccontextmanager
async def connected(face: Face) -> AsyncIterator[qb.Client]:
    """Make a client that complains of versions it does not know."""
    client = qb.Client(
        host=face.url,
        username=USERNAME,
        password=PASSWORD,
        RAISE_ERROR_FOR_UNSUPPORTED_QBITTORRENT_VERSIONS=True,
        RAISE_NOTIMPLEMENTEDERROR_FOR_UNIMPLEMENTED_API_ENDPOINTS=True,
    )
    try:
        yield client
    finally:
        await asyncio.to_thread(client.auth_log_out)


@pytest.fixture(name="api")
async def _api(face: Face) -> AsyncIterator[qb.Client]:
    async with connected(face) as client:
        yield client


async def call(function: Callable[[], T]) -> T:
    """Run what blocks beside the server."""
    return await asyncio.to_thread(function)


async def test_app(api: qb.Client, face: Face) -> None:
    """The library knows the versions as a real pair."""
    await call(api.auth_log_in)
    assert await call(lambda: api.is_logged_in)
    assert await call(api.app_version) == "v4.6.7"
    assert await call(api.app_web_api_version) == "2.9.3"
    assert (await call(api.app_build_info))["bitness"] == 64
    assert (await call(api.app_preferences))["dht"] is True
    await call(lambda: api.app_set_preferences({"dht": False}))
    assert await call(api.app_default_save_path) == str(face.settings.paths.downloads)
    assert (await call(api.transfer_info))["connection_status"] == "connected"


async def test_wrong_password(face: Face) -> None:
    """A failed login is an error of its own kind."""
    client = qb.Client(host=face.url, username=USERNAME, password="wrong")
    with pytest.raises(qb.LoginFailed):
        await call(client.auth_log_in)


async def test_add_and_read(api: qb.Client, face: Face) -> None:
    """Magnets and files, and every read of what was added."""
    data, info_hash = make_torrent("file.mkv")
    added = await call(
        lambda: api.torrents_add(
            urls=[magnet(ONE, trackers=2)],
            torrent_files={"file.torrent": data},
            category="tv",
            tags=["a", "b"],
            is_stopped=True,
            ratio_limit=1.5,
        )
    )
    assert added == "Ok."
    rows = await call(lambda: api.torrents_info(category="tv", sort="name", status_filter="paused"))
    assert [row.hash for row in rows] == [ONE, info_hash]
    assert rows[0].state_enum is qb.TorrentStates.PAUSED_DOWNLOAD
    assert rows[0].ratio_limit == 1.5
    assert await call(api.torrents_count) == 2
    assert (await call(lambda: api.torrents_properties(ONE))).hash == ONE
    assert len(await call(lambda: api.torrents_trackers(ONE))) == 5
    assert list(await call(lambda: api.torrents_files(ONE))) == []
    assert list(await call(lambda: api.torrents_webseeds(ONE))) == []
    assert list(await call(lambda: api.torrents_piece_states(ONE))) == []
    assert list(await call(lambda: api.torrents_piece_hashes(ONE))) == []
    with pytest.raises(qb.NotFound404Error):
        await call(lambda: api.torrents_properties(TWO))


async def test_add_what_is_no_torrent(api: qb.Client) -> None:
    """415 is an error of its own kind; `Fails.` is told as it is."""
    with pytest.raises(qb.UnsupportedMediaType415Error):
        await call(lambda: api.torrents_add(torrent_files=b"<html>"))
    assert await call(lambda: api.torrents_add(urls="nonsense")) == "Fails."


async def test_actions(api: qb.Client, face: Face) -> None:
    """Pause, start, priorities, limits and removal."""
    await call(lambda: api.torrents_add(urls=[magnet(ONE), magnet(TWO)]))
    await call(lambda: api.torrents_pause(torrent_hashes="all"))
    assert face.view(ONE).grab.stopped
    await call(lambda: api.torrents_resume(torrent_hashes=[ONE, TWO]))
    assert not face.view(ONE).grab.stopped
    await call(lambda: api.torrents_top_priority(torrent_hashes=TWO))
    await call(lambda: api.torrents_set_force_start(enable=True, torrent_hashes=ONE))
    assert face.view(ONE).grab.force_start
    await call(
        lambda: api.torrents_set_share_limits(
            ratio_limit=2, seeding_time_limit=60, inactive_seeding_time_limit=-1, torrent_hashes=ONE
        )
    )
    assert face.view(ONE).grab.ratio_limit == 2
    await call(lambda: api.torrents_delete(delete_files=True, torrent_hashes="all"))
    assert not face.downloads.queries.primaries.values()


async def test_categories_and_tags(api: qb.Client, face: Face) -> None:
    """Made, shown, assigned, edited, dropped."""
    await call(lambda: api.torrents_add(urls=magnet(ONE)))
    await call(lambda: api.torrents_create_category("Ünï/b", save_path="sub"))
    made = await call(lambda: api.torrents_categories()["Ünï/b"])
    assert made == {"name": "Ünï/b", "savePath": f"{face.settings.paths.downloads}/sub"}
    await call(lambda: api.torrents_edit_category("Ünï/b", save_path="other"))
    await call(lambda: api.torrents_set_category("Ünï/b", torrent_hashes=ONE))
    assert face.view(ONE).grab.category == "Ünï/b"
    with pytest.raises(qb.Conflict409Error):
        await call(lambda: api.torrents_set_category("nope", torrent_hashes=ONE))
    await call(lambda: api.torrents_remove_categories("Ünï/b"))
    assert await call(api.torrents_categories) == {}

    await call(lambda: api.torrents_create_tags(["a", "b"]))
    await call(lambda: api.torrents_add_tags(["c"], torrent_hashes=ONE))
    await call(lambda: api.torrents_delete_tags("b"))
    assert [str(tag) for tag in await call(api.torrents_tags)] == ["a", "c"]
    await call(lambda: api.torrents_remove_tags(torrent_hashes=ONE))
    assert face.view(ONE).grab.tags == ()
