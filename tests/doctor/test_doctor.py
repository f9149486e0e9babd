"""The doctor: one line for each thing, with what to do; 0 when nothing is wrong."""

import json
import os
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bridge.arr import PathMapping
from bridge.doctor import Finding, Level
from bridge.doctor.check_arr import mapped, overlaps
from bridge.doctor.findings import healthy, line
from tests.support.arr_api import KEY, KINDS
from tests.support.doctor import PORT, World, world
from tests.support.process import run_to_end


@pytest.mark.parametrize("kind", KINDS)
async def test_all_is_well(tmp_path: Path, kind: str) -> None:
    """What fits together has no complaints, whatever the kind."""
    async with world(tmp_path, kind) as here:
        found = await here.found()
        assert [line(one) for one in found if one.level is not Level.OK] == []
        told = "\n".join(map(line, found))
        for words in (
            "accepted the API key",
            "plan Pro",
            "hard links",
            "GiB free",
            "it sees",
            "0 of 10",
        ):
            assert words in told


async def test_nothing_is_left_behind(here: World) -> None:
    """Examining leaves nothing in the directories."""
    await here.found()
    left = {path.name for path in here.rig.downloads.iterdir()}
    assert left <= {".incomplete", here.category.name}
    assert list(here.category.iterdir()) == []
    assert {call.partition(" ")[0] for call in here.api.calls} == {"GET"}


async def test_no_key_of_torbox(here: World) -> None:
    """Without a key it says so, where to enter it and where to get it; TorBox is not called."""
    del here.environ["BRIDGE_TORBOX__API_KEY"]
    finding = await here.one()
    assert finding.level is Level.PROBLEM
    assert finding.text == "there is no API key yet"
    assert "TORBOX_API_KEY" in finding.fix
    assert "https://torbox.app/settings" in finding.fix
    assert here.rig.sim.calls.counts() == {}


async def test_a_wrong_key_of_torbox(here: World) -> None:
    """A key that TorBox does not take is a problem, and is not shown."""
    finding = await here.one(BRIDGE_TORBOX__API_KEY="a-wrong-key-of-torbox")
    assert finding.subject == "torbox"
    assert "torbox.api_key" in finding.fix
    assert "a-wrong-key" not in line(finding)


async def test_no_torbox(here: World) -> None:
    """Without an answer it says which address was tried."""
    await here.rig.sim.stop()
    finding = await here.one()
    assert finding.level is Level.PROBLEM
    assert here.rig.sim.url in finding.fix


async def test_the_free_plan(here: World) -> None:
    """A plan that allows next to nothing is worth a warning."""
    here.rig.sim.world.account.plan = 0
    finding = await here.one()
    assert finding.level is Level.WARNING
    assert "free plan" in finding.text


async def test_missing_downloads(here: World) -> None:
    """A directory that is not there: the command that makes it."""
    missing = here.rig.directory / "elsewhere"
    findings = await here.wrong(BRIDGE_PATHS__DOWNLOADS=str(missing))
    assert f"mkdir -p {missing}" in findings[0].fix


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
async def test_a_directory_of_somebody_else(here: World) -> None:
    """A directory that cannot be written: the command that changes its owner."""
    here.rig.downloads.chmod(0o555)
    try:
        findings = await here.wrong()
    finally:
        here.rig.downloads.chmod(0o755)
    assert "chown" in findings[0].fix


async def test_a_full_disk(here: World) -> None:
    """Less room than has to stay free is a problem."""
    finding = await here.one(BRIDGE_DELIVERY__MIN_FREE_BYTES="1000TiB")
    assert "GiB free" in finding.text
    assert "min_free_bytes" in finding.fix


async def test_a_wrong_key_of_an_arr(tmp_path: Path) -> None:
    """It says where the right one stands, and shows none."""
    async with world(tmp_path, api_key="f00d" * 8) as here:
        finding = await here.one()
        assert "Settings > General" in finding.fix
        assert "f00d" not in line(finding)


async def test_another_kind(tmp_path: Path) -> None:
    """A Radarr that is listed as Sonarr is told by what it says of itself."""
    async with world(tmp_path, "radarr", kind="sonarr") as here:
        finding = await here.one()
        assert "is Radarr" in finding.text
        assert "radarr" in finding.fix


async def test_no_arr_there(tmp_path: Path) -> None:
    """An address without an *arr is a problem that names the address."""
    async with world(tmp_path, url="http://127.0.0.1:9") as here:
        finding = await here.one()
        assert "http://127.0.0.1:9" in finding.fix


async def test_no_categories(tmp_path: Path) -> None:
    """An entry without categories does nothing, and says so."""
    async with world(tmp_path, categories=[]) as here:
        assert "no categories" in (await here.one()).text


async def test_not_its_client(here: World) -> None:
    """An *arr that does not have the bridge: what to enter there."""
    here.api.clients.clear()
    finding = await here.one()
    for words in (f"Port {PORT}", "Username admin", "Category tv-sonarr"):
        assert words in finding.fix


