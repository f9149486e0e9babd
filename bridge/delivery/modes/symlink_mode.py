"""Delivery mode `symlink`: links to where the user's mount of TorBox shows the files.

TorBox's WebDAV server, which most mounts read, makes a new listing about every 15 minutes. While files
are missing it is asked for one sooner; it answers 429 to frequent requests.
"""

import base64
import math
import os
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import TypeAlias, TypeVar

import aiohttp
import msgspec
import structlog

from bridge.delivery.blocking import in_thread
from bridge.delivery.delivery_errors import DeliveryFailed, NotYet
from bridge.delivery.delivery_progress import Progress
from bridge.delivery.disk.build_beside import put_in_place
from bridge.delivery.disk.publish import remove_delivered
from bridge.delivery.disk.request_paths import check_request
from bridge.delivery.disk.safe_paths import Folder
from bridge.delivery.interface import DeliveryRequest, Links, RequestedFile
from bridge.delivery.modes.mount_lookup import Mount, MountGone, find, opens, require

log = structlog.get_logger(__name__)

REFRESH_SECONDS = 120.0
"""Seconds between two refreshes."""
REFUSED_SECONDS = 900.0
"""Seconds before the next refresh after a refusal."""
REFRESH_TIMEOUT = aiohttp.ClientTimeout(total=15.0)


@dataclass(frozen=True, slots=True)
class WebdavLogin:
    """The address of the server, and the login."""

    url: str
    username: str
    password: str = field(repr=False)


class WebdavRefresh:
    """Asks at most every 2 minutes, however many downloads wait. Errors are only logged."""

    def __init__(
        self, session: aiohttp.ClientSession, login: WebdavLogin, clock: Callable[[], float]
    ) -> None:
        self._session = session
        self._login = login
        self._clock = clock
        self._next_at = -math.inf

    async def ask(self) -> None:
        """Ask for a new listing, if the last request is long enough ago."""
        if self._clock() < self._next_at:
            return
        self._next_at = self._clock() + REFRESH_SECONDS
        try:
            status = await self._get()
        except (aiohttp.ClientError, TimeoutError) as error:
            log.warning("webdav_refresh_failed", why=type(error).__name__)
            return
        if status >= HTTPStatus.BAD_REQUEST:
            self._next_at = self._clock() + REFUSED_SECONDS
            log.warning("webdav_refresh_refused", status=status, again_in=REFUSED_SECONDS)

    async def _get(self) -> int:
        credentials = f"{self._login.username}:{self._login.password}".encode()
        headers = {"Authorization": f"Basic {base64.b64encode(credentials).decode()}"}
        url = f"{self._login.url}/refresh"
        async with self._session.get(url, headers=headers, timeout=REFRESH_TIMEOUT) as answer:
            return answer.status


T = TypeVar("T")

Refresh: TypeAlias = Callable[[], Awaitable[None]]
"""Asks for a new listing of the files at TorBox; may skip calls that follow too soon."""


class LinkSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The path of the mount, and the style of links to it."""

    mount: Path | None
    """None: there is no mount, and delivered links can only be removed."""
    relative: bool = False
    """Links are relative to their own folder."""
    timeout: float = 4 * 3600.0
    """Seconds that the files may be missing from a mount that works."""


class SymlinkDelivery:
    """Creates the links as soon as the mount shows every file in its right size."""

    def __init__(
        self,
        settings: LinkSettings,
        *,
        refresh: Refresh | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._refresh = refresh
        self._mount = Mount(settings.mount) if settings.mount is not None else None
        self._clock = clock
        self._waiting: dict[str, float] = {}
        """By staging name: since when files are missing from a mount that works."""

    async def deliver(self, request: DeliveryRequest, _links: Links, progress: Progress) -> None:
        """Link the files, or raise NotYet if the mount does not show them; see `Delivery.deliver`."""
        check_request(request)
        if self._mount is None:
            raise NotYet("delivery.mount is not set: where is TorBox mounted?")
        targets = await self._ask(self._mount, request, find)
        for file in request.files:
            if file.file_id in targets:
                progress.at(file.file_id, file.size)
        if absent := [file for file in request.files if file.file_id not in targets]:
            if self._refresh is not None:
                await self._refresh()
            raise self._late(request, absent, f"are not on the mount {self._mount.root}")
        await in_thread(_link, request, self._texts(request, targets))
        # Relative links can only be tried where they are, so this comes after publishing.
        if dead := await self._ask(self._mount, request, _dead):
            raise self._late(request, dead, "do not open through their links")
        self._waiting.pop(request.staging_name, None)

    async def discard(self, staging_name: str) -> None:
        """Forget how long the files have been missing."""
        self._waiting.pop(staging_name, None)

    async def remove(self, save_path: Path, content_name: str, paths: Iterable[str]) -> int:
        """Delete the links, never their targets, and never a real file in place of a link."""
        return await remove_delivered(save_path, content_name, paths, links_only=True)

    async def _ask(
        self, mount: Mount, request: DeliveryRequest, look: Callable[[Path, DeliveryRequest], T]
    ) -> T:
        try:
            return await mount.ask(partial(look, mount.root, request))
        except MountGone:
            self._waiting.pop(
                request.staging_name, None
            )  # a missing mount says nothing about the files
            raise

    def _late(
        self, request: DeliveryRequest, files: Sequence[RequestedFile], what: str
    ) -> NotYet | DeliveryFailed:
        """Return DeliveryFailed if the files have been missing for too long, else NotYet."""
        now = self._clock()
        since = self._waiting.setdefault(request.staging_name, now)
        text = f"{len(files)} of {len(request.files)} files {what}"
        if now - since < self._settings.timeout:
            return NotYet(f"{text} yet")
        del self._waiting[request.staging_name]
        return DeliveryFailed(f"{text}, such as {files[0].remote_name!r}", retryable=False)

    def _texts(self, request: DeliveryRequest, targets: Mapping[int, Path]) -> dict[int, str]:
        """Return the target of each link, by file id."""
        if not self._settings.relative:
            return {file_id: str(path) for file_id, path in targets.items()}
        top = Path(os.path.realpath(request.save_path))
        return {
            file.file_id: os.path.relpath(targets[file.file_id], (top / file.path).parent)
            for file in request.files
        }


def _link(request: DeliveryRequest, texts: Mapping[int, str]) -> None:
    def write(folder: Folder, name: str, file: RequestedFile) -> None:
        os.symlink(texts[file.file_id], name, dir_fd=folder.fd)

    def whole(folder: Folder, name: str, file: RequestedFile) -> bool:
        try:
            return os.readlink(name, dir_fd=folder.fd) == texts[file.file_id]
        except OSError:
            return False  # missing, or not a link

    put_in_place(request, write, whole)


def _dead(root: Path, request: DeliveryRequest) -> list[RequestedFile]:
    """List the files that cannot be opened through their links."""
    require(root)
    return [file for file in request.files if not opens(request.save_path / file.path, file.size)]
