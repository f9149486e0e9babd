"""POST /api/bridge/actions: what the page can do to rows."""

import json
from pathlib import Path
from typing import Any

import pytest

from bridge.core.model import Phase
from bridge.simulator import Content, magnet_of
from bridge.simulator.faults import Error
from tests.support.arr_world import world
from tests.support.browser import eventually
from tests.support.clients import client_at
from tests.support.rig import Rig, cached, pack

PATH = "/api/bridge/actions"


async def act(
    rig: Rig, action: str, *rows: str | int, status: int = 200, **more: Any
) -> dict[str, Any]:
    """Do something to rows, named by their id or by the hash of the only grab."""
    ids = [row if isinstance(row, int) else rig.grab_id(row) for row in rows]
    async with client_at(rig) as client:
        body = json.dumps({"action": action, "ids": ids, **more})
        reply = await client.ask("POST", PATH, body)
        assert reply.status == status, reply.text
        answer = reply.json()
        assert isinstance(answer, dict)
        return answer


async def working(rig: Rig, name: str = "Works") -> Content:
    """Add something that TorBox works on for long."""
    content = cached(pack(name), is_cached=False)
    rig.sim.register(content)
    rig.sim.world.change(content.hash, metadata_seconds=1e6)
    async with rig.arr() as arr:
        await arr.add_magnet(magnet_of(content))
    await rig.reaches(content.hash, Phase.REMOTE)
    return content


async def test_pause_and_resume(rig: Rig) -> None:
    """What is paused stays so until it is resumed; what is complete cannot be paused."""
    content = await working(rig)
    assert (await act(rig, "pause", content.hash))["done"] == 1
    assert rig.followed(content.hash).stopped
    assert (await act(rig, "resume", content.hash))["done"] == 1
    assert not rig.followed(content.hash).stopped


async def test_force_and_back(rig: Rig) -> None:
    """Forcing can be taken back."""
    content = await working(rig)
    await act(rig, "force", content.hash)
    assert rig.followed(content.hash).force_start
    await act(rig, "unforce", content.hash)
    assert not rig.followed(content.hash).force_start


async def test_order(rig: Rig) -> None:
    """The last one goes to the top, and down again."""
    first, second = await working(rig, "First"), await working(rig, "Second")
    await act(rig, "top", second.hash)
    assert rig.followed(second.hash).priority < rig.followed(first.hash).priority
    await act(rig, "bottom", second.hash)
    assert rig.followed(second.hash).priority > rig.followed(first.hash).priority
    await act(rig, "up", second.hash)
    await act(rig, "down", second.hash)


async def test_category_and_tags_of_one_of_two(rig: Rig) -> None:
    """A torrent that two *arr have is two rows, and each is changed by itself."""
    content = pack()
    rig.sim.register(content)
    async with rig.arr() as sonarr, rig.arr("radarr") as radarr:
        await sonarr.add_magnet(magnet_of(content))
        await radarr.add_magnet(magnet_of(content))
        await rig.reaches(content.hash, Phase.FINISHED)
    second = rig.grab_id(content.hash, "radarr")

    def both() -> list[tuple[str, tuple[str, ...]]]:
        grabs = [view.grab for view in rig.service.queries.of_hash(content.hash)]
        return [(grab.category, grab.tags) for grab in grabs]

    assert (await act(rig, "category", second, category="films"))["done"] == 1
    assert both() == [("tv-sonarr", ()), ("films", ())]
    await act(rig, "add_tags", second, tags=["uhd"])
    assert both() == [("tv-sonarr", ()), ("films", ("uhd",))]
    await act(rig, "remove_tags", second, tags=["uhd"])
    assert both() == [("tv-sonarr", ()), ("films", ())]
    await act(rig, "remove", second)
    assert both() == [("tv-sonarr", ())]


async def test_a_new_category_is_made(rig: Rig) -> None:
    """A name that is no category becomes one; one that cannot be is refused with a reason."""
    content = await working(rig)
    await act(rig, "category", content.hash, category="brand new")
    assert rig.followed(content.hash).category == "brand new"
    told = await act(rig, "category", content.hash, category="a//b")
    assert (told["done"], told["refused"][0]["why"]) == (0, "Incorrect category name")


@pytest.mark.parametrize(("at_torbox", "left"), [("settings", False), ("yes", False), ("no", True)])
async def test_remove(rig: Rig, at_torbox: str, left: bool) -> None:
    """Files go, and at TorBox what was said."""
    content = pack()
    rig.sim.register(content)
    async with rig.arr() as arr:
        await arr.add_magnet(magnet_of(content))
    await rig.reaches(content.hash, Phase.FINISHED)
    folder = rig.downloads / "tv-sonarr" / content.name
    assert folder.is_dir()
    row = rig.grab_id(content.hash)
    told = await act(rig, "remove", row, delete_files=True, at_torbox=at_torbox)
    assert (told["done"], rig.entry(content.hash)) == (1, None)
    await rig.until(lambda: not folder.exists() and not rig.removals)
    assert bool(rig.sim.world.torrents()) is left
    again = await act(rig, "remove", row)
    assert again["refused"] == [{"id": row, "why": "It is gone already"}]


