"""The real bridge and the simulated TorBox, on loopback, to be used from outside."""

import asyncio
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp

from bridge.app import Running, bridge
from bridge.config import load
from bridge.core.model import Download, Phase
from bridge.downloads import Downloads
from bridge.engine import Ledger, Pace
from bridge.simulator import Behaviour, Content, ContentFile, Scenario, Simulator, make_torrent
from tests.arr_emulator.arr_client import Arr
from tests.arr_emulator.arr_queue import QueueItem, QueueStatus
from tests.arr_emulator.arr_words import ArrSettings

USERNAME = "admin"
PASSWORD = "a-password-of-the-tests"
API_KEY = "an-api-key-of-the-tests"
PATIENCE = 10.0

BRISK = Pace(
    first=0.1,
    longest=1.0,
    slot=0.3,
    user=0.3,
    plan=0.5,
    space=0.3,
    lookup=0.2,
    unclear=0.5,
    promised=1.0,
    metadata=0.5,
    link=1.0,
    told=0.3,
)
"""Retries that a test can wait for."""


def quick() -> Behaviour:
    """A TorBox that a test can wait for."""
    return Behaviour(
        download_bytes_per_second=50e6,
        metadata_seconds=0.1,
        store_seconds=0.1,
        promotion_gap_seconds=0,
    )


