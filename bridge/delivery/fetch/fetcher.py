"""Fetching one file from the CDN until it is whole: links, retries, slots.

Only bytes beyond the most that ever was on disk count as progress, so a server that starts over
again and again is given up like a server that does not answer.
"""

import asyncio
from http import HTTPStatus

import aiohttp
import structlog

from bridge.delivery.delivery_errors import (
    DeliveryFailed,
    EtagChanged,
    FetchTrouble,
    Interrupted,
    LinkDead,
    ServerBusy,
    StartOver,
    WrongContent,
)
from bridge.delivery.delivery_progress import Progress
from bridge.delivery.disk.staging import StagedFile
from bridge.delivery.fetch.bandwidth import Throttles
from bridge.delivery.fetch.cdn_probes import same_file
from bridge.delivery.fetch.fetch_attempt import Attempt, Writer, missing_segments
from bridge.delivery.fetch.fetch_settings import FetchSettings
from bridge.delivery.fetch.slots import Slot, Slots
from bridge.delivery.interface import Links

log = structlog.get_logger(__name__)


def make_session(user_agent: str) -> aiohttp.ClientSession:
    """Return a session for the CDN. The caller closes it.

    Connections are not limited here, because slots limit them. Nothing is decompressed, and no
    cookie is kept.
    """
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": user_agent},
        # A .gz in a release has to arrive as it is.
        auto_decompress=False,
        read_bufsize=256 * 1024,
    )


class Fetcher:
    """Fetches files, all under the same limits."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        settings: FetchSettings,
        throttles: Throttles | None = None,
    ) -> None:
        self.session = session
        self.settings = settings
        self.throttles = throttles or Throttles()
        self.slots = Slots(settings.parallel_files, length=settings.turn)

    async def fetch(
        self,
        staging_name: str,
        file: StagedFile,
        links: Links,
        progress: Progress,
        *,
        fresh_link: bool = False,
    ) -> None:
        """Return when the file is whole and synced in staging; `fresh_link` begins with one.

        Raises:
            DeliveryFailed: too many attempts without progress, or the disk refused something.
            NotEnoughSpace: the disk is full.
        """
        work = _FileFetch(self, staging_name, file, links, progress)
        work.fresh_link = fresh_link
        retries = _RetryCounter(self.settings, file)
        while not file.complete:
            async with progress.turn(self.slots.hold(staging_name)) as slot:
                trouble = await work.attempt(slot)
            if trouble is not None and not file.complete:
                pause = retries.pause_after(trouble)
                work.fresh_link = retries.wants_fresh_link(trouble)
                log.info(
                    "fetch_trouble",
                    staging=staging_name,
                    file=file.name,
                    trouble=str(trouble),
                    failures=retries.failures,
                    pause_seconds=round(pause, 1),
                )
                await asyncio.sleep(pause)


class _FileFetch:
    """The state of one file between attempts."""

    def __init__(
        self,
        fetcher: Fetcher,
        staging_name: str,
        file: StagedFile,
        links: Links,
        progress: Progress,
    ) -> None:
        self._fetcher = fetcher
        self._key = staging_name
        self._file = file
        self._links = links
        self._sink = Writer(file, fetcher.settings, progress)
        self._url = ""
        self._ranges = True
        self.fresh_link = False

    async def attempt(self, slot: Slot) -> FetchTrouble | None:
        """Try to fetch the missing bytes; return the error, if any."""
        await self._get_link()
        if not self._ranges:
            await self._sink.forget()
        attempt = Attempt(
            session=self._fetcher.session,
            url=self._url,
            sink=self._sink,
            slot=slot,
            throttle=self._fetcher.throttles.of(self._key),
            settings=self._fetcher.settings,
        )
        async with self._sink.saved():
            trouble = await attempt.run(self._segments())
        if isinstance(trouble, StartOver) and not await self._only_etag_changed(trouble):
            self._ranges = self._ranges and trouble.ranges
            await self._sink.forget()
        return trouble

    async def _only_etag_changed(self, trouble: StartOver) -> bool:
        """Return whether only the ETag changed and not the bytes; True also if that is unknown."""
        if not isinstance(trouble, EtagChanged):
            return False
        session, settings = self._fetcher.session, self._fetcher.settings
        try:
            return await same_file(session, self._url, self._file, trouble.etag, settings)
        except StartOver:
            return False
        except FetchTrouble:
            # Unknown: keeping the bytes costs nothing, and the next attempt asks again.
            return True

    def _segments(self) -> list[tuple[int, int]]:
        if not self._ranges:
            return [(0, self._file.size)]
        return missing_segments(self._file, self._fetcher.settings)

    async def _get_link(self) -> None:
        if self.fresh_link or not self._url:
            self._url = await self._links.link(self._file.file_id, fresh=self.fresh_link)
            self.fresh_link = False


class _RetryCounter:
    """Counts the attempts in a row without progress, and decides what follows from them."""

    def __init__(self, settings: FetchSettings, file: StagedFile) -> None:
        self._settings = settings
        self._file = file
        self._best = file.done.total
        self.failures = 0
        self._silent = 0
        """Attempts in a row without a single new byte."""

    def pause_after(self, trouble: FetchTrouble) -> float:
        """Return the seconds to wait before the next attempt; raise DeliveryFailed after the last."""
        if self._file.done.total > self._best:
            self._best, self.failures, self._silent = self._file.done.total, 0, -1
        self.failures += 1
        self._silent += 1
        if self.failures >= self._settings.attempts:
            text = f"{self._file.name}: {trouble}; {self.failures} attempts brought nothing"
            raise DeliveryFailed(text)
        pause = min(self._settings.backoff * 2.0 ** (self.failures - 1), self._settings.backoff_cap)
        asked = trouble.retry_after if isinstance(trouble, ServerBusy) else None
        return max(pause, min(asked or 0.0, self._settings.retry_after_cap))

    def wants_fresh_link(self, trouble: FetchTrouble) -> bool:
        """Return whether to ask TorBox for another link before the next attempt.

        At once if the link was refused; after some attempts if its node is down, resets or answers
        5xx, because a fresh link may lead to another node. Not each time: a node that does not know
        the file yet needs time rather than links, and links are limited.
        """
        every = self._settings.fresh_link_every
        if isinstance(trouble, LinkDead | WrongContent):
            return self.failures % every == 1
        if isinstance(trouble, Interrupted) or (
            isinstance(trouble, ServerBusy) and trouble.status != HTTPStatus.TOO_MANY_REQUESTS
        ):
            return (
                self._silent % every == self._settings.silent_attempts % every and self._silent > 0
            )
        return False
