"""Takes the screenshots of the documentation: `python -m tests.support.screenshots`."""

import asyncio
import json
import socket
import tempfile
from pathlib import Path

from bridge.engine import RetryTimes
from bridge.simulator import Scenario, SimulatedAccount
from tests.support.arr_api import ArrApi
from tests.support.browser import browsing
from tests.support.page_world import page_world
from tests.support.rig import PASSWORD, Rig, quick

ESSENTIAL = 1
"""The plan with three slots, so that a download waits for one."""
DOCS = Path(__file__).parents[2] / "docs"


async def _main() -> None:
    with tempfile.TemporaryDirectory(prefix="bridge-") as directory:
        async with ArrApi("sonarr") as sonarr, ArrApi("radarr") as radarr:
            arrs = json.dumps([sonarr.settings(), radarr.settings()])
            scenario = Scenario(behaviour=quick(), account=SimulatedAccount(plan=ESSENTIAL))
            with socket.create_server(("127.0.0.1", 0)) as free:
                port = free.getsockname()[1]
            rig = Rig(
                Path(directory),
                scenario,
                retry=RetryTimes(),
                BRIDGE_ARR=arrs,
                BRIDGE_SERVER__PORT=str(port),
                BRIDGE_TORBOX__POLL_SECONDS__ACTIVE="5",
            )
            for arr in (sonarr, radarr):
                arr.use_client(host="127.0.0.1", port=port, password=PASSWORD)
                arr.sees = [str(rig.downloads / arr.kind.category)]
            async with page_world(rig, old=120, nasty=False):
                async with browsing(rig.url) as page:
                    await page.wait_for_selector(".arrs .pill.good")
                    await page.wait_for_timeout(70_000)
                    await page.screenshot(path=DOCS / "page.png")
                async with browsing(rig.url, width=390, scheme="dark") as page:
                    await page.wait_for_selector(".rows .row")
                    await page.wait_for_timeout(1000)
                    await page.screenshot(path=DOCS / "page-phone.png")


if __name__ == "__main__":
    asyncio.run(_main())
