"""The composition root: builds, starts and stops everything, in reading order."""

import asyncio
import secrets
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

import aiohttp
import msgspec
import structlog
from aiohttp import web
from msgspec import structs

from bridge import USER_AGENT
from bridge.arr import Arr, Arrs
from bridge.auth import Access, hash_password
from bridge.call_logs import INCOMING, IncomingCalls, log_call, told_of_calls
from bridge.config import ConfigError, Settings, TorBoxSettings
from bridge.config.outbound_proxy import from_environment
from bridge.core.change_log import batched
from bridge.core.model import Entry, Failover
from bridge.core.paths import OutsideRoots
from bridge.core.streams import KEY_BYTES
from bridge.dashboard import OperatorCommands, OverviewSource, Previews
from bridge.delivery import Throttles, check_directory, link_works, make_session
from bridge.doctor import examine, log_findings, report
from bridge.downloads import PASSWORD_HASH, USERNAME, DownloadService
from bridge.engine import BUDGETS, Engine, EngineContext, LinkBooks, RetryTimes
from bridge.engine.delivery_setup import build_deliveries, directory_problems, fetch_settings
from bridge.engine.link_fetcher import LinkFetcher
from bridge.history import History, Watcher
from bridge.listen import CannotStart, base_url, only_bridge_on, start_sites
from bridge.logs import RecentLogs, mask
from bridge.notify import Notifier, Receiver
from bridge.qbittorrent import PROFILES, add_api, add_security_headers
from bridge.settings_reload import watch_settings
from bridge.setup import SettingsEditor, Setup
from bridge.state import Database, State
from bridge.torbox import SEARCH_URL, ApiKey, BudgetRow, Budgets, CallClass, TorBox
from bridge.web import (
    BoundedRunner,
    Checkup,
    Counters,
    PageActions,
    PageModel,
    Report,
    Sources,
    WebContext,
    add_alternative_ui,
    add_page,
    add_web,
    bound_request,
)
from bridge.web.check import FIRST_AFTER

log = structlog.get_logger(__name__)

SHUTDOWN_SECONDS = 2.0
CHECK_AGAIN_SECONDS = 60.0
STREAM_KEY = "stream_key"


class Running(msgspec.Struct, frozen=True):
    """A bridge that serves."""

    url: str
    """Where it listens, url_base included, without a trailing slash."""
    new_password: str | None
    """The password made at this very start, to be shown once; None when there was one."""
    downloads: DownloadService
    state: State
    restart: asyncio.Event
    """Set when somebody wants a restart with the settings as they are by then."""


class Origin(msgspec.Struct, frozen=True):
    """The source of the settings, for the page that changes them."""

    path: Path
    """The YAML file, which may not exist yet."""
    environ: Mapping[str, str]
    restarts: bool = False
    """The process starts the bridge again after `Running.restart` is set."""


