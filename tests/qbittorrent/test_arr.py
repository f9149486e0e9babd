"""Every *arr with the bridge as its download client, in its own requests."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bridge.core.model import Phase
from tests.arr_emulator.arr_client import Arr
from tests.arr_emulator.arr_queue import QueueStatus
from tests.arr_emulator.arr_wire import ArrError
from tests.arr_emulator.arr_words import ArrSettings, InitialState, SeedLimits
from tests.arr_emulator.dialects import App
from tests.support.face import (
    API_KEY,
    PASSWORD,
    USERNAME,
    Face,
    is_directory,
    magnet,
    make_torrent,
    serve_face,
)

ALL = list(App)
IMPORTERS = [App.SONARR, App.RADARR, App.LIDARR, App.READARR]
ONE = "1a" * 20
ODD_CATEGORY = "TV Shows/Ünï"


@pytest.fixture(name="face", params=["", "/torbox"])
async def _face(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Face]:
    """The API at the root, and behind a reverse proxy's path."""
    async with serve_face(tmp_path, base=request.param) as face:
        yield face


def arr_of(app: App, face: Face, settings: ArrSettings | None = None) -> Arr:
    """Configure the bridge in an *arr."""
    return Arr(app, face.url, USERNAME, PASSWORD, settings=settings)


@pytest.mark.parametrize("app", ALL)
async def test_the_test_button_is_green(face: Face, app: App) -> None:
    """The test makes the categories and finds them, and is green a second time as well."""
    settings = ArrSettings(
        category=ODD_CATEGORY, post_import_category="Imported", first_priority=True
    )
    async with arr_of(app, face, settings) as arr:
        assert await arr.test() == []
        assert await arr.test() == []
        assert set(await arr.categories()) == {ODD_CATEGORY, "Imported"}
        assert is_directory(await arr.directory())
        assert await arr.poll() == []


@pytest.mark.parametrize("app", ALL)
async def test_the_first_request_is_an_unauthenticated_probe(face: Face, app: App) -> None:
    """403 says "API v2, log in", whatever Authorization comes with it."""
    async with arr_of(app, face) as arr:
        await arr.test()
        assert arr.wire.log[:3] == [
            ("GET", "app/webapiVersion", 403),
            ("POST", "auth/login", 200),
            ("GET", "app/webapiVersion", 200),
        ]


@pytest.mark.parametrize("app", ALL)
async def test_wrong_password_is_an_error(face: Face, app: App) -> None:
    """Each application says that the login failed."""
    async with Arr(app, face.url, USERNAME, "wrong") as arr:
        assert await arr.test() == ["Failed to authenticate with qBittorrent"]


@pytest.mark.parametrize("app", ALL)
async def test_no_credentials_are_an_error_too(face: Face, app: App) -> None:
    """Without a password no login is tried; four of five send `Basic Og==` all the same."""
    async with Arr(app, face.url) as arr:
        assert await arr.test() == ["Failed to authenticate with qBittorrent"]


async def test_sonarr_comes_in_with_an_api_key(face: Face) -> None:
    """With a bearer key there is neither login nor cookie."""
    async with Arr(App.SONARR, face.url, api_key=API_KEY) as arr:
        assert await arr.test() == []
        assert "auth/login" not in [path for _, path, _ in arr.wire.log]
    async with Arr(App.SONARR, face.url, api_key="wrong") as arr:
        assert await arr.test() == ["ApiKey: authentication failure (403)"]


@pytest.mark.parametrize("app", ALL)
async def test_cookies_of_other_servers_do_no_harm(face: Face, app: App) -> None:
    """A real qBittorrent on the same host has cookies of the same name."""
    foreign = {"SID": "of-another-server", "QBT_SID_8080": "x"}
    async with Arr(app, face.url, USERNAME, PASSWORD, foreign_cookies=foreign) as arr:
        assert await arr.test() == []


@pytest.mark.parametrize("app", ALL)
@pytest.mark.parametrize("trackers", [1, 30])
async def test_magnets_of_any_length(face: Face, app: App, trackers: int) -> None:
    """A short one comes urlencoded, a long one as multipart; both are there at once."""
    settings = ArrSettings(
        category=ODD_CATEGORY,
        sequential=True,
        first_and_last=True,
        content_layout="Subfolder",
        initial_state=InitialState.STOP,
    )
    link = magnet(ONE, "Show & Tell S01", trackers=trackers)
    async with arr_of(app, face, settings) as arr:
        assert await arr.add_magnet(link, SeedLimits(1.5, 600)) == ONE.upper()
    view = face.view(ONE)
    grab = view.grab
    assert (grab.category, grab.content_layout) == (ODD_CATEGORY, "Subfolder")
    assert (grab.stopped, grab.sequential, grab.first_last_first) == (True,) * 3
    assert (grab.ratio_limit, grab.seeding_time_limit) == (1.5, 600)
    assert len(face.downloads.queries.trackers(view.download)) == trackers


