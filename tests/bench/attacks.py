"""Measures what strangers can cost: CPU of the bridge, polls of another client, memory, log bytes.

    .venv/bin/python -m tests.bench.attacks [--clients 20] [--seconds 5] [NAME ...]

Each attack runs first as one request, for its CPU seconds, and then from many clients at once, while
another client polls every 50 ms, and asks for /healthz every 200 ms. Only loopback is used.
"""

import argparse
import asyncio
import http.client
import os
import resource
import sys
import tempfile
import threading
import time
import zlib
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from tests.support.process import ROOT, BridgeProcess
from tests.support.rig import API_KEY, Rig

TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
PATIENCE = 12.0
NOFILE = 1024
"""Open files of the bridge, as a container often has them."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where the bridge listens."""

    host: str
    port: int
    pid: int

    @property
    def cpu(self) -> float:
        """Seconds of CPU that the bridge has used."""
        fields = Path(f"/proc/{self.pid}/stat").read_text(encoding="ascii").rpartition(")")[2]
        user, system = fields.split()[11:13]
        return (int(user) + int(system)) / TICKS

    @property
    def memory_mib(self) -> float:
        """Resident memory just now."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text(encoding="ascii").split()[1])
        return pages * PAGE / 2**20


Attack = Callable[[Target], Awaitable[None]]


def post(path: str, kind: str, body: bytes, headers: str = "") -> bytes:
    """Write a POST with a Content-Length."""
    return (
        f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: {kind}\r\n"
        f"Content-Length: {len(body)}\r\n{headers}\r\n"
    ).encode() + body


LOGIN, NOWHERE = "/api/v2/auth/login", "/no/such/path"
FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=b"
BEARER = f"Authorization: Bearer {API_KEY}\r\n"

PARTS = b"--b\r\n\r\n\r\n" * 1_000_000 + b"--b--\r\n"
HEADERS = b"--b\r\n" + b"X: y\r\n" * 400_000 + b"\r\n\r\n--b--\r\n"
FIELDS = b"a&" * 1_300_000
TAGS = b"tags=" + b",".join(b"t%d" % number for number in range(300_000))
ESCAPES = b"username=" + b"%41" * 1_300_000
BOMB = zlib.compress(b"\0" * 300_000_000)


async def send(target: Target, request: bytes, *, wait: float = PATIENCE) -> None:
    """Send a request on a connection of its own, and read whatever comes until it ends."""
    reader, writer = await asyncio.open_connection(target.host, target.port)
    try:
        writer.write(request)
        with suppress(ConnectionError, TimeoutError):
            async with asyncio.timeout(wait):
                await writer.drain()
                head = await reader.readuntil(b"\r\n\r\n")
                if b"onnection: close" in head:
                    await reader.read()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def one_byte_chunks(target: Target) -> None:
    """Send a chunked body of one-byte chunks without end."""
    reader, writer = await asyncio.open_connection(target.host, target.port)
    head = f"POST {NOWHERE} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    writer.write(head.encode())
    chunks = b"1\r\nx\r\n" * 10_000
    deadline = time.monotonic() + PATIENCE
    with suppress(ConnectionError):
        while time.monotonic() < deadline:
            writer.write(chunks)
            await writer.drain()
            await asyncio.sleep(0)
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()
    del reader


async def drip(target: Target) -> None:
    """Send a login a byte a second."""
    _, writer = await asyncio.open_connection(target.host, target.port)
    writer.write(post(LOGIN, FORM, b"x" * 1000)[:-1000])
    with suppress(ConnectionError):
        for _ in range(3):
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(1)
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()


def whole(request: bytes) -> Attack:
    """Return an attack that sends one request."""

    async def attack(target: Target) -> None:
        await send(target, request)

    return attack


ATTACKS: Mapping[str, Attack] = {
    "empty parts, 9 MB, to the login": whole(post(LOGIN, MULTIPART, PARTS)),
    "headers of one part, 2.4 MB, to the login": whole(post(LOGIN, MULTIPART, HEADERS)),
    "1.3 million fields to the login": whole(post(LOGIN, FORM, FIELDS)),
    "gzip bomb of 300 MB to a 404": whole(
        post(NOWHERE, FORM, BOMB, "Content-Encoding: deflate\r\n")
    ),
    "one-byte chunks without end to a 404": one_byte_chunks,
    "wrong logins": whole(post(LOGIN, FORM, b"username=admin&password=x")),
    "malformed requests": whole(b"\x16\x03\x01 nonsense\r\n\r\n"),
    "a login, a byte a second": drip,
    "1.3 million fields, with the key": whole(
        post("/api/v2/torrents/createTags", FORM, FIELDS, BEARER)
    ),
    "300,000 tags, with the key": whole(post("/api/v2/torrents/createTags", FORM, TAGS, BEARER)),
    "4 MB of escapes, with the key": whole(
        post("/api/v2/torrents/createTags", FORM, ESCAPES, BEARER)
    ),
}


class Polls(msgspec.Struct):
    """How long another client waited meanwhile, in seconds."""

    slowest: float = 0.0
    answered: int = 0
    failed: int = 0


def poll(url: str) -> None:
    """Poll as an *arr does, on a connection for each request, until stdin ends; print the figures.

    Every fourth request is /healthz. It is a program of its own, so that it waits for nobody else.
    """
    polls, parts = Polls(), urlsplit(url)
    over = threading.Event()

    def wait() -> None:
        sys.stdin.read()
        over.set()

    threading.Thread(target=wait, daemon=True).start()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    number = 0
    while not over.wait(0.05):
        number += 1
        path = "/healthz" if number % 4 == 0 else "/api/v2/torrents/info?category=tv"
        begun = time.monotonic()
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)
        try:
            connection.request("GET", path, headers={"Authorization": f"Bearer {API_KEY}"})
            fine = connection.getresponse().status == HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            fine = False
        finally:
            connection.close()
        polls.answered += fine
        polls.failed += not fine
        polls.slowest = max(polls.slowest, time.monotonic() - begun)
    sys.stdout.write(msgspec.json.encode(polls).decode())


async def under(url: str, work: Callable[[], Awaitable[None]], *, at_most: float) -> Polls:
    """Poll while `work` goes on, and until the bridge answers again."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.bench.attacks", "--poll", url,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, cwd=ROOT,
    )  # fmt: skip
    assert process.stdout is not None
    await process.stdout.readline()
    with suppress(TimeoutError):
        async with asyncio.timeout(at_most):
            await work()
    await asyncio.sleep(0.2)
    out, _ = await process.communicate(b"")
    return msgspec.json.decode(out, type=Polls)