@pytest.mark.parametrize(
    ("more", "level", "words"),
    [
        (
            {"tvCategory": "tv"},
            Level.PROBLEM,
            "it has no qBittorrent client with the category tv-sonarr",
        ),
        ({"urlBase": "/qbt"}, Level.PROBLEM, "URL base"),
        ({"port": 9090}, Level.WARNING, "calls port 9090"),
    ],
)
async def test_a_client_that_does_not_fit(
    here: World, more: dict[str, Any], level: Level, words: str
) -> None:
    """What differs is named, with the value that it should have."""
    here.api.clients.clear()
    here.api.use_client(**more)
    finding = await here.one()
    assert finding.level is level
    assert words in finding.text


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("enable", False, "turned off"),
        ("removeCompletedDownloads", False, "stay here"),
        ("implementation", "Deluge", "no qBittorrent"),
    ],
)
async def test_options_of_the_client(here: World, field: str, value: Any, words: str) -> None:
    """A client that is off, keeps everything, or is something else."""
    here.api.clients[0][field] = value
    assert words in (await here.one()).text


async def test_options_of_the_arr(here: World) -> None:
    """Without completed download handling nothing is imported; without redownload none follows."""
    here.api.options = {"enableCompletedDownloadHandling": False, "autoRedownloadFailed": False}
    found = await here.wrong()
    assert [one.level for one in found] == [Level.PROBLEM, Level.WARNING]
    assert "Redownload Failed" in found[1].fix


async def test_a_path_that_the_arr_does_not_see(here: World) -> None:
    """Two ways out are told; a remote path mapping is one of them, and then it is well."""
    here.api.sees = ["/data", "/data/tv-sonarr"]
    finding = await here.one()
    assert str(here.category) in finding.text
    assert "remote path mapping" in finding.fix
    here.api.mappings = [
        {
            "host": "TorBox-Bridge",
            "remotePath": f"{here.rig.downloads}/",
            "localPath": "/data/",
        }
    ]
    assert await here.wrong() == []


async def test_downloads_in_the_library(here: World) -> None:
    """Downloads inside of a root folder are a problem to every *arr."""
    here.api.roots = [{"path": f"{here.category}/"}]
    finding = await here.one()
    assert "categories.tv-sonarr.save_path" in finding.fix


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/downloads/tv", "/data/tv"),
        ("/downloads", "/data"),
        ("/downloads2/tv", "/downloads2/tv"),
        ("/Downloads/tv", "/Downloads/tv"),
    ],
)
def test_remote_path_mappings(path: str, expected: str) -> None:
    """The first mapping of the host that covers whole components of the path."""
    mappings = [
        PathMapping(host="other", remote_path="/", local_path="/no"),
        PathMapping(host="Bridge", remote_path="/downloads/", local_path="/data/"),
        PathMapping(host="bridge", remote_path="/downloads/tv/", local_path="/later/"),
    ]
    assert mapped(path, "bridge", mappings) == expected


@pytest.mark.parametrize(
    ("path", "root", "expected"),
    [
        ("/media/tv", "/media/tv", True),
        ("/media/tv/in", "/media/tv/", True),
        ("/media", "/media/tv", True),
        ("/media/tv-in", "/media/tv", False),
    ],
)
def test_overlaps(path: str, root: str, expected: bool) -> None:
    """In it, above it, or the same; names that only begin alike are apart."""
    assert overlaps(path, root) is expected


async def test_the_command(here: World) -> None:
    """Exit code 0 and one line for each thing; 1 when something is wrong."""
    code, out, errors = await run_to_end(here.environ, "check")
    assert (code, errors) == (0, "")
    assert all(re.match(r"(ok|warning|problem) +\S+: ", text) for text in out.splitlines())
    here.api.clients.clear()
    code, out, _ = await run_to_end(here.environ, "check")
    assert code == 1
    assert any(text.startswith("problem ") and " -> " in text for text in out.splitlines())
    assert KEY not in out


async def test_the_command_for_scripts(here: World) -> None:
    """With --json the same, to be read by programs."""
    code, out, _ = await run_to_end(here.environ, "check", "--json")
    told = json.loads(out)
    assert (code, told["healthy"]) == (0, True)
    assert {"subject", "level", "text", "fix"} == set(told["findings"][0])


async def test_settings_that_cannot_be_read(here: World) -> None:
    """What is wrong in the settings is a finding like others."""
    code, out, _ = await run_to_end(here.environ | {"BRIDGE_SERVER__PROT": "1"}, "check", "--json")
    assert code == 1
    assert "BRIDGE_SERVER__PROT" in json.loads(out)["findings"][0]["text"]


def test_warnings_are_healthy() -> None:
    """Only problems make it ill."""
    assert healthy([Finding("a", Level.OK, "b"), Finding("a", Level.WARNING, "b", "c")])
    assert not healthy([Finding("a", Level.PROBLEM, "b", "c")])


@pytest.mark.parametrize("options", [[], ["--json"]])
async def test_what_servers_answer_is_masked_and_escaped(here: World, options: list[str]) -> None:
    """A finding that quotes an *arr shows neither a secret nor raw escape codes."""
    here.api.kind = replace(here.api.kind, app=f"\x1b[2J\u202e {KEY}")
    code, out, _ = await run_to_end(here.environ, "check", *options)
    assert code == 1
    assert KEY not in out
    assert not set("\x1b\u202e") & set(out)
    assert "\\x1b[2J" in out.replace("\\\\", "\\")
