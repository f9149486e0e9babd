"""Measures what an *arr waits for, side by side with qbittorrent-nox: polls, syncs, adds.

    .venv/bin/python -m tests.bench.polls [--torrents 500] [--rounds 5] [--requests 200]

Needs Debian's qbittorrent-nox. Both servers hold the same torrents, stopped, so that neither works
at anything but answers. The same requests go to one and the other in turns, one after another, on a
connection each as an *arr makes them or on one that is kept; the figures are of all rounds.
"""

import argparse
import asyncio
import hashlib
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import aiohttp

from tests.differential.real import real_qbittorrent
from tests.support.process import BridgeProcess
from tests.support.rig import PASSWORD, USERNAME, Rig

CATEGORY = "tv-sonarr"
SETTLE_SECONDS = 2.0
REFRESH = 1500
"""Milliseconds: qBittorrent's own default."""
TIMEOUT = aiohttp.ClientTimeout(total=60)


@dataclass(frozen=True, slots=True)
class Question:
    """One kind of request."""

    name: str
    path: str
    query: Mapping[str, str]
    kept: bool = False
    """The connection is kept; an *arr makes one for each request."""
    changed: bool = False
    """One torrent has another name since the last time."""


QUESTIONS = (
    Question("poll of a category, as *arr", "torrents/info", {"category": CATEGORY}),
    Question("poll of a category", "torrents/info", {"category": CATEGORY}, kept=True),
    Question(
        "poll of a category, one torrent changed",
        "torrents/info",
        {"category": CATEGORY},
        kept=True,
        changed=True,
    ),
    Question("list sorted by name", "torrents/info", {"sort": "name", "limit": "50"}, kept=True),
    Question("sync, nothing new", "sync/maindata", {"rid": "1"}, kept=True),
    Question("preferences, as *arr", "app/preferences", {}),
    Question("version, as *arr", "app/webapiVersion", {}),
)


@dataclass(slots=True)
class Server:
    """One of the two."""

    name: str
    url: str
    pid: int
    seconds: dict[str, list[float]] = field(default_factory=dict)

    def note(self, name: str, taken: float) -> None:
        """Note what one request took."""
        self.seconds.setdefault(name, []).append(taken)

    @property
    def memory_mib(self) -> float:
        """Resident memory just now."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text(encoding="ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def say(line: str) -> None:
    """Write a line of the result."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def hash_of(number: int) -> str:
    """Make the info-hash number so-and-so."""
    return hashlib.sha1(str(number).encode(), usedforsecurity=False).hexdigest()


def magnet(number: int) -> str:
    """Make the magnet number so-and-so."""
    name = f"Some.Show.S{number // 20:02}E{number % 20:02}.1080p.WEB-DL.x264-GROUP"
    return (
        f"magnet:?xt=urn:btih:{hash_of(number)}&dn={name}&tr=http%3A%2F%2F127.0.0.1%3A9%2Fannounce"
    )


@asynccontextmanager
async def logged_in(url: str) -> AsyncIterator[aiohttp.ClientSession]:
    """Open a session as a client does."""
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(f"{url}/api/v2/", cookie_jar=jar, timeout=TIMEOUT) as session:
        form = {"username": USERNAME, "password": PASSWORD}
        async with session.post("auth/login", data=form) as answer:
            assert await answer.text() == "Ok.", answer.status
        yield session


async def timed(
    session: aiohttp.ClientSession, question: Question, headers: Mapping[str, str]
) -> float:
    """Ask, read the whole answer, and tell the seconds."""
    began = time.perf_counter()
    async with session.get(question.path, params=question.query, headers=headers) as answer:
        body = await answer.read()
        assert answer.status == 200, (question, answer.status)
        assert body, question
    return time.perf_counter() - began


async def add_all(server: Server, session: aiohttp.ClientSession, torrents: int) -> None:
    """Add every torrent, stopped, and note what each add took."""
    for number in range(torrents):
        form = {"urls": magnet(number), "category": CATEGORY, "paused": "true"}
        began = time.perf_counter()
        async with session.post("torrents/add", data=form) as answer:
            assert await answer.text() == "Ok."
        server.note("add of a magnet", time.perf_counter() - began)
    async with session.get("torrents/info", params={"category": CATEGORY}) as answer:
        found: list[Any] = await answer.json()
        assert len(found) == torrents, (server.name, len(found))


async def one_round(
    server: Server, session: aiohttp.ClientSession, question: Question, requests: int
) -> None:
    """Ask one kind of question so many times."""
    headers = {} if question.kept else {"Connection": "close"}
    await timed(session, question, headers)
    for number in range(requests):
        if question.changed:
            form = {"hash": hash_of(0), "name": f"Another.Name.{number}"}
            async with session.post("torrents/rename", data=form) as answer:
                assert answer.status == 200
        server.note(question.name, await timed(session, question, headers))


async def compare(servers: Sequence[Server], options: argparse.Namespace) -> None:
    """Ask both the same, in turns."""
    async with logged_in(servers[0].url) as first, logged_in(servers[1].url) as second:
        sessions = (first, second)
        for server, session in zip(servers, sessions, strict=True):
            await add_all(server, session, options.torrents)
        await asyncio.sleep(SETTLE_SECONDS)
        for number in range(options.rounds):
            order = list(zip(servers, sessions, strict=True))
            for question in QUESTIONS:
                for server, session in order if number % 2 else reversed(order):
                    await one_round(server, session, question, options.requests)


def table(servers: Sequence[Server]) -> list[str]:
    """Write the result as Markdown: milliseconds."""
    lines = [
        "| request | server | median ms | 95 % within ms |",
        "| --- | --- | --- | --- |",
    ]
    for name in servers[0].seconds:
        for server in servers:
            taken = server.seconds[name]
            slow = quantiles(taken, n=20)[-1]
            lines.append(
                f"| {name} | {server.name} | {1000 * median(taken):.2f} | {1000 * slow:.2f} |"
            )
    memory = ", ".join(f"{server.name} {server.memory_mib:.0f} MiB" for server in servers)
    return [*lines, "", f"Resident memory at the end: {memory}."]


def pid_of(profile: Path) -> int:
    """Find the qbittorrent-nox that runs on a profile."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                command = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if f"--profile={profile}".encode() in command:
                return int(entry.name)
    raise LookupError(profile)


async def run(options: argparse.Namespace) -> None:
    """Start both, compare, tell."""
    with tempfile.TemporaryDirectory() as scratch:
        rig = Rig(Path(scratch))
        rig.downloads.mkdir()
        await rig.sim.start()
        bridge = BridgeProcess(rig.environ)
        real = Path(scratch) / "real"
        try:
            await bridge.start()
            async with real_qbittorrent(real, USERNAME, PASSWORD, refresh=REFRESH) as place:
                assert bridge.pid is not None
                servers = (
                    Server("torbox-bridge", bridge.url, bridge.pid),
                    Server("qbittorrent-nox", place.url, pid_of(real)),
                )
                say(f"{options.torrents} torrents, {options.rounds} rounds of {options.requests}")
                await compare(servers, options)
                say("\n".join(table(servers)))
        finally:
            await bridge.kill()
            await rig.sim.stop()


def main() -> None:
    """Read the command line, and run."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--torrents", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--requests", type=int, default=200)
    asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
