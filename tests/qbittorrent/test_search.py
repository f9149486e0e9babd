"""TorBox's search, on a whole bridge."""

import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
import structlog

from bridge.core.model import Phase
from bridge.simulator.faults import Error, Slow
from tests.support.clients import client_at
from tests.support.http import Client
from tests.support.rig import PATIENCE, Rig, pack

START = {"pattern": "show 1080p", "category": "all", "plugins": "all"}


@pytest.fixture(name="client")
async def _client(rig: Rig) -> AsyncIterator[Client]:
    for number in range(1, 4):
        rig.sim.register(pack(f"Show.S0{number}.1080p-GRP", episodes=1))
    async with client_at(rig) as client:
        yield client


async def ended(client: Client, job: int, query: str = "") -> dict[str, Any]:
    """Poll the results of a search until it has stopped."""
    deadline = time.monotonic() + PATIENCE
    while True:
        found = (await client.get(f"search/results?id={job}{query}")).json()
        assert isinstance(found, dict)
        if found["status"] == "Stopped":
            return found
        assert time.monotonic() < deadline


async def begin(client: Client, **form: str) -> int:
    """Start a search; answers its id."""
    found = (await client.post("search/start", **(START | form))).json()
    assert found.keys() == {"id"}
    return int(found["id"])


async def test_the_one_plugin(client: Client) -> None:
    """Clients that list plugins first find one, enabled, for all categories."""
    (plugin,) = (await client.get("search/plugins")).json()
    assert (plugin["name"], plugin["enabled"]) == ("torbox", True)
    assert plugin["supportedCategories"] == [{"id": "all", "name": "All categories"}]


async def test_what_is_found_can_be_added(rig: Rig, client: Client) -> None:
    """A result carries a magnet that torrents/add takes, and that is then downloaded."""
    found = await ended(client, await begin(client))
    assert found["total"] == len(found["results"]) == 3
    result = found["results"][0]
    assert result["fileSize"] == 200_000
    assert result["nbSeeders"] > 0
    assert (await client.post("torrents/add", urls=result["fileUrl"])).text == "Ok."
    (view,) = rig.service.queries.primaries.values()
    assert view.download.name == result["fileName"]
    await rig.reaches(view.download.hash, Phase.FINISHED)


async def test_pages_of_results(client: Client) -> None:
    """Limit and offset cut out a page; an offset outside is 409, negative ones count from the end."""
    job = await begin(client)
    every = [row["fileName"] for row in (await ended(client, job))["results"]]
    for query, expected in [
        ("&limit=1", every[:1]),
        ("&limit=1&offset=1", every[1:2]),
        ("&offset=-1", every[2:]),
        ("&limit=0&offset=3", []),
    ]:
        found = (await client.get(f"search/results?id={job}{query}")).json()
        assert [row["fileName"] for row in found["results"]] == expected
        assert found["total"] == 3
    for offset in ("4", "-4"):
        reply = await client.get(f"search/results?id={job}&offset={offset}")
        assert reply.short == (409, "Offset is out of range")


async def test_jobs(client: Client) -> None:
    """Each is listed until it is deleted; unknown ones are 404, missing ids 400."""
    assert (await client.get("search/status")).text == "[]"
    job = await begin(client)
    await ended(client, job)
    one = [{"id": job, "status": "Stopped", "total": 3}]
    assert (await client.get("search/status")).json() == one
    assert (await client.get(f"search/status?id={job}")).json() == one
    assert (await client.post("search/stop", id=str(job))).short == (200, "")
    assert (await client.post("search/delete", id=str(job))).short == (200, "")
    assert (await client.get("search/status")).text == "[]"
    for reply in (
        await client.get(f"search/status?id={job}"),
        await client.get(f"search/results?id={job}"),
        await client.post("search/stop", id=str(job)),
        await client.post("search/delete", id="x"),
    ):
        assert reply.short == (404, "Not Found")
    assert (await client.get("search/results")).status == 400
    assert (await client.post("search/start", pattern="x")).status == 400


async def test_searches_for_other_plugins_find_nothing(rig: Rig, client: Client) -> None:
    """They end at once, without a call."""
    assert (await ended(client, await begin(client, plugins="legittorrents")))["results"] == []
    assert rig.sim.calls.counts().get("search", 0) == 0


async def test_a_search_that_fails_just_ends(rig: Rig, client: Client) -> None:
    """TorBox's index errs readily; the client sees a search without results."""
    rig.sim.faults.add("search", Error(500, "UNKNOWN_ERROR", "no"))
    assert (await ended(client, await begin(client)))["total"] == 0


@pytest.mark.parametrize(
    "refusal",
    [Error(403, None, "Forbidden"), Error(403, "PLAN_RESTRICTED_FEATURE", "Only for Pro.")],
)
async def test_a_refused_search_disables_the_plugin(
    rig: Rig, client: Client, refusal: Error
) -> None:
    """TorBox's search may not serve an account: logged once, until a search works again."""
    fault = rig.sim.faults.add("search", refusal, times=None)
    with structlog.testing.capture_logs() as logs:
        for _ in range(2):
            assert (await ended(client, await begin(client)))["total"] == 0
            (plugin,) = (await client.get("search/plugins")).json()
            assert plugin["enabled"] is False
    assert fault.struck == 2
    told = [line for line in logs if line["log_level"] == "warning"]
    assert [line["event"] for line in told] == ["torbox_search_refused"]
    assert refusal.detail in told[0]["error"]
    assert (await rig.get("/readyz"))[0] == 200  # downloads are not affected
    rig.sim.faults.clear()
    assert (await ended(client, await begin(client)))["total"] == 3
    assert (await client.get("search/plugins")).json()[0]["enabled"] is True


async def test_at_most_five_at_once(rig: Rig, client: Client) -> None:
    """A sixth is 409 while five run; it can be started when one was stopped."""
    rig.sim.faults.add("search", Slow(2), times=None)
    jobs = [await begin(client) for _ in range(5)]
    assert (await client.post("search/start", **START)).status == 409
    assert (await client.get(f"search/status?id={jobs[0]}")).json()[0]["status"] == "Running"
    await client.post("search/stop", id=str(jobs[0]))
    await ended(client, jobs[0])
    await begin(client)


async def test_plugins_can_be_managed_in_vain(client: Client) -> None:
    """There is nothing to install, and no error in trying."""
    for action, form in [
        ("enablePlugin", {"names": "torbox", "enable": "false"}),
        ("installPlugin", {"sources": "https://x.example/plugin.py"}),
        ("uninstallPlugin", {"names": "torbox"}),
        ("updatePlugins", {}),
    ]:
        assert (await client.post(f"search/{action}", **form)).short == (200, "")
    assert len((await client.get("search/plugins")).json()) == 1
