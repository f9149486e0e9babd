"""TorBox and the disk, for requests of clients that wait. Every call has a time limit."""

import asyncio
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import structlog

from bridge.core.model import Download, RemoteItem
from bridge.delivery.disk.disk_errors import free_bytes
from bridge.engine.context import EngineContext
from bridge.torbox import Operation, TorBoxError

log = structlog.get_logger(__name__)

KEEP_SECONDS = 5.0
WAIT_SECONDS = 1.0
"""A network disk that hangs must not delay a poll."""


class FreeSpace:
    """The free bytes below one directory, some seconds old."""

    def __init__(
        self,
        directory: Path,
        clock: Callable[[], float] = time.monotonic,
        *,
        measure: Callable[[Path], int] = free_bytes,
        wait_seconds: float = WAIT_SECONDS,
    ) -> None:
        self._directory = directory
        self._clock = clock
        self._measure = measure
        self._wait_seconds = wait_seconds
        self._known = 0
        self._asked_at: float | None = None
        self._question: asyncio.Future[int] | None = None

    async def bytes(self) -> int:
        """Return the free bytes: the last figure while the disk does not answer, at first 0."""
        if self._question is None and self._due():
            self._asked_at = self._clock()
            loop = asyncio.get_running_loop()
            self._question = loop.run_in_executor(None, self._measure, self._directory)
        if self._question is not None:
            await asyncio.wait({self._question}, timeout=self._wait_seconds)
            self._take()
        return self._known

    def _due(self) -> bool:
        return self._asked_at is None or self._clock() - self._asked_at >= KEEP_SECONDS

    def _take(self) -> None:
        if self._question is None or not self._question.done():
            return
        try:
            self._known = self._question.result()
        except OSError as error:
            log.warning("free_space_unknown", directory=str(self._directory), error=str(error))
        self._question = None


CACHED_CHECK_SECONDS = 3.0
"""Maximum seconds that an add waits for TorBox's cached check."""


class TorBoxSilent(Exception):
    """TorBox gave no answer; the text says why."""


class Outside:
    """The calls to TorBox and the disk that the service makes while a client waits."""

    def __init__(self, ctx: EngineContext) -> None:
        self._ctx = ctx
        self.space = FreeSpace(ctx.settings.paths.downloads)
        """Of the download disk."""

    async def is_uncached(self, info_hash: str) -> bool:
        """Return whether TorBox says, within the time an *arr can wait, that it has not cached it.

        False without an answer in time.
        """
        try:
            async with asyncio.timeout(CACHED_CHECK_SECONDS):
                cached = await self._ctx.torbox.cached([info_hash])
        except (TimeoutError, TorBoxError) as error:
            log.info("cached_check_failed", hash=info_hash, why=str(error) or "no answer in time")
            return False
        return info_hash not in cached

    async def account_items(self) -> Sequence[RemoteItem]:
        """Return the items on the account, without those that were deleted a moment ago.

        Raises:
            TorBoxSilent: TorBox gave no answer.
        """
        try:
            listed = await self._ctx.torbox.list_items()
        except TorBoxError as error:
            raise TorBoxSilent(str(error)) from error
        return self._ctx.state.recently_removed.without_deleted(listed, self._ctx.clock())

    async def torrent(self, download: Download) -> bytes | None:
        """Return the .torrent that a client sent, or TorBox's; None when neither has one."""
        data = await self._ctx.state.database.torrent(download.id)
        if data is not None or download.torrent_id is None:
            return data
        try:
            return await self._ctx.torbox.export(download.torrent_id)
        except TorBoxError as error:
            log.info("not_exported", release=download.name, hash=download.hash, why=str(error))
            return None

    async def control(self, download: Download, operation: Operation) -> bool:
        """Send an operation on an item to TorBox; return whether it succeeded."""
        if download.torrent_id is None:
            return False
        try:
            await self._ctx.torbox.control(download.torrent_id, operation)
        except TorBoxError as error:
            log.info("torbox_refused", operation=operation, release=download.name, why=str(error))
            return False
        return True

    async def make_directory(self, path: Path) -> str:
        """Create a directory; return the error text, or an empty text on success."""
        try:
            await asyncio.to_thread(path.mkdir, parents=True, exist_ok=True)
        except OSError as error:
            return str(error)
        return ""


def make_writable(path: Path) -> str | None:
    """Create a directory; return the reason in qBittorrent's words if that fails. Blocks."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        log.info("location_refused", why=str(error))
        return "Cannot make save path"
    return None if os.access(path, os.W_OK | os.X_OK) else "Cannot write to directory"
