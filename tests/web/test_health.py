"""GET /api/bridge/status: what the page shows of downloads and troubles."""

from typing import Any

import pytest

from bridge.core.model import Phase
from bridge.simulator import Content, magnet_of
from bridge.simulator.faults import Error, Html
from tests.support.clients import client_at
from tests.support.http import Client, client_of
from tests.support.rig import API_KEY, PASSWORD, USERNAME, Rig, cached, pack

PATH = "/api/bridge/status"
LET_IN = {200, 202, 400}
"""400 is said of an empty wish, to who may make one."""
ROUTES = [
    (method, f"/api/bridge/{name}")
    for name, methods in {"status": "GET", "check": "GET POST", "account": "GET POST"}.items()
    for method in methods.split()
]


async def told(rig: Rig) -> dict[str, Any]:
    """Ask as somebody who may come in."""
    async with client_at(rig) as client:
        reply = await client.get(PATH)
        assert reply.status == 200
        assert reply.headers["Content-Type"] == "application/json"
        assert reply.headers["Cache-Control"] == "no-store"
        answer = reply.json()
        assert isinstance(answer, dict)
        return answer


async def add(rig: Rig, *contents: Content) -> None:
    """Add them as an *arr does."""
    async with rig.arr() as arr:
        for content in contents:
            rig.sim.register(content)
            await arr.add_magnet(magnet_of(content))


async def test_all_is_well(rig: Rig) -> None:
    """A download that is there has its phase, its state and no complaint."""
    content = pack()
    await add(rig, content)
    await rig.reaches(content.hash, Phase.FINISHED)
    answer = await told(rig)
    assert (answer["troubles"], answer["violations"]) == ([], 0)
    assert answer["security"] == []
    assert answer["counts"] == {phase: int(phase is Phase.FINISHED) for phase in Phase}
    (row,) = answer["downloads"]
    assert (row["hash"], row["name"], row["category"]) == (content.hash, content.name, "tv-sonarr")
    assert (row["phase"], row["state"], row["progress"]) == ("finished", "pausedUP", 1.0)
    assert (row["note"], row["failure_reason"], row["attention"]) == ("", None, False)


async def test_a_download_of_two(rig: Rig) -> None:
    """What two *arr have is one row, with both categories."""
    content = pack()
    await add(rig, content)
    async with rig.arr("radarr") as radarr:
        await radarr.add_magnet(magnet_of(content))
    (row,) = (await told(rig))["downloads"]
    assert row["category"] == "tv-sonarr, radarr"


async def test_what_needs_attention_comes_first(rig: Rig) -> None:
    """Failed before waiting before at work before done, whenever they were added."""
    refusal = "Torrent file is not valid."
    doomed, waits, works, done = map(pack, ("Doomed", "Waits", "Works", "Done"))
    works = cached(works, is_cached=False)
    rig.sim.world.change(works.hash, metadata_seconds=1e6)
    rig.sim.faults.add("createtorrent", Error(400, "BOZO_TORRENT", refusal), hash=doomed.hash)
    rig.sim.faults.add("createtorrent", Error(), hash=waits.hash, times=None)
    await add(rig, doomed, waits, works, done)
    await rig.reaches(doomed.hash, Phase.FAILED)
    await rig.until(lambda: bool(rig.note(waits.hash)))
    await rig.reaches(works.hash, Phase.REMOTE)
    await rig.reaches(done.hash, Phase.FINISHED)
    rows = (await told(rig))["downloads"]
    assert [row["name"] for row in rows] == ["Doomed", "Waits", "Works", "Done"]
    assert [row["attention"] for row in rows] == [True, True, False, False]
    assert (rows[0]["failure_reason"], refusal in rows[0]["failure_message"]) == ("invalid", True)
    assert rows[1]["next_attempt_at"] > 0


async def test_troubles_are_those_of_readyz(rig: Rig) -> None:
    """What keeps the bridge from its work is told in the same words."""
    content = pack()
    rig.sim.faults.add("*", Html(status=502), times=None)
    await add(rig, content)
    await rig.until(lambda: bool(rig.service.troubles))
    status, text = await rig.get("/readyz")
    assert status == 503
    assert [line.partition(" (for")[0] for line in text.splitlines()] == [
        trouble.partition(" (for")[0] for trouble in (await told(rig))["troubles"]
    ]


async def test_no_secret_is_told(rig: Rig) -> None:
    """Neither keys nor passwords nor links stand in it, whatever is going on."""
    waits, done = pack("Waits"), pack("Done")
    rig.sim.faults.add(
        "createtorrent", Error(detail=f"no: {rig.sim.key}"), hash=waits.hash, times=None
    )
    await add(rig, waits, done)
    await rig.until(lambda: bool(rig.note(waits.hash)))
    await rig.reaches(done.hash, Phase.FINISHED)
    async with client_at(rig) as client:
        text = (await client.get(PATH)).text
    for secret in (rig.sim.key, PASSWORD, API_KEY, "token", "http"):
        assert secret not in text


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_it_takes_a_session_or_the_key(rig: Rig, method: str, path: str) -> None:
    """403 for strangers, never 401 and never a redirect; a cookie or the key is enough."""
    async with client_of(rig.url) as client:
        assert (await client.ask(method, path)).status == 403
        wrong = await client.ask(method, path, Authorization="Bearer wrong-key-of-somebody")
        assert wrong.status == 403
        key = await client.ask(method, path, Authorization=f"Bearer {API_KEY}")
        await logged_in(client)
        assert key.status == (await client.ask(method, path)).status in LET_IN


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_another_sites_page_gets_nothing(rig: Rig, method: str, path: str) -> None:
    """The session's cookie alone is not enough for a page from elsewhere: 401."""
    async with client_of(rig.url) as client:
        await logged_in(client)
        reply = await client.ask(method, path, Origin="http://evil.example")
        assert reply.status == 401
        assert (await client.ask(method, path, Origin=rig.url)).status in LET_IN


async def logged_in(client: Client) -> None:
    """Log in as a browser does."""
    assert (await client.login(USERNAME, PASSWORD)).text == "Ok."
