"""Measures whether costs grow with what has finished: the same work with 100 and with 20,000 grabs.

    .venv/bin/python -m tests.bench.growth [--finished 100 20000] [--other DIR]

Each bridge is a process of its own, on a database with so many finished downloads, and has 50 more
that the simulated TorBox works on. They run one after the other, on the same machine in the same
run. `--other` is another checkout, with a `.venv`, to be measured beside this one: the databases are
written as schema 2, which every version reads.
"""

import argparse
import asyncio
import hashlib
import json
import os
import re
import signal
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from subprocess import PIPE

import aiohttp

from bridge.simulator import (
    Behaviour,
    Content,
    ContentFile,
    Scenario,
    SimulatedAccount,
    Simulator,
    magnet_of,
)
from bridge.state.database_schema import STEPS
from tests.support.schema_2 import OLD, SCHEMA_1, download_row, file_row, hash_of, insert

ROOT = Path(__file__).parents[2]
ACTIVE = 50
SIZE = 10**11
"""Of what TorBox works on: it is not done during the measurement."""
ADDS = SYNCS = 50
CACHED = 16
"""Of four files each: fewer links than TorBox gives in a minute."""
STARTS = 5
IDLE_SECONDS = 30.0
PASSWORD, KEY = "a-password-of-the-bench", "an-api-key-of-the-bench"
CATEGORY = "tv"
FILES = 2
"""Of each finished download."""
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Checkout:
    """A version of the bridge."""

    name: str
    root: Path

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.root / ".venv" / "bin" / "python"


@dataclass(slots=True)
class Figures:
    """What was measured of one bridge."""

    title: str
    seconds: dict[str, list[float]] = field(default_factory=dict)
    start: float = 0.0
    memory: float = 0.0
    cpu: float = 0.0
    held: float = 0.0


@dataclass(slots=True)
class Empty:
    """What was measured of a bridge without downloads."""

    title: str
    starts: list[float] = field(default_factory=list)
    memory: float = 0.0
    cached_cpu: float = 0.0


def write_database(path: Path, downloads: Path, finished: int) -> None:
    """Write a database with so many finished downloads, each with its files and its history."""
    rows, files, events = [], [], []
    for number in range(1, finished + 1):
        info_hash, name = digest(number), f"Some.Show.S{number:05}.1080p.WEB-DL.x264-GROUP"
        rows.append(
            download_row(number, "finished")
            | {
                "hash": info_hash, "infohash_v1": info_hash, "name": name, "content_name": name,
                "save_path": str(downloads / CATEGORY), "category": CATEGORY, "size": 10**9,
                "magnet": f"magnet:?xt=urn:btih:{info_hash}&dn={name}&tr=http%3A%2F%2Ft.example%2Fa",
                "moving_to": "", "missing_files": 0, "torrent_id": None, "file_edits": "[]",
                "delivery_mode": "download", "has_torrent": 0, "tags": "[]", "stopped": 0,
                "ratio_limit": -2.0, "seeding_time_limit": -2, "inactive_seeding_time_limit": -2,
                "priority": 0,
            }
        )  # fmt: skip
        for file_id in range(FILES):
            row = file_row(number, file_id, f"{name}/{name}.{file_id}.mkv", done=True)
            files.append(row | {"hash": info_hash})
        events += [
            {"hash": info_hash, "at": OLD + turn, "kind": "phase", "before": "ready",
             "after": "finished", "why": "delivered"}
            for turn in range(6)
        ]  # fmt: skip
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(f"{SCHEMA_1}; {STEPS[1]}; PRAGMA user_version = 2;")
        for table, content in (("downloads", rows), ("files", files), ("events", events)):
            insert(connection, table, content)
        insert(connection, "categories", [{"name": CATEGORY, "save_path": ""}])


def digest(number: int) -> str:
    """Return an info-hash as they are in the world, which no order helps to find."""
    return hashlib.sha1(hash_of(number).encode(), usedforsecurity=False).hexdigest()