@asynccontextmanager
async def bridge(
    settings: Settings,
    *,
    retry: RetryTimes | None = None,
    clock: Callable[[], float] = time.time,
    reload: Callable[[], Settings] | None = None,
    logs: RecentLogs | None = None,
    origin: Origin | None = None,
    check_after: float = FIRST_AFTER,
) -> AsyncIterator[Running]:
    """Run a bridge while the `async with` lasts. Port 0 takes a free one.

    Without a TorBox key it still serves: the page asks for a key, and downloads wait for it.
    `reload` reads the settings again; what can change while the bridge runs is taken over.
    `logs` is what qBittorrent's log shows. `origin` is where the settings come from. The doctor
    looks first after `check_after` seconds.

    Raises:
        CannotStart: directories that cannot be used, an address that is taken, another bridge on
            this database.
        DatabaseError: the database cannot be used.
    """
    await asyncio.to_thread(check, settings)
    async with AsyncExitStack() as stack:
        stack.enter_context(only_bridge_on(settings.paths.database))
        database = await stack.enter_async_context(Database(settings.paths.database))
        counters = Counters({arr.url: arr.name for arr in settings.arr})
        session = aiohttp.ClientSession(
            headers={"User-Agent": USER_AGENT},
            middlewares=[told_of_calls(log_call, counters.called)],
        )
        api = await stack.enter_async_context(session)
        cdn = await stack.enter_async_context(make_session(USER_AGENT))

        state = State(database, clock)
        await state.load()
        key = _key(settings, reload)
        torbox = await _torbox(settings, database, api, key, clock)
        throttles = Throttles(counters.fetched)
        stream_key = await _stream_key(database)
        arrs = [Arr(api, arr) for arr in settings.arr]
        ctx = EngineContext(
            state=state,
            torbox=torbox,
            deliveries=build_deliveries(settings, cdn, stream_key, throttles),
            settings=settings,
            clock=clock,
            link_books=LinkBooks(torbox, clock),
            key=key,
            arrs=Arrs(arrs),
            retry=retry or RetryTimes(),
            throttles=throttles,
            link_works=partial(link_works, cdn, fetch_settings(settings)),
            stream_key=stream_key,
        )
        allowed = settings.server.fetch_allowed_hosts
        fetcher = await stack.enter_async_context(LinkFetcher(allowed))
        engine = Engine(ctx, fetcher)
        downloads = DownloadService(ctx, engine)
        await _make_categories(settings, downloads)
        access, new_password = await _access(settings, database)

        checkup = Checkup(time.time)
        sources = Sources(
            counters=counters,
            calls_left=partial(_calls_left, torbox.budgets),
            listed_at=lambda: state.snapshot.listed_at,
        )
        history = History(database)
        watcher = _watcher(settings, history, state)
        notifier = Notifier(api, _receivers(settings), clock=clock)
        state.on_change = partial(_changed, counters, engine, watcher, notifier)
        overview = OverviewSource(
            ctx, engine, arrs, partial(_directories, settings, downloads), lambda: access.alerts
        )
        wanted = asyncio.Event()
        renew_key = partial(_renew_key, engine, overview, checkup)
        context = _web_context(
            ctx, engine, downloads, overview, history=history, notifier=notifier,
            setup=Setup(api, settings), origin=origin, wanted=wanted, renew_key=renew_key,
        )  # fmt: skip
        served = _served(settings, context, access, database, checkup, logs, sources)
        runner = await stack.enter_async_context(served)
        stack.push_async_callback(engine.close)
        engine.start()
        await downloads.resume()
        look = partial(_examined, settings, runner, torbox, state)
        engine.background(checkup.run(look, first_after=check_after), name="doctor")
        engine.background(_check_again(checkup, check_after), name="doctor again")
        for name, job in (
            ("speeds", overview.sample()),
            ("history", watcher.run()),
            *notifier.jobs(partial(_blocked, overview)),
        ):
            engine.background(job, name=name)
        if not key():
            log.warning("no_torbox_key", page=_url(settings, runner), what="enter it on the page")
        if reload is not None:
            apply = partial(_apply_settings, settings, downloads, engine, renew_key)
            watch = watch_settings(
                settings, reload, check=check, apply=apply, due=overview.restart_due
            )
            engine.background(watch, name="settings")
        # Not before: a start that failed would store a password that nobody has seen.
        yield Running(
            _url(settings, runner), await _stored(database, new_password), downloads, state, wanted
        )


def _web_context(
    ctx: EngineContext,
    engine: Engine,
    downloads: DownloadService,
    overview: OverviewSource,
    *,
    history: History,
    notifier: Notifier,
    setup: Setup,
    origin: Origin | None,
    wanted: asyncio.Event,
    renew_key: Callable[[], Coroutine[None, None, None]],
) -> WebContext:
    """Put together what the page needs. `wanted` is set when it asks for a restart."""
    origin = origin or Origin(ctx.settings.paths.database.with_name("bridge.yaml"), {})
    commands = OperatorCommands(ctx, engine)
    return WebContext(
        downloads=downloads,
        model=PageModel(downloads, overview, clock=ctx.clock),
        actions=PageActions(downloads, commands),
        commands=commands,
        previews=Previews(ctx),
        overview=overview,
        history=history,
        settings=SettingsEditor(
            origin.path,
            origin.environ,
            can_restart=origin.restarts,
            key_changed=lambda: engine.background(renew_key(), name="renew key"),
        ),
        setup=setup,
        notifier=notifier,
        restart=partial(_ask_restart, wanted, possible=origin.restarts),
    )


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


def _watcher(settings: Settings, history: History, state: State) -> Watcher:
    def entries() -> list[Entry]:
        found = (state.entry(grab_id) for grab_id in state.grabs)
        return [entry for entry in found if entry is not None]

    return Watcher(
        history,
        entries=entries,
        reported=partial(_reported_at, state),
        keep_seconds=settings.history.keep_for,
        clock=state.clock,
    )


