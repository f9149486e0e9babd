"""Shows what holds up the event loop of a bridge with many finished downloads, and where.

    .venv/bin/python -m tests.bench.holds [--finished 20000] [--stacks] [ACTION ...]

The bridge is a process of its own, on a database as in `tests.bench.growth`. Each action is the
first thing that is asked of a bridge, or follows the one before. For each, the longest steps of the
event loop: milliseconds on the clock, and of the CPU, which other processes do not lengthen. With
`--stacks`, where those steps spent their time.
"""

import argparse
import asyncio
import json
import os
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import aiohttp

from bridge.cli import main as bridge_main
from bridge.simulator import Behaviour, Scenario, SimulatedAccount, Simulator
from tests.bench.growth import (
    ACTIVE,
    CATEGORY,
    ROOT,
    SIZE,
    Bridge,
    Checkout,
    add,
    content_of,
    session_of,
    settled,
    write_database,
)

SHORTEST = 0.02
"""Seconds of a step that is recorded."""
LOOK_SECONDS = 0.004
FRAMES = 7
AFTERWARDS = 3.0
"""Seconds after an action in which its consequences still count for it."""
REPORT = "BENCH_HOLDS"
"""The environment variable with the file that the watched bridge writes to."""


class LoopWatch:
    """Writes a line for each long step of the event loop of this thread."""

    def __init__(self, report: Path) -> None:
        self._report = report.open("a", encoding="utf-8", buffering=1)
        self._thread = threading.get_ident()
        self._began = 0.0
        self._stacks: Counter[str] = Counter()

    def install(self) -> None:
        """Watch from now on."""
        run = asyncio.Handle._run

        def watched(handle: asyncio.Handle) -> None:
            self._began, cpu = time.monotonic(), time.thread_time()
            try:
                run(handle)
            finally:
                began, self._began = self._began, 0.0
                took = time.monotonic() - began
                if took > SHORTEST:
                    self._note(began, took, time.thread_time() - cpu)

        asyncio.Handle._run = watched  # type: ignore[method-assign, assignment]
        threading.Thread(target=self._look, daemon=True).start()

    def _note(self, began: float, took: float, cpu: float) -> None:
        stacks = self._stacks.most_common(6)
        self._report.write(json.dumps({"at": began, "took": took, "cpu": cpu, "stacks": stacks}))
        self._report.write("\n")

    def _look(self) -> None:
        seen = 0.0
        while True:
            time.sleep(LOOK_SECONDS)
            began = self._began
            if began and time.monotonic() - began > LOOK_SECONDS:
                if began != seen:
                    seen, self._stacks = began, Counter()
                frame, names = sys._current_frames().get(self._thread), list[str]()
                while frame is not None and len(names) < FRAMES:
                    code = frame.f_code
                    names.append(f"{Path(code.co_filename).name}:{frame.f_lineno} {code.co_name}")
                    frame = frame.f_back
                self._stacks[" < ".join(names)] += 1


def serve() -> int:
    """Run the bridge as `python -m bridge run`, and watch its event loop."""
    LoopWatch(Path(os.environ[REPORT])).install()
    return bridge_main(["run"])


class WatchedBridge(Bridge):
    """A bridge that reports the long steps of its event loop."""

    def __init__(self, directory: Path, sim: Simulator) -> None:
        super().__init__(Checkout("this", ROOT), directory, sim)
        self.report = directory / "holds"
        self.report.touch()
        self._environ |= {REPORT: str(self.report), "BRIDGE_CONFIG": str(directory / "bridge.yaml")}
        (directory / "bridge.yaml").write_text("log:\n  level: info\n", encoding="utf-8")
        self._arguments = ("-m", "tests.bench.holds", "--serve")


Ask = Callable[[aiohttp.ClientSession], Awaitable[None]]


def get(path: str) -> Ask:
    """Make a request whose reply is read, and not decoded."""

    async def ask(session: aiohttp.ClientSession) -> None:
        async with session.get(path) as answer:
            await answer.read()
            assert answer.status == 200, answer.status

    return ask


def post(path: str, **form: str) -> Ask:
    """Send a form."""

    async def ask(session: aiohttp.ClientSession) -> None:
        async with session.post(path, data=form) as answer:
            text = await answer.text()
            assert answer.status == 200, (path, answer.status, text)

    return ask


SYNC, INFO, PAGE = get("sync/maindata"), get("torrents/info"), get("/api/bridge/sync")


