"""POST /api/bridge/add and /preview: adding torrents on the page."""

import base64
import json
from pathlib import Path
from typing import Any

from msgspec import structs

from bridge.core.model import Phase
from bridge.simulator import magnet_of
from bridge.simulator.faults import Error, Html
from bridge.simulator.releases import torrent_of
from tests.support.clients import client_at
from tests.support.links import link_server
from tests.support.rig import BRISK, Rig, cached, pack

H = "12" * 20


async def post(rig: Rig, path: str, status: int = 200, **body: Any) -> Any:
    """Send JSON."""
    async with client_at(rig) as client:
        reply = await client.ask("POST", f"/api/bridge/{path}", json.dumps(body))
        assert reply.status == status, reply.text
        return reply.json()


def coded(data: bytes) -> str:
    """Write bytes as JSON has them."""
    return base64.b64encode(data).decode()


async def test_a_magnet_with_its_files_chosen(rig: Rig) -> None:
    """What was left out in the preview is not fetched, and the rest is."""
    content = pack(episodes=3)
    rig.sim.register(content)
    seen = await post(rig, "preview", magnet=magnet_of(content))
    assert (seen["hash"], seen["cached"], len(seen["files"])) == (content.hash, True, 3)
    assert seen["size"] == content.size
    skip = [file["index"] for file in seen["files"] if "E02" in file["name"]]
    link = {"link": magnet_of(content), "skip": skip}
    (row,) = await post(rig, "add", links=[link], category="tv", tags=["page"])
    assert (row["result"], row["id"]) == ("added", rig.grab_id(content.hash))
    done = await rig.reaches(content.hash, Phase.FINISHED)
    assert (done.category, done.tags) == ("tv", ("page",))
    there = sorted(path.name for path in (rig.downloads / "tv" / content.name).iterdir())
    assert [name.rpartition(".E")[2] for name in there] == ["01.mkv", "03.mkv"]


async def test_a_torrent_file(rig: Rig) -> None:
    """A .torrent is read here; what is no torrent is refused with the reason."""
    content = pack()
    rig.sim.register(content)
    seen = await post(rig, "preview", torrent=coded(torrent_of(content)))
    assert (seen["name"], len(seen["files"])) == (content.name, 3)
    files = [
        {"name": "good.torrent", "data": coded(torrent_of(content)), "skip": [0]},
        {"name": "bad.torrent", "data": coded(b"no torrent")},
    ]
    good, bad = await post(rig, "add", torrents=files, paused=True)
    assert (good["result"], bad["result"]) == ("added", "refused")
    assert bad["why"]
    assert rig.followed(content.hash).stopped
    view = rig.service.queries.get(content.hash)
    assert view is not None
    assert [file.priority for file in await rig.service.queries.files(view)] == [0, 1, 1]


async def test_options(rig: Rig) -> None:
    """Forced, first in the queue, in a place of its own."""
    where = str(rig.downloads / "elsewhere")
    rig.sim.world.change(H, metadata_seconds=1e6)
    (row,) = await post(
        rig, "add", links=[{"link": H}], force=True, to_top=True, save_path=where,
        content_layout="Subfolder",
    )  # fmt: skip
    assert row["result"] == "added"
    made = rig.followed(H)
    assert (made.force_start, made.save_path, made.content_layout) == (True, where, "Subfolder")
    assert made.priority < 0
    (again,) = await post(rig, "add", links=[{"link": H}])
    assert again["result"] == "known"


async def test_refusals(rig: Rig) -> None:
    """What is no link, leads outside or to a private host is said to be so, one by one."""
    rows = await post(rig, "add", links=[{"link": "nonsense"}, {"link": "http://127.0.0.1:1/x"}])
    assert [row["result"] for row in rows] == ["refused", "refused"]
    (outside,) = await post(rig, "add", links=[{"link": H}], save_path="/etc")
    assert (outside["result"], "/etc" in outside["why"]) == ("refused", True)
    assert rig.entry(H) is None
    await post(rig, "preview", 400, magnet="nonsense")
    await post(rig, "preview", 400, torrent=coded(b"d3:fooe"))
    await post(rig, "add", 400, links=[{"link": H}] * 501)


async def test_a_link_that_leads_nowhere(tmp_path: Path) -> None:
    """The user of the page is told why, where a client of qBittorrent would hear `Ok.`."""
    patient = structs.replace(BRISK, link=60.0)
    rig = Rig(tmp_path, retry=patient, BRIDGE_SERVER__FETCH_ALLOWED_HOSTS="[127.0.0.1]")
    async with link_server() as server:
        server.pages = {"/page": b"<html>log in</html>"}
        await rig.open()
        try:
            links = [{"link": f"{server.url}/{path}"} for path in ("gone", "page")]
            gone, page = await post(rig, "add", links=links)
            assert (gone["result"], gone["why"]) == ("refused", "the server answered 404")
            assert (page["result"], "not a" in page["why"]) == ("refused", True)
            assert not rig.service.queries.primaries
        finally:
            await rig.close()


async def test_a_slow_link_that_leads_nowhere(tmp_path: Path) -> None:
    """It becomes a failed row: the page was told that the link is followed."""
    rig = Rig(tmp_path, BRIDGE_SERVER__FETCH_ALLOWED_HOSTS="[127.0.0.1]")
    async with link_server() as server:
        server.delay = 1.5
        await rig.open()
        try:
            late = [{"link": f"{server.url}/late?key=SECRET"}]
            (row,) = await post(rig, "add", links=late, category="tv")
            assert row["result"] == "pending"
            await rig.until(lambda: bool(rig.service.queries.primaries.values()))
            (view,) = rig.service.queries.primaries.values()
        finally:
            await rig.close()
    assert (view.name, view.phase, view.grab.category) == ("link to 127.0.0.1", Phase.FAILED, "tv")
    assert view.failure is not None
    assert view.failure.message == "the server answered 404"
    assert "SECRET" not in str(view)


async def test_a_magnet_without_metadata(rig: Rig) -> None:
    """TorBox does not know what is in it, or does not answer: the preview says so."""
    content = cached(pack(), is_cached=False)
    rig.sim.faults.add("torrentinfo", Error(500, "DOWNLOAD_SERVER_ERROR", "not found in time"))
    seen = await post(rig, "preview", magnet=magnet_of(content))
    assert (seen["files"], seen["cached"], "metadata" in seen["text"]) == ([], False, True)
    rig.sim.faults.add("checkcached", Html(status=502), times=None)
    seen = await post(rig, "preview", magnet=magnet_of(content))
    assert (seen["files"], seen["cached"], "TorBox" in seen["text"]) == ([], None, True)


async def test_a_body_that_is_too_large(rig: Rig) -> None:
    """It is refused before it was read to its end."""
    async with client_at(rig) as client:
        body = b'{"torrent": "' + b"A" * (33 * 1024**2) + b'"}'
        assert (await client.ask("POST", "/api/bridge/preview", body)).status == 413
