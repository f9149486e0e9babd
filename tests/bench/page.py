"""Measures what the page costs: the bridge's CPU with tabs open, the first paint, and many rows.

    .venv/bin/python -m tests.bench.page [--downloads 1000] [--tabs 10] [--rows 20000]

Needs Debian's chromium. The bridge is a process of its own. For the CPU, tabs are played: each asks
as the page does while something is going on, every two seconds, with gzip, on a connection that it
keeps. Some of the downloads are at work at the simulated TorBox, so that something changes.
"""

import argparse
import asyncio
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import aiohttp

from bridge.simulator import Content, ContentFile, magnet_of
from tests.support.browser import browsing
from tests.support.page_world import fill, finished
from tests.support.process import BridgeProcess
from tests.support.rig import API_KEY, Rig

TICKS = os.sysconf("SC_CLK_TCK")
SETTLE_SECONDS = 8.0
TAB_SECONDS = 2.0
"""How often a tab asks while something is going on; `BUSY` in store.js."""
SIZE = 3 * 10**9
"""Of what TorBox works on."""
LOADS = 7
SCROLLS = 200


@dataclass(frozen=True, slots=True)
class Running:
    """A bridge that runs, and its process."""

    url: str
    pid: int

    @property
    def cpu_seconds(self) -> float:
        """CPU time so far, of all its threads."""
        fields = Path(f"/proc/{self.pid}/stat").read_text(encoding="ascii").rpartition(")")[2]
        user, system = fields.split()[11:13]
        return (int(user) + int(system)) / TICKS


def say(line: str) -> None:
    """Write a line of the result."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


@asynccontextmanager
async def filled(downloads: int, active: int) -> AsyncIterator[Running]:
    """Run a bridge with so many finished downloads, and some that TorBox works on."""
    with tempfile.TemporaryDirectory() as directory:
        rig = Rig(Path(directory), BRIDGE_TORBOX__POLL_SECONDS__ACTIVE="5")
        rig.downloads.mkdir()
        await rig.sim.start()
        rig.sim.world.account.slots = active
        await fill(rig.directory / "bridge.db", (finished(number) for number in range(downloads)))
        process = BridgeProcess(rig.environ)
        await process.start()
        try:
            async with rig.arr_at(process.url, rig.environ["BRIDGE_SERVER__PASSWORD"]) as arr:
                for number in range(active):
                    file = ContentFile(f"Active.{number}.mkv", SIZE)
                    content = Content(f"{0xAC000000 + number:040x}", f"Active.{number}", (file,))
                    rig.sim.register(content)
                    rig.sim.world.change(content.hash, download_seconds=3600.0)
                    await arr.add_magnet(magnet_of(content))
            await asyncio.sleep(SETTLE_SECONDS)
            assert process.pid is not None
            yield Running(process.url, process.pid)
        finally:
            await process.terminate()
            await rig.sim.stop()


async def tab(url: str, received: list[int]) -> None:
    """Ask as an open tab does, until cancelled."""
    headers = {"Authorization": f"Bearer {API_KEY}", "Accept-Encoding": "gzip"}
    version = overview = ""
    async with aiohttp.ClientSession(headers=headers) as session:
        while True:
            query = {"since": version, "overview": overview}
            async with session.get(f"{url}/api/bridge/sync", params=query) as answer:
                told = await answer.json()
                received.append(int(answer.headers.get("Content-Length", 0)))
            version, overview = told["version"], told["overview_tag"]
            await asyncio.sleep(TAB_SECONDS)


async def share(bridge: Running, seconds: float) -> float:
    """Return the share of a core that the bridge uses during the next seconds."""
    began, before = time.monotonic(), bridge.cpu_seconds
    await asyncio.sleep(seconds)
    return (bridge.cpu_seconds - before) / (time.monotonic() - began)


async def measure_tabs(bridge: Running, tabs: int, seconds: float) -> None:
    """Compare the bridge's CPU with and without tabs, in turns."""
    without, using, received = [], [], list[int]()
    for _ in range(2):
        without.append(await share(bridge, seconds))
        async with asyncio.TaskGroup() as group:
            open_tabs = [group.create_task(tab(bridge.url, received)) for _ in range(tabs)]
            await asyncio.sleep(2 * TAB_SECONDS)  # the first answers hold all rows
            received.clear()
            using.append(await share(bridge, seconds))
            for one in open_tabs:
                one.cancel()
    cost = median(using) - median(without)
    say(f"  without a tab {median(without):.2%} of a core, with {tabs} tabs {median(using):.2%}")
    say(f"  the tabs cost {cost:.2%}; an answer has {median(received):,.0f} bytes (median)")


