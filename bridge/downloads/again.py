"""Verifying what is on disk, and delivering once more what is gone from it."""

from collections.abc import Iterable
from dataclasses import replace

import structlog

from bridge.core.actions import Look
from bridge.core.follow import anew
from bridge.core.model import Download, Phase
from bridge.core.modes import FETCHING
from bridge.delivery import DeliveryError
from bridge.delivery.disk.moving import missing_files, reclaim
from bridge.downloads.queue import Queue
from bridge.engine.requests import request_of
from bridge.engine.watch import look
from bridge.torbox import Operation, TorBoxError

log = structlog.get_logger()

FILES = "download"
"""The delivery mode that puts the files themselves on disk."""
NOTHING = "none"
"""The mode that puts nothing there."""


class Again(Queue):
    """Checks, and what follows from them."""

    async def recheck(self, hashes: Iterable[str]) -> None:
        """Look at the disk for what is complete, and at TorBox for what is not.

        A complete download of which files are gone is shown as `missingFiles`; checked (or started)
        once more, it is delivered again.
        """
        for download in self._known(hashes):
            if download.complete:
                await self._verify(download)
            elif download.phase is Phase.REMOTE:
                self._engine.background(self._look(download), name=f"recheck {download.hash}")

    async def start(self, hashes: Iterable[str]) -> None:
        """Go on with these; whatever waits for another attempt is tried at once.

        What TorBox itself has paused is resumed there, and missing files are delivered again.
        """
        known = self._known(hashes)
        await super().start(download.hash for download in known)
        for download in known:
            if download.complete and download.missing_files:
                await self._deliver_again(download.hash, "started by the user")
            elif self._paused_there(download):
                self._tell_torbox(download, Operation.RESUME)

    async def reannounce(self, hashes: Iterable[str]) -> None:
        """Let TorBox ask the trackers again; nobody waits for it."""
        for download in self._known(hashes):
            if download.phase is Phase.REMOTE:
                self._tell_torbox(download, Operation.REANNOUNCE)

    def _paused_there(self, download: Download) -> bool:
        item = self._ledger.snapshot.items.get(download.torrent_id or 0)
        return download.phase is Phase.REMOTE and item is not None and "paused" in item.state

    def _tell_torbox(self, download: Download, operation: Operation) -> None:
        work = self._control(download, operation)
        self._engine.background(work, name=f"{operation} {download.hash}")

    async def _control(self, download: Download, operation: Operation) -> None:
        if download.torrent_id is None:
            return
        try:
            await self._services.torbox.control(download.torrent_id, operation)
        except TorBoxError as error:
            log.info("torbox_did_not", operation=operation, hash=download.hash, why=str(error))
        else:
            await self._look(download)

    async def _look(self, download: Download) -> None:
        if download.torrent_id is None:
            return
        try:
            await look(self._services, Look(download.hash, download.torrent_id))
        except TorBoxError as error:
            log.info("look_failed", hash=download.hash, why=str(error))
        self._engine.wake()

    async def _verify(self, download: Download) -> None:
        if self._services.mode(download) == NOTHING:
            return
        missing = await self._missing(download)
        if missing and download.missing_files:
            await self._deliver_again(download.hash, "rechecked by the user")
            return
        note = f"gone from disk: {', '.join(missing[:3])}" if missing else ""
        await self._change(download, "rechecked", missing_files=bool(missing), note=note)

    async def _missing(self, download: Download) -> tuple[str, ...]:
        order = request_of(download, self._ledger.files(download.hash))
        links = self._services.mode(download) not in FETCHING
        return await missing_files(order, links=links)

    async def _deliver_again(self, info_hash: str, why: str) -> None:
        """Follow it anew at TorBox. What is whole on disk is kept, and only the rest is fetched."""
        async with self._engine.held(info_hash):
            download = self._ledger.downloads.get(info_hash)
            if download is None:
                return
            try:
                await self._take_back(download)
            except DeliveryError as error:
                await self._change(download, why, note=f"cannot be delivered again: {error}")
                return
            here = await self._still_there(download)
            files = tuple(replace(file, done=False) for file in self._ledger.files(info_hash))
            await self._ledger.change(
                info_hash,
                lambda latest: _anew(latest, self._services.clock(), remote=here),
                of=download,
                files=files,
                why=why,
            )

    async def _take_back(self, download: Download) -> None:
        """Put what is there where the delivery goes on from."""
        order = request_of(download, self._ledger.files(download.hash))
        if self._services.mode(download) == FILES:
            await reclaim(self._services.settings.paths.incomplete_directory, order)
            return
        paths = [file.path for file in order.files]
        await self._services.delivery(download).remove(order.save_path, order.content_name, paths)

    async def _still_there(self, download: Download) -> bool:
        """Tell whether TorBox still has the item. No answer is no "no"."""
        if download.torrent_id is None:
            return False
        try:
            return await self._services.torbox.item(download.torrent_id) is not None
        except TorBoxError:
            return True


def _anew(download: Download, now: float, *, remote: bool) -> Download:
    fresh = anew(download, now)
    if remote:
        return fresh
    return replace(
        fresh,
        phase=Phase.ACCEPTED,
        torrent_id=None,
        queued_id=None,
        ours=False,
        submitted_at=None,
    )
