"""Scenario files, the command, and the page that documents both."""

import argparse
import asyncio
import json
import re
from pathlib import Path
from typing import Any, get_args

import aiohttp
import msgspec
import pytest
import yaml

from bridge.simulator import Behaviour, Cdn, Content, RateLimits, Scenario, SimulatedAccount, Tricks
from bridge.simulator.faults import AnyEffect, Effect, Fault
from bridge.simulator.scenario import ScenarioError, load
from bridge.simulator.simulator import add_arguments, run, serve
from tests.simulator.conftest import Start
from tests.simulator.support import A, B, film

PAGE = Path(__file__).parents[2] / "docs" / "simulator.md"
BLOCKS = dict(re.findall(r"```yaml\n# (\w+)\n(.*?)```", PAGE.read_text(), re.DOTALL))
EFFECTS: tuple[type[Effect], ...] = get_args(AnyEffect)


def kinds() -> set[str]:
    """The tags of all effects."""
    return {str(kind.__struct_config__.tag) for kind in EFFECTS}


def test_the_documented_scenario_loads(tmp_path: Path) -> None:
    """The example in the documentation is a valid scenario."""
    path = tmp_path / "scenario.yaml"
    path.write_text(BLOCKS["scenario"])
    found = load(path)
    assert found.account.slots == 2
    assert [content.cached for content in found.contents] == [True, False]
    assert found.tricks[B].upper_hash


def test_every_effect_has_a_documented_example() -> None:
    """Each kind is shown once at least, and each example is valid."""
    examples = msgspec.convert(yaml.safe_load(BLOCKS["effects"]), list[AnyEffect])
    assert {str(effect.__struct_config__.tag) for effect in examples} == kinds()


@pytest.mark.parametrize(
    "kind", [SimulatedAccount, Behaviour, Cdn, RateLimits, Tricks, Fault, Content, Scenario]
)
def test_every_setting_is_documented(kind: type[msgspec.Struct]) -> None:
    """Each field stands in the page, in code marks or in the example."""
    page = PAGE.read_text()
    names = [field.name for field in msgspec.structs.fields(kind)]
    missing = [name for name in names if f"`{name}`" not in page and f"\n{name}:" not in page]
    assert missing == []


def test_every_effect_field_is_documented() -> None:
    """What an effect takes can be read in its example or beside it."""
    block = BLOCKS["effects"]
    for kind in EFFECTS:
        lines = [
            line for line in block.splitlines() if f"kind: {kind.__struct_config__.tag}" in line
        ]
        for field in kind.__struct_fields__:
            assert any(field in line for line in lines), (kind, field)


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("colour: red", "colour"),
        ("account: {plan: 9}", "plan"),
        ("behaviour: {store_seconds: soon}", r"\$\.behaviour\.store_seconds"),
        ("faults: [{endpoint: me, effect: {kind: nonsense}}]", "nonsense"),
        ("faults: [{endpoint: x, effect: {kind: cut}}]", "no endpoint 'x'"),
        (f"items: [{A}]", "items"),
        ("a: [", "line 1"),
    ],
)
def test_bad_scenarios_are_refused_with_a_place(tmp_path: Path, text: str, where: str) -> None:
    """The message names the file and what is wrong."""
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    with pytest.raises(ScenarioError, match=where) as caught:
        load(path)
    assert str(path) in str(caught.value)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    """No scenario, no start."""
    with pytest.raises(ScenarioError, match=r"none\.yaml"):
        load(tmp_path / "none.yaml")


def test_json_is_understood(tmp_path: Path) -> None:
    """A scenario may be JSON; an empty file is an ordinary account."""
    path = tmp_path / "s.json"
    path.write_text('{"key": "other"}')
    assert load(path).key == "other"
    path.write_text("")
    assert load(path) == Scenario()


@pytest.mark.parametrize("name", ["s.json", "s.yaml", "s"])
@pytest.mark.parametrize("key", ["\U0001f600", "a\tb", "\u2028"])
def test_json_is_read_as_json(tmp_path: Path, name: str, key: str) -> None:
    """Escapes that YAML reads in another way, such as those of an emoji, mean what JSON says."""
    path = tmp_path / name
    path.write_text(json.dumps({"key": key}))
    assert load(path).key == key


def test_broken_json_is_refused(tmp_path: Path) -> None:
    """A file that calls itself JSON and is none is a mistake, not YAML."""
    path = tmp_path / "s.json"
    path.write_text("key: other")
    with pytest.raises(ScenarioError, match=r"s\.json"):
        load(path)


async def test_a_scenario_is_in_force_from_the_start(start: Start) -> None:
    """Items, tricks and faults are there before the first call."""
    parts: dict[str, Any] = {
        "items": [A],
        "tricks": {A: {"state": "weird"}},
        "faults": [{"endpoint": "me", "effect": {"kind": "html"}}],
    }
    api = await start(film(), **parts)
    assert (await api.get("/torrents/mylist")).data[0]["download_state"] == "weird"
    assert (await api.get("/user/me")).status == 502


def arguments(*given: str) -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return parser.parse_args(given)


async def test_a_bad_scenario_ends_the_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2 and a message."""
    assert await run(arguments("--scenario", str(tmp_path / "none.yaml"))) == 2
    assert "none.yaml" in capsys.readouterr().err


async def test_the_command_serves_until_told_to_stop(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """It says where it listens, answers there, and ends with 0; a taken port ends with 1."""
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        serving = group.create_task(serve("127.0.0.1", 0, Scenario(), until=stop))
        text = ""
        while "http://" not in text:
            await asyncio.sleep(0.01)
            text += capsys.readouterr().out
        url = re.findall(r"http://127\.0\.0\.1:(\d+)", text)[0]
        async with (
            aiohttp.ClientSession() as http,
            http.get(f"http://127.0.0.1:{url}/v1/api/user/me") as reply,
        ):
            assert reply.status == 403
        assert await serve("127.0.0.1", int(url), Scenario()) == 1
        stop.set()
    assert serving.result() == 0