def _reported_at(state: State, entry: Entry) -> float | None:
    """Return when the *arr of a failed entry was told, if it was."""
    times = (
        job.task.sent_at
        for job in state.jobs.values()
        if job.subject == entry.hash
        and isinstance(job.task, Failover)
        and job.task.category == entry.grab.category
    )
    return max((at for at in times if at is not None), default=None)


def _blocked(overview: OverviewSource) -> list[tuple[str, str]]:
    return [(one.kind, one.text) for one in overview.blockers() if one.kind != "no_slot"]


def _directories(settings: Settings, downloads: DownloadService) -> list[Path]:
    paths = [settings.paths.downloads, settings.paths.incomplete_directory]
    return list(dict.fromkeys([*paths, *downloads.labels.category_paths()]))


async def _renew_key(engine: Engine, overview: OverviewSource, checkup: Checkup) -> None:
    """Use the key of the settings; of another key the account and the check are read anew."""
    if await engine.renew_key():
        overview.key_changed()
        checkup.outdated()


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
    settings: Settings,
    database: Database,
    session: aiohttp.ClientSession,
    key: ApiKey,
    clock: Callable[[], float],
) -> TorBox:
    limits = settings.torbox.limits
    budgets = Budgets(
        calls_per_minute=limits.calls_per_minute, uncached_per_hour=limits.uncached_per_hour
    )
    budgets.load(await database.value(BUDGETS, list[BudgetRow]) or ())
    return TorBox(
        session,
        base_url=settings.torbox.base_url,
        search_url=_search_url(settings.torbox.base_url),
        api_key=key,
        timeout=settings.torbox.timeout_seconds,
        proxies=from_environment(settings.torbox.proxy),
        budgets=budgets,
        clock=clock,
    )


async def _stream_key(database: Database) -> bytes:
    """Take the key that signs streams, or make it: `.strm` files outlive many starts."""
    known = await database.value(STREAM_KEY, bytes)
    if known is not None:
        return known
    made = secrets.token_bytes(KEY_BYTES)
    await database.put_value(STREAM_KEY, made)
    return made


async def _make_categories(settings: Settings, downloads: DownloadService) -> None:
    """Make the categories of the settings, and the directories of all.

    *arr show a red health message for a category whose directory is missing.
    """
    known = {category.name for category in downloads.labels.categories()}
    for name, category in settings.categories.items():
        make = downloads.labels.edit_category if name in known else downloads.labels.create_category
        await make(name, category.save_path or "")
    for made in downloads.labels.categories():
        try:
            path = downloads.labels.category_path(made)
        except OutsideRoots as error:
            # The settings have moved since it was made; its downloads are refused, with the reason.
            log.error("save_path_unusable", category=made.name, problem=str(error))
            continue
        for problem in await asyncio.to_thread(check_directory, path, make=True):
            # Not fatal: an *arr created this category, and the other categories still work.
            log.error("save_path_unusable", category=made.name, problem=str(problem))


def _changed(
    counters: Counters,
    engine: Engine,
    watcher: Watcher,
    notifier: Notifier,
    before: Entry | None,
    after: Entry | None,
) -> None:
    """Pass a changed entry to every listener. Called for each change, so it must stay cheap."""
    if after is not None:
        _count(counters, before, after)
        engine.entry_changed(before, after)
    watcher.note(before, after)
    notifier.note(before, after)


def _count(counters: Counters, before: Entry | None, after: Entry) -> None:
    """Count what changed of an entry."""
    phase = before.phase if before is not None else None
    reason = after.failure.reason if after.failure is not None else None
    counters.phase_changed(after.grab.category, phase, after.phase, reason)
    if before is not None and _attempts(after) > _attempts(before):
        counters.retried()


def _attempts(entry: Entry) -> int:
    return entry.grab.attempts + entry.download.attempts


def _calls_left(budgets: Budgets) -> dict[str, int]:
    """Return how many calls of each class TorBox allows now."""
    now = time.time()
    return {kind.value: budgets.left(kind, now) for kind in CallClass}


def _search_url(base_url: str) -> str:
    """Return the URL for searches. TorBox has a host for them; the simulator has a single host."""
    return SEARCH_URL if base_url == TorBoxSettings().base_url else base_url


class _NewPassword(msgspec.Struct, frozen=True):
    """A password made for the first start. It is not stored yet."""

    text: str
    hashed: str


