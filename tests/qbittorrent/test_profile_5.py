"""The profile of 5.1: its words, its fields, its preferences."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bridge.core.model import Phase
from bridge.downloads import AddOptions
from bridge.qbittorrent.app_preferences import defaults_of
from bridge.qbittorrent.responses import PROFILES
from tests.support.face import API_KEY, Face, magnet, serve_face
from tests.support.http import Client, client_of

ONE = "1a" * 20


@pytest.fixture(name="face")
async def _face(tmp_path: Path) -> AsyncIterator[Face]:
    async with serve_face(tmp_path, profile="5.1") as face:
        yield face


@pytest.fixture(name="client")
async def _client(face: Face) -> AsyncIterator[Client]:
    async with client_of(face.url) as client:
        client.headers["Authorization"] = f"Bearer {API_KEY}"
        yield client


@pytest.fixture(autouse=True)
async def _download(face: Face) -> None:
    await face.downloads.adds.magnet(magnet(ONE), AddOptions())


async def test_stopped_is_the_word(client: Client, face: Face) -> None:
    """`stoppedDL` and `stoppedUP`; both names of the filter find them."""
    await client.post("torrents/stop", hashes=ONE)
    for name in ("stopped", "paused"):
        (row,) = (await client.get(f"torrents/info?filter={name}")).json()
        assert row["state"] == "stoppedDL"
    await face.finish(ONE, stopped=False)
    (row,) = (await client.get("torrents/info")).json()
    assert row["state"] == "stoppedUP"
    assert (await client.get("torrents/info?filter=running")).json() == []


async def test_root_path_of_a_folder(client: Client, face: Face) -> None:
    """What is a folder on disk has one; it is the content path then."""
    content = await face.finish(ONE)
    (row,) = (await client.get("torrents/info")).json()
    assert row["root_path"] == row["content_path"] == str(content)


async def test_new_fields_can_be_sorted_by(client: Client) -> None:
    """Also by one that may be null; what this version does not have is refused."""
    for key in ("private", "root_path", "popularity"):
        assert len((await client.get(f"torrents/info?sort={key}")).json()) == 1
    for key in ("nope", "__class__", "__struct_fields__"):
        assert (await client.get(f"torrents/info?sort={key}")).status == 400


async def test_properties(client: Client, face: Face) -> None:
    """Four more than in 4.6; private is null while nobody knows."""
    found = (await client.get(f"torrents/properties?hash={ONE}")).json()
    assert (found["has_metadata"], found["private"], found["popularity"]) == (False, None, 0)
    assert found["is_private"] is False
    assert found["progress"] == 0
    assert list(found) == sorted(found)
    await face.put(ONE, phase=Phase.FINISHED, size=9, private=True)
    found = (await client.get(f"torrents/properties?hash={ONE}")).json()
    assert (found["has_metadata"], found["private"]) == (True, True)


async def test_preferences(client: Client) -> None:
    """The paused preference has another name, and there are more."""
    found = (await client.get("app/preferences")).json()
    assert found["add_stopped_enabled"] is False
    assert "start_paused_enabled" not in found
    assert set(found) == set(defaults_of(PROFILES["5.1"]))
    gone = set(defaults_of(PROFILES["4.6"])) - set(found)
    assert gone == {"start_paused_enabled"}


async def test_other_answers(client: Client) -> None:
    """The build has a platform, and addresses are told empty."""
    assert (await client.get("app/buildInfo")).json()["platform"] == "linux"
    assert (await client.get("transfer/info")).json()["last_external_address_v4"] == ""
    state = (await client.get("sync/maindata")).json()["server_state"]
    assert state["last_external_address_v6"] == ""


async def test_both_versions_take_the_words_of_both(client: Client, face: Face) -> None:
    """Scripts written for 4.x go on working."""
    await client.post("torrents/pause", hashes=ONE)
    assert face.view(ONE).grab.stopped
    await client.post("torrents/resume", hashes=ONE)
    assert not face.view(ONE).grab.stopped
    await client.post("torrents/add", urls=magnet("2b" * 20), paused="true")
    assert face.view("2b" * 20).grab.stopped
