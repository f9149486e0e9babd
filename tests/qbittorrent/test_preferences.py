"""Preferences that a client can change, and the global limits."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bridge.core.model import Phase, Reason
from bridge.simulator import ContentFile, magnet_of, make_torrent
from tests.support.clients import client_at, info, shows
from tests.support.http import Client
from tests.support.rig import Rig, cached, pack


@pytest.fixture(name="client")
async def _client(rig: Rig) -> AsyncIterator[Client]:
    async with client_at(rig) as client:
        yield client


async def put(client: Client, **changes: object) -> None:
    """Change preferences."""
    reply = await client.post("app/setPreferences", json=json.dumps(changes))
    assert reply.short == (200, "")


async def preferences(client: Client) -> dict[str, Any]:
    """Read all preferences."""
    found = (await client.get("app/preferences")).json()
    assert isinstance(found, dict)
    return found


async def test_what_is_meaningful_is_kept(rig: Rig, client: Client) -> None:
    """It is shown again, also after a restart."""
    await put(
        client, max_ratio_enabled=True, max_ratio=2.5, dl_limit=1000, alt_up_limit=7,
        queueing_enabled=False, max_active_downloads=9,
    )  # fmt: skip
    await rig.stop()
    await rig.start()
    async with client_at(rig) as again:
        found = await preferences(again)
    assert (found["max_ratio_enabled"], found["max_ratio"], found["max_ratio_act"]) == (
        True,
        2.5,
        0,
    )
    assert (found["dl_limit"], found["alt_up_limit"]) == (1000, 7)
    assert (found["queueing_enabled"], found["max_active_downloads"]) == (False, 9)


async def test_nonsense_changes_nothing(client: Client) -> None:
    """Unknown keys, values of another type, what the settings decide, and what is not JSON."""
    before = await preferences(client)
    await put(
        client, no_such_key=1, dl_limit="fast", max_ratio_act=3, web_ui_port=1, alt_dl_limit=True
    )
    for text in ("not json", "[1]", ""):
        assert (await client.post("app/setPreferences", json=text)).short == (200, "")
    assert await preferences(client) == before
    assert (await client.post("app/setPreferences")).status == 400


async def test_what_is_accepted_is_kept(client: Client, rig: Rig) -> None:
    """Also what has no effect here: a client that reads another value would set it for ever."""
    wanted = {"dht": False, "temp_path_enabled": False, "listen_port": 1, "locale": "de"}
    excluded = {"excluded_file_names": "*.exe\n*.lnk", "excluded_file_names_enabled": True}
    await put(client, **wanted, **excluded)
    await rig.restart()
    async with client_at(rig) as again:
        found = await preferences(again)
    assert {**wanted, **excluded}.items() <= found.items()
    assert rig.state.preferences.excluded_globs() == ("*.exe", "*.lnk")


async def test_a_ratio_without_its_switch_is_off(client: Client) -> None:
    """As with qBittorrent a limit is enabled, or -1."""
    await put(client, max_ratio=3, max_seeding_time_enabled=True, max_seeding_time=-5)
    found = await preferences(client)
    assert (found["max_ratio_enabled"], found["max_ratio"]) == (False, -1)
    assert (found["max_seeding_time_enabled"], found["max_seeding_time"]) == (False, -1)


async def test_the_save_path_stays_below_the_roots(rig: Rig, client: Client) -> None:
    """A directory below them becomes the default, another one is passed over."""
    await put(client, save_path="/etc")
    assert (await client.get("app/defaultSavePath")).text == str(rig.downloads)
    await put(client, save_path=str(rig.downloads / "sub"))
    assert (await client.get("app/defaultSavePath")).text == str(rig.downloads / "sub")
    await client.post("torrents/add", urls="1a" * 20, stopped="true")
    assert (await info(client, "1a" * 20))["save_path"] == str(rig.downloads / "sub")


async def test_a_queue_without_queueing(client: Client) -> None:
    """Places mean nothing then, and asking for them is 409; missing hashes are 400 before."""
    await put(client, queueing_enabled=False)
    for action in ("topPrio", "bottomPrio", "increasePrio", "decreasePrio"):
        reply = await client.post(f"torrents/{action}", hashes="all")
        assert reply.short == (409, "Torrent queueing must be enabled")
        assert (await client.post(f"torrents/{action}")).status == 400


async def test_speed_limits(client: Client) -> None:
    """Two pairs, of which one is in force; setting changes the one in force."""
    assert (await client.get("transfer/speedLimitsMode")).text == "0"
    assert (await client.post("transfer/setDownloadLimit", limit="1000")).short == (200, "")
    assert (await client.post("transfer/setUploadLimit", limit="10")).short == (200, "")
    assert (await client.post("transfer/toggleSpeedLimitsMode")).short == (200, "")
    assert (await client.get("transfer/speedLimitsMode")).text == "1"
    assert (await client.get("transfer/downloadLimit")).text == "10240"
    await client.post("transfer/setDownloadLimit", limit="2000")
    shown = (await client.get("transfer/info")).json()
    assert (shown["dl_rate_limit"], shown["up_rate_limit"]) == (2000, 10240)
    await client.post("transfer/setSpeedLimitsMode", mode="0")
    assert (await client.get("transfer/downloadLimit")).text == "1000"
    assert (await client.get("transfer/uploadLimit")).text == "10"
    found = await preferences(client)
    assert (found["dl_limit"], found["alt_dl_limit"]) == (1000, 2000)
    reply = await client.post("transfer/setSpeedLimitsMode", mode="x")
    assert reply.short == (400, "'mode': invalid argument")
    assert (await client.post("transfer/setDownloadLimit")).status == 400


async def test_the_limit_holds_fetches_back(rig: Rig, client: Client) -> None:
    """The limit of all fetches counts at once, and can be lifted at once."""
    content = pack(episodes=1, size=1_000_000)
    rig.sim.register(content)
    await client.post("transfer/setDownloadLimit", limit="50000")
    await client.post("torrents/add", urls=magnet_of(content))
    await rig.reaches(content.hash, Phase.DELIVERING)
    row = await shows(rig, client, content.hash, lambda row: row["dlspeed"] > 0)
    assert row["dlspeed"] < 200_000
    await client.post("transfer/toggleSpeedLimitsMode")
    await client.post("transfer/setDownloadLimit", limit="0")
    await rig.reaches(content.hash, Phase.FINISHED)


async def test_the_global_ratio_makes_downloads_seed(rig: Rig, client: Client) -> None:
    """A download without limits of its own seeds until the global one is reached."""
    await put(client, max_ratio_enabled=True, max_ratio=100)
    content = cached(pack(), is_cached=False)
    rig.sim.register(content)
    await client.post("torrents/add", urls=magnet_of(content))
    await rig.reaches(content.hash, Phase.DELIVERED)
    await asyncio.sleep(0.2)
    assert (await info(client, content.hash))["state"] in {"stalledUP", "uploading"}
    await put(client, max_ratio_enabled=False)
    await rig.reaches(content.hash, Phase.FINISHED)


async def test_the_login_of_the_settings_stays(client: Client) -> None:
    """Where the settings give the password, a client cannot change it."""
    await put(client, web_ui_username="other", web_ui_password="another password")
    assert (await preferences(client))["web_ui_username"] == "admin"


class NoPassword(Rig):
    """A bridge that makes a password of its own."""

    @property
    def environ(self) -> dict[str, str]:
        """The settings, without a password."""
        return {
            key: value
            for key, value in super().environ.items()
            if key not in {"BRIDGE_SERVER__PASSWORD", "BRIDGE_SERVER__USERNAME"}
        }


async def test_a_login_that_was_made_can_be_changed(tmp_path: Path) -> None:
    """It counts at once, is stored hashed, and outlives a restart."""
    rig = NoPassword(tmp_path)
    await rig.open()
    try:
        async with client_at(rig) as client:
            await put(client, web_ui_username="other", web_ui_password="another password")
            assert (await preferences(client))["web_ui_username"] == "other"
            assert "web_ui_password" not in await preferences(client)
        await rig.stop()
        await rig.start()
        async with client_at(rig) as client:
            del client.headers["Authorization"]
            assert (await client.login("admin", "another password")).text == "Fails."
            assert (await client.login("other", "another password")).text == "Ok."
        stored = b"".join(path.read_bytes() for path in tmp_path.glob("bridge.db*"))
        assert b"another password" not in stored
    finally:
        await rig.close()


async def test_excluded_files_are_not_delivered(rig: Rig, client: Client) -> None:
    """Nor is their size counted; a release of nothing else fails, and says so."""
    await put(client, excluded_file_names="*.exe", excluded_file_names_enabled=True)
    files = [ContentFile("Show.mkv", 5000), ContentFile("setup.exe", 700)]
    show = cached(make_torrent("Show", files))
    malware = cached(make_torrent("Malware", [ContentFile("a.exe", 90), ContentFile("b.exe", 80)]))
    for content in (show, malware):
        rig.sim.register(content)
        await client.post("torrents/add", urls=magnet_of(content), category="tv")
    await rig.reaches(show.hash, Phase.FINISHED)
    row = await info(client, show.hash)
    assert row["size"] == row["completed"] == 5000
    assert [path.name for path in Path(row["content_path"]).iterdir()] == ["Show.mkv"]
    shown = (await client.get(f"torrents/files?hash={show.hash}")).json()
    assert [(file["name"], file["priority"]) for file in shown if file["priority"] == 0] == [
        ("Show/setup.exe", 0)
    ]
    failed = await rig.reaches(malware.hash, Phase.FAILED)
    assert failed.failure_reason is Reason.NOTHING_CHOSEN
    assert (await info(client, malware.hash))["state"] == "error"


async def test_a_rejected_add_is_told_in_the_log(
    client: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    """By its release, its category, and the reason."""
    magnet = "magnet:?xt=urn:btih:nonsense&dn=Some.Release"
    reply = await client.post("torrents/add", urls=magnet, category="tv")
    assert reply.text == "Fails."
    (line,) = [text for text in capsys.readouterr().out.splitlines() if "add_rejected" in text]
    assert "category=tv" in line
    assert "Some.Release" in line
    assert "reason=" in line
