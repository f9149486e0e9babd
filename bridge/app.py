"""The composition root: builds, starts and stops everything, in reading order."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version

import aiohttp
import structlog
from aiohttp import web
from msgspec import structs

from bridge.arr import Arr, Arrs
from bridge.auth import Access, hash_password
from bridge.config import ConfigError, Settings, TorBoxSettings
from bridge.core.roots import OutsideRoots
from bridge.core.streams import KEY_BYTES
from bridge.delivery import Throttles, check_directory, make_session
from bridge.doctor import examine, report
from bridge.downloads import PASSWORD_FACT, USERNAME_FACT, Downloads, LinkFetcher
from bridge.engine import Engine, Ledger, Links, Pace, Services
from bridge.engine.deliveries import build_deliveries, directory_problems
from bridge.logs import RecentLogs, mask
from bridge.qbittorrent import PREFIX, PROFILES, add_security_headers, create_api
from bridge.store import Store
from bridge.torbox import SEARCH_URL, ApiKey, BudgetRow, Budgets, TorBox
from bridge.web import (
    BACKLOG,
    BoundedRunner,
    Checkup,
    Report,
    add_alternative_ui,
    add_page,
    add_web,
    bound_request,
)

log = structlog.get_logger()

SHUTDOWN_SECONDS = 2.0
BUDGETS_FACT = "budgets"
STREAM_KEY_FACT = "stream_key"


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
async def bridge(
    settings: Settings,
    *,
    pace: Pace | None = None,
    reload: Callable[[], Settings] | None = None,
    logs: RecentLogs | None = None,
) -> AsyncIterator[Running]:
    """Run a bridge while the `async with` lasts. Port 0 takes a free one.

    `reload` reads the settings again: asked for a new key when TorBox no longer takes the old one.
    `logs` is what qBittorrent's log shows.

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
        key = _key(settings, reload)
        torbox = await _torbox(settings, store, api, key)
        stream_key = await _stream_key(store)
        throttles = Throttles()
        services = Services(
            ledger=ledger,
            torbox=torbox,
            links=Links(torbox, time.time),
            key=key,
            arrs=Arrs([Arr(api, arr) for arr in settings.arr]),
            deliveries=build_deliveries(settings, cdn, stream_key, throttles),
            throttles=throttles,
            stream_key=stream_key,
            settings=settings,
            clock=time.time,
            pace=pace or Pace(),
        )
        engine = Engine(services)
        allowed = settings.server.fetch_allowed_hosts
        links = await stack.enter_async_context(LinkFetcher(allowed))
        downloads = Downloads(services, engine, links)
        await _make_categories(settings, downloads)
        access, new_password = await _access(settings, store)

        checkup = Checkup(time.time)
        served = _served(settings, downloads, access, store, checkup, logs)
        runner = await stack.enter_async_context(served)
        stack.push_async_callback(engine.close)
        engine.start()
        await downloads.resume()
        look = partial(_examined, _as_served(settings, runner), torbox)
        engine.background(checkup.run(look), name="doctor")
        yield Running(_url(settings, runner), new_password, downloads, ledger)


def check(settings: Settings) -> None:
    """Try the directories.

    Raises:
        CannotStart: something is missing; with the fix.
    """
    problems = directory_problems(settings)
    ui = settings.web.alternative_ui
    if ui is not None and not (ui / "public").is_dir():
        problems.append(f"web.alternative_ui: {ui} has no folder public: unpack a web UI there")
    if settings.torbox.api_key is None:
        problems.append(
            "no TorBox API key: set TORBOX_API_KEY, or torbox.api_key in the configuration file,"
            " or BRIDGE_TORBOX__API_KEY_FILE to a file that holds it."
            " The key stands on https://torbox.app/settings"
        )
    if problems:
        raise CannotStart(problems)


def _key(settings: Settings, reload: Callable[[], Settings] | None) -> ApiKey:
    async def read() -> str:
        if reload is None:
            return ""
        try:
            found = (await asyncio.to_thread(reload)).torbox.api_key
        except ConfigError as error:
            log.warning("settings_unreadable", problems=error.problems)
            return ""
        text = found.reveal() if found else ""
        mask(text)
        return text

    key = settings.torbox.api_key
    return ApiKey(key.reveal() if key else "", read)


async def _torbox(
    settings: Settings, store: Store, session: aiohttp.ClientSession, key: ApiKey
) -> TorBox:
    limits = settings.torbox.limits
    budgets = Budgets(
        calls_per_minute=limits.calls_per_minute, uncached_per_hour=limits.uncached_per_hour
    )
    budgets.load(await store.fact(BUDGETS_FACT, list[BudgetRow]) or ())
    return TorBox(
        session,
        base_url=settings.torbox.base_url,
        search_url=_search_url(settings.torbox.base_url),
        api_key=key,
        timeout=settings.torbox.timeout_seconds,
        budgets=budgets,
    )


