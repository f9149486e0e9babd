"""GET /api/bridge/sync: all rows once, and then what changed."""

import asyncio
import gzip
from typing import Any

import aiohttp

from bridge.core.model import Phase
from bridge.simulator import magnet_of
from bridge.simulator.faults import Html
from tests.support.clients import client_at
from tests.support.http import client_of
from tests.support.page_world import fill, finished
from tests.support.rig import API_KEY, USERNAME, Rig, cached, pack

PATH = "/api/bridge/sync"


async def sync(rig: Rig, since: str = "", overview: str = "") -> dict[str, Any]:
    """Ask for what changed."""
    async with client_at(rig) as client:
        reply = await client.get(f"{PATH}?since={since}&overview={overview}")
        assert reply.status == 200
        assert reply.headers["Cache-Control"] == "no-store"
        told = reply.json()
        assert isinstance(told, dict)
        return told


async def test_all_rows_and_then_the_changes(rig: Rig) -> None:
    """The second answer holds what is new and what is gone, and nothing else."""
    first, second = pack("First"), pack("Second")
    rig.sim.register(first)
    rig.sim.register(second)
    async with rig.arr() as arr:
        await arr.add_magnet(magnet_of(first))
        await rig.reaches(first.hash, Phase.FINISHED)
        told = await sync(rig)
        assert (told["full"], [row["id"] for row in told["rows"]]) == (
            True,
            [rig.grab_id(first.hash)],
        )
        row = told["rows"][0]
        assert (row["group"], row["progress"], row["doing"]) == ("completed", 1.0, "Completed")
        assert (row["name"], row["category"], row["size"]) == ("First", "tv-sonarr", first.size)
        await arr.add_magnet(magnet_of(second))
        await rig.reaches(second.hash, Phase.FINISHED)
        await rig.service.commands.remove([first.hash], delete_files=True)
        news = await until_changed(rig, told["version"], rig.grab_id(second.hash))
        assert (news["full"], news["gone"]) == (False, [row["id"]])
        assert [one["hash"] for one in news["rows"]] == [second.hash]
        calm = await sync(rig, news["version"], news["overview_tag"])
        assert (calm["rows"], calm["gone"]) == ([], [])


async def until_changed(rig: Rig, since: str, wanted: int) -> dict[str, Any]:
    """Ask until a row is told as completed: rows are read once a second at most."""
    told: dict[str, Any] = {}

    def there() -> bool:
        return any(
            row["id"] == wanted and row["group"] == "completed" for row in told.get("rows", ())
        )

    for _ in range(40):
        told = await sync(rig, since)
        if there():
            return told
        await asyncio.sleep(0.1)
    raise AssertionError(told)


async def test_a_version_that_nobody_knows(rig: Rig) -> None:
    """Another bridge's version, one of the future and nonsense all get everything."""
    version = (await sync(rig))["version"]
    epoch = version.partition(".")[0]
    for since in ("", "x", "1.1", f"{epoch}.99", f"{epoch}.-1", f"{epoch}.{'9' * 30}"):
        assert (await sync(rig, since))["full"], since
    assert not (await sync(rig, version))["full"]


async def test_the_head_is_told_when_it_differs(rig: Rig) -> None:
    """Who has the head gets none."""
    told = await sync(rig)
    overview = told["overview"]
    assert overview["torbox"]["state"] == "ok"
    assert overview["budgets"][0] == {
        "name": "Adds of what is not cached",
        "left": 60,
        "limit": 60,
        "seconds": 3600.0,
        "free_at": None,
        "full_at": None,
    }
    links = next(one for one in overview["budgets"] if one["name"] == "Links")
    assert (links["left"], links["limit"]) == (80, 80)
    for _ in range(100):
        told = await sync(rig)
        if told["overview"]["slots"]["total"] and told["overview"]["disks"]:
            break
        await asyncio.sleep(0.1)
    assert told["overview"]["slots"]["total"] == 10
    assert told["overview"]["torbox"]["plan"] == "Pro"
    assert str(rig.downloads) in told["overview"]["disks"][0]["paths"]
    again = await sync(rig, told["version"], told["overview_tag"])
    assert again["overview"] is None


async def test_an_outage_is_a_blocker(rig: Rig) -> None:
    """While TorBox does not answer the page says so, and when it is tried again."""
    content = pack()
    rig.sim.register(content)
    rig.sim.faults.add("*", Html(status=502), times=None)
    async with rig.arr() as arr:
        await arr.add_magnet(magnet_of(content))
    await rig.until(lambda: bool(rig.service.troubles))
    told = await sync(rig)
    (blocker,) = told["overview"]["blockers"]
    assert (blocker["kind"], told["overview"]["torbox"]["state"]) == ("outage", "down")
    assert blocker["next_attempt_at"] > 0
    assert not blocker["text"].startswith("TorBox: TorBox")
    assert [bool(row.get("attention")) for row in told["rows"]] == [False]
    rig.sim.faults.clear()


async def test_a_broken_disk_is_a_blocker(rig: Rig) -> None:
    """An error of the disk that stays is shown on the page and by /readyz, until it is gone."""
    content = pack()
    rig.sim.register(content)
    there = rig.downloads / "tv-sonarr"
    there.write_text("a file where a directory should be")
    async with rig.arr() as arr:
        await arr.add_magnet(magnet_of(content))
    await rig.until(lambda: bool(rig.service.troubles))
    (blocker,) = (await sync(rig))["overview"]["blockers"]
    assert (blocker["kind"], str(there) in blocker["text"]) == ("disk", True)
    status, text = await rig.get("/readyz")
    assert (status, str(there) in text) == (503, True)
    there.unlink()
    await rig.reaches(content.hash, Phase.FINISHED)
    assert (await rig.get("/readyz"))[0] == 200


async def test_failed_logins_are_shown(rig: Rig) -> None:
    """Whoever runs the bridge learns that somebody has guessed passwords."""
    async with client_of(rig.url) as client:
        for _ in range(5):
            await client.login(USERNAME, "wrong")
    (told,) = (await sync(rig))["overview"]["security"]
    assert "failed logins from" in told


async def test_large_answers_are_packed(set_up: Rig) -> None:
    """2,000 rows come as gzip where the browser takes it, and are all there."""
    await fill(set_up.directory / "bridge.db", (finished(number) for number in range(2000)))
    await set_up.start()
    try:
        headers = {"Authorization": f"Bearer {API_KEY}", "Accept-Encoding": "gzip"}
        async with (
            aiohttp.ClientSession(headers=headers, auto_decompress=False) as session,
            session.get(f"{set_up.url}{PATH}") as answer,
        ):
            body = await answer.read()
        assert answer.headers["Content-Encoding"] == "gzip"
        assert gzip.decompress(body).count(b'"id":') == 2000
        assert len(body) < 150_000
    finally:
        await set_up.stop()


async def test_places_in_line(rig: Rig) -> None:
    """What waits for TorBox is told its place."""
    contents = [cached(pack(f"Show.{number}"), is_cached=False) for number in range(3)]
    rig.sim.faults.add("*", Html(status=502), times=None)
    async with rig.arr() as arr:
        for content in contents:
            rig.sim.register(content)
            await arr.add_magnet(magnet_of(content))
    rows = {row["id"]: row for row in (await sync(rig))["rows"]}
    assert set(rows) == {rig.grab_id(content.hash) for content in contents}
    assert {row["group"] for row in rows.values()} == {"waiting"}
    rig.sim.faults.clear()
