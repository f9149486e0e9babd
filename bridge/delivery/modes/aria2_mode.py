"""Delivery mode `aria2`: an aria2 daemon fetches, for a disk at another machine.

aria2 writes below `incomplete` as it sees it; the bridge sees the same directory over a share,
checks sizes (and pieces), and publishes with the same rename as `download`. Each file is a
transfer with a gid made of the staging name and the file's id, so that a bridge that was restarted
finds its transfers again.

    <incomplete>/<staging name>/content          the file or folder as it will be published
    <incomplete>/<staging name>/<file_id>.whole  aria2 said that this file is complete

A file of full size proves nothing, because aria2 reserves space, and aria2 writes its control file
late. So a file starts over if aria2 does not know it and it has neither a marker nor a control file.
"""

import asyncio
import hashlib
import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path

import aiohttp
import msgspec
import structlog

from bridge.delivery.blocking import in_steps, in_thread, together
from bridge.delivery.delivery_errors import DeliveryError, DeliveryFailed, NotEnoughSpace
from bridge.delivery.delivery_progress import Progress
from bridge.delivery.disk.build_beside import discard_beside
from bridge.delivery.disk.publish import (
    check_names,
    publish_steps,
    published,
    remove_delivered,
)
from bridge.delivery.disk.request_paths import check_request, staging_root
from bridge.delivery.disk.staging import discard
from bridge.delivery.fetch.fetch_settings import FetchSettings
from bridge.delivery.fetch.slots import Slots
from bridge.delivery.fetch.verify_pieces import BadPiece, Verifier, verify_with_repair
from bridge.delivery.interface import DeliveryRequest, Links, RequestedFile
from bridge.delivery.modes.aria2_rpc import Aria2, Aria2Refused, Options, TransferStatus
from bridge.delivery.modes.aria2_staging import Aria2Staging

log = structlog.get_logger(__name__)

POLL_SECONDS = 1.0
_HEX = re.compile(r"[0-9a-f]+")
GOODBYE_SECONDS = 3.0
"""Seconds that a cancelled delivery waits for aria2 to pause."""
FULL = 9
"""aria2's error code for a full disk."""
_WORDS = {
    1: "an unknown error", 2: "a timeout", 3: "the link was not found",
    4: "the link was not found, several times", 5: "too slow", 6: "a network problem",
    8: "the server does not resume", 13: "the file exists already", 15: "cannot open the file",
    16: "cannot create the file", 17: "a disk error", 18: "cannot create the folder",
    19: "the server's name was not found", 22: "the link was refused", 24: "the link was refused",
}  # fmt: skip