async def _access(settings: Settings, database: Database) -> tuple[Access, _NewPassword | None]:
    """Return the login, with the password of the settings, the stored one, or a new one."""
    made: _NewPassword | None = None
    username = settings.server.username
    if settings.server.password is not None:
        hashed = await asyncio.to_thread(hash_password, settings.server.password.reveal())
    else:
        known = await database.value(PASSWORD_HASH, str)
        if known is None:
            text = secrets.token_urlsafe(12)
            known = await asyncio.to_thread(hash_password, text)
            made = _NewPassword(text, known)
        hashed = known
        username = await database.value(USERNAME, str) or username
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


async def _stored(database: Database, made: _NewPassword | None) -> str | None:
    """Store a new password, hashed; return its text, None if there is none."""
    if made is None:
        return None
    await database.put_value(PASSWORD_HASH, made.hashed)
    return made.text


@asynccontextmanager
async def _served(
    settings: Settings,
    context: WebContext,
    access: Access,
    database: Database,
    checkup: Checkup,
    logs: RecentLogs | None,
    sources: Sources,
) -> AsyncIterator[web.AppRunner]:
    """Listen on the configured address."""
    app = web.Application(middlewares=[bound_request])
    base = settings.server.url_base
    preferences = {
        "web_ui_address": settings.server.host[0],
        "web_ui_port": settings.server.port,
        "web_ui_username": settings.server.username,
        "web_ui_csrf_protection_enabled": settings.web.csrf_protection,
        "web_ui_reverse_proxy_enabled": bool(settings.server.trusted_proxies),
        "web_ui_reverse_proxies_list": ";".join(map(str, settings.server.trusted_proxies)),
        "alternative_webui_enabled": settings.web.alternative_ui is not None,
        "alternative_webui_path": str(settings.web.alternative_ui or ""),
    }
    profile = PROFILES[settings.qbittorrent.profile]
    add_api(
        app, base, context.downloads, access,
        profile=profile, preferences=preferences, logs=logs,
    )  # fmt: skip
    app.on_response_prepare.append(add_security_headers)
    add_web(
        app, base, context=context, access=access, store=database, checkup=checkup,
        sources=sources,
    )  # fmt: skip
    if settings.web.alternative_ui is None:
        add_page(app, base)
    else:
        add_alternative_ui(app, base, settings.web.alternative_ui, access)
    runner = BoundedRunner(
        app,
        access_log=INCOMING,
        access_log_class=IncomingCalls,
        shutdown_timeout=SHUTDOWN_SECONDS,
    )
    await runner.setup()
    try:
        await start_sites(runner, settings.server.host, settings.server.port)
        yield runner
    finally:
        await runner.cleanup()


def _url(settings: Settings, runner: web.AppRunner) -> str:
    return base_url(runner.addresses[0]) + settings.server.url_base


def _as_served(settings: Settings, runner: web.AppRunner) -> Settings:
    """Put in the port that is really listened at: port 0 takes a free one."""
    port = runner.addresses[0][1]
    return structs.replace(settings, server=structs.replace(settings.server, port=port))


async def _apply_settings(
    settings: Settings,
    downloads: DownloadService,
    engine: Engine,
    renew_key: Callable[[], Coroutine[None, None, None]],
) -> None:
    """Do what changed settings need beyond being read: a new key, new categories."""
    await renew_key()
    engine.settings_changed()
    await _make_categories(settings, downloads)


async def _check_again(checkup: Checkup, check_after: float) -> None:
    """Have the doctor look again if the first look found a problem.

    The *arr often start together with the bridge, and are not ready at its first look.
    """
    await asyncio.sleep(check_after + CHECK_AGAIN_SECONDS)
    if checkup.told()["healthy"] is False:
        checkup.ask()


async def _examined(
    settings: Settings, runner: web.AppRunner, torbox: TorBox, state: State
) -> Report:
    found = await examine(_as_served(settings, runner), torbox, await _programs(state))
    log_findings(found)
    return report(found)


async def _programs(state: State) -> Mapping[tuple[str, str], int]:
    """Return the number of failed grabs for each program and category with grabs."""
    found: Counter[tuple[str, str]] = Counter()
    for batch in batched(state.grabs, 1000):
        for entry in filter(None, map(state.entry, batch)):
            found[entry.grab.client, entry.grab.category] += entry.failure is not None
        await asyncio.sleep(0)
    return found