class Rig:
    """A bridge that can be stopped and started again on the same files, and its TorBox."""

    def __init__(
        self,
        directory: Path,
        scenario: Scenario | None = None,
        *,
        pace: Pace = BRISK,
        **environ: str,
    ) -> None:
        self.directory = directory
        self._pace = pace
        self.sim = Simulator(scenario or Scenario(behaviour=quick()))
        self.running: Running | None = None
        self._more = environ
        self._stack = AsyncExitStack()

    @property
    def downloads(self) -> Path:
        """The directory `paths.downloads`."""
        return self.directory / "downloads"

    @property
    def url(self) -> str:
        """Where the bridge listens."""
        assert self.running is not None
        return self.running.url

    @property
    def environ(self) -> dict[str, str]:
        """The settings, as environment variables."""
        return {
            "BRIDGE_SERVER__HOST": "127.0.0.1",
            "BRIDGE_SERVER__PORT": "0",
            "BRIDGE_SERVER__USERNAME": USERNAME,
            "BRIDGE_SERVER__PASSWORD": PASSWORD,
            "BRIDGE_SERVER__API_KEY": API_KEY,
            "BRIDGE_TORBOX__API_KEY": self.sim.key,
            "BRIDGE_TORBOX__BASE_URL": self.sim.url,
            "BRIDGE_TORBOX__POLL_SECONDS__ACTIVE": "1",
            "BRIDGE_TORBOX__POLL_SECONDS__IDLE": "2",
            "BRIDGE_TORBOX__TIMEOUT_SECONDS": "5",
            "BRIDGE_PATHS__DATABASE": str(self.directory / "bridge.db"),
            "BRIDGE_PATHS__DOWNLOADS": str(self.downloads),
            "BRIDGE_DELIVERY__MIN_FREE_BYTES": "0",
            **self._more,
        }

    def change(self, **environ: str) -> None:
        """Change settings for the next start."""
        self._more |= environ

    async def open(self) -> None:
        """Start both."""
        self.downloads.mkdir(exist_ok=True)
        await self.sim.start()
        await self.start()

    async def close(self) -> None:
        """Stop both; what must hold at every moment has to hold now."""
        broken = self.held.violations if self.running else ()
        await self.stop()
        await self.sim.stop()
        assert not broken, broken

    async def start(self) -> None:
        """Start the bridge on what it left behind."""
        self.running = await self._stack.enter_async_context(
            bridge(
                load(None, self.environ), pace=self._pace, reload=lambda: load(None, self.environ)
            )
        )

    async def restart(self) -> None:
        """Stop the bridge, and start it on what it left behind."""
        await self.stop()
        await self.start()

    async def stop(self) -> None:
        """Stop the bridge in good order."""
        self.running = None
        await self._stack.aclose()

    def arr(self, app: str = "sonarr", settings: ArrSettings | None = None) -> Arr:
        """An *arr that has the bridge as its download client."""
        return Arr(app, self.url, USERNAME, PASSWORD, settings=settings)

    def arr_at(self, url: str, password: str) -> Arr:
        """A Sonarr that has the bridge at this address as its download client."""
        return Arr("sonarr", url, USERNAME, password)

    @property
    def held(self) -> Downloads:
        """The bridge's own downloads, for what cannot be seen from outside."""
        assert self.running is not None
        return self.running.downloads

    @property
    def ledger(self) -> Ledger:
        """The bridge's ledger."""
        assert self.running is not None
        return self.running.ledger

    def download(self, info_hash: str) -> Download | None:
        """What the bridge holds of a download."""
        return self.ledger.downloads.get(info_hash)

    def followed(self, info_hash: str) -> Download:
        """What the bridge holds of a download that is there."""
        download = self.download(info_hash)
        assert download is not None
        return download

    def phase(self, info_hash: str) -> Phase | None:
        """Tell where a download stands."""
        download = self.download(info_hash)
        return download.phase if download else None

    def put_back(self, info_hash: str, seconds: float, *moments: str) -> None:
        """Let time pass for a download: these fields of it lie so much further back."""

        def change(latest: Download) -> Download:
            fields: dict[str, Any] = {
                name: (getattr(latest, name) or 0.0) - seconds for name in moments
            }
            return replace(latest, **fields)

        self.ledger.note(info_hash, change)

    def note(self, info_hash: str) -> str:
        """What stands in the way of a download."""
        download = self.download(info_hash)
        return download.note if download else ""

    async def until(self, holds: Callable[[], bool], *, within: float = PATIENCE) -> None:
        """Wait until something holds."""
        deadline = time.monotonic() + within
        while not holds():
            assert time.monotonic() < deadline, "it did not come to hold in time"
            await asyncio.sleep(0.02)

    async def reaches(self, info_hash: str, *phases: Phase, within: float = PATIENCE) -> Download:
        """Wait until the download is in one of the phases."""

        def there() -> bool:
            download = self.download(info_hash)
            return download is not None and download.phase in phases

        try:
            await self.until(there, within=within)
        except AssertionError:
            raise AssertionError(f"stays at {self.download(info_hash)}") from None
        download = self.download(info_hash)
        assert download is not None
        return download

    async def completed(self, arr: Arr, download_id: str, *, within: float = PATIENCE) -> QueueItem:
        """Poll as an *arr does until the download may be imported."""
        deadline = time.monotonic() + within
        while True:
            items = [item for item in await arr.poll() if item.download_id == download_id]
            assert items, "it is not in the queue"
            if items[0].status is QueueStatus.COMPLETED:
                return items[0]
            assert time.monotonic() < deadline, f"not completed: {items[0]}"
            await asyncio.sleep(0.1)

    def compare(self, content: Content, output_path: str) -> None:
        """Check that what lies at the path is the content, byte for byte."""
        root = Path(output_path)
        for file in content.files:
            path = root if root.is_file() else root / file.path
            assert path.read_bytes() == content.read(file, 0, file.size), path

    async def download_bytes(self, url: str) -> bytes:
        """Fetch something with the API key."""
        headers = {"Authorization": f"Bearer {API_KEY}"}
        async with (
            aiohttp.ClientSession(headers=headers) as session,
            session.get(url) as answer,
        ):
            return await answer.read()

    async def get(self, path: str) -> tuple[int, str]:
        """Ask the bridge with the API key; answers status and text."""
        headers = {"Authorization": f"Bearer {API_KEY}"}
        async with (
            aiohttp.ClientSession(headers=headers) as session,
            session.get(self.url + path) as answer,
        ):
            return answer.status, await answer.text()

    async def post(self, path: str, **form: str) -> None:
        """Tell the bridge something with the API key."""
        headers = {"Authorization": f"Bearer {API_KEY}"}
        async with (
            aiohttp.ClientSession(headers=headers) as session,
            session.post(self.url + path, data=form) as answer,
        ):
            assert answer.status == 200, await answer.text()


def pack(name: str = "Show.S01.1080p-GRP", *, episodes: int = 3, size: int = 200_000) -> Content:
    """A season pack with a .torrent, cached at TorBox."""
    files = [ContentFile(f"{name}.E{number:02}.mkv", size) for number in range(1, episodes + 1)]
    return cached(make_torrent(name, files, trackers=["http://tracker.invalid/announce"]))


def cached(content: Content, *, is_cached: bool = True) -> Content:
    """The same content, cached at TorBox or not."""
    fields = {name: getattr(content, name) for name in content.__struct_fields__}
    return Content(**fields | {"cached": is_cached})
