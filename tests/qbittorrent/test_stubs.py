"""Endpoints that answer and change nothing."""

import pytest

from bridge.qbittorrent.routes import ROUTES
from tests.support.face import Face
from tests.support.http import Client

H = "hashes=all"

ACCEPTED = [
    ("app/sendTestEmail", ""),
    ("app/shutdown", ""),
    ("transfer/banPeers", "peers=203.0.113.7:1234|nonsense"),
    ("torrents/setAutoManagement", f"{H}&enable=true"),
    ("torrents/setSuperSeeding", f"{H}&value=true"),
    ("torrents/setComment", f"{H}&comment=x"),
    ("torrents/setDownloadPath", "id=x&path="),
    ("rss/addFolder", "path=F"),
    ("rss/addFeed", "url=http://x/&path=F"),
    ("rss/setFeedURL", "path=F&url=http://x/"),
    ("rss/setFeedRefreshInterval", "path=F&refreshInterval=1"),
    ("rss/removeItem", "path=F"),
    ("rss/moveItem", "itemPath=F&destPath=G"),
    ("rss/refreshItem", "itemPath=F"),
    ("rss/markAsRead", "itemPath=F"),
    ("rss/setRule", "ruleName=R&ruleDef={}"),
    ("rss/renameRule", "ruleName=R&newRuleName=S"),
    ("rss/removeRule", "ruleName=R"),
]
SHOWN = [
    ("app/cookies", "", "[]"),
    ("app/networkInterfaceList", "", "[]"),
    ("app/networkInterfaceAddressList", "iface=", "[]"),
    ("log/peers", "", "[]"),
    ("rss/items", "", "{}"),
    ("rss/items", "withData=true", "{}"),
    ("torrentcreator/status", "", "[]"),
    ("rss/rules", "", "{}"),
    ("rss/matchingArticles", "ruleName=R", "{}"),
]
NEVER = [
    "torrentcreator/addTask",
    "clientdata/load",
    "clientdata/store",
    "app/rotateAPIKey",
    "app/deleteAPIKey",
    "transfer/getSpeedLimits",
    "torrents/SSLParameters",
    "torrents/setSSLParameters",
    "torrents/pieceAvailability",
    "torrents/fetchMetadata",
    "torrents/parseMetadata",
    "torrents/saveMetadata",
    "torrents/downloadFile",
    "rss/cloneRule",
    "search/categories",
]


@pytest.mark.parametrize(("path", "form"), ACCEPTED)
async def test_accepted(client: Client, path: str, form: str) -> None:
    """200 without a text, as plain text; without a parameter that is required, 400."""
    fields = dict(pair.split("=", 1) for pair in form.split("&") if pair)
    reply = await client.post(path, **fields)
    assert reply.short == (200, "")
    assert reply.headers["Content-Type"] == "text/plain; charset=UTF-8"
    for name in fields:
        fewer = {key: value for key, value in fields.items() if key != name}
        assert (await client.post(path, **fewer)).short == (400, "Bad Request")


@pytest.mark.parametrize(("path", "query", "body"), SHOWN)
async def test_shown(client: Client, path: str, query: str, body: str) -> None:
    """JSON of the right kind with nothing in it."""
    reply = await client.get(f"{path}?{query}")
    assert (reply.status, reply.text) == (200, body)
    assert reply.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("path", ["app/networkInterfaceAddressList", "rss/matchingArticles"])
async def test_shown_only_with_what_is_required(client: Client, path: str) -> None:
    """A parameter that may be empty may still not be absent."""
    assert (await client.get(path)).short == (400, "Bad Request")


@pytest.mark.parametrize("path", NEVER)
async def test_what_later_versions_have_does_not_exist(client: Client, path: str) -> None:
    """An old server says 404, and so do we: clients fall back to what there is."""
    assert path not in ROUTES
    assert (await client.get(path)).short == (404, "Not Found")
    assert (await client.post(path)).short == (404, "Not Found")


async def test_a_shutdown_shuts_nothing_down(client: Client, face: Face) -> None:
    """A phone must not end the service of a household."""
    await client.post("app/shutdown")
    assert (await client.get("app/version")).status == 200
