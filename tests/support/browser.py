"""A real browser that looks at the page: Debian's chromium, by Playwright."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Literal, TypeAlias

from tests.support.peers import missing
from tests.support.rig import PASSWORD, USERNAME

PATIENCE_MS = 15_000
Scheme: TypeAlias = Literal["light", "dark"]
WIDTHS = {390: 844, 820: 1180, 1440: 900, 1920: 1080}


def chromium() -> str:
    """Find the browser; without it or without Playwright the test is skipped."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        missing("chromium is not installed")
    return found


@asynccontextmanager
async def browsing(
    url: str,
    *,
    width: int = 1440,
    scheme: Scheme = "light",
    log_in: bool = True,
    expected: str = "-",
) -> AsyncIterator[Any]:
    """Open the page; at the end there must have been no error in the browser's console.

    The page is Playwright's. What a script throws, what the policy refuses and what fails to load
    all count as errors; an answer with the `expected` status does not.
    """
    program = chromium()
    try:
        from playwright.async_api import async_playwright  # noqa: PLC0415 - it may be missing
    except ImportError:
        missing("playwright is not installed")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        try:
            context = await browser.new_context(
                viewport={"width": width, "height": WIDTHS[width]},
                color_scheme=scheme,
                locale="en-GB",
            )
            context.set_default_timeout(PATIENCE_MS)
            page = await context.new_page()
            errors: list[str] = []
            page.on(
                "console", lambda said: errors.append(said.text) if said.type == "error" else None
            )
            page.on("pageerror", lambda error: errors.append(str(error)))
            page.on("dialog", lambda dialog: errors.append(f"dialog: {dialog.message}"))
            await page.goto(f"{url}/")
            if log_in:
                await enter(page)
            yield page
            assert [error for error in errors if f"status of {expected}" not in error] == []
        finally:
            await browser.close()


async def enter(page: Any, password: str = PASSWORD) -> None:
    """Log in."""
    await page.fill("#username", USERNAME)
    await page.fill("#password", password)
    await page.click("button[type=submit]")
    await page.wait_for_selector("nav[aria-label=Pages]")


def row(page: Any, name: str) -> Any:
    """Find the row of a download by its name."""
    return page.locator(".rows .row", has=page.get_by_role("link", name=name, exact=True))


async def eventually(check: Any, *, seconds: float = 15.0) -> None:
    """Wait until an async check is true."""
    async with asyncio.timeout(seconds):
        while not await check():  # noqa: ASYNC110 - the browser has no event to wait for
            await asyncio.sleep(0.1)