def actions(directory: Path) -> dict[str, tuple[bool, Ask]]:
    """Return each action, and whether the bridge is started anew for it."""

    async def settings(_: aiohttp.ClientSession) -> None:
        text = "log:\n  level: warning\ncategories:\n  another: {}\n"
        (directory / "bridge.yaml").write_text(text, encoding="utf-8")
        await asyncio.sleep(7)

    async def nothing(_: aiohttp.ClientSession) -> None:
        pass

    return {
        "the start": (True, nothing),
        "the first sync/maindata": (True, SYNC),
        "the second, whole again": (False, SYNC),
        "the first torrents/info": (True, INFO),
        "the first sync of the page": (True, PAGE),
        "all three again": (False, everything),
        "a change of the category": (False, post("torrents/editCategory", category=CATEGORY,
                                                  savePath="elsewhere")),
        "removal of the category": (False, post("torrents/removeCategories", categories=CATEGORY)),
        "setCategory of all": (False, post("torrents/setCategory", hashes="all", category="radarr")),
        "addTags of all": (False, post("torrents/addTags", hashes="all", tags="one,two")),
        "deleteTags": (False, post("torrents/deleteTags", tags="one")),
        "pause of all": (False, post("torrents/pause", hashes="all")),
        "resume of all": (False, post("torrents/resume", hashes="all")),
        "a settings reload": (False, settings),
        "metrics": (False, get("/metrics")),
        "history": (False, get("/api/bridge/history?text=Show")),
        "delete of all": (False, post("torrents/delete", hashes="all", deleteFiles="false")),
    }  # fmt: skip


async def everything(session: aiohttp.ClientSession) -> None:
    """Ask for all that a client can ask for."""
    for ask in (SYNC, INFO, PAGE):
        await ask(session)


async def run(options: argparse.Namespace) -> None:
    """Do the actions, and print what held up the loop."""
    account = SimulatedAccount(slots=ACTIVE + 10, monthly_limit=None)
    behaviour = Behaviour(download_bytes_per_second=1e6, metadata_seconds=0.1)
    with tempfile.TemporaryDirectory() as scratch:
        directory = Path(scratch)
        downloads = directory / "downloads"
        downloads.mkdir()
        write_database(directory / "bridge.db", downloads, options.finished)
        async with Simulator(Scenario(behaviour=behaviour, account=account)) as sim:
            bridge = WatchedBridge(directory, sim)
            await bridge.start()  # an older database is migrated now
            try:
                await prepare(bridge, sim)
                await work(bridge, directory, options)
            finally:
                await bridge.stop()


async def prepare(bridge: Bridge, sim: Simulator) -> None:
    """Add what TorBox works on."""
    async with session_of(bridge.url) as session:
        for number in range(ACTIVE):
            content = content_of(f"Active.{number}", SIZE)
            sim.register(content)
            await add(session, content)
        await settled(session, ACTIVE)
    await asyncio.sleep(AFTERWARDS)


async def work(bridge: WatchedBridge, directory: Path, options: argparse.Namespace) -> None:
    """Do the actions one after the other."""
    for name, (anew, ask) in actions(directory).items():
        if options.actions and not any(part in name for part in options.actions):
            continue
        began = time.monotonic()
        if anew:
            await bridge.stop()
            began = time.monotonic()
            await bridge.start()
            if name != "the start":
                await asyncio.sleep(AFTERWARDS)
                began = time.monotonic()
        asked = time.monotonic()
        async with session_of(bridge.url) as session:
            with suppress(TimeoutError):
                await ask(session)
        took = time.monotonic() - asked
        await asyncio.sleep(AFTERWARDS)
        lines = bridge.report.read_text(encoding="utf-8").splitlines()
        held = [one for one in map(json.loads, lines) if one["at"] >= began]
        show(f"{name}: {took:.2f} s, {bridge.memory_mib:.0f} MiB", held, stacks=options.stacks)


def show(name: str, held: Sequence[dict[str, Any]], *, stacks: bool) -> None:
    """Print the longest steps of an action."""
    longest = sorted(held, key=lambda one: -one["cpu"])[:5]
    words = ", ".join(f"{1000 * one['took']:.0f} ({1000 * one['cpu']:.0f})" for one in longest)
    sys.stdout.write(f"{name}; {len(held)} steps: {words or 'none'}\n")
    for one in longest if stacks else ():
        sys.stdout.write(f"  {1000 * one['took']:.0f} ({1000 * one['cpu']:.0f}) ms\n")
        for text, count in one["stacks"]:
            sys.stdout.write(f"    {count} x {text}\n")
    sys.stdout.flush()


def main() -> None:
    """Read the command line, and run."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("actions", nargs="*", help="parts of their names; all without")
    parser.add_argument("--finished", type=int, default=20_000)
    parser.add_argument("--stacks", action="store_true")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        sys.exit(serve())
    asyncio.run(run(options))


if __name__ == "__main__":
    main()