async def test_what_was_removed_keeps_its_name(rig: Rig) -> None:
    """Its page, which the history links to, says what it was and when it was completed."""
    content = pack("Once.Was")
    rig.sim.register(content)
    async with rig.arr() as arr:
        await arr.add_magnet(magnet_of(content))
    await rig.reaches(content.hash, Phase.FINISHED)
    row = rig.grab_id(content.hash)
    async with client_at(rig) as client:

        async def removed() -> bool:
            rows = (await client.get("/api/bridge/history")).json()["rows"]
            return [(one["id"], one["outcome"]) for one in rows] == [(row, "removed")]

        await act(rig, "remove", row)
        await eventually(removed)
        story = (await client.get(f"/api/bridge/downloads/{row}")).json()
        assert (story["phase"], story["name"], story["category"]) == (
            "gone",
            "Once.Was",
            "tv-sonarr",
        )
        assert story["asked_by"] == "Sonarr"
        assert story["completed_at"]
        assert "Once.Was" in (await client.get(f"/api/bridge/downloads/{row}/report")).text
        assert (await client.get(f"/api/bridge/downloads/{row + 1}")).status == 404


async def test_retry_what_has_failed(rig: Rig) -> None:
    """A failed download is added anew, in its category and with its tags."""
    content = pack("Doomed")
    rig.sim.register(content)
    refusal = Error(400, "BOZO_TORRENT", "Torrent file is not valid.")
    rig.sim.faults.add("createtorrent", refusal, hash=content.hash)
    async with rig.arr() as arr:
        await arr.add_magnet(magnet_of(content))
    await rig.reaches(content.hash, Phase.FAILED)
    await act(rig, "add_tags", content.hash, tags=["kept"])
    refused = await act(rig, "resume", content.hash)
    assert "Retry" in refused["refused"][0]["why"]
    assert (await act(rig, "retry", content.hash))["done"] == 1
    again = await rig.reaches(content.hash, Phase.FINISHED)
    assert (again.category, again.tags) == ("tv-sonarr", ("kept",))


async def test_recheck(rig: Rig) -> None:
    """Files that are gone are noticed, and delivered again."""
    content = pack()
    rig.sim.register(content)
    async with rig.arr() as arr:
        await arr.add_magnet(magnet_of(content))
    await rig.reaches(content.hash, Phase.FINISHED)
    file = next((rig.downloads / "tv-sonarr" / content.name).iterdir())
    file.unlink()
    await act(rig, "recheck", content.hash)
    assert rig.followed(content.hash).missing_files
    await act(rig, "retry", content.hash)
    await rig.until(file.exists)


async def test_the_arr_is_told(tmp_path: Path) -> None:
    """What is reported as failed is blocklisted by its *arr, and searched again."""
    async with world(tmp_path) as here:
        content = await working(here.rig)
        here.api.grab(content.hash)
        assert (await act(here.rig, "fail", content.hash))["done"] == 1
        await here.settled(content.hash)
        assert here.api.blocklist == [content.hash.upper()]
        assert here.rig.entry(content.hash) is None


async def test_nobody_can_be_told(rig: Rig) -> None:
    """Without an *arr in the settings, and once it is complete, it is refused and nothing changes."""
    content = await working(rig)
    told = await act(rig, "fail", content.hash)
    assert "tv-sonarr" in told["refused"][0]["why"]
    assert rig.phase(content.hash) is Phase.REMOTE


async def test_one_refused_row_holds_up_no_other(rig: Rig) -> None:
    """The others are done all the same."""
    content = await working(rig)
    told = await act(rig, "pause", 999, content.hash, -1)
    assert (told["done"], len(told["refused"])) == (1, 2)


@pytest.mark.parametrize(
    "body",
    ["", "[]", "{}", '{"action": "explode", "ids": []}', '{"action": "pause", "ids": ["1"]}',
     '{"action": "pause", "ids": [], "more": 1}', '{"action": "pause", "ids": "x"}', "\xff"],
)  # fmt: skip
async def test_nonsense_is_refused(rig: Rig, body: str) -> None:
    """400 with the reason, in JSON."""
    async with client_at(rig) as client:
        reply = await client.ask("POST", PATH, body)
        assert reply.status == 400
        assert reply.json()["error"]
