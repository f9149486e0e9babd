"""The set-up assistant: TorBox's key, the *arr, the download client in each."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from bridge.app import Origin, Running, bridge
from bridge.config import load
from bridge.simulator import magnet_of
from tests.support.arr_api import KEY, ArrApi
from tests.support.clients import client_at
from tests.support.http import Client, client_of
from tests.support.process import BridgeProcess
from tests.support.rig import API_KEY, BRISK, PASSWORD, USERNAME, Rig, pack

LONG_AGO = 1577836800.0


async def post(client: Client, path: str, status: int = 200, **body: Any) -> Any:
    """Send JSON."""
    reply = await client.ask("POST", f"/api/bridge/{path}", json.dumps(body))
    assert reply.status == status, reply.text
    return reply.json()


def is_complete(running: Running, info_hash: str) -> bool:
    """Tell whether the files of a hash are there."""
    view = running.downloads.queries.get(info_hash)
    return view is not None and view.complete


async def test_without_a_key_the_page_asks_for_it(set_up: Rig, tmp_path: Path) -> None:
    """It runs, accepts adds, and goes on as soon as a key was entered, without a restart."""
    environ = {
        key: value
        for key, value in set_up.environ.items()
        if "API_KEY" not in key or "SERVER" in key
    }
    file = tmp_path / "bridge.yaml"
    content = pack()
    set_up.sim.register(content)

    def read() -> Any:
        return load(file if file.exists() else None, environ)

    async def check_says(level: str) -> None:
        async with asyncio.timeout(10):
            while True:
                found = (await client.get("/api/bridge/check")).json()["findings"]
                if {one["level"] for one in found if one["subject"] == "torbox"} == {level}:
                    return
                await asyncio.sleep(0.1)

    origin = Origin(file, environ)
    async with (
        bridge(read(), retry=BRISK, reload=read, origin=origin, check_after=0.1) as running,
        client_of(running.url) as client,
    ):
        client.headers["Authorization"] = f"Bearer {API_KEY}"
        overview = (await client.get("/api/bridge/sync")).json()["overview"]
        assert overview["torbox"]["state"] == "no_key"
        await check_says("problem")
        await post(client, "add", links=[{"link": magnet_of(content)}])
        wrong = await post(client, "setup/torbox", api_key="wrong")
        assert (wrong["ok"], "rejected" in wrong["text"]) == (False, True)
        right = await post(client, "setup/torbox", api_key=set_up.sim.key)
        assert (right["ok"], right["slots"]) == (True, 10)
        await post(client, "settings", set={"torbox.api_key": set_up.sim.key})
        await set_up.until(lambda: is_complete(running, content.hash), within=15)
        overview = (await client.get("/api/bridge/sync")).json()["overview"]
        assert overview["torbox"]["state"] == "ok"
        # The check is made anew: what it found without a key is no longer true.
        await check_says("ok")
        assert set_up.sim.key not in (await client.get("/api/bridge/settings")).text
        refused = await post(client, "restart", 409)
        assert refused["error"]


async def test_a_key_of_an_expired_plan(rig: Rig) -> None:
    """It is accepted, and the user hears why nothing will download."""
    rig.sim.world.account.plan, rig.sim.world.account.expires_at = 1, LONG_AGO
    async with client_at(rig) as client:
        told = await post(client, "setup/torbox", api_key=rig.sim.key)
    assert told["text"] == (
        "TorBox accepted the key, but the plan Essential has expired: renew it at TorBox"
    )


async def test_the_plan_with_one_slot(rig: Rig) -> None:
    """The free plan has one slot, and no time at which it ends."""
    rig.sim.world.account.plan, rig.sim.world.account.expires_at = 0, LONG_AGO
    async with client_at(rig) as client:
        told = await post(client, "setup/torbox", api_key=rig.sim.key)
    assert told["text"] == "TorBox accepted the key: plan Free, 1 slot"


@pytest.mark.parametrize("kind", ["sonarr", "radarr", "lidarr", "readarr", "whisparr"])
async def test_an_arr_is_found_out(rig: Rig, kind: str) -> None:
    """By its URL and key alone; a wrong key and a wrong URL are told apart."""
    async with ArrApi(kind) as api, client_at(rig) as client:
        told = await post(client, "setup/arr", url=api.url, api_key=KEY)
        assert (told["ok"], told["kind"], told["clients"]) == (True, kind, [])
        wrong = await post(client, "setup/arr", url=api.url, api_key="x" * 32)
        assert (wrong["ok"], "API key" in wrong["text"]) == (False, True)
        nobody = await post(client, "setup/arr", url="http://127.0.0.1:9", api_key=KEY)
        assert (nobody["ok"], "connect" in nobody["text"]) == (False, True)
        none = await post(client, "setup/arr", url="sonarr", api_key=KEY)
        assert not none["ok"]
        bridge_itself = await post(client, "setup/arr", url=rig.url, api_key=KEY)
        assert not bridge_itself["ok"]
        assert bridge_itself["text"].startswith("No *arr answers at this URL. If yours has")


@pytest.mark.parametrize("kind", ["sonarr", "radarr", "lidarr", "readarr", "whisparr"])
async def test_the_client_is_made(rig: Rig, kind: str) -> None:
    """The *arr tests the bridge and keeps it as a client, with category and tags."""
    host, _, port = rig.url.removeprefix("http://").partition(":")
    async with ArrApi(kind) as api, client_at(rig) as client:
        wanted: dict[str, Any] = {
            "kind": api.kind.name, "url": api.url, "api_key": KEY, "host": host, "port": int(port),
            "username": USERNAME, "password": PASSWORD, "category": "my-category",
            "tags": ["torbox", "4k"],
        }  # fmt: skip
        bad = await post(client, "setup/client", **{**wanted, "password": "wrong"})
        assert (bad["ok"], bool(bad["complaints"]), api.clients) == (False, True, [])
        assert bad["text"].endswith(" has saved nothing")
        told = await post(client, "setup/client", **wanted)
        assert told["ok"], told
        (made,) = api.clients
        fields = {field["name"]: field.get("value") for field in made["fields"]}
        assert (fields["host"], fields["port"], fields["username"]) == (host, int(port), USERNAME)
        assert fields[api.kind.category_field] == "my-category"
        assert fields[api.kind.category_field.replace("Category", "ImportedCategory")] == ""
        assert (made["name"], made["removeFailedDownloads"]) == ("TorBox", True)
        assert sorted(tag["label"] for tag in api.tags) == ["4k", "torbox"]
        assert sorted(made["tags"]) == sorted(tag["id"] for tag in api.tags)
        again = await post(client, "setup/client", **wanted)
        assert (again["ok"], len(api.clients), len(api.tags)) == (True, 1, 2)


async def test_a_restart_takes_up_new_settings(set_up: Rig, tmp_path: Path) -> None:
    """The page changes a setting, asks for a restart, and the same process has it."""
    file = tmp_path / "bridge.yaml"
    file.write_text("# mine\n", encoding="utf-8")
    process = BridgeProcess({**set_up.environ, "BRIDGE_CONFIG": str(file)})
    await process.start()
    pid = process.pid
    async with client_of(process.url) as client:
        client.headers["Authorization"] = f"Bearer {API_KEY}"
        await post(client, "settings", set={"policy.cached": "only"})
        assert "# mine" in file.read_text(encoding="utf-8")
        process.url = ""
        await post(client, "restart", 202)
        await set_up.until(lambda: bool(process.url), within=20)
    async with client_of(process.url) as client:
        client.headers["Authorization"] = f"Bearer {API_KEY}"
        settings = (await client.get("/api/bridge/settings")).json()["settings"]
        (cached,) = [one for one in settings if one["key"] == "policy.cached"]
        assert (cached["source"], cached["value"]) == ("file", "only")
    assert process.pid == pid
    assert await process.terminate() == 0