class Aria2Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The address of the daemon."""

    url: str
    """Its JSON-RPC endpoint: `http://nas:6800/jsonrpc`."""
    secret: str = ""
    directory: Path | None = None
    """The path of the bridge's directory for unfinished files on aria2's machine; None: the same."""
    poll: float = POLL_SECONDS


class Aria2Delivery:
    """Lets aria2 fetch the files. The caller closes the session."""

    def __init__(
        self,
        *,
        incomplete: Path,
        session: aiohttp.ClientSession,
        settings: Aria2Settings,
        fetch: FetchSettings,
    ) -> None:
        self._incomplete = incomplete
        self._settings = settings
        self._fetch = fetch
        self._aria2 = Aria2(session, settings.url, settings.secret)
        self._slots = Slots(fetch.parallel_files, length=fetch.turn)
        self._verifier = Verifier()

    async def deliver(self, request: DeliveryRequest, links: Links, progress: Progress) -> None:
        """Let aria2 fetch the files, and publish them; see `Delivery.deliver`."""
        check_request(request)
        root = staging_root(self._incomplete, request.staging_name)
        if await in_thread(published, root, request):
            await in_thread(discard, root)
            # A kill after the rename of a copy leaves its hidden folder.
            await discard_beside(request.save_path, request.staging_name)
            return
        await in_thread(check_names, request)
        files = Aria2Staging(root, request)
        await in_thread(files.prepare, min_free=self._fetch.min_free_bytes)
        await self._all(files, links, progress, fresh=False)

        async def repair(bad: Sequence[BadPiece]) -> bool:
            touched = {file_id for piece in bad for file_id, _ in piece.spans}
            for file in request.files:
                if file.file_id in touched:
                    await self._purge(gid_of(request.staging_name, file.file_id))
                    await in_thread(files.drop, file)
                    progress.at(file.file_id, 0)
            await self._all(files, links, progress, fresh=True)
            return True  # whole files were fetched again, so every piece is checked again

        await verify_with_repair(
            self._verifier, root, request, progress, repair, repairs=self._fetch.repairs
        )
        await in_thread(files.settle)
        await in_steps(publish_steps(root, request))
        log.info("content_published", hash=request.info_hash, target=str(request.target))

    async def discard(self, staging_name: str) -> None:
        """Remove the transfers from aria2, and the staging area; see `Delivery.discard`."""
        root = staging_root(self._incomplete, staging_name)
        for status in await self._aria2.known():
            if status.gid.startswith(gid_prefix(staging_name)):
                await self._purge(status.gid)
        await in_thread(discard, root)

    async def remove(self, save_path: Path, content_name: str, paths: Iterable[str]) -> int:
        """Delete the files; see `Delivery.remove`."""
        return await remove_delivered(save_path, content_name, paths)

    async def _all(
        self, files: Aria2Staging, links: Links, progress: Progress, *, fresh: bool
    ) -> None:
        """Let aria2 fetch all files. A file that fails does not stop the others."""
        failures: list[DeliveryFailed] = []

        async def fetch(file: RequestedFile) -> None:
            transfer = _Transfer(self._aria2, self._settings, self._fetch, files, file)
            try:
                async with progress.turn(self._slots.hold(files.request.staging_name)):
                    await transfer.run(links, progress, fresh=fresh)
            except DeliveryFailed as failure:
                failures.append(failure)

        await together(*(fetch(file) for file in files.request.files))
        if failures:
            raise failures[0]

    async def _purge(self, gid: str) -> None:
        await _purge(self._aria2, gid, self._settings.poll)


class _Transfer:
    """A transfer of a single file."""

    def __init__(
        self,
        aria2: Aria2,
        settings: Aria2Settings,
        fetch: FetchSettings,
        files: Aria2Staging,
        file: RequestedFile,
    ) -> None:
        self._aria2 = aria2
        self._settings = settings
        self._fetch = fetch
        self._files = files
        self._file = file
        self._gid = gid_of(files.request.staging_name, file.file_id)
        self._url = ""
        self._best = 0

    async def run(self, links: Links, progress: Progress, *, fresh: bool) -> None:
        """Return when the file is whole and has its marker.

        Raises:
            DeliveryFailed: too many attempts brought nothing.
            NotYet: aria2 does not answer.
            NotEnoughSpace: aria2's disk is full.
        """
        if await in_thread(self._files.is_whole, self._file):
            progress.at(self._file.file_id, self._file.size)
            return
        failures = 0
        while (trouble := await self._attempt(links, progress, fresh=fresh)) is not None:
            done = progress.done(self._file.file_id)
            failures = 0 if done > self._best else failures + 1
            self._best, fresh = max(done, self._best), True
            log.info("aria2_trouble", file=self._file.path, trouble=trouble, failures=failures)
            if failures >= self._fetch.attempts:
                raise DeliveryFailed(f"{self._file.path}: aria2 reports: {trouble}")
            pause = self._fetch.backoff * 2.0**failures
            await asyncio.sleep(min(pause, self._fetch.backoff_cap))
        await in_thread(self._files.mark, self._file)
        progress.at(self._file.file_id, self._file.size)

    async def _attempt(self, links: Links, progress: Progress, *, fresh: bool) -> str | None:
        """Follow the transfer to its end; return the error, if any."""
        try:
            status = await self._begin(links, fresh=fresh)
            while status is not None and status.status not in {"complete", "error", "removed"}:
                self._count(progress, status)
                if status.status == "paused":
                    # aria2 takes a moment to pause: this one was meant for an earlier attempt.
                    with suppress(Aria2Refused):
                        await self._aria2.unpause(self._gid)
                if status.total not in {0, self._file.size}:
                    break
                await self._renew(links)
                await asyncio.sleep(self._settings.poll)
                status = await self._aria2.status(self._gid)
        except asyncio.CancelledError:
            await self._pause()
            raise
        return await self._conclude(status)

    async def _begin(self, links: Links, *, fresh: bool) -> TransferStatus | None:
        """Find the transfer of an earlier run, or start a transfer."""
        status = await self._aria2.status(self._gid)
        if status is not None and not fresh and status.status not in {"error", "removed"}:
            return status
        if status is not None:
            await _purge(self._aria2, self._gid, self._settings.poll)
        await in_thread(self._files.keep_only_resumable, self._file)
        self._url = await links.link(self._file.file_id, fresh=fresh)
        await self._aria2.add(self._url, self._options())
        return await self._aria2.status(self._gid)

    def _options(self) -> Options:
        directory = self._settings.directory or self._files.root.parent
        place = directory / self._files.below_incomplete(self._file)
        connections = str(min(self._fetch.connections_per_file, 16))
        return {
            "gid": self._gid,
            "dir": str(place.parent),
            "out": place.name,
            "continue": "true",
            # Without it aria2 would write to `name.1` and the bridge would wait for `name`.
            "auto-file-renaming": "false",
            "allow-overwrite": "false",
            "split": connections,
            "max-connection-per-server": connections,
            "min-split-size": "8M",
            "lowest-speed-limit": str(self._fetch.slow_bytes_per_second),
            # A release may contain a .torrent: it is a file like any other.
            "follow-torrent": "false",
            "follow-metalink": "false",
            "remote-time": "false",
        }

    def _count(self, progress: Progress, status: TransferStatus) -> None:
        more = status.completed - progress.done(self._file.file_id)
        if more > 0:
            progress.fetched(self._file.file_id, more)

    async def _renew(self, links: Links) -> None:
        """Give aria2 the new link, if the old link is about to expire."""
        url = await links.link(self._file.file_id, fresh=False)
        if url == self._url:
            return
        with suppress(Aria2Refused):  # the transfer may have ended by now
            await self._aria2.replace_links(self._gid, url)
        self._url = url

    async def _conclude(self, status: TransferStatus | None) -> str | None:
        """Return the error of a transfer that has ended, and remove it from aria2 unless complete."""
        if status is not None and status.status == "complete":
            if await in_thread(self._files.has_size, self._file):
                return None
            trouble = f"the CDN sent {status.total} bytes, TorBox lists {self._file.size}"
        elif status is None or status.status == "removed":
            trouble = "somebody removed it there"
        elif status.status == "error":
            trouble = f"{_WORDS.get(status.error, 'an error')} (code {status.error})"
            if status.error == FULL:
                raise NotEnoughSpace(needed=self._file.size - status.completed, free=0)
        else:
            trouble = f"the CDN has {status.total} bytes, TorBox lists {self._file.size}"
        await _purge(self._aria2, self._gid, self._settings.poll)
        if status is not None and status.total not in {0, self._file.size}:
            await in_thread(self._files.drop, self._file)
        return trouble

    async def _pause(self) -> None:
        with suppress(DeliveryError, TimeoutError):
            async with asyncio.timeout(GOODBYE_SECONDS):
                await self._aria2.pause(self._gid)


def gid_prefix(staging_name: str) -> str:
    """Return the 8 hex digits that the gids of one delivery begin with."""
    # A plain info-hash keeps the gids of earlier versions, so their transfers are found again.
    if _HEX.fullmatch(staging_name):
        return staging_name[:8]
    return hashlib.sha256(staging_name.encode()).hexdigest()[:8]


def gid_of(staging_name: str, file_id: int) -> str:
    """Return the gid of a transfer: 16 hex digits, the same after every restart."""
    return f"{gid_prefix(staging_name)}{file_id & 0xFFFF_FFFF:08x}"


async def _purge(aria2: Aria2, gid: str, poll: float) -> None:
    """Stop a transfer and remove it from aria2, whatever its status."""
    for _ in range(10):
        status = await aria2.status(gid)
        if status is None:
            return
        over = status.status in {"complete", "error", "removed"}
        forgetting: Callable[[str], Awaitable[None]] = aria2.forget if over else aria2.remove
        with suppress(Aria2Refused):  # its status changed between the two calls
            await forgetting(gid)
        if not over:
            await asyncio.sleep(min(poll, 0.2))
    raise DeliveryFailed("aria2 does not end a transfer")
