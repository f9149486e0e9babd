"""Writing fetched bytes to disk and keeping the checkpoint up to date."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from bridge.delivery.blocking import in_thread
from bridge.delivery.delivery_progress import Progress
from bridge.delivery.disk.staging import StagedFile
from bridge.delivery.fetch.fetch_settings import FetchSettings


class Writer:
    """Writes the blocks of all connections of a file."""

    def __init__(self, file: StagedFile, settings: FetchSettings, progress: Progress) -> None:
        self.file = file
        self._settings = settings
        self._progress = progress
        self._saving = asyncio.Lock()
        self._unsaved = 0
        self._saved_at = time.monotonic()

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Keep the file open. At the end, also after a cancellation, save everything written."""
        try:
            await in_thread(self.file.open)
            yield
        finally:
            # A checkpoint that cannot be written must not leave the file open.
            try:
                await self._save()
            finally:
                self.file.close()

    async def write(self, offset: int, parts: Sequence[bytes]) -> None:
        """Write a block, count it, and save the checkpoint when it is due."""
        await in_thread(self.file.write, offset, *parts)
        before, size = self.file.done.total, sum(map(len, parts))
        self.file.done.add(offset, offset + size)
        # Counted by what is new: a connection that was cancelled may have written this block before.
        self._progress.fetched(self.file.file_id, self.file.done.total - before)
        self._unsaved += size
        # Only one connection saves; the others need not wait for its fsync.
        if self._due() and not self._saving.locked():
            await self._save()

    async def forget(self) -> None:
        """Forget every byte of the file."""
        await in_thread(self.file.reset)
        self._progress.at(self.file.file_id, 0)

    def _due(self) -> bool:
        return (
            self._unsaved >= self._settings.checkpoint_bytes
            or time.monotonic() - self._saved_at >= self._settings.checkpoint_every
        )

    async def _save(self) -> None:
        async with self._saving:
            if self._unsaved:
                # Before the save: bytes that arrive during the fsync are not part of it.
                self._unsaved = 0
                await in_thread(self.file.save)
                self._saved_at = time.monotonic()
