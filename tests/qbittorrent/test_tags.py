"""Tags."""

import pytest

from bridge.downloads import AddOptions
from tests.support.face import Face, magnet
from tests.support.http import Client

ONE, TWO = "1a" * 20, "2b" * 20


@pytest.fixture(autouse=True)
async def _downloads(face: Face) -> None:
    for info_hash in (ONE, TWO):
        await face.downloads.adds.magnet(magnet(info_hash), AddOptions(tags=("a", "b")))


async def test_create_and_delete(client: Client, face: Face) -> None:
    """Names are trimmed, empty ones dropped; a deleted tag leaves every download."""
    assert (await client.post("torrents/createTags", tags=" c , ,a,Ü")).short == (200, "")
    assert (await client.get("torrents/tags")).json() == ["a", "b", "c", "Ü"]
    assert (await client.post("torrents/deleteTags", tags="a,nope")).short == (200, "")
    assert (await client.get("torrents/tags")).json() == ["b", "c", "Ü"]
    assert face.view(TWO).grab.tags == ("b",)


async def test_add_creates_and_remove_keeps_the_tag(client: Client, face: Face) -> None:
    """Unknown tags are made by adding; removing leaves them in the list."""
    await client.post("torrents/addTags", hashes=ONE, tags="c,a")
    assert face.view(ONE).grab.tags == ("a", "b", "c")
    await client.post("torrents/removeTags", hashes=ONE, tags="a")
    assert face.view(ONE).grab.tags == ("b", "c")
    assert (await client.get("torrents/tags")).json() == ["a", "b", "c"]


@pytest.mark.parametrize("form", [{}, {"tags": ""}])
async def test_remove_without_tags_removes_all(
    client: Client, face: Face, form: dict[str, str]
) -> None:
    """No tags named means all of them, of these downloads only."""
    assert (await client.post("torrents/removeTags", hashes=ONE, **form)).short == (200, "")
    assert face.view(ONE).grab.tags == ()
    assert face.view(TWO).grab.tags == ("a", "b")


async def test_set_replaces_all_tags(client: Client, face: Face) -> None:
    """Others go, new ones are made, and an unknown hash makes none."""
    reply = await client.post("torrents/setTags", hashes=ONE, tags="n, n,m")
    assert reply.short == (200, "")
    assert face.view(ONE).grab.tags == ("n", "m")
    assert face.view(TWO).grab.tags == ("a", "b")
    await client.post("torrents/setTags", hashes="0" * 40, tags="ghost")
    assert "ghost" not in (await client.get("torrents/tags")).json()
    await client.post("torrents/setTags", hashes=ONE, tags="")
    assert face.view(ONE).grab.tags == ()


@pytest.mark.parametrize("action", ["createTags", "deleteTags", "addTags", "setTags"])
async def test_tags_are_required(client: Client, action: str) -> None:
    """Missing is 400, empty is 200 and nothing."""
    assert (await client.post(f"torrents/{action}", hashes="all")).short == (400, "Bad Request")
    assert (await client.post(f"torrents/{action}", hashes="all", tags="")).short == (200, "")
