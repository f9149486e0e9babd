"""The bridge beside a real qBittorrent: the same requests, and the same answers."""

from pathlib import Path

import pytest

from bridge.qbittorrent.routes import ROUTES
from tests.differential.page import PAGE, page
from tests.differential.real import missing
from tests.differential.run import play_both
from tests.differential.scenario.whole import SCENARIO
from tests.support import peers


def need_qbittorrent() -> None:
    """Go on only where there is a qBittorrent to compare with."""
    if reason := missing():
        peers.missing(reason)


@pytest.mark.timeout(300)  # hundreds of requests to two servers, with waits in between
async def test_the_bridge_answers_as_qbittorrent_does(tmp_path: Path) -> None:
    """Whatever differs stands in the table, and whatever stands in the table differs."""
    need_qbittorrent()
    outcome = await play_both(tmp_path)
    assert [str(value) for value in outcome.verdict.surprises] == []
    assert outcome.verdict.idle == []


def test_every_endpoint_is_asked() -> None:
    """No endpoint of the bridge is left out of the scenario."""
    assert set(ROUTES) <= {step.endpoint for step in SCENARIO}


def test_the_page_is_made_from_the_table() -> None:
    """What the documentation says of differences is what the test allows."""
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python -m tests.differential page"
