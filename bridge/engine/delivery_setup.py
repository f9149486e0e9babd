"""Builds the deliveries from the settings, and checks the directories that they need."""

import time
from collections.abc import Iterator
from pathlib import Path

import aiohttp

from bridge.config import Settings
from bridge.config.outbound_proxy import from_environment
from bridge.core.modes import FETCHING
from bridge.core.streams import Grant, sign, stream_url
from bridge.delivery import (
    ROOTS,
    Address,
    Aria2Delivery,
    Aria2Settings,
    Delivery,
    DeliveryRequest,
    DirectoryProblem,
    DownloadDelivery,
    FetchSettings,
    LinkSettings,
    Modes,
    NoDelivery,
    RequestedFile,
    StrmDelivery,
    SymlinkDelivery,
    Throttles,
    WebdavLogin,
    WebdavRefresh,
    check_directories,
    check_directory,
)


def build_deliveries(
    settings: Settings,
    session: aiohttp.ClientSession,
    stream_key: bytes,
    throttles: Throttles | None = None,
) -> Modes:
    """Return the delivery of every mode: a grab is removed in the mode that delivered it.

    `session` is for TorBox's CDN. `stream_key` signs the tokens in `.strm` files.
    """
    ROOTS.add(*_trusted_roots(settings))
    deliveries: dict[str, Delivery] = {
        "download": _download(settings, session, throttles or Throttles()),
        "symlink": _symlink(settings, session),
        "strm": StrmDelivery(_stream_address(settings, stream_key)),
        "none": NoDelivery(),
    }
    if settings.delivery.aria2.url is not None:
        deliveries["aria2"] = _aria2(settings, settings.delivery.aria2.url, session)
    return Modes(deliveries)


def _trusted_roots(settings: Settings) -> Iterator[Path]:
    """Return the directories in the settings: they may be reached through the user's symlinks."""
    yield settings.paths.downloads
    if settings.paths.incomplete is not None:
        yield settings.paths.incomplete
    for category in settings.categories.values():
        if category.save_path:
            yield settings.paths.downloads / category.save_path


def _download(
    settings: Settings, session: aiohttp.ClientSession, throttles: Throttles
) -> DownloadDelivery:
    delivery = DownloadDelivery(
        incomplete=settings.paths.incomplete_directory,
        session=session,
        settings=fetch_settings(settings),
        throttles=throttles,
    )
    delivery.set_limit(settings.delivery.limit_bytes_per_second)
    return delivery


def fetch_settings(settings: Settings) -> FetchSettings:
    """Return how TorBox's CDN is reached, and within what limits."""
    return FetchSettings(
        proxies=from_environment(settings.torbox.proxy),
        parallel_files=settings.delivery.parallel_files,
        connections_per_file=settings.delivery.connections_per_file,
        min_free_bytes=settings.delivery.min_free_bytes,
    )


def _aria2(settings: Settings, url: str, session: aiohttp.ClientSession) -> Aria2Delivery:
    given = settings.delivery.aria2
    return Aria2Delivery(
        incomplete=settings.paths.incomplete_directory,
        session=session,
        settings=Aria2Settings(
            url=url,
            secret=given.secret.reveal() if given.secret else "",
            directory=given.directory,
        ),
        fetch=fetch_settings(settings),
    )


def _symlink(settings: Settings, session: aiohttp.ClientSession) -> SymlinkDelivery:
    links = LinkSettings(
        mount=settings.delivery.mount,
        relative=settings.delivery.link_style == "relative",
        timeout=settings.delivery.mount_timeout,
    )
    webdav = settings.delivery.webdav
    if webdav.username is None or webdav.password is None:
        return SymlinkDelivery(links)
    login = WebdavLogin(webdav.url, webdav.username, webdav.password.reveal())
    return SymlinkDelivery(links, refresh=WebdavRefresh(session, login, time.monotonic).ask)


def _stream_address(settings: Settings, key: bytes) -> Address | None:
    root = settings.public_root
    if root is None:
        return None

    def address(request: DeliveryRequest, file: RequestedFile) -> str:
        grant = Grant(request.info_hash, request.torrent_id, file.file_id, file.size)
        return stream_url(root, sign(grant, key), file.remote_name.rpartition("/")[2])

    return address


def directory_problems(settings: Settings) -> list[str]:
    """Check every save path in the settings in the way its mode uses it. Blocks.

    Missing directories of categories are created. Each problem says how to fix it.
    """
    found = list(map(str, downloads_problems(settings)))
    if "aria2" in settings.modes and settings.delivery.aria2.url is None:
        found.append("delivery.aria2.url is missing: mode aria2 needs the URL of aria2's JSON-RPC")
    return found or [
        f"categories.{name}.save_path: {problem}"
        for name in settings.categories
        for problem in category_problems(settings, name, make=True)
    ]


def downloads_problems(settings: Settings) -> list[DirectoryProblem]:
    """Check `paths.downloads`, with `paths.incomplete` if any mode in use writes there. Blocks."""
    paths = settings.paths
    if settings.modes & FETCHING:
        return check_directories(paths.downloads, paths.incomplete_directory)
    return check_directory(paths.downloads)


def category_problems(
    settings: Settings, name: str, *, make: bool = False
) -> list[DirectoryProblem]:
    """Check the directory of a category as its mode uses it; create it with `make`. Blocks."""
    path = settings.category_directory(name)
    found = check_directory(path, make=make)
    if not found and settings.delivery_mode(name) in FETCHING:
        found = check_directories(path, settings.paths.incomplete_directory)
    return found
