"""The qBittorrent API on a real socket, with a real state and database, but without an engine.

Nothing changes on its own: a test sets the phase of a download.
"""

import hashlib
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import bencode2
from aiohttp import web

from bridge.auth import Access, hash_password
from bridge.config import Network, PathSettings, Settings
from bridge.core.model import DeliveredFile, Phase
from bridge.delivery import Modes, NoDelivery
from bridge.downloads import DownloadService, View
from bridge.engine import Engine, EngineContext, LinkBooks
from bridge.logs import RecentLogs
from bridge.qbittorrent import PROFILES, add_api, add_security_headers
from bridge.state import Database, State
from bridge.torbox import ApiKey, Budgets, TorBox
from bridge.web import add_page
from bridge.web.http_server import BoundedRunner, bound_request
from tests.support.entries import with_fields

USERNAME, PASSWORD, API_KEY = "admin", "pass word+ü", "a-key-of-the-user"
HASHED = hash_password(PASSWORD)


class Clock:
    """The clock of the API, which a test may stop and set."""

    def __init__(self) -> None:
        self.at: float | None = None

    def __call__(self) -> float:
        """Return the time: the real one, unless it was set."""
        return time.time() if self.at is None else self.at


@dataclass(frozen=True, slots=True)
class Face:
    """The API on a socket."""

    url: str
    settings: Settings
    state: State
    downloads: DownloadService
    clock: Clock
    logs: RecentLogs
    ctx: EngineContext

    def view(self, info_hash: str) -> View:
        """Find a download that must be there."""
        view = self.downloads.queries.get(info_hash)
        assert view is not None
        return view

    async def put(self, info_hash: str, **fields: Any) -> None:
        """Change fields of a download."""
        after = with_fields(self.view(info_hash), **fields)
        async with self.state.unit_of_work() as work:
            work.update_download(after.download.id, lambda _: after.download)
            work.update_grab(after.grab.id, lambda _: after.grab)

    async def plan(self, info_hash: str, files: Sequence[DeliveredFile]) -> None:
        """Give a download these files."""
        async with self.state.unit_of_work() as work:
            work.put_files(self.view(info_hash).grab.id, files)

    async def finish(self, info_hash: str, name: str = "Show.S01", **fields: Any) -> Path:
        """Make a download look delivered and done; answers its content, which is on disk."""
        content = Path(self.view(info_hash).grab.save_path) / name
        content.mkdir(parents=True)
        (content / "e01.mkv").write_bytes(b"video")
        file = DeliveredFile(
            file_id=1, remote_name="e01.mkv", size=5, path=f"{name}/e01.mkv", done=True
        )
        done: dict[str, Any] = {
            "phase": Phase.FINISHED,
            "content_name": name,
            "content_is_folder": True,
            "completed_at": self.clock(),
        }
        await self.put(info_hash, **(done | fields))
        await self.plan(info_hash, [file])
        return content


@asynccontextmanager
async def serve_face(
    root: Path,
    *,
    base: str = "",
    profile: str = "4.6",
    trusted_proxies: Sequence[Network] = (),
    csrf_protection: bool = True,
    exempt_networks: Sequence[Network] = (),
) -> AsyncIterator[Face]:
    """Serve the API below `base` on a free port, with database and downloads below `root`."""
    clock, logs = Clock(), RecentLogs()
    paths = PathSettings(database=root / "bridge.db", downloads=root / "downloads")
    settings = Settings(paths=paths)
    settings.paths.downloads.mkdir(parents=True, exist_ok=True)
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(Database(settings.paths.database))
        session = await stack.enter_async_context(aiohttp.ClientSession())
        torbox = TorBox(
            session, base_url="http://127.0.0.1:1", api_key="none", timeout=1, budgets=Budgets()
        )
        state = State(database, clock)
        await state.load()
        ctx = EngineContext(
            state=state,
            torbox=torbox,
            deliveries=Modes({"download": NoDelivery()}),
            settings=settings,
            clock=clock,
            link_books=LinkBooks(torbox, clock),
            key=ApiKey("none"),
        )
        engine = Engine(ctx)
        stack.push_async_callback(engine.close)
        downloads = DownloadService(ctx, engine)
        access = Access(
            username=USERNAME,
            password_hash=HASHED,
            api_key=API_KEY,
            clock=clock,
            trusted_proxies=trusted_proxies,
            csrf_protection=csrf_protection,
            exempt_networks=exempt_networks,
        )
        app = web.Application(middlewares=[bound_request])
        add_api(app, base, downloads, access, profile=PROFILES[profile], clock=clock, logs=logs)
        app.on_response_prepare.append(add_security_headers)
        add_page(app, base)
        runner = BoundedRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}{base}"
        yield Face(url, settings, state, downloads, clock, logs, ctx)


def is_directory(path: str) -> bool:
    """Return whether it is the absolute path of a directory that exists."""
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
