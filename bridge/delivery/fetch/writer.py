"""What arrives goes to disk, and the checkpoint follows."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from bridge.delivery.blocking import in_thread
from bridge.delivery.delivery_progress import Progress
from bridge.delivery.disk.staging import StagedFile
from bridge.delivery.fetch.fetch_settings import FetchSettings


class Writer:
    """The side of a staged file that the connections see."""

    def __init__(self, file: StagedFile, settings: FetchSettings, progress: Progress) -> None:
        self.file = file
        self._settings = settings
        self._progress = progress
        self._saving = asyncio.Lock()
        self._unsaved = 0
        self._saved_at = time.monotonic()

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Keep the file open; at the end, also of a cancelled one, everything written is saved."""
        try:
            await in_thread(self.file.open)
            yield
        finally:
            try:
                await self._save()
            finally:
                self.file.close()

    async def write(self, offset: int, parts: Sequence[bytes]) -> None:
        """Write a block, count it, and save the checkpoint when it is due."""
        await in_thread(self.file.write, offset, *parts)
        before, size = self.file.done.total, sum(map(len, parts))
        self.file.done.add(offset, offset + size)
        # A cancelled connection may write a block twice.
        self._progress.fetched(self.file.file_id, self.file.done.total - before)
        self._unsaved += size
        if self._due() and not self._saving.locked():
            await self._save()

    async def forget(self) -> None:
        """Begin the file anew."""
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
                self._unsaved = 0
                await in_thread(self.file.save)
                self._saved_at = time.monotonic()
