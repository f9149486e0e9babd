"""Items that are on the account already are adopted: no second create, no deletion there."""

import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bridge.core.model import Phase
from bridge.simulator import Content, ContentFile, magnet_of, make_torrent
from bridge.simulator.faults import Error, Hang, StaleList
from tests.arr_emulator.arr_words import ArrSettings
from tests.support.process import BridgeProcess, run_to_end
from tests.support.rig import API_KEY, Rig, cached, pack

ROUTE = "/api/bridge/account"


async def adopting(directory: Path, **environ: Any) -> Rig:
    """Open a bridge that looks before it creates."""
    rig = Rig(directory, BRIDGE_POLICY__ADOPT="true", **environ)
    await rig.open()
    return rig


async def ask(rig: Rig, body: Any, *, key: str = API_KEY) -> tuple[int, Any]:
    """Post a wish to the running bridge."""
    async with (
        aiohttp.ClientSession(headers={"Authorization": f"Bearer {key}"}) as session,
        session.post(rig.url + ROUTE, data=json.dumps(body)) as answer,
    ):
        text = await answer.text()
        return answer.status, json.loads(text) if text.startswith(("{", "[")) else text


def elsewhere(rig: Rig, name: str = "Show.S01.1080p-GRP") -> Content:
    """Put a pack on the account, as its site or another program does."""
    content = pack(name)
    rig.sim.world.put(content)
    return content


async def test_what_is_there_is_taken_over(tmp_path: Path) -> None:
    """An *arr adds what TorBox has already: nothing is created, and it stays there afterwards."""
    rig = await adopting(tmp_path)
    try:
        content = elsewhere(rig)
        async with rig.arr() as arr:
            download_id = await arr.add_magnet(magnet_of(content))
            rig.compare(content, (await rig.completed(arr, download_id)).output_path)
            await arr.remove(download_id)
            await rig.until(lambda: not rig.removals)
        assert rig.sim.calls.counts().get("createtorrent", 0) == 0
        assert rig.sim.world.find(content.hash) is not None
    finally:
        await rig.close()


async def test_what_is_not_there_is_created(tmp_path: Path) -> None:
    """If the lists do not show the torrent, it is created as usual, and the item is ours."""
    rig = await adopting(tmp_path)
    try:
        content = pack()
        rig.sim.register(content)
        async with rig.arr() as arr:
            download_id = await arr.add_magnet(magnet_of(content))
            await rig.completed(arr, download_id)
            assert rig.sim.calls.count("createtorrent") == 1
            await arr.remove(download_id)
            await rig.until(lambda: rig.sim.world.find(content.hash) is None)
    finally:
        await rig.close()


async def test_what_stands_in_torboxs_queue_is_taken_over(tmp_path: Path) -> None:
    """It is followed from there, and nothing is created beside it."""
    rig = await adopting(tmp_path)
    try:
        first = cached(make_torrent("One", [ContentFile("One.mkv", 10_000)]), is_cached=False)
        second = cached(make_torrent("Two", [ContentFile("Two.mkv", 10_000)]), is_cached=False)
        for content in (first, second):
            rig.sim.register(content)
        rig.sim.world.account.slots = 1
        rig.sim.world.change(first.hash, stop_at=0.5)
        await create_elsewhere(rig, first, queued=False)
        await create_elsewhere(rig, second, queued=True)
        rig.sim.calls.clear()
        async with rig.arr() as arr:
            download_id = await arr.add_magnet(magnet_of(second))
            await rig.reaches(second.hash, Phase.QUEUED)
            rig.sim.world.change(first.hash, stop_at=None)
            rig.compare(second, (await rig.completed(arr, download_id)).output_path)
        assert rig.sim.calls.counts().get("createtorrent", 0) == 0
    finally:
        await rig.close()


