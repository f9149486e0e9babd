"""Measures what the bridge adds to a bare aiohttp server that returns the same bytes.

    .venv/bin/python -m tests.bench.bare [--torrents 500] [--rounds 5] [--requests 1000]

Both are processes of their own and answer the same requests in turns, each on one connection that is
kept. The figures are requests for each second of the server's CPU time, so that other work on the
machine counts little. The bare server imports aiohttp, aiosqlite, PyYAML, structlog and msgspec, and
nothing of the bridge: no bridge on aiohttp starts faster or takes less memory.
"""

import argparse
import asyncio
import compileall
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from tests.bench.polls import CATEGORY, add_all, logged_in
from tests.bench.polls import Server as Known
from tests.support.process import BridgeProcess
from tests.support.rig import API_KEY, Rig

ROOT = Path(__file__).parents[2]
BARE_SERVER = Path(__file__).with_name("bare_server.py")
TICKS = os.sysconf("SC_CLK_TCK")
SETTLES = 20.0
"""Seconds after the adds, in which the bridge looks up their metadata."""
PATHS = {
    "sync/maindata, nothing new": "/api/v2/sync/maindata?rid=1",
    "torrents/info of a category": f"/api/v2/torrents/info?category={CATEGORY}",
}


@dataclass(slots=True)
class Server:
    """One of the two."""

    name: str
    port: int
    pid: int
    rates: dict[str, list[float]] = field(default_factory=dict)
    """By request, those for each second of CPU time, in each round."""

    @property
    def cpu_seconds(self) -> float:
        """CPU used since the start."""
        text = Path(f"/proc/{self.pid}/stat").read_text(encoding="ascii")
        fields = text.rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    @property
    def memory_mib(self) -> float:
        """Resident memory just now."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text(encoding="ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


async def ask(server: Server, path: str, times: int) -> bytes:
    """Ask so many times on one connection; return the last body."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port, limit=2**24)
    request = (
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n"
        f"Authorization: Bearer {API_KEY}\r\n\r\n"
    ).encode()
    body = b""
    for _ in range(times):
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head
        length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
        body = await reader.readexactly(int(length))
    writer.close()
    return body


async def compare(servers: Sequence[Server], options: argparse.Namespace) -> None:
    """Ask both the same, in turns."""
    for _ in range(options.rounds):
        for name, path in PATHS.items():
            for server in servers:
                before = server.cpu_seconds
                await ask(server, path, options.requests)
                rate = options.requests / max(server.cpu_seconds - before, 1 / TICKS)
                server.rates.setdefault(name, []).append(rate)


@asynccontextmanager
async def bare_server(bodies: Path) -> AsyncIterator[tuple[Server, float]]:
    """Run a bare server; yield it, and the seconds until it listened."""
    began = time.perf_counter()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(BARE_SERVER), str(bodies)),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        port = int(await process.stdout.readline())
        yield Server("bare aiohttp", port, process.pid), time.perf_counter() - began
    finally:
        process.terminate()
        await process.wait()


async def run(options: argparse.Namespace) -> None:
    """Start both, compare, and print the table."""
    with tempfile.TemporaryDirectory() as scratch:
        rig = Rig(Path(scratch))
        rig.downloads.mkdir()
        await rig.sim.start()
        # As an installed package is; where Python may not write it, each start compiles anew.
        await asyncio.to_thread(compileall.compile_dir, ROOT / "bridge", quiet=1)
        bridge = BridgeProcess(rig.environ)
        try:
            began = time.perf_counter()
            await bridge.start()
            started = time.perf_counter() - began
            assert bridge.pid is not None
            ours = Server("torbox-bridge", int(bridge.url.rpartition(":")[2]), bridge.pid)
            empty = ours.memory_mib
            async with logged_in(bridge.url) as session:
                known = Known(ours.name, bridge.url, ours.pid)
                await add_all(known, session, options.torrents)
                await asyncio.sleep(SETTLES)
            await ask(ours, "/api/v2/sync/maindata?rid=0", 1)
            bodies = Path(scratch) / "bodies"
            bodies.mkdir()
            for path in PATHS.values():
                name = path.partition("?")[0].rpartition("/")[2]
                (bodies / name).write_bytes(await ask(ours, path, 1))
            async with bare_server(bodies) as (bare, bare_started):
                bare_empty = bare.memory_mib
                await compare((ours, bare), options)
        finally:
            await bridge.kill()
            await rig.sim.stop()
    lines = ["| | torbox-bridge | bare aiohttp | share |", "| --- | --- | --- | --- |"]
    for name in PATHS:
        mine, theirs = median(ours.rates[name]), median(bare.rates[name])
        lines.append(
            f"| {name}, requests a CPU second | {mine:.0f} | {theirs:.0f} | {mine / theirs:.0%} |"
        )
    lines += [
        f"| start, s | {started:.2f} | {bare_started:.2f} | |",
        f"| memory when empty, MiB | {empty:.0f} | {bare_empty:.0f} | |",
    ]
    sys.stdout.write("\n".join([*lines, "", f"load: {os.getloadavg()[0]:.1f}", ""]))


def main() -> None:
    """Read the command line, and run."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--torrents", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--requests", type=int, default=1000)
    asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
