"""Links to .torrents and magnets."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from bridge.engine.link_fetcher import (
    AT_ONCE,
    SETTING,
    FoundFile,
    FoundMagnet,
    LinkFetcher,
    NotFetched,
)
from tests.support.links import LinkServer, link_server

MAGNET = f"magnet:?xt=urn:btih:{'1a' * 20}"


@pytest.fixture(name="server")
async def _server() -> AsyncIterator[LinkServer]:
    async with link_server() as server:
        yield server


@pytest.fixture(name="links")
async def _links() -> AsyncIterator[LinkFetcher]:
    async with LinkFetcher(["127.0.0.1"]) as links:
        yield links


async def test_files_and_magnets(server: LinkServer, links: LinkFetcher) -> None:
    """A file, a magnet as text, and a redirect to a magnet, also after other redirects."""
    server.pages = {
        "/file": b"d4:infod1:ai1eee",
        "/text": MAGNET.encode() + b"\n",
        "/magnet": MAGNET,
        "/far": "/nearer",
        "/nearer": f"{server.url}/magnet",
    }
    assert await links.follow(f"{server.url}/file") == FoundFile(b"d4:infod1:ai1eee")
    for path in ("text", "magnet", "far"):
        assert await links.follow(f"{server.url}/{path}") == FoundMagnet(MAGNET)


async def test_what_leads_nowhere(server: LinkServer, links: LinkFetcher) -> None:
    """Errors, circles and other schemes end; only what may pass is worth another try."""
    server.pages = {"/circle": "/circle", "/file": "file:///etc/passwd", "/busy": 503, "/no": ""}
    for path, again in [("gone", False), ("circle", False), ("file", False), ("busy", True),
                        ("no", False)]:  # fmt: skip
        found = await links.follow(f"{server.url}/{path}?apikey=secret")
        assert isinstance(found, NotFetched)
        assert found.again is again
        assert "secret" not in found.reason
    assert isinstance(await links.follow("http://["), NotFetched)


async def test_every_hop_is_guarded(server: LinkServer) -> None:
    """A private address is refused at once, behind a redirect, and behind a name."""
    port = server.url.rpartition(":")[2]
    server.pages = {"/hop": f"http://127.0.0.1:{port}/file", "/file": b"d1:ae"}
    async with LinkFetcher() as strict:
        for host in ("127.0.0.1", "localhost", "2130706433", "[::1]"):
            found = await strict.follow(f"http://{host}:{port}/file")
            assert isinstance(found, NotFetched)
            assert found.forbidden
            assert SETTING in found.reason
            assert not found.again
    assert server.cookies == []
    async with LinkFetcher(["localhost"]) as named:
        assert await named.follow(f"http://localhost:{port}/file") == FoundFile(b"d1:ae")
        behind = await named.follow(f"http://localhost:{port}/hop")
        assert isinstance(behind, NotFetched)
        assert SETTING in behind.reason


async def test_the_cookie_stays_with_its_host(server: LinkServer) -> None:
    """The user's cookie is sent to the host of the link, and to no other that it leads to."""
    port = server.url.rpartition(":")[2]
    server.pages = {"/a": "/b", "/b": f"http://localhost:{port}/c", "/c": b"d1:ae"}
    async with LinkFetcher(["localhost", "127.0.0.1"]) as links:
        await links.follow(f"{server.url}/a", "uid=1; pass=2")
    assert server.cookies == ["uid=1; pass=2", "uid=1; pass=2", ""]


async def test_nothing_endless_is_held(server: LinkServer, links: LinkFetcher) -> None:
    """More than 32 MiB are no .torrent."""
    server.pages = {"/big": b"d" * (32 * 1024 * 1024 + 1)}
    found = await links.follow(f"{server.url}/big")
    assert found == NotFetched("it is larger than 32 MiB")


async def test_few_links_are_followed_at_once(server: LinkServer, links: LinkFetcher) -> None:
    """Each may hold 32 MiB: twelve at once took 1.2 GB."""
    server.pages, server.delay = {"/file": b"d1:ae"}, 0.05
    found = await asyncio.gather(*(links.follow(f"{server.url}/file") for _ in range(12)))
    assert found == [FoundFile(b"d1:ae")] * 12
    assert server.most == AT_ONCE
