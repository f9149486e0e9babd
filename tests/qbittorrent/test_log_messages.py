"""The bridge's own log, as qBittorrent shows one."""

from typing import Any

import pytest

from tests.support.face import Face
from tests.support.http import Client


@pytest.fixture(autouse=True)
def _messages(face: Face) -> None:
    for level in ("debug", "info", "warning", "error"):
        face.logs(None, level, {"event": f"{level} of ours", "level": level, "hash": "1a"})


async def ids(client: Client, query: str = "") -> list[Any]:
    """List the ids of the messages that are shown."""
    return [entry["id"] for entry in (await client.get(f"log/main?{query}")).json()]


async def test_messages(client: Client) -> None:
    """Number, words, seconds, and a type that is a bit."""
    found = (await client.get("log/main")).json()
    assert [entry["message"] for entry in found][:2] == [
        "debug of ours hash=1a",
        "info of ours hash=1a",
    ]
    assert [entry["type"] for entry in found] == [1, 2, 4, 8]
    assert all(isinstance(entry["timestamp"], int) for entry in found)


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("", [0, 1, 2, 3]),
        ("last_known_id=-1", [0, 1, 2, 3]),
        ("last_known_id=1", [2, 3]),
        ("last_known_id=99999", []),
        ("last_known_id=x", [0, 1, 2, 3]),
        ("normal=false&info=false&warning=true&critical=false", [2]),
        ("normal=false&info=maybe", [1, 2, 3]),
        ("normal=false&info=false&warning=false&critical=false", []),
    ],
)
async def test_filters(client: Client, query: str, shown: list[int]) -> None:
    """Types that are not `false`, after the last id that is known."""
    assert await ids(client, query) == shown


async def test_peers_have_no_log(client: Client) -> None:
    """There are no peers here."""
    assert (await client.get("log/peers")).short == (200, "[]")