async def measure_load(bridge: Running) -> None:
    """Load the page again and again: first paint, first rows, bytes."""
    async with browsing(bridge.url) as page:
        await page.wait_for_selector(".rows .row")
        own = await page.evaluate(
            """performance.getEntriesByType('resource').filter((one) => one.name.includes('/web/'))
                 .reduce((sum, one) => sum + one.encodedBodySize, 0)"""
        )
        paints, shown = [], []
        for _ in range(LOADS):
            await page.reload()
            await page.wait_for_selector(".rows .row")
            shown.append(await page.evaluate("performance.now()"))
            paints.append(
                await page.evaluate(
                    "performance.getEntriesByName('first-contentful-paint')[0].startTime"
                )
            )
    say(f"  first paint {min(paints):.0f} to {max(paints):.0f} ms, median {median(paints):.0f} ms")
    say(
        f"  rows on the screen after {median(shown):.0f} ms; scripts and style {own:,} bytes packed"
    )


async def measure_rows(bridge: Running) -> None:
    """Scroll through all rows and search them, in one long list."""
    async with browsing(bridge.url) as page:
        await page.wait_for_selector(".rows .row")
        frames: list[float] = await page.evaluate(SCROLL, SCROLLS)
        searches: list[float] = await page.evaluate(SEARCH)
        count = await page.locator(".rows .row").count()
    cuts = quantiles(frames, n=20)
    say(
        f"  {count} rows are in the document; a frame while scrolling takes {median(frames):.0f} ms"
    )
    say(f"  (95 % within {cuts[-1]:.0f} ms); a letter in the search {median(searches):.0f} ms")


SCROLL = """async (turns) => {
  const times = [];
  const step = document.body.scrollHeight / turns;
  for (let turn = 0; turn < turns; turn += 1) {
    const began = performance.now();
    scrollBy(0, step);
    await new Promise(requestAnimationFrame);
    await new Promise(requestAnimationFrame);
    times.push((performance.now() - began) / 2);
  }
  return times;
}"""
SEARCH = """async () => {
  const times = [];
  const box = document.getElementById("search");
  for (const text of ["g", "gr", "grp", "grp0", "grp00", "grp000", ""]) {
    const began = performance.now();
    box.value = text;
    box.dispatchEvent(new Event("input", { bubbles: true }));
    await new Promise(requestAnimationFrame);
    await new Promise((done) => setTimeout(done));
    times.push(performance.now() - began);
  }
  return times;
}"""


async def main(options: Any) -> None:
    """Measure, and say what was found."""
    say(f"load {os.getloadavg()[0]:.1f}")
    async with filled(options.downloads, options.active) as bridge:
        say(f"{options.downloads} downloads and {options.active} at work")
        await measure_tabs(bridge, options.tabs, options.seconds)
        await measure_load(bridge)
        await measure_rows(bridge)
    async with filled(options.rows, options.active) as bridge:
        say(f"{options.rows} downloads and {options.active} at work")
        await measure_load(bridge)
        await measure_rows(bridge)
    say(f"load {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--downloads", type=int, default=1000)
    parser.add_argument("--active", type=int, default=20, help="downloads that TorBox works on")
    parser.add_argument("--tabs", type=int, default=10)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--seconds", type=float, default=30.0, help="of each measurement of CPU")
    asyncio.run(main(parser.parse_args()))
