"""Clients of a whole bridge."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from tests.support.http import Client, client_of
from tests.support.rig import API_KEY, PATIENCE, Rig


@asynccontextmanager
async def client_at(rig: Rig) -> AsyncIterator[Client]:
    """A client that may come in."""
    async with client_of(rig.url) as client:
        client.headers["Authorization"] = f"Bearer {API_KEY}"
        yield client


async def info(client: Client, info_hash: str) -> dict[str, Any]:
    """Read the entry of one download."""
    (row,) = (await client.get(f"torrents/info?hashes={info_hash}")).json()
    assert isinstance(row, dict)
    return row


async def shows(
    rig: Rig, client: Client, info_hash: str, holds: Callable[[dict[str, Any]], bool]
) -> dict[str, Any]:
    """Poll until the entry of a download is as it should be."""
    deadline = time.monotonic() + PATIENCE
    while not holds(row := await info(client, info_hash)):
        assert time.monotonic() < deadline, row
        await asyncio.sleep(0.05)
    return row


async def names(client: Client, info_hash: str) -> list[str]:
    """List the names of a download's files."""
    rows = (await client.get(f"torrents/files?hash={info_hash}")).json()
    return [row["name"] for row in rows]
