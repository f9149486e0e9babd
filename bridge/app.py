"""The composition root: builds, starts and stops everything, in reading order."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import aiohttp
import structlog
from aiohttp import web

from bridge.access import Access, hash_password
from bridge.config import Settings
from bridge.delivery import DownloadDelivery, FetchSettings, check_directories, make_session
from bridge.downloads import Downloads
from bridge.engine import Engine, Ledger, Pace, Services
from bridge.qbittorrent import PREFIX, PROFILES, create_api, dress, front
from bridge.store import Store
from bridge.torbox import BudgetRow, Budgets, TorBox
from bridge.web import add_web

log = structlog.get_logger()

SHUTDOWN_SECONDS = 2.0
PASSWORD_FACT = "password_hash"  # noqa: S105 - the name of a row
BUDGETS_FACT = "budgets"


class CannotStart(Exception):
    """The bridge cannot run as it is set up. Each problem says what to do."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Running:
    """A bridge that serves."""

    url: str
    """Where it listens, url_base included, without a trailing slash."""
    new_password: str | None
    """The password made at this very start, to be shown once; None when there was one."""
    downloads: Downloads
    ledger: Ledger


@asynccontextmanager
async def bridge(settings: Settings, *, pace: Pace | None = None) -> AsyncIterator[Running]:
    """Run a bridge while the `async with` lasts. Port 0 takes a free one.

    Raises:
        CannotStart: directories that cannot be used, no TorBox key, an address that is taken.
        StoreError: the database cannot be used.
    """
    await asyncio.to_thread(check, settings)
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(Store(settings.paths.database))
        agent = f"torbox-bridge/{version('torbox-bridge')}"
        api = await stack.enter_async_context(aiohttp.ClientSession(headers={"User-Agent": agent}))
        cdn = await stack.enter_async_context(make_session(agent))

        ledger = Ledger(store, time.time)
        await ledger.load()
        services = Services(
            ledger=ledger,
            torbox=await _torbox(settings, store, api),
            delivery=_delivery(settings, cdn),
            settings=settings,
            clock=time.time,
            pace=pace or Pace(),
        )
        engine = Engine(services)
        downloads = Downloads(services, engine)
        await _make_categories(settings, downloads)
        access, new_password = await _access(settings, store)

        runner = await stack.enter_async_context(_served(settings, downloads, access, store))
        stack.push_async_callback(engine.close)
        engine.start()
        yield Running(_url(settings, runner), new_password, downloads, ledger)


def check(settings: Settings) -> None:
    """Try the directories.

    Raises:
        CannotStart: something is missing; with the fix.
    """
    problems = [str(problem) for problem in check_directories(
        settings.paths.downloads, settings.paths.incomplete_directory
    )]  # fmt: skip
    for name, category in settings.categories.items():
        if category.save_path and not problems:
            Path(category.save_path).mkdir(parents=True, exist_ok=True)
            found = check_directories(Path(category.save_path), settings.paths.incomplete_directory)
            problems += [f"categories.{name}.save_path: {problem}" for problem in found]
    if settings.torbox.api_key is None:
        problems.append(
            "no TorBox API key: set TORBOX_API_KEY, or torbox.api_key in the configuration file,"
            " or BRIDGE_TORBOX__API_KEY_FILE to a file that holds it."
            " The key stands on https://torbox.app/settings"
        )
    if problems:
        raise CannotStart(problems)


async def _torbox(settings: Settings, store: Store, session: aiohttp.ClientSession) -> TorBox:
    budgets = Budgets()
    budgets.load(await store.fact(BUDGETS_FACT, list[BudgetRow]) or ())
    key = settings.torbox.api_key
    return TorBox(
        session,
        base_url=settings.torbox.base_url,
        api_key=key.reveal() if key else "",
        timeout=settings.torbox.timeout_seconds,
        budgets=budgets,
    )


def _delivery(settings: Settings, session: aiohttp.ClientSession) -> DownloadDelivery:
    fetch = FetchSettings(
        parallel_files=settings.delivery.parallel_files,
        connections_per_file=settings.delivery.connections_per_file,
        min_free_bytes=settings.delivery.min_free_bytes,
    )
    delivery = DownloadDelivery(
        incomplete=settings.paths.incomplete_directory, session=session, settings=fetch
    )
    delivery.set_limit(settings.delivery.limit_bytes_per_second)
    return delivery


async def _make_categories(settings: Settings, downloads: Downloads) -> None:
    """Make the categories of the settings, and the directories of all.

    *arr show a red health message for a category whose directory is missing.
    """
    known = {category.name for category in downloads.categories()}
    for name, category in settings.categories.items():
        make = downloads.edit_category if name in known else downloads.create_category
        await make(name, category.save_path or "")
    for made in downloads.categories():
        path = downloads.category_path(made)
        await asyncio.to_thread(path.mkdir, parents=True, exist_ok=True)


async def _access(settings: Settings, store: Store) -> tuple[Access, str | None]:
    """Take the password of the settings, or the one made before, or make one now."""
    made: str | None = None
    if settings.server.password is not None:
        hashed = await asyncio.to_thread(hash_password, settings.server.password.reveal())
    else:
        known = await store.fact(PASSWORD_FACT, str)
        if known is None:
            made = secrets.token_urlsafe(12)
            known = await asyncio.to_thread(hash_password, made)
            async with store.transaction() as write:
                await write.put_fact(PASSWORD_FACT, known)
        hashed = known
    key = settings.server.api_key
    access = Access(
        username=settings.server.username,
        password_hash=hashed,
        api_key=key.reveal() if key else None,
        clock=time.monotonic,
    )
    return access, made


@asynccontextmanager
async def _served(
    settings: Settings, downloads: Downloads, access: Access, store: Store
) -> AsyncIterator[web.AppRunner]:
    """Listen on the configured address."""
    app = web.Application()
    base = settings.server.url_base
    preferences = {
        "web_ui_address": settings.server.host,
        "web_ui_port": settings.server.port,
        "web_ui_username": settings.server.username,
    }
    profile = PROFILES[settings.qbittorrent.profile]
    api = create_api(downloads, access, profile=profile, preferences=preferences)
    app.add_subapp(base + PREFIX, api)
    app.router.add_get(f"{base}/", front)
    app.on_response_prepare.append(dress)
    add_web(app, base, downloads=downloads, access=access, store=store)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_SECONDS)
    await runner.setup()
    try:
        await _listen(runner, settings.server.host, settings.server.port)
        yield runner
    finally:
        await runner.cleanup()


async def _listen(runner: web.AppRunner, host: str, port: int) -> None:
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as error:
        raise CannotStart(
            [f"cannot listen on {host}:{port}: {error.strerror or error}. Set server.port."]
        ) from error


def _url(settings: Settings, runner: web.AppRunner) -> str:
    host, port = runner.addresses[0][:2]
    return f"http://{host}:{port}{settings.server.url_base}"
