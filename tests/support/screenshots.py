"""Takes the screenshots of the documentation: `python -m tests.support.screenshots`."""

import asyncio
import json
import tempfile
from pathlib import Path

from tests.support.arr_api import ArrApi
from tests.support.browser import browsing
from tests.support.page_world import page_world
from tests.support.rig import Rig

DOCS = Path(__file__).parents[2] / "docs"


async def _main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        async with ArrApi("sonarr") as sonarr, ArrApi("radarr") as radarr:
            arrs = json.dumps([sonarr.settings(), radarr.settings()])
            rig = Rig(Path(directory), BRIDGE_ARR=arrs)
            async with page_world(rig, old=120, nasty=False):
                async with browsing(rig.url) as page:
                    await page.wait_for_selector(".arrs .pill.good")
                    await page.wait_for_timeout(40_000)
                    await page.screenshot(path=DOCS / "page.png")
                async with browsing(rig.url, width=390, scheme="dark") as page:
                    await page.wait_for_selector(".rows .row")
                    await page.wait_for_timeout(1000)
                    await page.screenshot(path=DOCS / "page-phone.png")


if __name__ == "__main__":
    asyncio.run(_main())