async def _stream_key(store: Store) -> bytes:
    """Take the key that signs streams, or make it: `.strm` files outlive many starts."""
    known = await store.fact(STREAM_KEY_FACT, bytes)
    if known is not None:
        return known
    made = secrets.token_bytes(KEY_BYTES)
    async with store.transaction() as write:
        await write.put_fact(STREAM_KEY_FACT, made)
    return made


async def _make_categories(settings: Settings, downloads: Downloads) -> None:
    """Make the categories of the settings, and the directories of all.

    *arr show a red health message for a category whose directory is missing.
    """
    known = {category.name for category in downloads.categories()}
    for name, category in settings.categories.items():
        make = downloads.edit_category if name in known else downloads.create_category
        await make(name, category.save_path or "")
    for made in downloads.categories():
        try:
            path = downloads.category_path(made)
        except OutsideRoots as error:
            # The settings have moved since it was made; its downloads are refused, with the reason.
            log.error("save_path_unusable", category=made.name, problem=str(error))
            continue
        for problem in await asyncio.to_thread(check_directory, path, make=True):
            # One that an *arr made: the others work all the same.
            log.error("save_path_unusable", category=made.name, problem=str(problem))


def _search_url(base_url: str) -> str:
    """Tell where searches go: TorBox has a host for them, others (the simulator) have one for all."""
    return SEARCH_URL if base_url == TorBoxSettings().base_url else base_url


async def _access(settings: Settings, store: Store) -> tuple[Access, str | None]:
    """Take the password of the settings, or the one made before, or make one now."""
    made: str | None = None
    username = settings.server.username
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
        username = await store.fact(USERNAME_FACT, str) or username
    key = settings.server.api_key
    access = Access(
        username=username,
        password_hash=hashed,
        api_key=key.reveal() if key else None,
        clock=time.monotonic,
        trusted_proxies=settings.server.trusted_proxies,
        exempt_networks=settings.server.auth_exempt,
        csrf_protection=settings.web.csrf_protection,
    )
    return access, made


@asynccontextmanager
async def _served(
    settings: Settings,
    downloads: Downloads,
    access: Access,
    store: Store,
    checkup: Checkup,
    logs: RecentLogs | None,
) -> AsyncIterator[web.AppRunner]:
    """Listen on the configured address."""
    app = web.Application(middlewares=[bound_request])
    base = settings.server.url_base
    preferences = {
        "web_ui_address": settings.server.host,
        "web_ui_port": settings.server.port,
        "web_ui_username": settings.server.username,
        "web_ui_csrf_protection_enabled": settings.web.csrf_protection,
        "web_ui_reverse_proxy_enabled": bool(settings.server.trusted_proxies),
        "web_ui_reverse_proxies_list": ";".join(map(str, settings.server.trusted_proxies)),
        "alternative_webui_enabled": settings.web.alternative_ui is not None,
        "alternative_webui_path": str(settings.web.alternative_ui or ""),
    }
    profile = PROFILES[settings.qbittorrent.profile]
    api = create_api(downloads, access, profile=profile, preferences=preferences, logs=logs)
    app.add_subapp(base + PREFIX, api)
    app.on_response_prepare.append(add_security_headers)
    add_web(app, base, downloads=downloads, access=access, store=store, checkup=checkup)
    if settings.web.alternative_ui is None:
        add_page(app, base)
    else:
        add_alternative_ui(app, base, settings.web.alternative_ui, access)
    runner = BoundedRunner(app, shutdown_timeout=SHUTDOWN_SECONDS)
    await runner.setup()
    try:
        await _listen(runner, settings.server.host, settings.server.port)
        yield runner
    finally:
        await runner.cleanup()


async def _listen(runner: web.AppRunner, host: str, port: int) -> None:
    try:
        await web.TCPSite(runner, host, port, backlog=BACKLOG).start()
    except OSError as error:
        raise CannotStart(
            [f"cannot listen on {host}:{port}: {error.strerror or error}. Set server.port."]
        ) from error


def _url(settings: Settings, runner: web.AppRunner) -> str:
    host, port = runner.addresses[0][:2]
    return f"http://{host}:{port}{settings.server.url_base}"


def _as_served(settings: Settings, runner: web.AppRunner) -> Settings:
    """Put in the port that is really listened at: port 0 takes a free one."""
    port = runner.addresses[0][1]
    return structs.replace(settings, server=structs.replace(settings.server, port=port))


async def _examined(settings: Settings, torbox: TorBox) -> Report:
    return report(await examine(settings, torbox))