async def crowd(target: Target, attack: Attack, clients: int, seconds: float) -> None:
    """Attack again and again from so many clients."""
    deadline = time.monotonic() + seconds

    async def one() -> None:
        while time.monotonic() < deadline:
            with suppress(OSError):
                await attack(target)

    async with asyncio.TaskGroup() as group:
        for _ in range(clients):
            group.create_task(one())


async def silent(target: Target, count: int, seconds: float) -> None:
    """Open connections that say nothing."""
    writers = []
    for _ in range(count):
        with suppress(OSError):
            async with asyncio.timeout(2):
                writers.append((await asyncio.open_connection(target.host, target.port))[1])
    await asyncio.sleep(seconds)
    for writer in writers:
        writer.close()


def say(*cells: object) -> None:
    """Write a row of the table."""
    sys.stdout.write("| " + " | ".join(str(cell) for cell in cells) + " |\n")
    sys.stdout.flush()


async def measure(wanted: list[str], clients: int, seconds: float, root: Path) -> None:
    """Run the attacks one after another, each on a bridge of its own."""
    say("attack", "CPU s, one request", f"slowest poll s, {clients} clients", "failed polls",
        "CPU s", "memory MiB before", "after", "log bytes")  # fmt: skip
    names = [*ATTACKS, "1,100 silent connections"]
    for number, name in enumerate(names):
        if wanted and not any(word in name for word in wanted):
            continue
        rig = Rig(root / str(number))
        rig.directory.mkdir(parents=True)
        rig.downloads.mkdir()
        await rig.sim.start()
        process = BridgeProcess(rig.environ)
        await process.start()
        assert process.pid is not None
        soft = min(NOFILE, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
        resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (soft, soft))
        host, _, port = process.url.removeprefix("http://").partition(":")
        target = Target(host, int(port), process.pid)
        try:
            await attacked(name, target, process, clients, seconds)
        finally:
            await process.kill()
            await rig.sim.stop()


async def attacked(
    name: str, target: Target, process: BridgeProcess, clients: int, seconds: float
) -> None:
    """Measure one attack."""
    await asyncio.sleep(0.5)
    logged, memory, begun = len("\n".join(process.output)), target.memory_mib, target.cpu
    attack = ATTACKS.get(name)
    single: object = "-"
    if attack is not None:
        await under(process.url, lambda: attack(target), at_most=60)
        single = f"{target.cpu - begun:.2f}"
        begun = target.cpu
        polls = await under(
            process.url, lambda: crowd(target, attack, clients, seconds), at_most=seconds + 40
        )
    else:
        polls = await under(process.url, lambda: silent(target, 1100, seconds), at_most=120)
    used = target.cpu - begun
    await asyncio.sleep(0.5)
    bytes_logged = len("\n".join(process.output)) - logged
    say(name, single, f"{polls.slowest:.2f}", f"{polls.failed} of {polls.answered + polls.failed}",
        f"{used:.1f}", f"{memory:.0f}", f"{target.memory_mib:.0f}", bytes_logged)  # fmt: skip


def main() -> None:
    """Read the options and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="words in the names of attacks; all without")
    parser.add_argument("--clients", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--poll", metavar="URL", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.poll:
        poll(given.poll)
        return
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))
    with tempfile.TemporaryDirectory() as root:
        asyncio.run(measure(given.names, given.clients, given.seconds, Path(root)))


if __name__ == "__main__":
    main()
