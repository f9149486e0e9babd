"""No secret reaches a log, an answer, a cookie or a file, whatever goes wrong."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from bridge.simulator import magnet_of
from bridge.simulator.faults import Cut, DeadLink, Error, Html, JsonBody, Malformed, RateLimit
from tests.support.process import BRISK, BridgeProcess
from tests.support.rig import API_KEY, PASSWORD, PATIENCE, USERNAME, Rig, pack


@pytest.fixture(name="set_up")
async def _set_up(tmp_path: Path) -> AsyncIterator[Rig]:
    """Settings and a simulated TorBox in which everything goes wrong once."""
    rig = Rig(tmp_path, BRIDGE_LOG__LEVEL="debug")
    rig.downloads.mkdir()
    await rig.sim.start()
    rig.sim.faults.add("mylist", Html(502, "<html>bad gateway</html>"))
    rig.sim.faults.add("requestdl", Error(500, "DATABASE_ERROR", "try again"))
    rig.sim.faults.add("requestdl", Malformed("{"), after=1)
    rig.sim.faults.add("cdn", DeadLink(403))
    rig.sim.faults.add("cdn", JsonBody('{"error": "x"}'), after=1)
    rig.sim.faults.add("cdn", Cut(), after=2)
    rig.sim.faults.add("controltorrent", RateLimit(retry_after=1.0))
    try:
        yield rig
    finally:
        await rig.sim.stop()


async def test_a_full_run_at_debug_tells_no_secret(set_up: Rig) -> None:
    """A whole life with a fault at every turn: keys, password, session and link tokens stay in."""
    content = pack()
    set_up.sim.register(content)
    process = BridgeProcess(set_up.environ, BRISK)
    await process.start()
    answers: list[str] = []
    async with set_up.arr_at(process.url, PASSWORD) as arr:
        assert await arr.test() == []
        download_id = await arr.add_magnet(magnet_of(content))
        await set_up.completed(arr, download_id, within=40.0)
        answers += await _pages(process.url, content.hash)
        await arr.remove(download_id)
        await set_up.until(lambda: set_up.sim.world.find(content.hash) is None, within=20.0)
    assert await process.terminate() == 0

    links = [link.token for link in set_up.sim.links]
    assert links
    told = "\n".join([*process.output, *answers])
    assert "transition" in told
    for secret in (set_up.sim.key, PASSWORD, API_KEY, *links):
        assert secret not in told, secret
    for path in set_up.directory.rglob("*"):
        held = path.read_bytes() if path.is_file() else b""
        for secret in (set_up.sim.key, PASSWORD, *links):
            assert secret.encode() not in held, path


async def _pages(url: str, info_hash: str) -> list[str]:
    """What a logged-in user can read, and the cookie they get."""
    told = []
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        form = {"username": USERNAME, "password": PASSWORD}
        async with session.post(f"{url}/api/v2/auth/login", data=form) as answer:
            told.append(answer.headers["Set-Cookie"])
        await _looked(session, f"{url}/api/bridge/check")
        for path in (
            "/api/v2/app/preferences",
            "/api/v2/torrents/info",
            f"/api/v2/torrents/properties?hash={info_hash}",
            f"/api/v2/torrents/files?hash={info_hash}",
            f"/api/bridge/downloads/{info_hash}",
            f"/downloads/{info_hash}",
            "/",
            "/api/bridge/status",
            "/api/bridge/check",
        ):
            async with session.get(url + path) as answer:
                assert answer.status == 200
                told.append(await answer.text())
    return told


async def _looked(session: aiohttp.ClientSession, url: str) -> None:
    """Have the doctor look, which asks for a link of its own."""
    async with session.post(url) as answer:
        assert answer.status == 202
    deadline = time.monotonic() + PATIENCE
    running = True
    while running:
        assert time.monotonic() < deadline, "it looks for ever"
        await asyncio.sleep(0.1)
        async with session.get(url) as answer:
            running = (await answer.json())["running"]
