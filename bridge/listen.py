"""Takes the addresses that the bridge listens on, and the lock on its database."""

import asyncio
import errno
import fcntl
import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import structlog
from aiohttp import web

log = structlog.get_logger(__name__)

ANY_IPV4: Final = "0.0.0.0"
ANY_IPV6: Final = "::"
BACKLOG: Final = 100
"""asyncio accepts up to so many connections before any of them can be refused."""


class CannotStart(Exception):
    """The bridge cannot run as it is set up. Each problem says what to do."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


async def start_sites(runner: web.AppRunner, hosts: Sequence[str], port: int) -> None:
    """Serve on every address. Port 0 takes a free one, the same for all addresses.

    `::` also takes IPv4 connections where the system can do both, unless `0.0.0.0` is listed too.

    Raises:
        CannotStart: an address cannot be used.
    """
    opened: list[socket.socket] = []
    host = ""
    try:
        for host in dict.fromkeys(hosts):
            for family, address in await _resolve(host):
                both = host == ANY_IPV6 and ANY_IPV4 not in hosts
                opened.append(_open(family, address, port, both=both))
                port = opened[-1].getsockname()[1]
    except OSError as error:
        for one in opened:
            one.close()
        raise CannotStart([_problem(host, port, error)]) from error
    for one in opened:
        await web.SockSite(runner, one, backlog=BACKLOG).start()


async def _resolve(host: str) -> list[tuple[socket.AddressFamily, str]]:
    """Return the addresses of a host; `localhost` has two on most systems."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    return list(dict.fromkeys((family, str(address[0])) for family, _, _, _, address in found))


def _open(family: socket.AddressFamily, address: str, port: int, *, both: bool) -> socket.socket:
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            only = not (both and socket.has_dualstack_ipv6())
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, only)
        made.bind((address, port))
        made.setblocking(False)
    except BaseException:
        made.close()
        raise
    return made


def _problem(host: str, port: int, error: OSError) -> str:
    where = f"{_bracketed(host)}:{port}"
    if error.errno == errno.EADDRINUSE:
        return f"cannot listen on {where}: another program listens there. Set server.port."
    key = "server.port" if error.errno == errno.EACCES else "server.host"
    return f"cannot listen on {where}: {error.strerror or error}. Set {key}."


def base_url(address: Any) -> str:
    """Return the URL of an address that a server listens on, without a trailing slash."""
    host, port = address[:2]
    return f"http://{_bracketed(str(host))}:{port}"


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


@contextmanager
def only_bridge_on(database: Path) -> Iterator[None]:
    """Hold the lock of a database while the `with` lasts.

    The kernel holds the lock on a file next to the database. It ends with the process, however the
    process dies, and every container on the machine sees it.

    Raises:
        CannotStart: another bridge runs on this database.
    """
    path = database.with_name(f"{database.name}.lock")
    try:
        # At the first start the directory may be missing.
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        # Opening the database will report what is wrong with the directory.
        log.warning("database_not_locked", path=str(path), why=str(error))
        yield
        return
    try:
        _lock(handle, path, database)
        yield
    finally:
        os.close(handle)


def _lock(handle: int, path: Path, database: Path) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        problem = (
            f"another bridge is running on the database {database}."
            " Stop it first, or give this one its own paths.database"
        )
        raise CannotStart([problem]) from None
    except OSError as error:
        # A file system without locks, as some network shares are.
        log.warning("database_not_locked", path=str(path), why=str(error))
