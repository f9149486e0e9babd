"""The real bridge and the simulated TorBox on loopback, used from outside."""

import asyncio
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp

from bridge.app import Running, bridge
from bridge.config import load
from bridge.core.model import Entry, Failover, Job, Phase, Removal
from bridge.downloads import DownloadService
from bridge.engine import RetryTimes
from bridge.simulator import Behaviour, Content, ContentFile, Scenario, Simulator, make_torrent
from bridge.state import State
from tests.arr_emulator.arr_client import Arr
from tests.arr_emulator.arr_queue import QueueItem, QueueStatus
from tests.arr_emulator.arr_words import ArrSettings
from tests.support.entries import Seen, field_of, with_fields

USERNAME = "admin"
PASSWORD = "a-password-of-the-tests"
API_KEY = "an-api-key-of-the-tests"
PATIENCE = 10.0

BRISK = RetryTimes(
    first=0.1,
    longest=1.0,
    no_slot=0.3,
    bad_key=0.3,
    plan_limit=0.5,
    disk_full=0.3,
    lookup=0.2,
    unclear=0.5,
    id_pending=1.0,
    beside_content=1.0,
    create_again=0.1,
    reuse=0.0,
    metadata=0.5,
    link=1.0,
    failover_recheck=0.3,
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


class JumpingClock:
    """The real time, and so many seconds more."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        """Return unix seconds."""
        return time.time() + self.ahead


class Rig:
    """A bridge that can be stopped and started again on the same files, and its TorBox."""

    def __init__(
        self,
        directory: Path,
        scenario: Scenario | None = None,
        *,
        retry: RetryTimes = BRISK,
        **environ: str,
    ) -> None:
        self.directory = directory
        self._retry = retry
        self.clock: Callable[[], float] = time.time
        """The bridge's, from its next start on."""
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
        broken = self.service.violations if self.running else ()
        await self.stop()
        await self.sim.stop()
        assert not broken, broken

    async def start(self) -> None:
        """Start the bridge on what it left behind."""
        self.running = await self._stack.enter_async_context(
            bridge(
                load(None, self.environ),
                retry=self._retry,
                clock=self.clock,
                reload=lambda: load(None, self.environ),
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
    def service(self) -> DownloadService:
        """The bridge's own service, for what cannot be seen from outside."""
        assert self.running is not None
        return self.running.downloads

    @property
    def state(self) -> State:
        """The bridge's state."""
        assert self.running is not None
        return self.running.state

    @property
    def removals(self) -> list[Job]:
        """The removals that are not done yet."""
        return [job for job in self.state.jobs.values() if isinstance(job.task, Removal)]

    @property
    def failovers(self) -> list[Job]:
        """The reports to an *arr that are not done, and those of the last hour."""
        return [job for job in self.state.jobs.values() if isinstance(job.task, Failover)]

    def entry(self, info_hash: str, category: str | None = None) -> Entry | None:
        """Return the bridge's entry of a hash: for a category, or from the complete list."""
        views = self.service.queries.of_hash(info_hash)
        if category is None:
            return self.service.queries.get(info_hash)
        return next((one for one in views if one.grab.category == category), None)

    def grab_id(self, info_hash: str, category: str | None = None) -> int:
        """Return the id of the grab of a hash that is there; see `entry`."""
        entry = self.entry(info_hash, category)
        assert entry is not None
        return entry.grab.id

    def followed(self, info_hash: str) -> Seen:
        """Return the bridge's entry of an existing hash."""
        entry = self.entry(info_hash)
        assert entry is not None
        return Seen(entry)

    def phase(self, info_hash: str) -> Phase | None:
        """Return where a download stands."""
        entry = self.entry(info_hash)
        return entry.phase if entry else None

    async def alter(self, info_hash: str, **changes: Any) -> None:
        """Give fields of what is there other values, in memory alone."""
        entry = with_fields(self.followed(info_hash).entry, **changes)
        async with self.state.unit_of_work() as work:
            work.observe_download(entry.download)
            work.observe_grab(entry.grab)

    async def put_back(self, info_hash: str, seconds: float, *moments: str) -> None:
        """Let time pass for a download: these fields of it lie so much further back."""
        entry = self.followed(info_hash).entry
        changes = {name: (field_of(entry, name) or 0.0) - seconds for name in moments}
        await self.alter(info_hash, **changes)

    def note(self, info_hash: str) -> str:
        """Return the note of a download."""
        entry = self.entry(info_hash)
        return entry.note if entry else ""

    async def until(self, holds: Callable[[], bool], *, within: float = PATIENCE) -> None:
        """Wait until something holds."""
        deadline = time.monotonic() + within
        while not holds():
            assert time.monotonic() < deadline, "it did not come to hold in time"
            await asyncio.sleep(0.02)

    async def reaches(self, info_hash: str, *phases: Phase, within: float = PATIENCE) -> Seen:
        """Wait until the download is in one of the phases."""

        def there() -> bool:
            return self.phase(info_hash) in phases

        try:
            await self.until(there, within=within)
        except AssertionError:
            raise AssertionError(f"stays at {self.entry(info_hash)}") from None
        return self.followed(info_hash)

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
        """Return the bridge something with the API key."""
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


def film(name: str = "Film", *, size: int = 100_000, is_cached: bool = False) -> Content:
    """A film with a .torrent, cached at TorBox or not."""
    return cached(make_torrent(name, [ContentFile(f"{name}.mkv", size)]), is_cached=is_cached)


def cached(content: Content, *, is_cached: bool = True) -> Content:
    """The same content, cached at TorBox or not."""
    fields = {name: getattr(content, name) for name in content.__struct_fields__}
    return Content(**fields | {"cached": is_cached})
