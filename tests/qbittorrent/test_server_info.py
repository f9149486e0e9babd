"""The endpoints about the server itself."""

import re
import time
from pathlib import Path

import pytest

from bridge.qbittorrent.app_preferences import defaults_of
from bridge.qbittorrent.responses import PROFILES
from tests.support.face import API_KEY, Face, serve_face
from tests.support.http import Client, client_of


@pytest.mark.parametrize(
    ("profile", "version", "api"), [("4.6", "v4.6.7", "2.9.3"), ("5.1", "v5.1.4", "2.11.4")]
)
async def test_versions_are_a_real_pair(
    tmp_path: Path, profile: str, version: str, api: str
) -> None:
    """The API version has three numbers: .NET orders `2.11` below `2.11.0`."""
    async with serve_face(tmp_path, profile=profile) as face, client_of(face.url) as client:
        client.headers["Authorization"] = f"Bearer {API_KEY}"
        assert (await client.get("app/version")).text == version
        assert (await client.get("app/webapiVersion")).text == api


async def test_preferences_hold_what_arr_need(client: Client, face: Face) -> None:
    """One missing value here makes an *arr refuse magnets or fail its test."""
    found = (await client.get("app/preferences")).json()
    needed = {
        "save_path": str(face.settings.paths.downloads),
        "dht": True,
        "queueing_enabled": True,
        "max_ratio_enabled": False,
        "max_ratio": -1,
        "max_seeding_time_enabled": False,
        "max_seeding_time": -1,
        "max_inactive_seeding_time_enabled": False,
        "max_inactive_seeding_time": -1,
        "max_ratio_act": 0,
        "scan_dirs": {},
        "proxy_type": "None",
    }
    assert needed.items() <= found.items()
    assert list(found) == sorted(found)


def test_preferences_tell_no_password() -> None:
    """No preference is a password or a key."""
    names = {name for profile in PROFILES.values() for name in defaults_of(profile)}
    assert not [name for name in names if re.search("password|api_key", name)]


async def test_nonsense_in_set_preferences_changes_nothing(client: Client) -> None:
    """Unknown keys and bad JSON are 200 as in qBittorrent; only a missing `json` is 400."""
    before = (await client.get("app/preferences")).text
    for value in (
        '{"dht":"no"}',
        '{"nope":1}',
        '{"web_ui_port":1}',
        '{"max_ratio_act":3}',
        "{",
        "",
    ):
        assert (await client.post("app/setPreferences", json=value)).short == (200, "")
    assert (await client.post("app/setPreferences")).short == (400, "Bad Request")
    assert (await client.get("app/preferences")).text == before


async def test_default_save_path_is_the_downloads_directory(client: Client, face: Face) -> None:
    """The path is plain text."""
    found = await client.get("app/defaultSavePath")
    assert found.short == (200, str(face.settings.paths.downloads))


async def test_build_info_names_libraries(client: Client) -> None:
    """QBittorrent's apps read `libtorrent`; `bitness` is a number."""
    found = (await client.get("app/buildInfo")).json()
    assert set(found) == {"bitness", "boost", "libtorrent", "openssl", "qt", "zlib"}
    assert found["bitness"] == 64


async def test_process_info_tells_the_start(client: Client) -> None:
    """Unix seconds, of a moment ago."""
    found = (await client.get("app/processInfo")).json()
    assert 0 <= time.time() - found["launch_time"] < 60


@pytest.mark.parametrize(
    ("cookies", "status"),
    [("[]", 200), ('[{"name":"a"}]', 200), ("{", 400), ("{}", 400), ("", 400)],
)
async def test_cookies_are_a_list_of_objects(client: Client, cookies: str, status: int) -> None:
    """Anything else is 400; none are kept."""
    assert (await client.post("app/setCookies", cookies=cookies)).status == status
    assert (await client.post("app/setCookies")).short == (400, "Bad Request")
    assert (await client.get("app/cookies")).text == "[]"


async def test_only_our_own_directories_are_known(client: Client, face: Face) -> None:
    """Nobody looks around on the disk, and asking is no error: web UIs do it for each letter typed."""
    await face.downloads.labels.create_category("tv", "")
    ours = face.settings.paths.downloads
    for path in (ours, f"{ours}/", ours / "tv"):
        assert (await client.get(f"app/getDirectoryContent?dirPath={path}")).short == (200, "[]")
        free = await client.get(f"app/getFreeSpaceAtPath?path={path}")
        assert free.status == 200
        assert int(free.text) > 0
    for path, status in (("/etc", 200), ("etc", 400), ("", 400)):
        assert (await client.get(f"app/getDirectoryContent?dirPath={path}")).status == status
        assert (await client.get(f"app/getFreeSpaceAtPath?path={path}")).status == 400
    for endpoint in ("app/getDirectoryContent", "app/getFreeSpaceAtPath"):
        assert (await client.get(endpoint)).short == (400, "Bad Request")
