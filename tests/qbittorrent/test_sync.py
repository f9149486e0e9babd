"""Synchronisation over HTTP."""

from typing import Any

from bridge.downloads import AddOptions
from tests.support.face import PASSWORD, USERNAME, Face, magnet
from tests.support.http import Client

ONE = "1a" * 20


async def sync(client: Client, rid: object = "") -> dict[str, Any]:
    """Ask what is new."""
    found: dict[str, Any] = (await client.get(f"sync/maindata?rid={rid}")).json()
    return found


async def test_maindata(client: Client, face: Face) -> None:
    """Everything first, then what changes."""
    await face.downloads.adds.magnet(magnet(ONE), AddOptions(category="tv", tags=("x",)))
    first = await sync(client)
    assert first["full_update"] is True
    assert first["torrents"][ONE]["category"] == "tv"
    assert first["categories"]["tv"]["savePath"] == str(face.settings.paths.downloads / "tv")
    assert first["tags"] == ["x"]
    assert list(first["trackers"].values()) == [[ONE]]
    assert first["server_state"]["free_space_on_disk"] > 0

    await face.downloads.labels.create_tags(["y"])
    await face.downloads.labels.set_category([ONE], "")
    second = await sync(client, first["rid"])
    second.pop("server_state", None)
    assert second == {
        "rid": first["rid"] + 1,
        "tags": ["y"],
        "torrents": {ONE: {"category": ""}},
    }


async def test_removed_downloads_are_named(client: Client, face: Face) -> None:
    """Gone with its trackers."""
    await face.downloads.adds.magnet(magnet(ONE), AddOptions())
    first = await sync(client)
    await face.downloads.commands.remove([ONE], delete_files=False)
    second = await sync(client, first["rid"])
    assert second["torrents_removed"] == [ONE]
    assert second["trackers_removed"] == list(first["trackers"])


async def test_each_session_has_its_own_numbers(client: Client, stranger: Client) -> None:
    """Another session begins at 1, and junk begins again."""
    await stranger.login(USERNAME, PASSWORD)
    assert (await sync(stranger))["rid"] == 1
    assert (await sync(stranger, 1))["rid"] == 2
    assert (await sync(client, 2))["full_update"] is True
    assert (await sync(stranger, 2))["rid"] == 3
    assert (await sync(stranger, "abc"))["rid"] == 1


async def test_limits_are_told(client: Client, face: Face) -> None:
    """What is set for all downloads shows up in the next answer."""
    first = await sync(client)
    await face.downloads.preferences.set_download_limit(1000)
    await face.downloads.preferences.set_alternative_limits(value=True)
    state = (await sync(client, first["rid"]))["server_state"]
    assert state["use_alt_speed_limits"] is True
    assert state["dl_rate_limit"] == 10240
    await face.downloads.preferences.set_alternative_limits(value=False)
    state = (await sync(client, first["rid"] + 1))["server_state"]
    assert (state["use_alt_speed_limits"], state["dl_rate_limit"]) == (False, 1000)


async def test_torrent_peers(client: Client, face: Face) -> None:
    """No peers to tell of; unknown and missing hashes are both 404."""
    await face.downloads.adds.magnet(magnet(ONE), AddOptions())
    assert (await client.get("sync/torrentPeers")).short == (404, "Not Found")
    assert (await client.get(f"sync/torrentPeers?hash={'0' * 40}")).short == (404, "Not Found")
    found = await client.get(f"sync/torrentPeers?hash={ONE}")
    assert found.text == '{"full_update":true,"peers":{},"rid":1,"show_flags":false}'
    assert (await client.get(f"sync/torrentPeers?hash={ONE}&rid=1")).text == '{"rid":2}'