@pytest.mark.parametrize("stale", [False, True])
async def test_what_was_deleted_is_not_taken_over(tmp_path: Path, *, stale: bool) -> None:
    """Added again while it is removed, or while the list still shows it: it is created anew."""
    rig = await adopting(tmp_path)
    try:
        content, other = pack(), cached(pack("Other"), is_cached=False)
        for one in (content, other):
            rig.sim.register(one)
        rig.sim.world.change(other.hash, stop_at=0.5)  # the list is read again and again
        async with rig.arr() as arr:
            await arr.add_magnet(magnet_of(other))
            download_id = await arr.add_magnet(magnet_of(content))
            await rig.completed(arr, download_id)
            rig.sim.faults.add("controltorrent", Hang(2.0), operation="delete", times=1)
            await arr.remove(download_id)
            if stale:
                await list_elsewhere(rig)
                rig.sim.faults.add("mylist", StaleList(300.0), times=5)
                await rig.until(lambda: not rig.removals)
            await arr.add_magnet(magnet_of(content))
            rig.compare(content, (await rig.completed(arr, download_id)).output_path)
        assert rig.sim.calls.count("createtorrent") == 3
    finally:
        await rig.close()


async def list_elsewhere(rig: Rig) -> None:
    """Read the list past the bridge, so that TorBox keeps a copy of it as it is now."""
    async with (
        aiohttp.ClientSession(headers={"Authorization": f"Bearer {rig.sim.key}"}) as session,
        session.get(
            f"{rig.sim.url}/v1/api/torrents/mylist", params={"bypass_cache": "true"}
        ) as answer,
    ):
        assert answer.status == 200, await answer.text()


async def create_elsewhere(rig: Rig, content: Content, *, queued: bool) -> None:
    """Add a torrent past the bridge."""
    form = {"magnet": magnet_of(content), "as_queued": str(queued).lower(), "seed": "3"}
    headers = {"Authorization": f"Bearer {rig.sim.key}"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.post(f"{rig.sim.url}/v1/api/torrents/createtorrent", data=form) as answer,
    ):
        assert answer.status == 200, await answer.text()


async def test_always_means_always(tmp_path: Path) -> None:
    """With `always`, adopted items are deleted at TorBox as well."""
    rig = await adopting(tmp_path, BRIDGE_POLICY__REMOVE_FROM_TORBOX="always")
    try:
        content = elsewhere(rig)
        async with rig.arr() as arr:
            download_id = await arr.add_magnet(magnet_of(content))
            await rig.completed(arr, download_id)
            await arr.remove(download_id)
            await rig.until(lambda: rig.sim.world.find(content.hash) is None)
    finally:
        await rig.close()


async def test_a_list_that_cannot_be_read_holds_it_up_and_fails_nothing(tmp_path: Path) -> None:
    """Nothing is created blindly: it waits until the list can be read."""
    rig = await adopting(tmp_path)
    try:
        content = elsewhere(rig)
        rig.sim.faults.add("mylist", Error(500, "DATABASE_ERROR", "broken"), times=3)
        async with rig.arr() as arr:
            download_id = await arr.add_magnet(magnet_of(content))
            rig.compare(content, (await rig.completed(arr, download_id, within=20)).output_path)
        assert rig.sim.calls.counts().get("createtorrent", 0) == 0
    finally:
        await rig.close()


async def test_listing_and_taking_over_by_hand(rig: Rig) -> None:
    """Unmanaged items are listed; an adopted item is delivered into the given category."""
    here, there, other = pack("Here"), elsewhere(rig, "There"), elsewhere(rig, "Other")
    rig.sim.register(here)
    async with rig.arr("radarr") as radarr:
        await rig.completed(radarr, await radarr.add_magnet(magnet_of(here)))
    status, text = await rig.get(ROUTE)
    listed = json.loads(text)
    assert status == 200
    assert [(one["hash"], one["name"]) for one in listed] == [
        (other.hash, "Other"),
        (there.hash, "There"),
    ]
    assert listed[1]["size"] == there.size
    assert listed[1]["ready"] is True
    rig.sim.calls.clear()
    wish = {"category": "tv-sonarr", "hashes": [there.hash.upper(), here.hash, "0" * 40]}
    status, results = await ask(rig, wish)
    assert (status, results[there.hash]) == (200, {"result": "adopted"})
    assert results[here.hash] == {"result": "known"}
    assert results["0" * 40]["result"] == "refused"
    async with rig.arr("sonarr") as sonarr:
        item = await rig.completed(sonarr, there.hash.upper())
        rig.compare(there, item.output_path)
        rig.compare(here, (await rig.completed(sonarr, here.hash.upper())).output_path)
        await sonarr.remove(there.hash.upper())
        await rig.until(lambda: not rig.removals)
    assert rig.sim.world.find(there.hash) is not None
    assert "createtorrent" not in rig.sim.calls.counts()


