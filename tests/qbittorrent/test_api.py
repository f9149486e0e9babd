"""Properties of every answer, and the order of the checks."""

import msgspec
import pytest

from bridge.downloads import AddOptions
from bridge.qbittorrent.responses import LARGE
from bridge.qbittorrent.routes import READ, ROUTES, WRITE
from tests.support.face import Face, magnet
from tests.support.http import Client

READS = sorted(path for path, route in ROUTES.items() if route.methods == READ)
WRITES = sorted(path for path, route in ROUTES.items() if route.methods == WRITE)
UNKNOWN = ["foo/bar", "torrents/INFO", "torrents/info/", "torrents", "", "torrents/info/x"]


@pytest.mark.parametrize("path", [*READS, *UNKNOWN])
async def test_without_a_session_everything_is_forbidden(stranger: Client, path: str) -> None:
    """403 comes before 404, so that clients log in; no 401, no redirect."""
    assert (await stranger.get(path)).short == (403, "Forbidden")


@pytest.mark.parametrize("path", sorted(set(WRITES) - {"auth/login"}))
async def test_without_a_session_nothing_is_written(stranger: Client, path: str) -> None:
    """403 comes before any parameter is looked at."""
    assert (await stranger.post(path)).short == (403, "Forbidden")


@pytest.mark.parametrize("path", UNKNOWN)
async def test_unknown_endpoints_are_404_in_text(client: Client, path: str) -> None:
    """Paths are case-sensitive and end without a slash; never a page."""
    reply = await client.get(path)
    assert reply.short == (404, "Not Found")
    assert reply.headers["Content-Type"] == "text/plain; charset=UTF-8"


async def test_the_slash_may_be_encoded(client: Client) -> None:
    """The name of an endpoint is compared after it was decoded."""
    assert (await client.get("app%2Fversion")).short == (await client.get("app/version")).short


@pytest.mark.parametrize("path", WRITES)
async def test_writes_are_post_only(client: Client, path: str) -> None:
    """GET on what changes something is 405, whatever the parameters."""
    assert (await client.get(f"{path}?hashes=all&json=1")).short == (405, "Method Not Allowed")


@pytest.mark.parametrize("path", READS)
async def test_reads_answer_get_and_post_alike(client: Client, face: Face, path: str) -> None:
    """qbittorrent-api reads with POST, *arr with GET; HEAD harms nothing."""
    got, posted = await client.get(path), await client.ask("POST", path)
    assert got.status == posted.status
    assert got.text == posted.text or path == "sync/maindata"  # where each answer has a number
    assert got.status in {200, 400} or path == "sync/torrentPeers"
    headed = await client.ask("HEAD", path)
    assert headed.short == (got.status, "")


async def test_a_large_reply(client: Client, face: Face) -> None:
    """It is as long as its head says, a HEAD has the same head, and the connection stays in step."""
    for number in range(1, 81):
        await face.downloads.adds.magnet(magnet(f"{number:040x}"), AddOptions(category="tv"))
    for _ in range(2):
        got = await client.get("torrents/info?category=tv")
        assert len(got.text) == int(got.headers["Content-Length"]) > LARGE
        assert len(msgspec.json.decode(got.text)) == 80
        headed = await client.ask("HEAD", "torrents/info?category=tv")
        assert headed.short == (200, "")
        for name in ("Content-Length", "Content-Type", "Cache-Control"):
            assert headed.headers[name] == got.headers[name]
        assert "Server" not in got.headers


async def test_other_methods_are_refused(client: Client) -> None:
    """No PUT, no DELETE, no CORS."""
    for method in ("PUT", "DELETE", "OPTIONS", "PATCH"):
        reply = await client.ask(method, "torrents/info")
        assert reply.status == 405
        assert "Access-Control-Allow-Origin" not in reply.headers


async def test_headers_are_qbittorrents(client: Client, stranger: Client) -> None:
    """The security headers are there, also on errors, and nothing tells what really answers."""
    for reply in (await client.get("app/version"), await stranger.get("nope")):
        assert reply.headers["X-Frame-Options"] == "SAMEORIGIN"
        assert reply.headers["X-Content-Type-Options"] == "nosniff"
        assert reply.headers["Referrer-Policy"] == "same-origin"
        assert "Server" not in reply.headers


async def test_json_has_no_charset(client: Client) -> None:
    """JSON is application/json and nothing more."""
    assert (await client.get("torrents/info")).headers["Content-Type"] == "application/json"


async def test_post_takes_nothing_from_the_query(client: Client) -> None:
    """Query and body are never merged: a parameter at the wrong place is missing (400)."""
    reply = await client.ask("POST", f"torrents/properties?hash={'0' * 40}")
    assert reply.short == (400, "Bad Request")


async def test_old_and_other_api_do_not_exist(client: Client) -> None:
    """*arr try /version/api after a 404; it must be 404 as well, and text."""
    for path in ("/version/api", "/api/v1/x", "/api/v2", "/login"):
        reply = await client.get(path)
        assert reply.status == 404
        assert reply.headers["Content-Type"].startswith("text/plain")


async def test_front_answers_head_at_once(stranger: Client) -> None:
    """qbittorrent-api looks here first; no redirect."""
    assert (await stranger.ask("HEAD", "/")).short == (200, "")
