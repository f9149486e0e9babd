"""The overview at the top of the page: TorBox, its limits, the disks, the *arr, blockers.

The overview is answered from memory. The account, the *arr and the disks are read in the
background, and only while a page is open.
"""

import asyncio
import os
import shutil
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TypeAlias

import msgspec
import structlog

from bridge import __version__
from bridge.arr import Arr, ArrError
from bridge.engine import Blocker, Engine, EngineContext
from bridge.torbox import Account, CallClass, TorBoxError

log = structlog.get_logger(__name__)

ACCOUNT_SECONDS = 600.0
ACCOUNT_RETRY_SECONDS = 60.0
ARR_SECONDS = 60.0
DISK_SECONDS = 30.0
DISK_WAIT_SECONDS = 5.0
"""A network disk that hangs must not delay the others."""

Usage: TypeAlias = tuple[int, int, int]
"""Device number, free bytes and total bytes of a file system."""
VIOLATION_SECONDS = 60.0
NO_KEY = "No TorBox API key is set"
SAMPLE_SECONDS = 15.0
SAMPLES = 240
"""Samples of the speeds in one hour. A restart clears them."""


class TorBoxHealth(msgspec.Struct, frozen=True, kw_only=True):
    """Whether TorBox answers and accepts the key, and the plan."""

    state: str
    """`ok`, `down`, `bad_key`, `no_key`."""
    text: str = ""
    """Why, in words; empty when all is well."""
    plan: str = ""
    plan_ends_at: float | None = None
    cooldown_until: float | None = None


class SlotsView(msgspec.Struct, frozen=True, kw_only=True):
    """TorBox's slots: the torrents that it downloads at one time."""

    used: int
    total: int | None
    """None until the account is read."""
    queued_at_torbox: int
    waiting: bool
    """No slot is free: downloads that are not cached wait."""


class BudgetView(msgspec.Struct, frozen=True, kw_only=True):
    """The number of calls of a class that TorBox still allows."""

    name: str
    left: int
    limit: int
    seconds: float
    """The window of the limit."""
    free_at: float | None
    """Unix seconds of the next allowed call; None when one is allowed now."""
    full_at: float | None
    """Unix seconds when the whole limit is allowed again, without more calls; None when it is now."""


class BlockerView(msgspec.Struct, frozen=True, kw_only=True):
    """A reason why work waits."""

    kind: str
    """`outage`, `bad_key`, `no_slot`, `plan_limit`, `list` or `disk`."""
    text: str
    next_attempt_at: float | None


class DiskView(msgspec.Struct, frozen=True, kw_only=True):
    """A file system that downloads go to. Bytes."""

    paths: tuple[str, ...]
    free: int
    total: int


class ArrHealth(msgspec.Struct, frozen=True, kw_only=True):
    """Whether an *arr answers."""

    name: str
    kind: str
    url: str
    categories: tuple[str, ...]
    reachable: bool | None
    """None until the first request to it ends."""
    text: str = ""


class Overview(msgspec.Struct, frozen=True, kw_only=True):
    """The overview of the page. Times are unix seconds, speeds bytes/s."""

    version: str
    torbox: TorBoxHealth
    slots: SlotsView
    budgets: tuple[BudgetView, ...]
    blockers: tuple[BlockerView, ...]
    disks: tuple[DiskView, ...]
    arrs: tuple[ArrHealth, ...]
    fetch_speeds: tuple[int, ...]
    """Samples of the last hour, oldest first, `sample_seconds` apart."""
    torbox_speeds: tuple[int, ...]
    sample_seconds: float
    security: tuple[str, ...]
    """Warnings about failed logins, a sentence each."""
    violations: int
    """Number of violated invariants; above 0 is a bug of the bridge."""
    unapplied: tuple[str, ...]
    """Saved settings that take effect after a restart."""


