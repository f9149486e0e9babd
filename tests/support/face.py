"""The qBittorrent face on a real socket, with real downloads and a real database, and no engine.

Nothing moves by itself: a test says what phase a download is in.
"""

import hashlib
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import aiohttp
import bencode2
from aiohttp import web

from bridge.auth import Access, hash_password
from bridge.config import PathSettings, Settings
from bridge.config.units import Network
from bridge.core.model import DeliveredFile, Phase
from bridge.delivery import Modes, NoDelivery
from bridge.downloads import Downloads, View
from bridge.engine import Engine, Ledger, Links, Services
from bridge.logs import RecentLogs
from bridge.qbittorrent import PREFIX, PROFILES, add_security_headers, create_api
from bridge.store import Store
from bridge.torbox import ApiKey, Budgets, TorBox
from bridge.web import add_page
from bridge.web.http_server import BoundedRunner, bound_request

USERNAME, PASSWORD, API_KEY = "admin", "pass word+ü", "a-key-of-the-user"
HASHED = hash_password(PASSWORD)


class Clock:
    """The face's clock, which a test may stop and set."""

    def __init__(self) -> None:
        self.at: float | None = None

    def __call__(self) -> float:
        """Tell the time: the real one, unless it was set."""
        return time.time() if self.at is None else self.at


@dataclass(frozen=True, slots=True)
class Face:
    """A face that serves."""

    url: str
    settings: Settings
    ledger: Ledger
    downloads: Downloads
    clock: Clock
    logs: RecentLogs

    def view(self, info_hash: str) -> View:
        """Find a download that must be there."""
        view = self.downloads.get(info_hash)
        assert view is not None
        return view

    async def put(self, info_hash: str, **fields: Any) -> None:
        """Change fields of a download."""
        await self.ledger.change(info_hash, lambda download: replace(download, **fields))

    async def finish(self, info_hash: str, name: str = "Show.S01", **fields: Any) -> Path:
        """Make a download look delivered and done; answers its content, which is on disk."""
        content = Path(self.view(info_hash).download.save_path) / name
        content.mkdir(parents=True)
        (content / "e01.mkv").write_bytes(b"video")
        file = DeliveredFile(
            hash=info_hash,
            file_id=1,
            remote_name="e01.mkv",
            size=5,
            path=f"{name}/e01.mkv",
            done=True,
        )
        done: dict[str, Any] = {
            "phase": Phase.FINISHED,
            "content_name": name,
            "completed_at": self.clock(),
        }
        await self.ledger.change(
            info_hash, lambda download: replace(download, **(done | fields)), files=[file]
        )
        return content


@asynccontextmanager
async def serve_face(
    root: Path,
    *,
    base: str = "",
    profile: str = "4.6",
    trusted_proxies: Sequence[Network] = (),
    exempt_networks: Sequence[Network] = (),
    csrf_protection: bool = True,
) -> AsyncIterator[Face]:
    """Serve the face below `base` on a free port, with its database and downloads below `root`."""
    clock, logs = Clock(), RecentLogs()
    paths = PathSettings(database=root / "bridge.db", downloads=root / "downloads")
    settings = Settings(paths=paths)
    settings.paths.downloads.mkdir(parents=True, exist_ok=True)
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(Store(settings.paths.database))
        session = await stack.enter_async_context(aiohttp.ClientSession())
        torbox = TorBox(
            session, base_url="http://127.0.0.1:1", api_key="none", timeout=1, budgets=Budgets()
        )
        ledger = Ledger(store, clock)
        await ledger.load()
        services = Services(
            ledger=ledger,
            torbox=torbox,
            deliveries=Modes({"download": NoDelivery()}),
            settings=settings,
            clock=clock,
            links=Links(torbox, clock),
            key=ApiKey("none"),
        )
        downloads = Downloads(services, Engine(services))
        access = Access(
            username=USERNAME,
            password_hash=HASHED,
            api_key=API_KEY,
            clock=clock,
            trusted_proxies=trusted_proxies,
            exempt_networks=exempt_networks,
            csrf_protection=csrf_protection,
        )
        app = web.Application(middlewares=[bound_request])
        api = create_api(downloads, access, profile=PROFILES[profile], clock=clock, logs=logs)
        app.add_subapp(base + PREFIX, api)
        app.on_response_prepare.append(add_security_headers)
        add_page(app, base)
        runner = BoundedRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}{base}"
        yield Face(url, settings, ledger, downloads, clock, logs)


def is_directory(path: str) -> bool:
    """Tell whether it is the absolute path of a directory that exists."""
    return Path(path).is_absolute() and Path(path).is_dir()


def make_torrent(
    name: str,
    size: int = 1000,
    *,
    padding: int = 0,
    tiers: Sequence[Sequence[bytes]] = (),
) -> tuple[bytes, str]:
    """Make a .torrent of one file, and tell its info-hash. `padding` adds bytes beside the info."""
    info = {
        b"length": size,
        b"name": name.encode(),
        b"piece length": 16384,
        b"pieces": b"\0" * 20 * -(-size // 16384),
    }
    encoded = bencode2.bencode(info)
    more = {b"announce-list": [list(tier) for tier in tiers]} if tiers else {}
    whole = {b"comment": b"x" * padding, b"info": info, **more}
    return bencode2.bencode(whole), hashlib.sha1(encoded, usedforsecurity=False).hexdigest()


def magnet(info_hash: str, name: str = "Show S01", *, trackers: int = 1) -> str:
    """Write a magnet; each tracker adds about 60 bytes."""
    listed = "".join(
        f"&tr=http%3A%2F%2Ftracker{number}.example%3A80%2Fannounce%2Fabcdef0123456789"
        for number in range(trackers)
    )
    return f"magnet:?xt=urn:btih:{info_hash}&dn={name.replace(' ', '+')}{listed}"
