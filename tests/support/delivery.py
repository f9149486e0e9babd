"""A download delivery on real directories, in front of a hostile CDN."""

import asyncio
import hashlib
import random
from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import aiohttp

from bridge.delivery.delivery_progress import Progress
from bridge.delivery.fetch.fetch_settings import KIB, FetchSettings
from bridge.delivery.interface import DeliveryRequest, RequestedFile
from bridge.delivery.modes.download_mode import DownloadDelivery
from tests.support.cdn import Cdn

T = TypeVar("T")

HASH = "c" * 40

FAST = FetchSettings(
    min_free_bytes=0,
    connections_per_file=4,
    tune_every=0.05,
    split_above=256 * KIB,
    segment=64 * KIB,
    block=16 * KIB,
    flush_every=0.05,
    connect_timeout=2.0,
    idle_timeout=0.15,
    attempts=5,
    backoff=0.005,
    backoff_cap=0.02,
    retry_after_cap=0.2,
    regroup_after=0.01,
    checkpoint_bytes=64 * KIB,
    turn=0.02,
)


def some_bytes(size: int, seed: int = 0) -> bytes:
    """Bytes that look like nothing in particular, the same for the same seed."""
    return random.Random(seed).randbytes(size)


async def until(condition: Callable[[], object]) -> None:
    """Wait until something holds, a few seconds at most."""
    for _ in range(1000):
        if condition():
            return
        await asyncio.sleep(0.003)
    raise AssertionError("it never came to be")


def begin(work: Coroutine[object, object, T]) -> asyncio.Task[T]:
    """Start something beside the test."""
    return asyncio.get_running_loop().create_task(work)


def digest(path: Path) -> str:
    """SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def below(top: Path) -> set[str]:
    """Everything below a directory."""
    return {str(path.relative_to(top)) for path in top.rglob("*")}


def open_files(directory: Path) -> list[str]:
    """What this process has open below a directory."""
    found = []
    for fd in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):
            found.append(str(fd.readlink()))
    return [path for path in found if path.startswith(f"{directory}/")]


class Room:
    """A delivery with its directories, its CDN and one download."""

    def __init__(self, top: Path, cdn: Cdn, session: aiohttp.ClientSession) -> None:
        self.cdn = cdn
        self.session = session
        self.downloads = top / "downloads"
        self.incomplete = self.downloads / ".incomplete"
        self.save_path = self.downloads / "tv"
        self.staging = self.incomplete / HASH
        self.progress = Progress()
        self.delivery = self.build()

    def build(self, settings: FetchSettings = FAST) -> DownloadDelivery:
        """Make a new delivery on the same directories, as after a restart."""
        return DownloadDelivery(incomplete=self.incomplete, session=self.session, settings=settings)

    def request(
        self, *paths: str, content_name: str = "", info_hash: str = HASH
    ) -> DeliveryRequest:
        """Order what the CDN serves, under these paths, by file id from 0 on."""
        files = tuple(
            RequestedFile(
                file_id=file_id,
                remote_name=path,
                size=len(self.cdn.files[file_id].data),
                path=path,
            )
            for file_id, path in enumerate(paths)
        )
        name = content_name or paths[0].split("/")[0]
        return DeliveryRequest(
            info_hash=info_hash, save_path=self.save_path, content_name=name, files=files
        )

    async def deliver(self, request: DeliveryRequest) -> None:
        """Deliver with links of the CDN."""
        await self.delivery.deliver(request, self.cdn, self.progress)

    def same(self, request: DeliveryRequest) -> bool:
        """Whether every file of the order is at its place and is what the CDN serves."""
        return all(
            digest(request.save_path / file.path) == self.cdn.files[file.file_id].digest
            for file in request.files
        )