class OverviewSource:
    """Reads the overview. A page that shows it calls `watched` with every request."""

    def __init__(
        self,
        ctx: EngineContext,
        engine: Engine,
        arrs: Sequence[Arr],
        directories: Callable[[], Sequence[Path]],
        alerts: Callable[[], Sequence[str]],
        *,
        arr_seconds: float = ARR_SECONDS,
    ) -> None:
        self._ctx = ctx
        self._engine = engine
        self._arrs = tuple(arrs)
        self._directories = directories
        self._alerts = alerts
        self._unapplied: tuple[str, ...] = ()
        self._arr_seconds = arr_seconds
        self._account: Account | None = None
        self._account_due = 0.0
        self._arr_health = {arr.name: _arr_health(arr, None) for arr in arrs}
        self._arrs_due = 0.0
        self._disks: tuple[DiskView, ...] = ()
        self._disks_due = 0.0
        self._violations = 0
        self._violations_due = 0.0
        self._questions: dict[Path, asyncio.Future[Usage]] = {}
        self._running: set[str] = set()
        self._fetch_speeds: deque[int] = deque(maxlen=SAMPLES)
        self._torbox_speeds: deque[int] = deque(maxlen=SAMPLES)

    @property
    def slots_total(self) -> int | None:
        """Return the number of slots of the plan; None until the account is read."""
        return self._account.slots if self._account else None

    @property
    def arr_urls(self) -> Sequence[tuple[str, str, tuple[str, ...]]]:
        """List each *arr by name, URL and categories."""
        return [(arr.name, arr.url, arr.categories) for arr in self._arrs]

    def blockers(self) -> tuple[BlockerView, ...]:
        """List the reasons why work waits now."""
        return tuple(
            BlockerView(kind=one.name, text=self._text(one), next_attempt_at=one.next_attempt_at)
            for one in self._engine.all_blockers
        )

    def _text(self, blocker: Blocker) -> str:
        if blocker.name != "bad_key":
            return _plain(blocker.text)
        if not self._ctx.key():
            return NO_KEY
        return f"TorBox rejects the API key: {_plain(blocker.text).removeprefix('TorBox: ')}"

    def read(self) -> Overview:
        """Return the overview from memory: no call, no disk access."""
        now = self._ctx.clock()
        snapshot = self._ctx.state.snapshot
        blockers = self.blockers()
        return Overview(
            version=__version__,
            torbox=self._health(blockers),
            slots=SlotsView(
                used=sum(item.active for item in snapshot.items.values()),
                total=self.slots_total,
                queued_at_torbox=len(snapshot.queued),
                waiting=any(blocker.kind == "no_slot" for blocker in blockers),
            ),
            budgets=self._budgets(now),
            blockers=blockers,
            disks=self._disks,
            arrs=tuple(self._arr_health[arr.name] for arr in self._arrs),
            fetch_speeds=tuple(self._fetch_speeds),
            torbox_speeds=tuple(self._torbox_speeds),
            sample_seconds=SAMPLE_SECONDS,
            security=tuple(self._alerts()),
            violations=self._violations,
            unapplied=self._unapplied,
        )

    def _health(self, blockers: Sequence[BlockerView]) -> TorBoxHealth:
        state, text = "ok", ""
        for blocker in blockers:
            if blocker.kind in {"outage", "bad_key", "list"}:
                state = "bad_key" if blocker.kind == "bad_key" else "down"
                text = blocker.text
                break
        if not self._ctx.key():
            state, text = "no_key", NO_KEY
        account = self._account
        return TorBoxHealth(
            state=state,
            text=text,
            plan=account.plan_name if account else "",
            plan_ends_at=account.premium_expires_at if account else None,
            cooldown_until=account.cooldown_until if account else None,
        )

    def _budgets(self, now: float) -> tuple[BudgetView, ...]:
        rows = (
            ("Adds of what is not cached", CallClass.UNCACHED),
            ("Adds", CallClass.CREATE),
            ("Lists", CallClass.LIST),
            ("Links", CallClass.LINK),
            ("Control", CallClass.CONTROL),
        )
        budgets = self._ctx.torbox.budgets

        def view(name: str, call_class: CallClass) -> BudgetView:
            at, full_at = budgets.ready_at(call_class, now), budgets.full_at(call_class, now)
            limit = budgets.limit(call_class)
            return BudgetView(
                name=name,
                left=budgets.left(call_class, now),
                limit=limit.calls,
                seconds=limit.seconds,
                free_at=at if at > now else None,
                full_at=full_at if full_at > now else None,
            )

        return tuple(view(*row) for row in rows)

    # --- read in the background -------------------------------------------------------------

    async def sample(self) -> None:
        """Sample the speeds every `SAMPLE_SECONDS`, until cancelled."""
        state = self._ctx.state
        while True:
            fetch = sum(meter.speed for meter in state.meters.values())
            torbox = sum(
                item.download_speed for item in state.snapshot.items.values() if item.active
            )
            self._fetch_speeds.append(fetch)
            self._torbox_speeds.append(torbox)
            await asyncio.sleep(SAMPLE_SECONDS)

    def watched(self) -> None:
        """Start background reads of everything that is out of date."""
        now = self._ctx.clock()
        if now >= self._account_due and self._ctx.key():
            self._account_due = now + ACCOUNT_SECONDS
            self._begin("account", self._ask_account)
        if now >= self._arrs_due and self._arrs:
            self._arrs_due = now + self._arr_seconds
            self._begin("arrs", self._ask_arrs)
        if now >= self._disks_due:
            self._disks_due = now + DISK_SECONDS
            self._begin("disks", self._measure)
        if now >= self._violations_due:
            self._violations_due = now + VIOLATION_SECONDS
            self._violations = len(self._engine.violations)

    def key_changed(self) -> None:
        """Forget the account, which belonged to another key, and read it again."""
        self._account, self._account_due = None, 0.0

    def restart_due(self, keys: Sequence[str]) -> None:
        """Show which saved settings wait for a restart."""
        self._unapplied = tuple(keys)

    def _begin(self, name: str, ask: Callable[[], Awaitable[None]]) -> None:
        if name not in self._running:
            self._running.add(name)
            self._engine.background(self._once(name, ask), name=f"overview {name}")

    async def _once(self, name: str, ask: Callable[[], Awaitable[None]]) -> None:
        try:
            await ask()
        finally:
            self._running.discard(name)

    async def _ask_account(self) -> None:
        try:
            self._account = await self._ctx.torbox.me()
        except TorBoxError as error:
            # The last known account is kept: the plan does not change with an outage.
            self._account_due = self._ctx.clock() + ACCOUNT_RETRY_SECONDS
            log.info("account_unknown", why=str(error))

    async def _ask_arrs(self) -> None:
        async def ask(arr: Arr) -> ArrHealth:
            try:
                status = await arr.status()
            except ArrError as error:
                return _arr_health(arr, False, error.detail)
            return _arr_health(arr, True, f"{status.app_name} {status.version}")

        for health in await asyncio.gather(*(ask(arr) for arr in self._arrs)):
            self._arr_health[health.name] = health

    async def _measure(self) -> None:
        found: dict[int, DiskView] = {}
        for path in self._directories():
            usage = await self._usage(path)
            if usage is not None:
                device, free, total = usage
                known = found.get(device)
                paths = (*known.paths, str(path)) if known else (str(path),)
                found[device] = DiskView(paths=paths, free=free, total=total)
        self._disks = tuple(found.values())

    async def _usage(self, path: Path) -> Usage | None:
        """Return the usage of the file system of a path; None if it fails or takes too long."""
        # A hung network disk keeps its thread: asking again would use up the thread pool.
        question = self._questions.get(path)
        if question is None:
            loop = asyncio.get_running_loop()
            question = self._questions[path] = loop.run_in_executor(None, _measured, path)
        await asyncio.wait({question}, timeout=DISK_WAIT_SECONDS)
        if not question.done():
            return None
        del self._questions[path]
        try:
            return question.result()
        except OSError as error:
            log.info("free_space_unknown", directory=str(path), error=str(error))
            return None


def _measured(path: Path) -> Usage:
    usage = shutil.disk_usage(path)
    return os.stat(path).st_dev, usage.free, usage.total  # noqa: PTH116 - a device, not a path


def _plain(text: str) -> str:
    """Return a blocker's text as a part of a sentence, without a duration of no minutes."""
    return text.replace("TorBox: TorBox ", "TorBox ").removesuffix(" (for 0 min)").rstrip(".")


def _arr_health(arr: Arr, reachable: bool | None, text: str = "") -> ArrHealth:
    return ArrHealth(
        name=arr.name,
        kind=arr.kind,
        url=arr.url,
        categories=arr.categories,
        reachable=reachable,
        text=text,
    )
