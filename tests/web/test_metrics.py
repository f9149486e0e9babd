"""GET /metrics."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from prometheus_client.parser import text_string_to_metric_families
from yarl import URL

from bridge.call_logs import told_of_calls
from bridge.core.model import Phase
from bridge.simulator import magnet_of
from bridge.simulator.faults import Error
from bridge.web.counters import Counters, outcome_of, torbox_endpoint
from bridge.web.metrics import LagMeter
from bridge.web.metrics_text import blocker_name, of_counters
from tests.support.rig import Rig, cached, pack

PAGE = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| `(\w+)` \| (\w+) \|([^|]*)\|", PAGE, re.MULTILINE)
DOCUMENTED = {
    name.removesuffix("_total"): (kind, set(re.findall(r"\w+", labels)))
    for name, kind, labels in ROWS
}


async def scrape(rig: Rig) -> dict[str, str]:
    """Return every sample of a scrape, keyed by its line without the value."""
    status, text = await rig.get("/metrics")
    assert status == 200
    return dict(re.findall(r"^([^#\s][^\n]*) (\S+)$", text, re.MULTILINE))


async def test_figures_of_a_life(rig: Rig) -> None:
    """Downloads are counted by phase, and nothing is broken."""
    content = pack()
    rig.sim.register(content)
    async with rig.arr() as arr:
        await arr.add_magnet(magnet_of(content))
        await rig.reaches(content.hash, Phase.FINISHED)
    status, text = await rig.get("/metrics")
    assert status == 200
    assert 'torbox_bridge_downloads{phase="finished"} 1.0' in text
    assert 'torbox_bridge_downloads{phase="failed"} 0.0' in text
    assert "torbox_bridge_invariant_violations 0.0" in text
    assert "torbox_bridge_troubles 0.0" in text


async def test_what_happened_is_counted(rig: Rig) -> None:
    """An add, its completion, its bytes and its calls to TorBox are counted once each."""
    content = pack()
    rig.sim.register(content)
    async with rig.arr() as arr:
        await arr.add_magnet(magnet_of(content))
        await rig.reaches(content.hash, Phase.FINISHED)
        category = "tv-sonarr"
    told = {line: float(value) for line, value in (await scrape(rig)).items()}
    assert told[f'torbox_bridge_added_total{{category="{category}"}}'] == 1
    assert told[f'torbox_bridge_completed_total{{category="{category}"}}'] == 1
    fetched = told["torbox_bridge_fetched_bytes_total"]
    assert fetched >= sum(file.size for file in content.files)
    created = 'endpoint="torrents/createtorrent"'
    assert told[f'torbox_bridge_torbox_calls_total{{{created},outcome="ok"}}'] == 1
    assert told[f"torbox_bridge_torbox_call_seconds_count{{{created}}}"] == 1
    by_category = f'{{category="{category}",phase="finished"}}'
    assert told[f"torbox_bridge_downloads_by_category{by_category}"] == 1
    assert told["torbox_bridge_oldest_wait_seconds"] == 0
    assert told["torbox_bridge_free_bytes"] > 0
    assert told['torbox_bridge_torbox_calls_left{class="create"}'] == 299


async def test_the_age_of_the_list(rig: Rig) -> None:
    """-1 until TorBox's list was read, then the seconds since then. It is read at the start."""
    name = "torbox_bridge_list_age_seconds"
    age = -1.0
    for _ in range(100):
        age = float((await scrape(rig))[name])
        if age >= 0:
            break
        await asyncio.sleep(0.1)
    assert 0 <= age < 20
    rig.change(BRIDGE_TORBOX__BASE_URL="http://127.0.0.1:9")
    await rig.restart()
    assert float((await scrape(rig))[name]) == -1


async def test_a_slot_in_use_and_a_retry_show(rig: Rig) -> None:
    """An item that TorBox works on holds a slot, and an add that failed once counts as a retry."""
    content = cached(pack(), is_cached=False)
    rig.sim.register(content)
    rig.sim.world.change(content.hash, stop_at=0.5)
    rig.sim.faults.add("createtorrent", Error(503, "DOWNLOAD_SERVER_ERROR"))
    async with rig.arr() as arr:
        await arr.add_magnet(magnet_of(content))
        await rig.reaches(content.hash, Phase.REMOTE)
        lines: dict[str, str] = {}
        for _ in range(100):
            lines = await scrape(rig)
            if lines["torbox_bridge_torbox_active_items"] == "1.0":
                break
            await asyncio.sleep(0.1)
    assert lines["torbox_bridge_torbox_active_items"] == "1.0"
    assert float(lines["torbox_bridge_retries_total"]) >= 1
    assert float(lines["torbox_bridge_oldest_wait_seconds"]) > 0


