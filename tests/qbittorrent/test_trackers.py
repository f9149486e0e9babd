"""Trackers of one download: kept and shown, for TorBox to ask."""

import pytest

from bridge.downloads import AddOptions
from tests.support.face import Face, magnet
from tests.support.http import Client

ONE = "1a" * 20
FIRST = "http://tracker0.example:80/announce/abcdef0123456789"
NEW = "udp://new.example:6969/announce"


@pytest.fixture(autouse=True)
async def _download(face: Face) -> None:
    await face.downloads.adds.magnet(magnet(ONE), AddOptions())


async def urls(client: Client) -> list[str]:
    """List the trackers without the sticky rows."""
    rows = (await client.get(f"torrents/trackers?hash={ONE}")).json()
    return [row["url"] for row in rows[3:]]


async def test_add(client: Client, face: Face) -> None:
    """New ones, one a line, go to the end and into the magnet; known ones and nonsense do not."""
    reply = await client.post(
        "torrents/addTrackers", hash=ONE, urls=f"{NEW}\n\n{FIRST}\r\nnonsense"
    )
    assert reply.short == (200, "")
    assert await urls(client) == [FIRST, NEW]
    assert "new.example" in face.view(ONE).download.magnet
    (row,) = (await client.get("torrents/info")).json()
    assert row["trackers_count"] == 2


@pytest.mark.parametrize("name", ["origUrl", "url"])
async def test_edit(client: Client, name: str) -> None:
    """The place stays, in the words of either version."""
    form = {"hash": ONE, name: FIRST, "newUrl": NEW}
    assert (await client.post("torrents/editTracker", **form)).short == (200, "")
    assert await urls(client) == [NEW]


@pytest.mark.parametrize(
    ("old", "new", "status", "text"),
    [
        ("http://zz/", NEW, 409, "Tracker not found"),
        (FIRST, "http://second.example/", 409, "New tracker URL already exists"),
        (FIRST, "nonsense", 400, "New tracker URL is invalid"),
        (FIRST, "http://[bad", 400, "New tracker URL is invalid"),
        (FIRST, FIRST, 200, ""),
    ],
)
async def test_bad_edits(client: Client, old: str, new: str, status: int, text: str) -> None:
    """The words are qBittorrent's, and nothing is changed."""
    await client.post("torrents/addTrackers", hash=ONE, urls="http://second.example/")
    reply = await client.post("torrents/editTracker", hash=ONE, origUrl=old, newUrl=new)
    assert reply.short == (status, text)
    assert await urls(client) == [FIRST, "http://second.example/"]


async def test_remove(client: Client) -> None:
    """Some of them, `|` between; one that is not there is ignored."""
    form = {"hash": ONE, "urls": f"{FIRST}|http://zz/"}
    assert (await client.post("torrents/removeTrackers", **form)).short == (200, "")
    assert await urls(client) == []


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("torrents/addTrackers", {"urls": NEW}),
        ("torrents/editTracker", {"origUrl": FIRST, "newUrl": NEW}),
        ("torrents/removeTrackers", {"urls": FIRST}),
    ],
)
async def test_hash_and_urls_are_needed(client: Client, path: str, form: dict[str, str]) -> None:
    """A missing parameter is 400, an unknown hash 404."""
    assert (await client.post(path, **form)).short == (400, "Bad Request")
    assert (await client.post(path, hash=ONE)).short == (400, "Bad Request")
    assert (await client.post(path, hash="0" * 40, **form)).short == (404, "Not Found")
