"""Starts a real qBittorrent, kept to the loopback interface and to a directory of its own."""

import asyncio
import base64
import hashlib
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import aiohttp

from tests.differential.player import Place

PROGRAM: Final = "qbittorrent-nox"
VERSION: Final = "v4.5.2"
START_SECONDS: Final = 15.0
REFRESH_MILLISECONDS: Final = 100
"""How often it looks after its torrents; 1500 unless told."""

CONFIGURATION: Final = r"""[LegalNotice]
Accepted=true

[BitTorrent]
Session\AddExtensionToIncompleteFiles=false
Session\DHTEnabled=false
Session\DefaultSavePath={downloads}
Session\Interface=lo
Session\InterfaceAddress=127.0.0.1
Session\LSDEnabled=false
Session\PeXEnabled=false
Session\Port={peer_port}
Session\QueueingSystemEnabled=true
Session\RefreshInterval={refresh}

[Network]
PortForwardingEnabled=false

[Preferences]
Connection\ResolvePeerCountries=false
General\Locale=en
WebUI\Address=127.0.0.1
WebUI\LocalHostAuth=true
WebUI\Password_PBKDF2="@ByteArray({password})"
WebUI\Port={port}
WebUI\UseUPnP=false
WebUI\Username={username}
"""


def missing() -> str:
    """Tell why there is none to compare with; "" when there is."""
    found = shutil.which(PROGRAM)
    if found is None:
        return f"{PROGRAM} is not installed (Debian 12: apt-get install {PROGRAM})"
    told = subprocess.run(
        [found, "--version"], capture_output=True, text=True, check=True, timeout=10
    ).stdout
    return "" if VERSION in told else f"{told.strip()} is here; the table is about {VERSION}"


@asynccontextmanager
async def real_qbittorrent(
    root: Path, username: str, password: str, *, refresh: int = REFRESH_MILLISECONDS
) -> AsyncIterator[Place]:
    """Run a qBittorrent that was never used before, until the end of the block.

    `refresh` is how often it looks after its torrents, in milliseconds.
    """
    port = free_port()
    downloads = root / "downloads"
    place = Place(f"http://127.0.0.1:{port}", downloads, username, password)
    write_profile(root, place, port, refresh)
    # It searches with the Python that it finds: this one, and not whatever else is here.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.defpath}"
    environ = {"HOME": str(root), "PATH": path, "LC_ALL": "C.UTF-8"}
    process = await asyncio.create_subprocess_exec(
        shutil.which(PROGRAM) or PROGRAM,
        f"--profile={root}",
        env=environ,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        await _until_it_answers(place, process)
        yield place
    finally:
        if process.returncode is None:
            process.kill()  # nothing it holds is needed again
        await process.wait()


def write_profile(root: Path, place: Place, port: int, refresh: int) -> None:
    """Write the configuration of a fresh qBittorrent below `root`."""
    place.downloads.mkdir(parents=True)
    configuration = root / "qBittorrent" / "config" / "qBittorrent.conf"
    configuration.parent.mkdir(parents=True)
    configuration.write_text(
        CONFIGURATION.format(
            downloads=place.downloads,
            peer_port=free_port(),
            password=hashed(place.password),
            port=port,
            refresh=refresh,
            username=place.username,
        ),
        encoding="utf-8",
    )


def hashed(password: str) -> str:
    """Hash a password as qBittorrent keeps it: salt and PBKDF2, both in base64."""
    salt = os.urandom(16)
    key = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, 100_000)
    return f"{base64.b64encode(salt).decode()}:{base64.b64encode(key).decode()}"


def free_port() -> int:
    """Find a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def _until_it_answers(place: Place, process: asyncio.subprocess.Process) -> None:
    deadline = time.monotonic() + START_SECONDS
    async with aiohttp.ClientSession() as session:
        while time.monotonic() < deadline:
            assert process.returncode is None, f"{PROGRAM} ended with {process.returncode}"
            try:
                async with session.get(f"{place.url}/api/v2/app/version") as response:
                    assert response.status == 403
                    return
            except aiohttp.ClientConnectionError:
                await asyncio.sleep(0.05)
    raise AssertionError(f"{PROGRAM} did not answer within {START_SECONDS} s")
