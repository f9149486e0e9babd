"""The API while TorBox does not answer, or rejects the key."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bridge.core.model import Phase
from bridge.core.status import ETA_UNKNOWN
from bridge.simulator import Behaviour, Scenario, magnet_of
from tests.support.clients import client_at
from tests.support.http import Client
from tests.support.rig import Rig, cached, pack


@pytest.fixture(name="slow_rig")
async def _slow_rig(tmp_path: Path) -> AsyncIterator[Rig]:
    """A bridge whose TorBox needs long for everything."""
    behaviour = Behaviour(
        download_bytes_per_second=1000, metadata_seconds=0.1, store_seconds=1000,
    )  # fmt: skip
    rig = Rig(tmp_path, Scenario(behaviour=behaviour))
    await rig.open()
    try:
        yield rig
    finally:
        await rig.close()


@pytest.fixture(name="client")
async def _client(slow_rig: Rig) -> AsyncIterator[Client]:
    async with client_at(slow_rig) as client:
        yield client


async def only(client: Client) -> dict[str, Any]:
    """Read the only entry of the list."""
    (row,) = (await client.get("torrents/info")).json()
    assert isinstance(row, dict)
    return row


async def test_an_outage_reads_as_a_wait(slow_rig: Rig, client: Client) -> None:
    """Cleaners strike what stays slow or stalled, at every look, for as long as an outage lasts."""
    content = cached(pack(), is_cached=False)
    slow_rig.sim.register(content)
    await client.post("torrents/add", urls=magnet_of(content), category="tv")
    await slow_rig.reaches(content.hash, Phase.REMOTE)
    row: dict[str, Any] = {}
    while row.get("state") != "downloading":
        row = await only(client)
    assert row["dlspeed"] > 0
    assert row["eta"] < ETA_UNKNOWN
    assert row["availability"] >= 1
    assert (await client.get("transfer/info")).json()["connection_status"] == "connected"
    before = row["progress"]

    await slow_rig.sim.stop()
    await slow_rig.until(lambda: slow_rig.service.unreachable)
    row = await only(client)
    assert (row["state"], row["dlspeed"], row["eta"]) == ("queuedDL", 0, ETA_UNKNOWN)
    assert row["availability"] >= 1
    assert row["num_complete"] >= 1
    assert row["progress"] >= before
    assert (await client.get("transfer/info")).json()["connection_status"] == "disconnected"
    state = (await client.get("sync/maindata")).json()["server_state"]
    assert state["connection_status"] == "disconnected"


async def test_the_waiting_packs_say_that_they_wait(tmp_path: Path) -> None:
    """Of several cached packs those without a slot are queued, with a place in the queue."""
    rig = Rig(
        tmp_path,
        BRIDGE_DELIVERY__PARALLEL_FILES="1",
        BRIDGE_DELIVERY__LIMIT_BYTES_PER_SECOND="200000",
    )
    await rig.open()
    try:
        async with client_at(rig) as client:
            packs = [pack(f"Show.S{number:02}", size=600_000) for number in range(1, 4)]
            for content in packs:
                rig.sim.register(content)
                await client.post("torrents/add", urls=magnet_of(content), category="tv")
            for content in packs:
                await rig.reaches(content.hash, Phase.DELIVERING)
            seen: set[str] = set()
            rows: list[dict[str, Any]] = []
            while "downloading" not in seen:
                rows = (await client.get("torrents/info?category=tv")).json()
                seen = {row["state"] for row in rows}
                for row in rows:
                    assert (row["state"] == "downloading") is (row["dlspeed"] > 0), row
                    assert row["state"] in {"downloading", "queuedDL"}
                    assert row["availability"] >= 1
                    assert (row["eta"] < ETA_UNKNOWN) is (row["dlspeed"] > 0)
                    done = row["size"] - row["amount_left"]
                    assert row["downloaded"] == row["completed"] == done
            assert "queuedDL" in seen
            assert sorted(row["priority"] for row in rows) == [1, 2, 3]
    finally:
        await rig.close()


async def test_an_outage_is_told_while_nothing_is_downloading(tmp_path: Path) -> None:
    """`sync/maindata` and `transfer/info` agree, also where no entry changes with the outage."""
    rig = Rig(tmp_path)
    await rig.open()
    try:
        async with client_at(rig) as client:
            content = pack()
            rig.sim.register(content)
            await client.post("torrents/add", urls=magnet_of(content), category="tv")
            await rig.reaches(content.hash, Phase.FINISHED)
            first = (await client.get("sync/maindata")).json()
            assert first["server_state"]["connection_status"] == "connected"

            await rig.sim.stop()
            await client.post("torrents/delete", hashes=content.hash, deleteFiles="true")
            known: dict[str, Any] = first["server_state"]
            rid = first["rid"]
            while not rig.service.unreachable:
                reply = (await client.get(f"sync/maindata?rid={rid}")).json()
                known |= reply.get("server_state", {})
                rid = reply["rid"]
            reply = (await client.get(f"sync/maindata?rid={rid}")).json()
            known |= reply.get("server_state", {})
            told = (await client.get("transfer/info")).json()["connection_status"]
            assert known["connection_status"] == told == "disconnected"
    finally:
        await rig.close()
