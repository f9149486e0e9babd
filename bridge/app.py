"""The composition root: builds, starts and stops everything, in reading order."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path

import aiohttp
import structlog
from aiohttp import web
from msgspec import structs

from bridge.access import Access, hash_password
from bridge.arr import Arr, Arrs
from bridge.config import ConfigError, Settings, TorBoxSettings
from bridge.core.roots import OutsideRoots
from bridge.core.streams import KEY_BYTES
from bridge.dashboard import Commands, OverviewSource, Previews
from bridge.delivery import Throttles, check_directory, make_session
from bridge.doctor import examine, report
from bridge.downloads import PASSWORD_FACT, USERNAME_FACT, Downloads, LinkFetcher
from bridge.engine import Engine, Ledger, Links, Pace, Services
from bridge.engine.deliveries import build_deliveries, directory_problems
from bridge.history import Change, History, Watcher
from bridge.logs import RecentLogs, mask
from bridge.notify import Notifier, Receiver
from bridge.notify.messages import of_change
from bridge.qbittorrent import PREFIX, PROFILES, create_api, dress
from bridge.setup import SettingsEditor, Setup
from bridge.store import Store
from bridge.torbox import SEARCH_URL, ApiKey, BudgetRow, Budgets, TorBox
from bridge.web import (
    Checkup,
    PageActions,
    PageModel,
    Report,
    WebContext,
    add_alternative_ui,
    add_page,
    add_web,
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
    restart: asyncio.Event
    """Set when somebody wants a restart with the settings as they are by then."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the settings come from, for the page that changes them."""

    path: Path
    """The YAML file, which may not be there yet."""
    environ: Mapping[str, str]
    restarts: bool = False
    """Whoever runs the bridge starts it anew when `Running.restart` is set."""


@asynccontextmanager
async def bridge(
    settings: Settings,
    *,
    pace: Pace | None = None,
    reload: Callable[[], Settings] | None = None,
    logs: RecentLogs | None = None,
    origin: Origin | None = None,
) -> AsyncIterator[Running]:
    """Run a bridge while the `async with` lasts. Port 0 takes a free one.

    Without a TorBox key it serves all the same: the page asks for one, and what is added waits.
    `reload` reads the settings again: asked for a new key when TorBox no longer takes the old one.
    `logs` is what qBittorrent's log shows. `origin` is where the settings come from.

    Raises:
        CannotStart: directories that cannot be used, an address that is taken.
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
        arrs = [Arr(api, arr) for arr in settings.arr]
        services = Services(
            ledger=ledger,
            torbox=torbox,
            links=Links(torbox, time.time),
            key=key,
            arrs=Arrs(arrs),
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
        wanted = asyncio.Event()
        history = History(store)
        notifier = Notifier(api, _receivers(settings), clock=time.time)
        overview = OverviewSource(
            services, engine, arrs, partial(_directories, settings, downloads)
        )
        commands = Commands(services, engine)
        origin = origin or Origin(settings.paths.database.with_name("bridge.yaml"), {})
        context = WebContext(
            downloads=downloads,
            model=PageModel(downloads, overview),
            actions=PageActions(downloads, commands),
            commands=commands,
            previews=Previews(services),
            overview=overview,
            history=history,
            settings=SettingsEditor(
                origin.path,
                origin.environ,
                can_restart=origin.restarts,
                key_changed=partial(_key_changed, engine, overview),
            ),
            setup=Setup(api, settings),
            notifier=notifier,
            restart=partial(_ask_restart, wanted, possible=origin.restarts),
        )
        served = _served(settings, context, access, store, checkup, logs)
        runner = await stack.enter_async_context(served)
        stack.push_async_callback(engine.close)
        engine.start()
        await downloads.resume()
        look = partial(_examined, _as_served(settings, runner), torbox)
        engine.background(checkup.run(look), name="doctor")
        engine.background(overview.sample(), name="speeds")
        watcher = _watcher(settings, history, downloads, ledger, notifier)
        engine.background(watcher.run(), name="history")
        for name, job in notifier.jobs(partial(_blocked, overview)):
            engine.background(job, name=name)
        if not key():
            log.warning("no_torbox_key", page=_url(settings, runner), what="enter it on the page")
        yield Running(_url(settings, runner), new_password, downloads, ledger, wanted)


def _receivers(settings: Settings) -> list[Receiver]:
    return [
        Receiver(
            name=one.name,
            kind=one.kind,
            url=one.url.reveal(),
            token=one.token.reveal() if one.token else "",
            events=frozenset(one.events),
        )
        for one in settings.notify
    ]


def _watcher(
    settings: Settings,
    history: History,
    downloads: Downloads,
    ledger: Ledger,
    notifier: Notifier,
) -> Watcher:
    def tell(changes: Sequence[Change]) -> None:
        news = (of_change(change.before, change.after) for change in changes)
        notifier.tell([message for message in news if message is not None])

    return Watcher(
        history,
        version=lambda: downloads.version,
        downloads=lambda: [view.download for view in downloads.each()],
        reported=lambda: {
            (job.hash, job.category): job.sent_at
            for job in ledger.failovers.values()
            if job.sent_at is not None
        },
        changed=tell,
        keep_seconds=settings.history.keep_for,
    )


def _blocked(overview: OverviewSource) -> list[tuple[str, str]]:
    return [(one.kind, one.text) for one in overview.blockers() if one.kind != "slots"]


def _directories(settings: Settings, downloads: Downloads) -> list[Path]:
    paths = [settings.paths.downloads, settings.paths.incomplete_directory]
    return list(dict.fromkeys([*paths, *downloads.category_paths()]))


def _key_changed(engine: Engine, overview: OverviewSource) -> None:
    overview.key_changed()
    engine.background(engine.renew_key(), name="renew key")


def _ask_restart(wanted: asyncio.Event, *, possible: bool) -> bool:
    if possible:
        wanted.set()
    return possible


def check(settings: Settings) -> None:
    """Try the directories.

    Raises:
        CannotStart: something is missing; with the fix.
    """
    problems = directory_problems(settings)
    ui = settings.web.alternative_ui
    if ui is not None and not (ui / "public").is_dir():
        problems.append(f"web.alternative_ui: {ui} has no folder public: unpack a web UI there")
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
        csrf_protection=settings.web.csrf_protection,
    )
    return access, made


@asynccontextmanager
async def _served(
    settings: Settings,
    context: WebContext,
    access: Access,
    store: Store,
    checkup: Checkup,
    logs: RecentLogs | None,
) -> AsyncIterator[web.AppRunner]:
    """Listen on the configured address."""
    app = web.Application()
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
    api = create_api(context.downloads, access, profile=profile, preferences=preferences, logs=logs)
    app.add_subapp(base + PREFIX, api)
    app.on_response_prepare.append(dress)
    add_web(app, base, context=context, access=access, store=store, checkup=checkup)
    if settings.web.alternative_ui is None:
        add_page(app, base)
    else:
        add_alternative_ui(app, base, settings.web.alternative_ui, access)
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


def _as_served(settings: Settings, runner: web.AppRunner) -> Settings:
    """Put in the port that is really listened at: port 0 takes a free one."""
    port = runner.addresses[0][1]
    return structs.replace(settings, server=structs.replace(settings.server, port=port))


async def _examined(settings: Settings, torbox: TorBox) -> Report:
    return report(await examine(settings, torbox))
