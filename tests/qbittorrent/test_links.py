"""Links in torrents/add, on a whole bridge."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bridge.core.model import Phase
from bridge.engine.link_follow import PAUSES
from bridge.simulator import magnet_of
from tests.support.clients import client_at
from tests.support.http import Client
from tests.support.links import LinkServer, link_server
from tests.support.rig import PATIENCE, Rig, pack

SECRET = "passkey-of-the-user"


@pytest.fixture(name="open_rig")
async def _open_rig(tmp_path: Path) -> AsyncIterator[Rig]:
    """A bridge whose links may lead to this machine."""
    rig = Rig(tmp_path, BRIDGE_SERVER__FETCH_ALLOWED_HOSTS="[127.0.0.1]")
    await rig.open()
    try:
        yield rig
    finally:
        await rig.close()


@pytest.fixture(name="client")
async def _client(open_rig: Rig) -> AsyncIterator[Client]:
    async with client_at(open_rig) as client:
        yield client


@pytest.fixture(name="server")
async def _server() -> AsyncIterator[LinkServer]:
    async with link_server() as server:
        yield server


async def test_a_link_to_a_torrent(open_rig: Rig, client: Client, server: LinkServer) -> None:
    """It is there when `Ok.` is, with the options that came along, and the cookie was sent."""
    content = pack()
    open_rig.sim.register(content)
    assert content.torrent is not None
    server.pages = {"/dl": content.torrent}
    form = {"urls": f"{server.url}/dl?apikey={SECRET}", "category": "tv", "cookie": "uid=1"}
    assert (await client.post("torrents/add", **form)).short == (200, "Ok.")
    found = open_rig.followed(content.hash)
    assert (found.category, found.has_torrent) == ("tv", True)
    assert server.cookies == ["uid=1"]
    await open_rig.reaches(content.hash, Phase.FINISHED)


async def test_a_link_to_a_magnet(open_rig: Rig, client: Client, server: LinkServer) -> None:
    """Jackett redirects to a magnet; so it is added, beside others of the same request."""
    content = pack()
    open_rig.sim.register(content)
    server.pages = {"/dl": magnet_of(content)}
    urls = f"{server.url}/dl\n{'1a' * 20}"
    assert (await client.post("torrents/add", urls=urls)).short == (200, "Ok.")
    assert {view.download.hash for view in open_rig.service.queries.primaries.values()} == {
        content.hash,
        "1a" * 20,
    }


async def test_a_link_to_nothing_is_told_in_the_log(
    client: Client, server: LinkServer, open_rig: Rig, capsys: pytest.CaptureFixture[str]
) -> None:
    """As with qBittorrent the add counts as done; the log has the host and no secret."""
    server.pages = {"/page": b"<html>log in</html>"}
    for path in ("gone", "page"):
        url = f"{server.url}/{path}?apikey={SECRET}"
        assert (await client.post("torrents/add", urls=url)).short == (200, "Ok.")
    assert not open_rig.service.queries.primaries
    logged = capsys.readouterr().out
    assert "404" in logged
    assert SECRET not in logged


async def test_private_hosts_are_refused_by_default(
    rig: Rig, server: LinkServer, capsys: pytest.CaptureFixture[str]
) -> None:
    """`Fails.`; nothing is asked of them, and the log names the setting that would allow it."""
    async with client_at(rig) as client:
        link = f"{server.url}/dl?apikey={SECRET}"
        assert (await client.post("torrents/add", urls=link)).text == "Fails."
        assert (await client.post("torrents/add", urls=f"{link}\n{'1a' * 20}")).text == "Ok."
    assert server.cookies == []
    logged = capsys.readouterr().out
    assert "server.fetch_allowed_hosts" in logged
    assert SECRET not in logged


async def test_a_slow_link_is_followed_later(
    open_rig: Rig, client: Client, server: LinkServer
) -> None:
    """What could not be reached just now is kept, and followed after a restart."""
    content = pack()
    open_rig.sim.register(content)
    assert content.torrent is not None
    server.pages = {"/dl": 503}
    assert (await client.post("torrents/add", urls=f"{server.url}/dl", category="tv")).text == "Ok."
    assert not open_rig.service.queries.primaries
    await open_rig.stop()
    server.pages = {"/dl": content.torrent}
    await open_rig.start()
    download = await open_rig.reaches(content.hash, Phase.FINISHED, within=PAUSES[0] + PATIENCE)
    assert download.category == "tv"
    await open_rig.stop()
    server.pages = {}
    asked = len(server.cookies)
    await open_rig.start()
    assert len(server.cookies) == asked


async def test_a_private_host_found_late_is_shown(
    open_rig: Rig, client: Client, server: LinkServer
) -> None:
    """`Ok.` was said already, so the *arr sees a failed download, and its user the setting."""
    server.pages, server.delay = {"/dl": "http://10.0.0.1/file"}, 1.5
    form = {"urls": f"{server.url}/dl?apikey={SECRET}", "category": "tv"}
    assert (await client.post("torrents/add", **form)).text == "Ok."
    await open_rig.until(lambda: bool(open_rig.service.queries.primaries.values()))
    (row,) = (await client.get("torrents/info?category=tv")).json()
    assert (row["state"], row["name"]) == ("error", "link to 127.0.0.1")
    failed = open_rig.followed(row["hash"])
    assert "10.0.0.1" in failed.failure_message
    assert "server.fetch_allowed_hosts" in failed.failure_message
    assert SECRET not in str(failed)
    await client.post("torrents/delete", hashes=row["hash"], deleteFiles="true")
    assert (await client.get("torrents/info")).json() == []
