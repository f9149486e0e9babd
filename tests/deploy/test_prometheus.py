"""The scrape config, the alerts and the dashboard: checked by promtool, and against the metrics."""

import asyncio
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from bridge.core.model import Phase
from bridge.simulator import magnet_of
from tests.support.nginx import free_port
from tests.support.peers import find
from tests.support.rig import API_KEY, Rig, pack

ROOT = Path(__file__).parents[2]
PROMETHEUS = ROOT / "deploy" / "prometheus"
DASHBOARD = json.loads((ROOT / "deploy" / "grafana" / "torbox-bridge.json").read_text("utf-8"))
METRICS = set(
    re.findall(r"^\| `(\w+)`", (ROOT / "docs" / "metrics.md").read_text("utf-8"), re.MULTILINE)
)
OWN = re.compile(r"\b(?:torbox_bridge|process)_\w+")


async def promtool(*arguments: str | Path, cwd: Path = PROMETHEUS) -> str:
    """Run promtool; return what it printed."""
    process = await asyncio.create_subprocess_exec(
        find("promtool"),
        *map(str, arguments),
        cwd=cwd,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()
    return output.decode()


def panel_queries() -> Iterator[tuple[str, str]]:
    """List the title and the query of every target of the dashboard."""
    for panel in DASHBOARD["panels"]:
        for target in panel["targets"]:
            yield panel["title"], target["expr"]


def alert_queries() -> Iterator[tuple[str, str]]:
    """List the name and the query of every alert."""
    told = yaml.safe_load((PROMETHEUS / "alerts.yml").read_text(encoding="utf-8"))
    for group in told["groups"]:
        for rule in group["rules"]:
            yield rule["alert"], rule["expr"]


def plain(name: str) -> str:
    """Return the documented name of a series of a histogram."""
    return re.sub(r"_(?:bucket|count|sum)$", "", name)


@pytest.mark.parametrize(("title", "query"), [*panel_queries(), *alert_queries()])
def test_every_metric_of_a_query_is_documented(title: str, query: str) -> None:
    """No panel and no alert asks for a metric that the bridge does not have."""
    assert {plain(name) for name in OWN.findall(query)} <= METRICS


async def test_the_rules_do_what_their_tests_say() -> None:
    """The alerts fire when they should, and only then."""
    await promtool("check", "rules", "alerts.yml")
    await promtool("test", "rules", "alerts_test.yml")
    await promtool("check", "config", "--syntax-only", "prometheus.yml")


async def test_every_query_of_the_dashboard_is_promql(tmp_path: Path) -> None:
    """Each query parses, with the variables of the dashboard put in."""
    rules = [
        {"record": f"panel:{number}", "expr": query.replace("$instance", ".*")}
        for number, (_, query) in enumerate(panel_queries())
    ]
    file = tmp_path / "panels.yml"
    text = yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]})
    file.write_text(text, encoding="utf-8")
    await promtool("check", "rules", file)


def test_the_dashboard_can_be_imported() -> None:
    """Ids are unique, panels do not overlap, and every panel uses the chosen data source."""
    panels: list[dict[str, Any]] = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        taken |= cells
        assert {target["datasource"]["uid"] for target in panel["targets"]} == {"${datasource}"}
    names = {variable["name"] for variable in DASHBOARD["templating"]["list"]}
    assert names == {"datasource", "instance"}


async def test_a_real_prometheus_scrapes_the_bridge(rig: Rig, tmp_path: Path) -> None:
    """The scrape config, pointed at a bridge, gives what the panels and alerts ask for."""
    content = pack()
    rig.sim.register(content)
    async with rig.arr() as arr:
        await arr.add_magnet(magnet_of(content))
        await rig.reaches(content.hash, Phase.FINISHED)
    told = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text(encoding="utf-8"))
    (job,) = told["scrape_configs"]
    (tmp_path / "key").write_text(API_KEY, encoding="utf-8")
    job["authorization"]["credentials_file"] = str(tmp_path / "key")
    job["static_configs"][0]["targets"] = [rig.url.removeprefix("http://")]
    told["global"] = {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}
    told["rule_files"] = [str(PROMETHEUS / "alerts.yml")]
    (tmp_path / "prometheus.yml").write_text(yaml.safe_dump(told), encoding="utf-8")
    address = f"127.0.0.1:{free_port()}"
    process = await asyncio.create_subprocess_exec(
        find("prometheus"),
        f"--config.file={tmp_path}/prometheus.yml",
        f"--storage.tsdb.path={tmp_path}/data",
        f"--web.listen-address={address}",
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        value = await _until_scraped(address, "torbox_bridge_completed_total")
        assert value == "1"
    finally:
        process.terminate()
        await process.wait()


async def _until_scraped(address: str, query: str) -> str:
    """Ask Prometheus until it has a value."""
    for _ in range(150):
        process = await asyncio.create_subprocess_exec(
            find("promtool"), "query", "instant", f"http://{address}", query,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        output, _ = await process.communicate()
        if found := re.search(r"=> (\S+) @", output.decode()):
            return found[1]
        await asyncio.sleep(0.2)
    raise AssertionError(f"no value of {query} within 30 s")
