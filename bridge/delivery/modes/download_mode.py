"""Delivery mode `download`: fetch the bytes, then publish them with one rename."""

from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path

import aiohttp
import structlog

from bridge.delivery.blocking import in_steps, in_thread, together
from bridge.delivery.delivery_errors import DeliveryFailed
from bridge.delivery.delivery_progress import Progress
from bridge.delivery.disk.build_beside import discard_beside
from bridge.delivery.disk.publish import (
    check_names,
    publish_steps,
    published,
    remove_delivered,
)
from bridge.delivery.disk.request_paths import check_request, staging_root
from bridge.delivery.disk.reservations import SpaceReservations
from bridge.delivery.disk.staging import StagedFile, begin, discard
from bridge.delivery.fetch.bandwidth import Throttles
from bridge.delivery.fetch.fetch_settings import FetchSettings
from bridge.delivery.fetch.fetcher import Fetcher
from bridge.delivery.fetch.verify_pieces import BadPiece, Verifier, verify_with_repair
from bridge.delivery.interface import DeliveryRequest, Links

log = structlog.get_logger(__name__)


class DownloadDelivery:
    """Delivers the files themselves.

    Publishing is one rename where `incomplete` is on the file system of the save path, and a copy
    elsewhere. The caller closes the session (`fetcher.make_session` creates a suitable one).
    """

    def __init__(
        self,
        *,
        incomplete: Path,
        session: aiohttp.ClientSession,
        settings: FetchSettings,
        throttles: Throttles | None = None,
    ) -> None:
        self._incomplete = incomplete
        self._settings = settings
        self._fetcher = Fetcher(session, settings, throttles)
        self._verifier = Verifier()
        self._reservations = SpaceReservations()

    @property
    def limit(self) -> int | None:
        """Bytes per second of all fetches together; None is without limit."""
        return self._fetcher.throttles.total.limit

    def set_limit(self, bytes_per_second: int | None) -> None:
        """Change the limit at once; None or 0 is without limit."""
        self._fetcher.throttles.total.set_limit(bytes_per_second)

    async def deliver(self, request: DeliveryRequest, links: Links, progress: Progress) -> None:
        """Fetch and publish; see `Delivery.deliver`."""
        check_request(request)
        root = staging_root(self._incomplete, request.staging_name)
        if request.limit is not None:
            self._fetcher.throttles.set_own(request.staging_name, request.limit)
        with ExitStack() as reserved:
            files = await in_thread(self._begin, root, request, reserved)
            if files is None:
                # A kill after the rename of a copy leaves its hidden folder.
                await discard_beside(request.save_path, request.staging_name)
                for known in request.files:
                    progress.at(known.file_id, known.size)
                return
            _show(progress, files)
            await self._fetch(request, links, progress, files)

            async def repair(bad: Sequence[BadPiece]) -> bool:
                restarted = await in_thread(_forget, files, bad)
                _show(progress, files)
                await self._fetch(request, links, progress, files, fresh_links=True)
                return restarted

            await verify_with_repair(
                self._verifier, root, request, progress, repair, repairs=self._settings.repairs
            )
        await in_steps(publish_steps(root, request))
        log.info("content_published", hash=request.info_hash, target=str(request.target))

    def _begin(
        self, root: Path, request: DeliveryRequest, reserved: ExitStack
    ) -> list[StagedFile] | None:
        """Return the staged files; None if the content was published before. Blocks."""
        if published(root, request):
            discard(root)
            return None
        check_names(request)
        return begin(
            root,
            request,
            min_free=self._settings.min_free_bytes,
            reservations=self._reservations,
            until=reserved,
        )

    async def discard(self, staging_name: str) -> None:
        """Remove the staging area; see `Delivery.discard`."""
        await in_thread(discard, staging_root(self._incomplete, staging_name))

    async def remove(self, save_path: Path, content_name: str, paths: Iterable[str]) -> int:
        """Delete the files; see `Delivery.remove`."""
        return await remove_delivered(save_path, content_name, paths)

    async def _fetch(
        self,
        request: DeliveryRequest,
        links: Links,
        progress: Progress,
        files: list[StagedFile],
        *,
        fresh_links: bool = False,
    ) -> None:
        """Fetch all files. A file that fails does not stop the others."""
        failures: list[DeliveryFailed] = []

        async def fetch(file: StagedFile) -> None:
            try:
                await self._fetcher.fetch(
                    request.staging_name, file, links, progress, fresh_link=fresh_links
                )
            except DeliveryFailed as failure:
                failures.append(failure)

        await together(*(fetch(file) for file in files if not file.complete))
        if failures:
            raise failures[0]


def _show(progress: Progress, files: Sequence[StagedFile]) -> None:
    for file in files:
        progress.at(file.file_id, file.done.total)


def _forget(files: Sequence[StagedFile], bad: Sequence[BadPiece]) -> bool:
    """Forget the bytes of bad pieces; return whether a file had to be restarted as a whole."""
    restarted = False
    for file in files:
        spans = [span for piece in bad for file_id, span in piece.spans if file_id == file.file_id]
        if spans:
            restarted = file.forget(spans) or restarted
    return restarted
