"""What is watched in the soak from outside: the list, the account, the process, the disk."""

import asyncio
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import aiohttp
import msgspec

from bridge.simulator import Simulator
from tests.bench.soak_arr import Notes
from tests.support.process import BridgeProcess
from tests.support.rig import API_KEY

LIST_SECONDS = 0.5
DUPLICATE_SECONDS = 0.2
SAMPLE_SECONDS = 1.0
SLOWEST_POLL_SECONDS = 2.0
GROWTH_BYTES = 8 << 20
GROWTH_SHARE = 0.1
MORE_FILES = 16


class Shown(msgspec.Struct):
    """What is read of an entry of `torrents/info`."""

    hash: str
    name: str
    added_on: int
    progress: float


@dataclass(frozen=True, slots=True)
class Sample:
    """A process at one moment."""

    pid: int
    rss: int
    files: int


class Witness:
    """Watches while its methods run; everything odd goes to the notes."""

    def __init__(self, sim: Simulator, process: BridgeProcess, notes: Notes) -> None:
        self._sim = sim
        self._process = process
        self._notes = notes
        self.poll_seconds: list[float] = []
        self.samples: list[Sample] = []
        self.duplicates = 0

    async def watch_list(self, url: str) -> None:
        """Read the list again and again: progress does not go back while a process lives."""
        best: dict[tuple[int, str, int], float] = {}
        headers = {"Authorization": f"Bearer {API_KEY}"}
        async with aiohttp.ClientSession(headers=headers) as session:
            while True:
                pid = self._process.pid
                for shown in await self._read(session, url):
                    self._compare(best, (pid or 0, shown.hash, shown.added_on), shown)
                await asyncio.sleep(LIST_SECONDS)

    async def _read(self, session: aiohttp.ClientSession, url: str) -> list[Shown]:
        began = time.monotonic()
        try:
            async with session.get(f"{url}/api/v2/torrents/info") as answer:
                body = await answer.read()
        except aiohttp.ClientError:
            return []  # it is down just now
        self.poll_seconds.append(time.monotonic() - began)
        if answer.status != 200:
            self._notes.problem(f"the list answers {answer.status}")
            return []
        return msgspec.json.decode(body, type=list[Shown])

    def _compare(
        self,
        best: dict[tuple[int, str, int], float],
        key: tuple[int, str, int],
        shown: Shown,
    ) -> None:
        if shown.progress < best.get(key, 0.0):
            self._notes.problem(f"{shown.name}: progress back from {best[key]} to {shown.progress}")
        best[key] = max(shown.progress, best.get(key, 0.0))

    async def watch_account(self) -> None:
        """Look for a hash that TorBox has twice."""
        world = self._sim.world
        while True:
            hashes = [torrent.hash for torrent in world.torrents()]
            hashes += [queued.content.hash for queued in world.queue()]
            for one, many in Counter(hashes).items():
                if many > 1:
                    self.duplicates += 1
                    self._notes.problem(f"{one}: {many} items at TorBox")
            await asyncio.sleep(DUPLICATE_SECONDS)

    async def watch_process(self) -> None:
        """Note memory and open files."""
        while True:
            pid = self._process.pid
            if pid is not None and (sample := _sample(pid)) is not None:
                self.samples.append(sample)
            await asyncio.sleep(SAMPLE_SECONDS)

    def growth(self, pid: int) -> tuple[Sample, Sample]:
        """Compare the second quarter of a long life with its last one; the first is warming up."""
        life = [sample for sample in self.samples if sample.pid == pid]
        quarter = max(1, len(life) // 4)
        early, late = _typical(life[quarter : 2 * quarter]), _typical(life[-quarter:])
        if late.rss > early.rss + max(GROWTH_BYTES, int(early.rss * GROWTH_SHARE)):
            self._notes.problem(f"memory grew from {early.rss >> 20} to {late.rss >> 20} MiB")
        if late.files > early.files + MORE_FILES:
            self._notes.problem(f"open files grew from {early.files} to {late.files}")
        return early, late


def _typical(samples: list[Sample]) -> Sample:
    return Sample(
        samples[0].pid,
        int(median(sample.rss for sample in samples)),
        int(median(sample.files for sample in samples)),
    )


def _sample(pid: int) -> Sample | None:
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
        files = sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())
    except OSError:
        return None
    lines = (line.split() for line in status.splitlines() if line.startswith("VmRSS"))
    return next((Sample(pid, int(fields[1]) << 10, files) for fields in lines), None)


def leftovers(sim: Simulator, foreign: set[str], downloads: Path, database: Path) -> Iterator[str]:
    """Tell what is still there after everything was removed, and what is not and should be."""
    world = sim.world
    held = {torrent.hash: torrent.content.name for torrent in world.torrents()}
    held |= {queued.content.hash: queued.content.name for queued in world.queue()}
    yield from (f"left at TorBox: {name}" for one, name in held.items() if one not in foreign)
    yield from (f"deleted at TorBox, and not ours: {one}" for one in foreign - held.keys())
    yield from (f"left on disk: {path}" for path in sorted(downloads.rglob("*")) if path.is_file())
    staging = downloads / ".incomplete"
    yield from (f"left in staging: {path.name}" for path in staging.glob("*") if path.is_dir())
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        for table in ("downloads", "removals"):
            rows = connection.execute(f"SELECT hash FROM {table}")
            yield from (f"left in {table}: {row[0]}" for row in rows)
