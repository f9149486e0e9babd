"""What the doctor says of an *arr's download client: whether it is this bridge, and reaches it."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bridge.doctor import Level
from tests.support.arr_api import KINDS
from tests.support.doctor import PORT, World, running_world
from tests.support.rig import PASSWORD


@pytest.fixture(name="alive")
async def _alive(tmp_path: Path) -> AsyncIterator[World]:
    """A Sonarr whose bridge runs."""
    async with running_world(tmp_path) as made:
        yield made


def give(here: World, **fields: object) -> None:
    """Change fields of the client."""
    for field in here.api.clients[0]["fields"]:
        if field["name"] in fields:
            field["value"] = fields.pop(field["name"])
    here.api.clients[0]["fields"] += [{"name": name, "value": fields[name]} for name in fields]


@pytest.mark.parametrize("kind", KINDS)
async def test_its_test_button_passes(tmp_path: Path, kind: str) -> None:
    """Each kind of *arr is made to call the bridge as it does itself, and all is well."""
    async with running_world(tmp_path, kind) as alive:
        found = await alive.wrong()
        assert found == []
        assert "it reaches the bridge: its Test of qBittorrent passes" in await alive.told()
        assert alive.api.tests == [True, True]


async def test_a_wrong_password(alive: World) -> None:
    """What the *arr complains of is told in its words, and which password is meant."""
    give(alive, password="something else")
    finding = await alive.one()
    assert finding.level is Level.PROBLEM
    assert "Authentication failure" in finding.text
    assert "Username admin" in finding.fix
    assert "something else" not in f"{finding}"
    assert PASSWORD not in f"{finding}"


async def test_an_address_that_leads_nowhere(alive: World) -> None:
    """An *arr that cannot connect is told with the address that it tried."""
    give(alive, host="localhost", port=PORT)
    port, unreachable = await alive.wrong()
    assert f"calls port {PORT}" in port.text
    assert "Unable to connect" in unreachable.text
    assert f"http://localhost:{PORT}" in unreachable.fix


async def test_a_test_that_does_not_end(alive: World) -> None:
    """An *arr that fails at its own test is a problem too."""
    alive.api.trouble["POST /downloadclient/test"] = [500]
    finding = await alive.one()
    assert "failed: " in finding.text
    assert finding.level is Level.PROBLEM


async def test_only_warnings(alive: World) -> None:
    """What the *arr itself only warns of is a warning."""
    alive.api.more_complaints = [
        {"isWarning": True, "propertyName": "TvCategory", "errorMessage": "Category is recommended"}
    ]
    finding = await alive.one()
    assert (finding.level, "Category is recommended" in finding.text) == (Level.WARNING, True)


async def test_a_bridge_that_does_not_run(here: World) -> None:
    """The *arr is not made to call nobody, and nothing is wrong with it."""
    told = await here.told()
    assert "ok      bridge: it is not running" in told
    assert "ok      sonarr: it was not asked to reach the bridge" in told
    assert here.api.tests == []


@pytest.mark.parametrize(("category", "imported"), [("not-made", ""), ("tv-sonarr", "not-made")])
async def test_categories_that_are_not_there_yet(
    alive: World, category: str, imported: str
) -> None:
    """The *arr's test would make them: it is not asked, so that nothing is changed."""
    give(alive, tvCategory=category, tvImportedCategory=imported)
    alive.environ["BRIDGE_ARR"] = json.dumps([alive.api.settings(categories=[category])])
    assert "its Test would create the category not-made here" in await alive.told()
    assert alive.api.tests == []
    assert not (alive.rig.downloads / "not-made").exists()


async def test_a_client_that_is_off_is_not_tested(alive: World) -> None:
    """That it is off is all there is to say."""
    alive.api.clients[0]["enable"] = False
    assert "turned off" in (await alive.one()).text
    assert alive.api.tests == []


async def test_a_category_after_the_import(here: World) -> None:
    """What it moves away after the import it may never remove: worth a warning."""
    give(here, tvImportedCategory="tv-done")
    finding = await here.one()
    assert finding.level is Level.WARNING
    assert "tv-done" in finding.text
    assert "Post-Import Category" in finding.fix


@pytest.mark.parametrize("name", ["", "tv-sonarr"])
async def test_no_other_category_after_the_import(here: World, name: str) -> None:
    """None, or the same one, moves nothing."""
    give(here, tvImportedCategory=name)
    assert await here.wrong() == []


async def test_failed_ones_that_stay(here: World) -> None:
    """Remove Failed is asked for as Remove Completed is."""
    here.api.clients[0]["removeFailedDownloads"] = False
    finding = await here.one()
    assert "Remove Failed" in finding.fix


async def test_https_to_a_bridge_that_speaks_none(here: World) -> None:
    """SSL at the bridge's own port cannot work."""
    give(here, useSsl=True)
    finding = await here.one()
    assert finding.level is Level.PROBLEM
    assert "Use SSL" in finding.fix


@pytest.mark.parametrize("order", [1, -1])
async def test_beside_a_real_qbittorrent(here: World, order: int) -> None:
    """Of two clients with one category the one at the bridge's port is meant, wherever it stands."""
    other: dict[str, Any] = {"port": PORT + 1, "host": "qbittorrent"}
    here.api.use_client(**other)
    here.api.clients = here.api.clients[::order]
    assert await here.wrong() == []