class Bridge:
    """A bridge in a process of its own."""

    def __init__(self, checkout: Checkout, directory: Path, sim: Simulator) -> None:
        self._checkout = checkout
        self._environ = {
            "PATH": os.environ["PATH"],
            "BRIDGE_SERVER__HOST": "127.0.0.1",
            "BRIDGE_SERVER__PORT": "0",
            "BRIDGE_SERVER__PASSWORD": PASSWORD,
            "BRIDGE_SERVER__API_KEY": KEY,
            "BRIDGE_TORBOX__API_KEY": sim.key,
            "BRIDGE_TORBOX__BASE_URL": sim.url,
            "BRIDGE_PATHS__DATABASE": str(directory / "bridge.db"),
            "BRIDGE_PATHS__DOWNLOADS": str(directory / "downloads"),
            "BRIDGE_DELIVERY__MIN_FREE_BYTES": "0",
            "BRIDGE_LOG__FORMAT": "json",
        }
        self._arguments: Sequence[str] = ("-m", "bridge", "run")
        self._process: asyncio.subprocess.Process | None = None
        self.url = ""

    async def start(self) -> float:
        """Start it; return the seconds until its first answer."""
        began = time.perf_counter()
        self._process = await asyncio.create_subprocess_exec(
            self._checkout.python, *self._arguments,
            env=self._environ, cwd=self._checkout.root,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        assert self._process.stdout is not None
        async with asyncio.timeout(300):
            async for line in self._process.stdout:
                if b'"listening"' in line:
                    self.url = json.loads(line)["url"]
                    break
        asyncio.get_running_loop().create_task(drain(self._process.stdout), name="drain")
        async with aiohttp.ClientSession() as session, session.get(f"{self.url}/healthz") as answer:
            await answer.read()
        return time.perf_counter() - began

    async def stop(self) -> None:
        """End it, and wait for its end."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        await self._process.wait()

    @property
    def cpu_seconds(self) -> float:
        """CPU used since the start."""
        assert self._process is not None
        text = Path(f"/proc/{self._process.pid}/stat").read_text(encoding="ascii")
        fields = text.rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    @property
    def memory_mib(self) -> float:
        """Resident memory just now."""
        assert self._process is not None
        pages = Path(f"/proc/{self._process.pid}/statm").read_text(encoding="ascii").split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE") / 2**20


async def drain(stream: asyncio.StreamReader) -> None:
    """Read what a process writes, and forget it."""
    while await stream.read(1 << 16):
        pass


@asynccontextmanager
async def session_of(url: str) -> AsyncIterator[aiohttp.ClientSession]:
    """Open a session with the API key."""
    headers = {"Authorization": f"Bearer {KEY}"}
    timeout = aiohttp.ClientTimeout(total=120)
    async with aiohttp.ClientSession(f"{url}/api/v2/", headers=headers, timeout=timeout) as session:
        yield session


async def measure(checkout: Checkout, finished: int, directory: Path) -> Figures:
    """Measure one bridge."""
    figures = Figures(f"{checkout.name}, {finished} finished")
    downloads = directory / "downloads"
    downloads.mkdir(parents=True)
    write_database(directory / "bridge.db", downloads, finished)
    behaviour = Behaviour(download_bytes_per_second=1e6, metadata_seconds=0.1)
    account = SimulatedAccount(slots=ACTIVE + ADDS + 10, monthly_limit=None)
    async with Simulator(Scenario(behaviour=behaviour, account=account)) as sim:
        bridge = Bridge(checkout, directory, sim)
        await bridge.start()  # an older database is migrated now
        await bridge.stop()
        figures.start = await bridge.start()
        try:
            await work(bridge, sim, figures)
        finally:
            await bridge.stop()
    return figures


async def work(bridge: Bridge, sim: Simulator, figures: Figures) -> None:
    """Add, sync, poll, rest, and deliver."""
    large = [content_of(f"Active.{number}", SIZE) for number in range(ACTIVE + ADDS)]
    for content in large:
        sim.register(content)
    async with session_of(bridge.url) as session:
        for content in large[:ACTIVE]:
            await add(session, content)
        await settled(session, ACTIVE)
        before, began = bridge.cpu_seconds, time.perf_counter()
        await asyncio.sleep(IDLE_SECONDS)
        figures.cpu = (bridge.cpu_seconds - before) / (time.perf_counter() - began)
        # In a process of its own: what this one does must not hold up the measurement.
        command = (sys.executable, "-m", "tests.bench.growth", "--ping", bridge.url)
        pinger = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=PIPE)
        assert pinger.stdout is not None
        await pinger.stdout.readline()
        await syncs(session, figures)
        for content in large[ACTIVE:]:
            began = time.perf_counter()
            await add(session, content)
            note(figures, "add", time.perf_counter() - began)
        figures.memory = bridge.memory_mib
        pinger.kill()
        figures.held = float((await pinger.communicate())[0].split()[-1])


async def measure_empty(checkout: Checkout, directory: Path) -> Empty:
    """Measure a bridge that begins without downloads: its start, and what a cached one costs."""
    figures = Empty(checkout.name)
    (directory / "downloads").mkdir()
    small = [cached(f"Cached.{number}") for number in range(CACHED)]
    account = SimulatedAccount(slots=ACTIVE, monthly_limit=None)
    async with Simulator(Scenario(account=account)) as sim:
        for content in small:
            sim.register(content)
        bridge = Bridge(checkout, directory, sim)
        await bridge.start()  # the database is made now
        for _ in range(STARTS):
            await bridge.stop()
            figures.starts.append(await bridge.start())
        try:
            figures.memory = bridge.memory_mib
            async with session_of(bridge.url) as session:
                before = bridge.cpu_seconds
                for content in small:
                    await add(session, content)
                await delivered(session, small)
                figures.cached_cpu = (bridge.cpu_seconds - before) / CACHED
        finally:
            await bridge.stop()
    return figures


async def add(session: aiohttp.ClientSession, content: Content) -> None:
    """Add one magnet."""
    form = {"urls": magnet_of(content), "category": "radarr"}
    async with session.post("torrents/add", data=form) as answer:
        assert await answer.text() == "Ok.", answer.status


async def settled(session: aiohttp.ClientSession, count: int) -> None:
    """Wait until TorBox works on so many, or on all that it takes within two minutes."""
    states = Counter[str]()
    for _ in range(60):
        async with session.get("torrents/info", params={"category": "radarr"}) as answer:
            rows = await answer.json()
        states = Counter(row["state"] for row in rows)
        if states["downloading"] + states["metaDL"] >= count:
            return
        await asyncio.sleep(0.5)
    sys.stderr.write(f"not all are active: {states}\n")


async def delivered(session: aiohttp.ClientSession, contents: Sequence[Content]) -> None:
    """Wait until these are complete."""
    wanted = {content.hash for content in contents}
    while True:
        async with session.get("torrents/info", params={"hashes": "|".join(wanted)}) as answer:
            rows = await answer.json()
        if sum(row["progress"] == 1 for row in rows) == len(wanted):
            return
        await asyncio.sleep(0.5)


async def syncs(session: aiohttp.ClientSession, figures: Figures) -> None:
    """Ask for the difference after one change, again and again."""
    async with session.get("sync/maindata") as answer:
        found = re.search(rb'"rid":(\d+)', await answer.read())
    assert found is not None
    rid = int(found[1])
    for number in range(SYNCS):
        form = {"hash": digest(1), "name": f"Another.Name.{number}"}
        async with session.post("torrents/rename", data=form) as answer:
            assert answer.status == 200
        began = time.perf_counter()
        async with session.get("sync/maindata", params={"rid": rid}) as answer:
            told = await answer.json()
        note(figures, "sync", time.perf_counter() - began)
        rid = told["rid"]
        assert digest(1) in told["torrents"], told


async def ping(url: str) -> None:
    """Ask for next to nothing all the time, and print the longest wait: the loop was held up."""
    longest = -1.0
    async with session_of(url) as session:
        await (await session.get("app/version")).read()
        while True:
            began = time.perf_counter()
            async with session.get("app/version") as answer:
                await answer.read()
            if time.perf_counter() - began > longest:
                longest = time.perf_counter() - began
                sys.stdout.write(f"{longest}\n")
                sys.stdout.flush()
            await asyncio.sleep(0.01)


def note(figures: Figures, name: str, seconds: float) -> None:
    """Note what a request took."""
    figures.seconds.setdefault(name, []).append(seconds)


def content_of(name: str, size: int) -> Content:
    """Make a content that TorBox has to download."""
    info_hash = hashlib.sha1(name.encode(), usedforsecurity=False).hexdigest()
    return Content(hash=info_hash, name=name, files=(ContentFile(f"{name}.mkv", size),))


def cached(name: str) -> Content:
    """Make a content of four files that TorBox has cached."""
    info_hash = hashlib.sha1(name.encode(), usedforsecurity=False).hexdigest()
    files = tuple(ContentFile(f"{name}.{number}.mkv", 100_000) for number in range(4))
    return Content(hash=info_hash, name=name, files=files, cached=True)


def table(columns: Sequence[Figures]) -> list[str]:
    """Write the result as Markdown."""
    rows = {
        "one add, ms": lambda one: f"{1000 * median(one.seconds['add']):.1f}",
        "sync/maindata after one change, ms": lambda one: (
            f"{1000 * median(one.seconds['sync']):.1f}"
        ),
        "longest wait for a small answer, ms": lambda one: f"{1000 * one.held:.0f}",
        "start to first answer, s": lambda one: f"{one.start:.2f}",
        "memory, MiB": lambda one: f"{one.memory:.0f}",
        f"CPU with {ACTIVE} active": lambda one: f"{100 * one.cpu:.1f} %",
    }
    return [
        f"| | {' | '.join(one.title for one in columns)} |",
        f"| --- |{' --- |' * len(columns)}",
        *(f"| {name} | {' | '.join(map(show, columns))} |" for name, show in rows.items()),
    ]


def empty_table(columns: Sequence[Empty]) -> list[str]:
    """Write what was measured of empty bridges as Markdown."""
    rows = {
        "start to first answer, s": lambda one: f"{median(one.starts):.2f}",
        "memory, MiB": lambda one: f"{one.memory:.0f}",
        "CPU for a cached download of 4 files, ms": lambda one: f"{1000 * one.cached_cpu:.1f}",
    }
    return [
        f"| without downloads | {' | '.join(one.title for one in columns)} |",
        f"| --- |{' --- |' * len(columns)}",
        *(f"| {name} | {' | '.join(map(show, columns))} |" for name, show in rows.items()),
    ]


async def run(options: argparse.Namespace) -> None:
    """Measure each, and print the table."""
    checkouts = [Checkout("this", ROOT)]
    if options.other is not None:
        checkouts.insert(0, Checkout("other", options.other.resolve()))
    columns, empty = [], []
    for checkout in checkouts:
        # As an installed package is; where Python may not write it, each start compiles anew.
        command = (checkout.python, "-m", "compileall", "-q", checkout.root / "bridge")
        await (await asyncio.create_subprocess_exec(*command)).wait()
        with tempfile.TemporaryDirectory() as scratch:
            empty.append(await measure_empty(checkout, Path(scratch)))
        for finished in options.finished:
            with tempfile.TemporaryDirectory() as scratch:
                columns.append(await measure(checkout, finished, Path(scratch)))
                sys.stderr.write(f"{columns[-1].title}\n")
    load = os.getloadavg()[0]
    sys.stdout.write(
        "\n".join(
            [*empty_table(empty), "", *table(columns), "", f"load at the end: {load:.1f}", ""]
        )
    )


def main() -> None:
    """Read the command line, and run."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--finished", type=int, nargs="+", default=[100, 20_000])
    parser.add_argument("--other", type=Path, help="another checkout, with a .venv")
    parser.add_argument("--ping", metavar="URL", help=argparse.SUPPRESS)
    options = parser.parse_args()
    asyncio.run(run(options) if options.ping is None else ping(options.ping))


if __name__ == "__main__":
    main()
