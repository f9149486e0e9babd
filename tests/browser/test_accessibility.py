"""axe finds nothing on any part of the page, at any width, in the light and in the dark."""

import re
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from tests.support.browser import WIDTHS, Scheme, browsing, chromium
from tests.support.page_world import page_world
from tests.support.peers import missing
from tests.support.rig import Rig, pack

pytestmark = pytest.mark.timeout(240)

PARTS = ("", "story", "history", "settings", "setup")


def axe_script() -> str:
    """Read axe-core, as a Python package brings it."""
    try:
        return files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8")
    except ModuleNotFoundError:
        missing("axe-playwright-python is not installed")


async def complaints(page: Any) -> list[str]:
    """Run axe on what is shown now."""
    found = await page.evaluate("() => axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{one['id']}: {node['html'][:200]} ({node['failureSummary'][:300]})"
        for one in found["violations"]
        for node in one["nodes"][:3]
    ]


@pytest.mark.parametrize(("scheme", "width"), [("light", 1440), ("dark", 390)])
async def test_axe_finds_nothing(tmp_path: Path, scheme: Scheme, width: int) -> None:
    """Every part of the page, on a phone and on a desk."""
    chromium()
    script = axe_script()
    async with (
        page_world(Rig(tmp_path)) as rig,
        browsing(rig.url, width=width, scheme=scheme) as page,
    ):
        await page.wait_for_selector(".rows .row")
        story = await page.locator(".rows .row a").first.get_attribute("href")
        for part in PARTS:
            await page.goto(story if part == "story" else f"{rig.url}/{part}")
            await page.wait_for_selector("main h1")
            await page.wait_for_timeout(400)
            await page.evaluate(script)
            assert await complaints(page) == [], part


async def test_nothing_scrolls_sideways(tmp_path: Path) -> None:
    """At every width, on every part."""
    chromium()
    async with page_world(Rig(tmp_path)) as rig, browsing(rig.url) as page:
        await page.wait_for_selector(".rows .row")
        story = await page.locator(".rows .row a").first.get_attribute("href")
        for part in PARTS:
            await page.goto(story if part == "story" else f"{rig.url}/{part}")
            await page.wait_for_selector("main h1")
            await page.wait_for_timeout(300)
            for width, height in WIDTHS.items():
                await page.set_viewport_size({"width": width, "height": height})
                await page.wait_for_timeout(100)
                fits = "document.documentElement.scrollWidth <= innerWidth"
                assert await page.evaluate(fits), f"{part} at {width}"


async def _open_adopt(page: Any) -> None:
    await page.get_by_role("button", name="Add", exact=True).click()
    await page.get_by_role("button", name="Adopt from TorBox").click()
    await page.get_by_role("checkbox", name=re.compile(r"^All \d")).wait_for()


OPEN: dict[str, Callable[[Any], Any]] = {
    "add": lambda page: page.get_by_role("button", name="Add", exact=True).click(),
    "adopt": _open_adopt,
    "menu": lambda page: page.locator(".rows .row .c-more button").first.click(),
    "selection": lambda page: page.locator(".rows .row input").first.click(),
}


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_nothing_in_what_opens(tmp_path: Path, scheme: Scheme) -> None:
    """Dialogs, menus, the bar of a selection, and the login."""
    chromium()
    script = axe_script()
    async with page_world(Rig(tmp_path)) as rig:
        rig.sim.register(pack("On.The.Account"), on_account=True)
        async with browsing(rig.url, scheme=scheme, log_in=False) as page:
            await page.wait_for_selector("#username")
            await page.evaluate(script)
            assert await complaints(page) == []
        for name, show in OPEN.items():
            async with browsing(rig.url, scheme=scheme, width=820) as page:
                await page.wait_for_selector(".rows .row")
                await show(page)
                await page.wait_for_timeout(300)
                await page.evaluate(script)
                assert await complaints(page) == [], name
