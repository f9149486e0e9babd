"""Categories: what an *arr tests at set-up, and what tools do with them."""

import pytest

from bridge.downloads import AddOptions
from tests.support.face import Face, is_directory, magnet
from tests.support.http import Client

ONE = "1a" * 20
NAMES = ["tv-sonarr", "TV Shows", "a/b", "Ünï,codé #&?", '"quoted"']


async def names(client: Client) -> dict[str, dict[str, str]]:
    """Read the categories."""
    found: dict[str, dict[str, str]] = (await client.get("torrents/categories")).json()
    return found


@pytest.mark.parametrize("name", NAMES)
async def test_created_category_is_there_at_once(client: Client, face: Face, name: str) -> None:
    """The name keeps its case, and its directory exists: *arr check that it does."""
    assert (await client.get("torrents/categories")).text == "{}"
    assert (await client.post("torrents/createCategory", category=name)).short == (200, "")
    found = await names(client)
    assert list(found) == [name]
    assert found[name]["name"] == name
    assert is_directory(found[name]["savePath"])
    assert found[name]["savePath"] != str(face.settings.paths.downloads)


async def test_category_with_a_path(client: Client, face: Face) -> None:
    """A path below the downloads directory is taken as it is."""
    path = face.settings.paths.downloads / "other"
    await client.post("torrents/createCategory", category="tv", savePath=str(path))
    assert (await names(client))["tv"] == {"name": "tv", "savePath": str(path)}


@pytest.mark.parametrize(
    ("form", "status", "text"),
    [
        ({}, 400, "Bad Request"),
        ({"category": ""}, 400, "Category cannot be empty"),
        ({"category": "a\\b"}, 409, "Incorrect category name"),
        ({"category": "/a"}, 409, "Incorrect category name"),
        ({"category": "a//b"}, 409, "Incorrect category name"),
        ({"category": "known", "savePath": "elsewhere"}, 409, "Unable to create category"),
        ({"category": "known"}, 200, ""),
    ],
)
async def test_create(client: Client, form: dict[str, str], status: int, text: str) -> None:
    """Bad names have qBittorrent's words; the same category again is no conflict for an *arr."""
    await client.post("torrents/createCategory", category="known")
    assert (await client.post("torrents/createCategory", **form)).short == (status, text)
    assert list(await names(client)) == ["known"]


async def test_path_outside_the_downloads_is_refused(client: Client) -> None:
    """No category may point at other directories of the machine."""
    reply = await client.post("torrents/createCategory", category="x", savePath="/etc")
    assert reply.status == 409
    assert await names(client) == {}


@pytest.mark.parametrize(
    ("form", "status", "text"),
    [
        ({"category": "known"}, 400, "Bad Request"),
        ({"category": "", "savePath": "x"}, 400, "Category cannot be empty"),
        ({"category": "unknown", "savePath": "x"}, 409, "Unable to edit category"),
        ({"category": "known", "savePath": "x"}, 200, ""),
    ],
)
async def test_edit(client: Client, form: dict[str, str], status: int, text: str) -> None:
    """Only what is there can be edited, and only with a path."""
    await client.post("torrents/createCategory", category="known")
    assert (await client.post("torrents/editCategory", **form)).short == (status, text)


async def test_set_category_moves_out_of_the_old_list(client: Client, face: Face) -> None:
    """After an import an *arr moves the torrent out of its own sight."""
    await face.downloads.adds.magnet(magnet(ONE), AddOptions(category="tv"))
    await client.post("torrents/createCategory", category="done")
    reply = await client.post("torrents/setCategory", hashes=ONE, category="done")
    assert reply.short == (200, "")
    assert (await client.get("torrents/info?category=tv")).text == "[]"
    assert ONE in (await client.get("torrents/info?category=done")).text


async def test_set_unknown_category_is_409_only_when_a_hash_matched(
    client: Client, face: Face
) -> None:
    """It never creates one; an empty name takes downloads out of theirs."""
    await face.downloads.adds.magnet(magnet(ONE), AddOptions(category="tv"))
    reply = await client.post("torrents/setCategory", hashes=ONE, category="nope")
    assert reply.short == (409, "Incorrect category name")
    reply = await client.post("torrents/setCategory", hashes="0" * 40, category="nope")
    assert reply.short == (200, "")
    assert (await client.post("torrents/setCategory", hashes=ONE)).status == 400
    assert (await client.post("torrents/setCategory", hashes=ONE, category="")).short == (200, "")
    assert face.view(ONE).grab.category == ""


async def test_removed_categories_leave_downloads_behind(client: Client, face: Face) -> None:
    """One name a line, unknown ones ignored; downloads become uncategorised."""
    await face.downloads.adds.magnet(magnet(ONE), AddOptions(category="tv"))
    await client.post("torrents/createCategory", category="other")
    reply = await client.post("torrents/removeCategories", categories="tv\nnope\r\n")
    assert reply.short == (200, "")
    assert list(await names(client)) == ["other"]
    assert face.view(ONE).grab.category == ""
    assert (await client.post("torrents/removeCategories")).status == 400
