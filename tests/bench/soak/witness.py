"""What is watched in the soak from outside: the list, the metrics, the account."""

import asyncio
import re
import time
from collections import Counter
from collections.abc import Collection

import aiohttp
import msgspec

from bridge.simulator import Simulator
from tests.bench.soak.notes import Notes
from tests.support.process import BridgeProcess
from tests.support.rig import API_KEY

LIST_SECONDS = 0.5
ACCOUNT_SECONDS = 0.2
VIOLATIONS = re.compile(rb"^torbox_bridge_invariant_violations (\S+)$", re.MULTILINE)


class Shown(msgspec.Struct):
    """What is read of an entry of `torrents/info`."""

    hash: str
    name: str
    category: str
    added_on: int
    progress: float


class FaceWitness:
    """Reads what the bridge shows, as one who sees everything.

    `quick`: what is removed may be grabbed again within the second in which it was added, so that
    nothing tells its lives apart.
    """

    def __init__(self, url: str, process: BridgeProcess, notes: Notes, *, quick: bool) -> None:
        self._url = url
        self._process = process
        self._notes = notes
        self._quick = quick
        self._best: dict[tuple[int | None, str, str, int], float] = {}
        self.poll_seconds: list[float] = []

    async def watch(self) -> None:
        """Read again and again."""
        headers = {"Authorization": f"Bearer {API_KEY}"}
        async with aiohttp.ClientSession(headers=headers) as session:
            while True:
                pid = self._process.pid
                for shown in await self._list(session):
                    self._compare(pid, shown)
                self._count(await self._get(session, "/metrics"))
                await asyncio.sleep(LIST_SECONDS)

    async def _list(self, session: aiohttp.ClientSession) -> list[Shown]:
        began = time.monotonic()
        body = await self._get(session, "/api/v2/torrents/info")
        if body:
            self.poll_seconds.append(time.monotonic() - began)
        return msgspec.json.decode(body, type=list[Shown]) if body else []

    async def _get(self, session: aiohttp.ClientSession, path: str) -> bytes:
        try:
            async with session.get(self._url + path) as answer:
                body = await answer.read()
        except aiohttp.ClientError:
            return b""  # it is down just now
        if answer.status != 200:
            self._notes.problem(f"{path} answers {answer.status}")
            return b""
        return body

    def _compare(self, pid: int | None, shown: Shown) -> None:
        """While a process lives and nobody leaves, progress does not go back."""
        key = (pid, shown.hash, shown.category, shown.added_on)
        best = self._best.get(key, 0.0)
        if shown.progress < best and not self._quick:
            self._notes.problem(f"{shown.name}: progress back from {best} to {shown.progress}")
        self._best[key] = max(shown.progress, best)

    def _count(self, metrics: bytes) -> None:
        found = VIOLATIONS.search(metrics)
        if metrics and (found is None or float(found[1])):
            self._notes.problem(f"violations: {found[1].decode() if found else 'not told'}")


class AccountWitness:
    """Looks at the account, which no fault hides from it."""

    def __init__(self, sim: Simulator, elsewhere: Collection[str], notes: Notes) -> None:
        self._sim = sim
        self._elsewhere = elsewhere
        self._notes = notes
        self._made: set[int] = set()
        self.duplicates = 0

    @property
    def made(self) -> int:
        """How many items there ever were."""
        return len(self._made)

    async def watch(self) -> None:
        """Look for a hash that is there twice, and for what others put there and is gone."""
        world = self._sim.world
        while True:
            torrents = world.torrents()
            self._made.update(torrent.id for torrent in torrents)
            hashes = [torrent.hash for torrent in torrents]
            hashes += [queued.content.hash for queued in world.queue()]
            for one, many in Counter(hashes).items():
                if many > 1:
                    self.duplicates += 1
                    self._notes.problem(f"{one}: {many} items at TorBox")
            for one in self._elsewhere:
                if world.find(one) is None:
                    self._notes.problem(f"deleted at TorBox, and not ours: {one}")
            await asyncio.sleep(ACCOUNT_SECONDS)