async def test_all_of_it(rig: Rig) -> None:
    """Without hashes everything that is listed is taken over; afterwards nothing is left to list."""
    contents = [elsewhere(rig, f"Show.{number}") for number in range(3)]
    _, results = await ask(rig, {"category": "films"})
    assert results == {content.hash: {"result": "adopted"} for content in contents}
    async with rig.arr("radarr", ArrSettings(category="films")) as arr:
        for content in contents:
            rig.compare(content, (await rig.completed(arr, content.hash.upper())).output_path)
    assert await rig.get(ROUTE) == (200, "[]")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"hashes": "x"}, 400),
        ({"hash": []}, 400),
        ([], 400),
        ({"hashes": [], "category": "ok"}, 200),
    ],
)
async def test_what_is_not_understood_changes_nothing(rig: Rig, body: Any, status: int) -> None:
    """A wish that cannot be read is 400 with what is wrong, and nothing is taken over."""
    elsewhere(rig)
    assert (await ask(rig, body))[0] == status
    assert not rig.state.downloads


async def test_a_bad_category_is_refused(rig: Rig) -> None:
    """A name that qBittorrent would not take: told by hash, and nothing is made on disk."""
    content = elsewhere(rig)
    _, results = await ask(rig, {"hashes": [content.hash], "category": "tv//x"})
    assert results[content.hash]["result"] == "refused"
    assert not rig.state.downloads


async def test_strangers_get_nothing(rig: Rig) -> None:
    """Neither the list nor the deed without a session or the key."""
    content = elsewhere(rig)
    assert (await ask(rig, {"hashes": [content.hash]}, key="wrong"))[0] == 403
    async with aiohttp.ClientSession() as session, session.get(rig.url + ROUTE) as answer:
        assert answer.status == 403
    assert not rig.state.downloads


async def test_torbox_cannot_be_asked(rig: Rig) -> None:
    """The answer says so, and nothing was changed."""
    content = elsewhere(rig)
    rig.sim.faults.add("mylist", Error(500, "DATABASE_ERROR", "broken"), times=None)
    status, told = await ask(rig, {"hashes": [content.hash]})
    assert status == 502
    assert "TorBox cannot be asked" in told["error"]
    assert (await rig.get(ROUTE))[0] == 502
    assert not rig.state.downloads


async def test_the_command(set_up: Rig) -> None:
    """`torbox-bridge adopt` lists, and takes over, what the running bridge does not have."""
    content = elsewhere(set_up)
    bridge = BridgeProcess(set_up.environ)
    await bridge.start()
    try:
        port = bridge.url.rpartition(":")[2]
        environ = set_up.environ | {"BRIDGE_SERVER__PORT": port}
        code, said, _ = await run_to_end(environ, "adopt")
        assert (code, content.hash in said, content.name in said) == (0, True, True)
        code, said, _ = await run_to_end(
            environ, "adopt", "--category", "tv-sonarr", content.hash, "0" * 40
        )
        assert code == 1
        assert f"{content.hash}  adopted" in said
        assert f"{'0' * 40}  refused: it is not on the account" in said
        code, said, _ = await run_to_end(environ, "adopt", "--json")
        assert (code, said.strip()) == (0, "[]")
        password = {key: value for key, value in environ.items() if "API_KEY" not in key}
        password["BRIDGE_TORBOX__API_KEY"] = set_up.sim.key
        code, said, _ = await run_to_end(password, "adopt", "--all")
        assert (code, said) == (0, "There is nothing to take over.\n")
        code, _, errors = await run_to_end(password | {"BRIDGE_SERVER__PASSWORD": "x"}, "adopt")
        assert code == 1
        assert "rejected" in errors
        none = {key: value for key, value in password.items() if "PASSWORD" not in key}
        code, _, errors = await run_to_end(none, "adopt")
        assert code == 1
        assert "server.password" in errors
        assert set_up.sim.key not in said + errors
    finally:
        await bridge.kill()
    code, _, errors = await run_to_end(environ, "adopt")
    assert code == 1
    assert "Is the bridge running" in errors