@pytest.mark.parametrize("app", ALL)
async def test_torrent_files(face: Face, app: App) -> None:
    """A .torrent with a title beyond ASCII, started at once."""
    data, info_hash = make_torrent("Show.S01.mkv", padding=2000)
    async with arr_of(app, face) as arr:
        assert await arr.add_torrent(data, "Shöw · S01", info_hash) == info_hash.upper()
    assert not face.view(info_hash).grab.stopped


@pytest.mark.parametrize("app", ALL)
async def test_forced_and_first(face: Face, app: App) -> None:
    """Priority and force start wait for the torrent for a second at most, and find it."""
    settings = ArrSettings(
        initial_state=InitialState.FORCE_START, first_priority=True, tags=("a", "b")
    )
    async with arr_of(app, face, settings) as arr:
        await arr.add_magnet(magnet("2b" * 20))
        await arr.add_magnet(magnet(ONE))
        waits = [status for _, path, status in arr.wire.log if path == "torrents/properties"]
    assert waits == [200, 200]
    view = face.view(ONE)
    assert view.grab.force_start
    assert view.grab.priority < face.view("2b" * 20).grab.priority
    assert view.grab.tags == (("a", "b") if app is App.SONARR else ())


@pytest.mark.parametrize("app", ALL)
async def test_a_refused_grab_is_an_error(face: Face, app: App) -> None:
    """What is no torrent is refused with 415."""
    async with arr_of(app, face) as arr:
        with pytest.raises(ArrError) as raised:
            await arr.add_torrent(b"<html>", "x", ONE)
    assert raised.value.status == 415


@pytest.mark.parametrize("app", IMPORTERS)
async def test_whole_life(face: Face, app: App) -> None:
    """Grabbed, waiting, finished, imported, moved to another category, removed."""
    settings = ArrSettings(post_import_category="imported")
    async with arr_of(app, face, settings) as arr:
        assert await arr.test() == []
        download_id = await arr.add_magnet(magnet(ONE, "Show S01"))
        (waiting,) = await arr.poll()
        assert (waiting.download_id, waiting.title) == (download_id, "Show S01")
        assert (waiting.status, waiting.output_path) == (QueueStatus.QUEUED, "")
        assert (waiting.can_be_removed, waiting.remaining_seconds) == (False, None)

        content = await face.finish(ONE)
        (done,) = await arr.poll()
        assert (done.status, done.output_path) == (QueueStatus.COMPLETED, str(content))
        assert done.can_be_removed

        await arr.mark_imported(download_id)
        assert await arr.poll() == []
        for _ in range(2):
            await arr.remove(download_id)
    assert not face.downloads.queries.primaries.values()


@pytest.mark.parametrize("app", IMPORTERS)
async def test_while_it_seeds_it_is_imported_but_not_removed(face: Face, app: App) -> None:
    """A download with a seed limit is complete, and stays until the limit is reached."""
    async with arr_of(app, face) as arr:
        await arr.add_magnet(magnet(ONE), SeedLimits(ratio=2.0))
        await face.finish(ONE, phase=Phase.DELIVERED, ratio=0.5)
        (item,) = await arr.poll()
        assert (item.status, item.can_be_removed) == (QueueStatus.COMPLETED, False)
        await face.put(ONE, phase=Phase.FINISHED, ratio=2.0)
        (item,) = await arr.poll()
        assert item.can_be_removed


@pytest.mark.parametrize("app", IMPORTERS)
async def test_each_sees_only_its_own(face: Face, app: App) -> None:
    """Another application's category is not in the queue."""
    async with arr_of(app, face) as arr, arr_of(App.PROWLARR, face) as other:
        await other.add_magnet(magnet("2b" * 20))
        await arr.add_magnet(magnet(ONE))
        assert [item.download_id for item in await arr.poll()] == [ONE.upper()]


@pytest.mark.parametrize("app", IMPORTERS)
async def test_failed_is_a_warning(face: Face, app: App) -> None:
    """No state reads as failed; `error` is the one that tools look for."""
    async with arr_of(app, face) as arr:
        await arr.add_magnet(magnet(ONE))
        await face.put(ONE, phase=Phase.FAILED)
        (item,) = await arr.poll()
    assert item.status is QueueStatus.WARNING


@pytest.mark.parametrize("app", ALL)
async def test_a_lost_session_is_renewed(face: Face, app: App) -> None:
    """After two idle hours the answer is 403; login and one retry mend it."""
    async with arr_of(app, face) as arr:
        await arr.preferences()
        face.clock.at = face.clock() + 2 * 3600
        await arr.preferences()
        last = [(path, status) for _, path, status in arr.wire.log[-3:]]
    assert last == [("app/preferences", 403), ("auth/login", 200), ("app/preferences", 200)]


async def test_readarr_and_the_words_of_5(tmp_path: Path) -> None:
    """With profile 5.1 Readarr would never import: the default profile is 4.6 for its sake."""
    async with serve_face(tmp_path, profile="5.1") as face:
        async with arr_of(App.RADARR, face) as arr:
            await arr.add_magnet(magnet(ONE))
            await face.finish(ONE)
            assert (await arr.poll())[0].can_be_removed
        async with arr_of(App.READARR, face, ArrSettings(category="radarr")) as arr:
            assert (await arr.poll())[0].status is QueueStatus.DOWNLOADING
