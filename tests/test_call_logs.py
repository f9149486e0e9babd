"""`debug` shows calls in and out; `info` does not."""

import json
from typing import Any

import aiohttp

from tests.support.process import BridgeProcess
from tests.support.rig import PASSWORD, Rig, pack


async def _events(set_up: Rig, level: str) -> list[dict[str, Any]]:
    """Grab something with a log of this level; answers the events."""
    content = pack()
    set_up.sim.register(content)
    process = BridgeProcess(set_up.environ | {"BRIDGE_LOG__LEVEL": level})
    await process.start()
    try:
        async with set_up.arr_at(process.url, PASSWORD) as arr:
            assert content.torrent is not None
            download_id = await arr.add_torrent(content.torrent, content.name, content.hash)
            await set_up.completed(arr, download_id)
    finally:
        await process.terminate()
    lines = [line for line in process.output if line.startswith("{")]
    return [json.loads(line) for line in lines]


async def test_debug_shows_calls(set_up: Rig) -> None:
    """Method, path, status and milliseconds of each call, without query strings."""
    events = await _events(set_up, "debug")
    calls_in = [event for event in events if event["event"] == "call_in"]
    add = next(call for call in calls_in if call["path"].endswith("/torrents/add"))
    assert (add["method"], add["status"], add["client"]) == ("POST", 200, "127.0.0.1")
    assert add["ms"] > 0
    calls_out = [event for event in events if event["event"] == "call_out"]
    create = next(call for call in calls_out if call["path"].endswith("/createtorrent"))
    assert (create["method"], create["status"], create["host"]) == ("POST", 200, "127.0.0.1")
    assert create["ms"] > 0
    assert not any("?" in call["path"] for call in calls_in + calls_out)


async def test_info_does_not(set_up: Rig) -> None:
    """The default level is quiet about calls, and says at the start how the bridge is set up."""
    events = await _events(set_up, "info")
    assert not any(event["event"].startswith("call_") for event in events)
    start = next(event for event in events if event["event"] == "listening")
    assert start["downloads"] == str(set_up.downloads)
    assert (start["delivery"], start["arr"]) == ("download", [])


async def test_tokens_in_paths_stay_out(set_up: Rig) -> None:
    """A `.strm` address holds a token in its path: the log leaves it out."""
    process = BridgeProcess(set_up.environ | {"BRIDGE_LOG__LEVEL": "debug"})
    await process.start()
    try:
        status = await _get(f"{process.url}/strm/a-token-of-somebody/film.mkv")
        assert status == 404
    finally:
        await process.terminate()
    assert not any("a-token-of-somebody" in line for line in process.output)
    assert any("/strm/{token}/film.mkv" in line for line in process.output)


async def _get(url: str) -> int:
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        return answer.status