async def test_a_failure_is_counted_with_its_reason(rig: Rig) -> None:
    """A download that TorBox refuses for good counts under its reason code."""
    content = pack()
    rig.sim.register(content)
    rig.sim.faults.add("createtorrent", Error(400, "DOWNLOAD_TOO_LARGE"))
    async with rig.arr() as arr:
        await arr.add_magnet(magnet_of(content))
        await rig.reaches(content.hash, Phase.FAILED)
    lines = await scrape(rig)
    failed = [line for line in lines if line.startswith("torbox_bridge_failed_total")]
    assert len(failed) == 1
    assert 'reason="too_large"' in failed[0]


async def test_an_unknown_state_is_counted(rig: Rig) -> None:
    """A state that the bridge does not know shows up with its count."""
    content = cached(pack(), is_cached=False)
    rig.sim.register(content)
    rig.sim.world.change(content.hash, state="levitating", stop_at=0.1)
    async with rig.arr() as arr:
        await arr.add_magnet(magnet_of(content))
        await rig.until(lambda: bool(rig.service.unknown_states))
    _, text = await rig.get("/metrics")
    assert 'torbox_bridge_unknown_states_total{state="levitating"}' in text


async def test_strangers_get_nothing(rig: Rig) -> None:
    """Without a session or the key: 403."""
    async with aiohttp.ClientSession() as session, session.get(rig.url + "/metrics") as answer:
        assert answer.status == 403


async def test_every_metric_is_documented_and_every_documented_one_exists(rig: Rig) -> None:
    """docs/metrics.md has the name, the kind and the labels of every metric, and no other."""
    content = pack()
    rig.sim.register(content)
    async with rig.arr() as arr:
        await arr.add_magnet(magnet_of(content))
        await rig.reaches(content.hash, Phase.FINISHED)
    _, text = await rig.get("/metrics")
    families = {family.name: family for family in text_string_to_metric_families(text)}
    found = {name: family.type for name, family in families.items()}
    assert found == {name: kind for name, (kind, _) in DOCUMENTED.items()}
    for name, (_, labels) in DOCUMENTED.items():
        for sample in families[name].samples:
            assert set(sample.labels) - {"le"} == labels, name


@pytest.mark.parametrize(
    ("path", "endpoint"),
    [
        ("/v1/api/torrents/mylist", "torrents/mylist"),
        ("/proxy/v1/api/user/me", "user/me"),
        ("/torrents/search/some%20film", "torrents/search"),
        ("/", ""),
    ],
)
def test_endpoints(path: str, endpoint: str) -> None:
    """Ids and queries never become labels."""
    assert torbox_endpoint(path) == endpoint


@pytest.mark.parametrize(
    ("status", "outcome"),
    [(200, "ok"), (302, "ok"), (401, "bad_key"), (403, "bad_key"), (404, "refused"),
     (429, "rate_limited"), (500, "server_error"), (522, "server_error")],
)  # fmt: skip
def test_outcomes(status: int, outcome: str) -> None:
    """Each status has one outcome."""
    assert outcome_of(status) == outcome


@pytest.mark.parametrize(
    ("text", "name"),
    [("TorBox: no answer (for 3 min)", "torbox"), ("TorBox, adds: too many", "torbox_adds"),
     ("database: disk full", "database"), (":", "other")],
)  # fmt: skip
def test_names_of_blockers(text: str, name: str) -> None:
    """A label holds the subject, not the sentence: that changes with each scrape."""
    assert blocker_name(text) == name


@pytest.fixture
async def arr_server() -> AsyncIterator[TestServer]:
    """Serve the two calls by which an *arr is told of a failure, below a URL base."""

    async def answer(_request: web.Request) -> web.Response:
        return web.Response(text="{}")

    app = web.Application()
    app.router.add_delete("/sonarr/api/v3/queue/{id}", answer)
    app.router.add_post("/sonarr/api/v3/history/failed/{id}", answer)
    app.router.add_get("/sonarr/api/v3/queue", answer)
    server = TestServer(app)
    async with server:
        yield server


