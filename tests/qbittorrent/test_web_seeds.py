"""Web seeds."""

import pytest

from bridge.downloads import AddOptions
from tests.support.face import Face, magnet
from tests.support.http import Client

ONE = "1a" * 20
SEED, OTHER = "https://seed.example/a", "http://seed.example/b"


@pytest.fixture(autouse=True)
async def _downloads(face: Face) -> None:
    await face.downloads.adds.magnet(magnet(ONE), AddOptions())


async def seeds(client: Client) -> list[str]:
    """List the web seeds."""
    return [row["url"] for row in (await client.get(f"torrents/webseeds?hash={ONE}")).json()]


async def test_added_edited_removed(client: Client, face: Face) -> None:
    """What is kept is shown again, once each, and stands in the magnet."""
    form = {"hash": ONE, "urls": f"{SEED}|{OTHER}|{SEED}"}
    assert (await client.post("torrents/addWebSeeds", **form)).short == (200, "")
    assert await seeds(client) == [SEED, OTHER]
    form = {"hash": ONE, "origUrl": OTHER, "newUrl": "https://seed.example/c"}
    assert (await client.post("torrents/editWebSeed", **form)).short == (200, "")
    assert "seed.example%2fc" in face.view(ONE).download.magnet
    await client.post("torrents/removeWebSeeds", hash=ONE, urls=f"{SEED}|http://unknown.example")
    assert await seeds(client) == ["https://seed.example/c"]


async def test_refusals_change_nothing(client: Client) -> None:
    """What is no URL is 400, what is not there (or is there already) 409."""
    await client.post("torrents/addWebSeeds", hash=ONE, urls=f"{SEED}|{OTHER}")
    for action, form, status in [
        ("addWebSeeds", {"urls": "https://new.example|nonsense"}, 400),
        ("addWebSeeds", {}, 400),
        ("editWebSeed", {"origUrl": SEED, "newUrl": "ftp://x"}, 400),
        ("editWebSeed", {"origUrl": "http://x.example", "newUrl": "http://y.example"}, 409),
        ("editWebSeed", {"origUrl": SEED, "newUrl": OTHER}, 409),
        ("removeWebSeeds", {"urls": "nonsense"}, 400),
    ]:
        assert (await client.post(f"torrents/{action}", hash=ONE, **form)).status == status
    assert await seeds(client) == [SEED, OTHER]