async def test_failovers_are_counted_by_the_calls_that_make_them(arr_server: TestServer) -> None:
    """Both ways of telling an *arr count; reading its queue and a refusal do not."""
    base = str(arr_server.make_url("/sonarr"))
    counters = Counters({base: "tv"})
    async with aiohttp.ClientSession(middlewares=[told_of_calls(counters.called)]) as session:
        for method, path in (
            ("DELETE", "/api/v3/queue/17"),
            ("POST", "/api/v3/history/failed/4"),
            ("GET", "/api/v3/queue"),
            ("DELETE", "/api/v3/queue/17/none"),
        ):
            await (await session.request(method, base + path)).read()
    assert counters.counts["failovers"] == {("tv",): 2}
    assert counters.counts["arr_calls"]["tv", "queue", "ok"] == 2
    assert counters.counts["arr_calls"]["tv", "queue", "refused"] == 1
    assert not counters.counts["torbox_calls"]


async def test_a_call_without_an_answer_is_unreachable(unused_tcp_port: int) -> None:
    """A connection that is refused counts as a call, with its time."""
    counters = Counters()
    url = f"http://127.0.0.1:{unused_tcp_port}/v1/api/user/me"
    async with aiohttp.ClientSession(middlewares=[told_of_calls(counters.called)]) as session:
        with pytest.raises(aiohttp.ClientConnectorError):
            await session.get(url)
    assert counters.counts["torbox_calls"] == {("user/me", "unreachable"): 1}
    assert sum(counters.answer_times["user/me"].counts) == 1


def test_only_the_step_into_a_phase_counts() -> None:
    """Seeding that ends is no second completion, and a failure without a reason is one."""
    counters = Counters()
    counters.phase_changed("tv", None, Phase.ACCEPTED, None)
    counters.phase_changed("tv", Phase.DELIVERING, Phase.DELIVERED, None)
    counters.phase_changed("tv", Phase.DELIVERED, Phase.FINISHED, None)
    counters.phase_changed("tv", Phase.REMOTE, Phase.FAILED, None)
    counters.phase_changed("tv", Phase.FAILED, Phase.FAILED, "gone")
    assert counters.counts["added"] == {("tv",): 1}
    assert counters.counts["completed"] == {("tv",): 1}
    assert counters.counts["failed"] == {("tv", "unknown"): 1}


def test_answer_times_are_told_as_sums_up_to_each_bound() -> None:
    """A bound holds its own value. What took longer than the last bound is in `+Inf` alone."""
    counters = Counters()
    url = URL("https://api.torbox.app/v1/api/user/me")
    for seconds in (0.01, 0.05, 0.3, 60.0):
        counters.called("GET", url, 200, "", seconds)
    (times,) = [metric for metric in of_counters(counters) if metric.type == "histogram"]
    told = {sample.labels.get("le", sample.name): sample.value for sample in times.samples}
    assert [told[bound] for bound in ("0.05", "0.25", "0.5", "30.0", "+Inf")] == [2, 2, 3, 3, 4]
    assert told["torbox_bridge_torbox_call_seconds_sum"] == pytest.approx(60.36)


async def test_what_has_no_label_counts_from_zero(rig: Rig) -> None:
    """Prometheus sees the first event only if the series was there before it."""
    lines = await scrape(rig)
    assert lines["torbox_bridge_retries_total"] == "0.0"
    assert lines["torbox_bridge_fetched_bytes_total"] == "0.0"


async def test_the_lag_of_a_blocked_loop_is_seen_once() -> None:
    """A blocked loop shows in the next scrape, and not in the scrape after that."""
    meter = LagMeter()
    async with meter.running(web.Application()):
        await asyncio.sleep(0.3)
        await asyncio.get_running_loop().run_in_executor(None, lambda: None)
        blocked_until = asyncio.get_running_loop().time() + 0.6
        while asyncio.get_running_loop().time() < blocked_until:
            pass
        await asyncio.sleep(0.05)
        assert meter.read() > 0.2
        assert meter.read() == 0.0
