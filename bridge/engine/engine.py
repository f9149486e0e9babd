"""The engine: plans, performs the actions, and sleeps until something is due or changes.

The only module with tasks and timers. `plan` decides, a table maps each action to its worker, and
each outcome is stored in a unit of work and wakes the next plan.
"""

import asyncio
from collections import Counter
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Coroutine,
    Iterable,
    Mapping,
    Sequence,
)
from contextlib import asynccontextmanager, suppress
from functools import partial
from math import ceil, inf
from typing import Any
from weakref import WeakValueDictionary

import msgspec
import structlog
from msgspec.structs import replace

from bridge.core.actions import (
    Action,
    AskImport,
    AttachQueued,
    AttachTorrent,
    CheckCached,
    CleanUp,
    DeleteStray,
    Deliver,
    FailDownload,
    FailGrab,
    Finish,
    LookUpMetadata,
    PlanFiles,
    Reannounce,
    RefreshItem,
    RefreshList,
    Reuse,
    RunJob,
    RunRemovals,
    Submit,
)
from bridge.core.invariants import TORBOX_WORKS
from bridge.core.model import (
    Download,
    Entry,
    Failure,
    Job,
)
from bridge.core.planner import plan
from bridge.core.planner_input import LiveDownload, PlannerInput, Rules, jobs_to_plan
from bridge.core.submit_queue import expected_turns
from bridge.engine.arr_reports import ArrRefresh
from bridge.engine.blockers import Blocker, Blockers
from bridge.engine.cleanup_work import CleanupTimes, ask_import, clean_up, finish
from bridge.engine.clock_put_back import bring_back_times
from bridge.engine.content_changes import ContentChanges
from bridge.engine.context import EngineContext, Row
from bridge.engine.deliver import Deliverer
from bridge.engine.failing import fail_download, fail_grab
from bridge.engine.file_planning import plan_files
from bridge.engine.invariant_watch import InvariantWatch
from bridge.engine.job_attempts import JobAttempts
from bridge.engine.leftover_search import LeftoverSearch
from bridge.engine.link_fetcher import LinkFetcher
from bridge.engine.link_follow import LinkFollows
from bridge.engine.list_refresh import ListRefresh, reannounce
from bridge.engine.metadata_lookup import MetadataLookups
from bridge.engine.outside import Outside
from bridge.engine.removal import delete_stray
from bridge.engine.shown_progress import store_shown_progress
from bridge.engine.stored_budgets import StoredBudgets
from bridge.engine.submit import attach_queued, attach_torrent, reuse, submit
from bridge.engine.tasks import Tasks, log_failure
from bridge.engine.torbox_memory import CachedAnswers
from bridge.state import WriteError
from bridge.torbox import CallClass, Operation, RateLimited, Refused, TorBoxError

log = structlog.get_logger(__name__)

LONGEST_SLEEP = 30.0
"""Maximum seconds between two plans, whatever the plan said."""

LEAST_JUMP = 1.0
"""Seconds. A clock that was put back by less makes no wait noticeably longer."""

STOP_SECONDS = 8.0
FAILED_TURN_PAUSE = 5.0
LONGEST_FAILED_TURN_PAUSE = 60.0
"""While the database cannot be written, the pauses double up to this."""

FEW_CREATES = 10
"""When fewer uncached creates than this are left, cached torrents are looked for first."""

SLOW_CREATE_SECONDS = 5.0
"""A create that takes longer than this no longer keeps others from their turn."""

MOST_SLOW_CREATES = 20
"""So many slow creates may be in flight all the same; then they do count."""

FORECAST = 200
"""Maximum downloads in the submit queue whose turn is forecast."""

REFUSALS = 6
"""After so many refused links to a ready item the grab fails."""

SETTLED_AT_ONCE = (
    AttachTorrent, AttachQueued, PlanFiles, FailDownload, FailGrab, CleanUp, DeleteStray,
)  # fmt: skip
"""Actions that are complete when their worker returns: the next plan follows immediately."""

CALLS: Mapping[type[Action], CallClass] = {
    Submit: CallClass.CREATE,
    RefreshItem: CallClass.LIST,
    Reuse: CallClass.LIST,
    Deliver: CallClass.LINK,
    Reannounce: CallClass.CONTROL,
    Finish: CallClass.CONTROL,
    RunJob: CallClass.CONTROL,
}
"""The call class that an action depends on."""


class Busy(msgspec.Struct, frozen=True):
    """A task in progress."""

    action: Action
    info_hash: str
    task: asyncio.Task[Any]
    began: float = 0.0


class Key(msgspec.Struct, frozen=True):
    """The subject of a task. There is at most one task per subject."""

    kind: str
    """`download`, `grab` or `job`."""
    id: int


class Engine:
    """Owns every background task. `start` it once; `close` it at the end."""

    def __init__(self, ctx: EngineContext, fetcher: LinkFetcher | None = None) -> None:
        self._ctx = ctx
        self._state = ctx.state
        self.blockers = Blockers(
            ctx.torbox.budgets,
            ctx.retry,
            idle_seconds=ctx.settings.torbox.poll_seconds.idle,
            clock=ctx.clock,
            creates=ctx.settings.torbox.limits.adds_at_once,
        )
        self.leftovers = LeftoverSearch(ctx)
        """Unfinished files on disk that belong to no grab."""
        self.outside = Outside(ctx)
        """TorBox and the disk, for requests of clients that wait for an answer."""
        self.links = LinkFollows(ctx, fetcher)
        self.content = ContentChanges(ctx, self)
        self._tasks = Tasks(self._rest_after)
        self._arr_refresh = ArrRefresh(ctx.arrs, partial(self._tasks.spawn, name="arr refresh"))
        self._cached = CachedAnswers(ctx.torbox)
        self._refresh = ListRefresh(ctx, self.blockers)
        self._deliverer = Deliverer(ctx, self)
        self._metadata = MetadataLookups(ctx, self.blockers)
        self._cleanup = CleanupTimes(ctx.state, ctx.rules)
        self._busy: dict[Key, Busy] = {}
        self._held: Counter[int] = Counter()
        self._holds: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()
        self._last_lookup_at: dict[int, float] = {}
        self._asking_import = False
        self._watch = InvariantWatch(ctx, self.blockers)
        self._jobs = JobAttempts(ctx, self.blockers, self.content, self.links, self._metadata)
        self._event = asyncio.Event()
        self._closing = False
        self._steady_since = 0.0
        self._looked_at = ctx.clock()
        self._planned_at: float | None = None
        self._rest = 0.0
        self._rest_until = 0.0
        self._budgets = StoredBudgets(ctx.torbox.budgets, ctx.state.database)
        self._workers = self._worker_table()

    # Queries and commands of the service

    @property
    def unreachable(self) -> bool:
        """Whether TorBox does not answer or rejects the key, so that its last report may be outdated."""
        return self.blockers.probe_at is not None

    @property
    def troubles(self) -> Sequence[str]:
        """Sentences that say why work is blocked; empty when it is not."""
        torbox = self.blockers.texts or self._refresh.blockers
        return [*torbox, *(blocker.text for blocker in disk_blockers(self._ctx))]

    @property
    def all_blockers(self) -> Sequence[Blocker]:
        """Every blocker with the time of the next attempt."""
        found = self.blockers.all
        if not self.blockers.texts:
            found += [Blocker("list", text) for text in self._refresh.blockers]
        return [*found, *disk_blockers(self._ctx)]

    @property
    def violations(self) -> Sequence[str]:
        """Sentences about violated invariants; normally empty."""
        return self._watch.violations(self._planner_input())

    def settings_changed(self) -> None:
        """Apply changed settings: every plan reads the rules anew, but clean-up times are cached.

        The API key may have been replaced, so a rejected key is tried again at once.
        """
        self._cleanup.reset()
        self.blockers.probe_now()
        self.wake()

    def entry_changed(self, before: Entry | None, after: Entry) -> None:
        """Let the *arr know soon of what became complete, or failed."""
        if not self._closing:
            self._arr_refresh.entry_changed(before, after)

    async def renew_key(self) -> bool:
        """Take another TorBox key if the settings have one, and try it at once.

        Return whether the key has changed.
        """
        changed = await self._ctx.key.renew()
        self.blockers.probe_now()
        self.wake()
        return changed

    def wake(self) -> None:
        """Plan again now, because something changed."""
        self._event.set()

    def cancel_grab(self, grab_id: int) -> None:
        """Cancel the work for a grab; the next plan may start it again."""
        busy = self._busy.get(Key("grab", grab_id))
        if busy is not None:
            busy.task.cancel()

    @asynccontextmanager
    async def held(self, grab_id: int) -> AsyncIterator[None]:
        """Cancel the work for a grab, and start none inside the context."""
        async with self._holds.setdefault(grab_id, asyncio.Lock()):
            self._held[grab_id] += 1
            try:
                busy = self._busy.get(Key("grab", grab_id))
                # A task must not wait for its own end.
                if busy is not None and busy.task is not asyncio.current_task():
                    busy.task.cancel()
                    await asyncio.wait({busy.task})
                yield
            finally:
                self._held[grab_id] -= 1
                if not self._held[grab_id]:
                    del self._held[grab_id]
                self.wake()

    def background(self, work: Coroutine[Any, Any, Any], *, name: str) -> asyncio.Task[Any]:
        """Run a coroutine that nobody waits for; it ends with the engine."""
        return self._tasks.spawn(work, name=name)

    async def look(self, download: Download) -> None:
        """Read the item of a download now; a failure is logged."""
        if download.torrent_id is None:
            return
        try:
            await self._refresh.refresh_item(download.id, download.torrent_id)
        except TorBoxError as error:
            log.info("look_failed", release=download.name, hash=download.hash, why=str(error))
        self.wake()

    async def control(self, download: Download, operation: Operation) -> None:
        """Send an operation on an item to TorBox, and read the item afterwards."""
        if await self.outside.control(download, operation):
            await self.look(download)

    def begin_jobs(self, jobs: Sequence[Job]) -> None:
        """Start the first attempt at these jobs now."""
        for job in jobs:
            self._begin(Key("job", job.id), RunJob(job.id), job.subject, self._jobs.attempt(job))

    async def perform_jobs(self, jobs: Sequence[Job], *, within: float = 10.0) -> None:
        """Start the first attempt at these jobs; wait until it is over, at most `within` seconds."""
        self.begin_jobs(jobs)
        # A client that sees its delete answered expects the files to be gone, so wait a little.
        keys = (Key("job", job.id) for job in jobs)
        tasks = {busy.task for key in keys if (busy := self._busy.get(key)) is not None}
        if tasks:
            await asyncio.wait(tasks, timeout=within)

    # The loop

    def start(self) -> None:
        """Begin to work, in the background.

        Reads TorBox's list at once, even with no downloads: this shows whether TorBox answers and
        accepts the key before the first grab depends on it.
        """
        self._refresh.begin()
        self._spawn(self._refresh.refresh_list(queue=False), name="first list")
        self._tasks.spawn(self._run(), name="engine")

    async def close(self) -> None:
        """Stop all tasks; fetches write their checkpoints."""
        # A timeout that expires at this moment swallows the cancellation, so the loop checks a
        # flag, too.
        self._closing = True
        await self._tasks.close(within=STOP_SECONDS)
        try:
            await self._budgets.save()
            await store_shown_progress(self._state, step=0.0)
        except WriteError as error:
            # Neither is worth more than a line: the rest of the stop must go on.
            log.warning("not_saved_at_the_stop", why=str(error))

    async def _run(self) -> None:
        while not self._closing:
            await asyncio.sleep(self._rest_until - asyncio.get_running_loop().time())
            self._event.clear()
            try:
                pause = await self._turn()
            except Exception as error:  # noqa: BLE001 - logged below
                # For example a full disk under the database. Nothing is lost: the next turn plans
                # again.
                log_failure("engine_turn_failed", error, again_in=FAILED_TURN_PAUSE)
                self._rest_after(error)
                pause = FAILED_TURN_PAUSE
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._event.wait()

    def _rest_after(self, error: BaseException) -> None:
        """Rest before the next plan, which would do again what has just failed."""
        now = asyncio.get_running_loop().time()
        if now < self._rest_until:
            return
        lately = now - self._rest_until < LONGEST_FAILED_TURN_PAUSE
        grows = lately and isinstance(error, WriteError)
        self._rest = 2 * self._rest if grows else 0.0
        self._rest = min(max(self._rest, FAILED_TURN_PAUSE), LONGEST_FAILED_TURN_PAUSE)
        self._rest_until = now + self._rest

    async def _turn(self) -> float:
        """Perform one plan; return the longest sleep afterwards, in seconds."""
        await self._follow_clock()
        await self._cleanup.prepare()
        known = self._planner_input()
        self._watch.log(known)
        self._forecast(known)
        made = plan(known)
        at_once = any(isinstance(action, SETTLED_AT_ONCE) for action in made.actions)
        well = True
        for action in made.actions:
            well &= await self._carry_out(action)
        unsaved_for = await self._budgets.save_sometimes(asyncio.get_running_loop().time())
        await store_shown_progress(self._state)
        if not well:
            return FAILED_TURN_PAUSE
        if at_once:
            return 0.0
        return min(max(made.wake_at - self._ctx.clock(), 0.0), unsaved_for, LONGEST_SLEEP)

    async def _follow_clock(self) -> None:
        """Bring back the times that a clock that was put back, now or before the start, left ahead."""
        now, before = self._ctx.clock(), self._planned_at
        back = before - now if before is not None else 0.0
        if before is None or back >= LEAST_JUMP:
            await bring_back_times(self._state, now)
            self.blockers.clock_put_back(back)
            self._refresh.clock_put_back(back)
        if back >= LEAST_JUMP:
            log.warning("clock_put_back", seconds=round(back))
        self._planned_at = now

    async def _carry_out(self, action: Action) -> bool:
        """Perform an action; return False if it failed. The others are performed anyway."""
        try:
            await self._workers[type(action)](action)
        except Exception as error:  # noqa: BLE001 - logged below
            log_failure("action_failed", error, action=action, again_in=FAILED_TURN_PAUSE)
            self._rest_after(error)
            return False
        return True

    def _forecast(self, known: PlannerInput) -> None:
        """Store when waiting downloads expect their turn, in steps of 10 s: the eta in polls."""
        etas = {}
        limited = max(known.next_create_at, known.next_cached_create_at) > known.now
        if limited or known.create_again_at:
            forecast = self._ctx.torbox.budgets.forecast(FORECAST, known.now)
            expected = expected_turns(known, forecast).items()
            etas = {key: 10 * ceil((at - known.now) / 10) for key, at in expected}
        self._state.set_queue_etas(etas)

    def _planner_input(self) -> PlannerInput:
        ctx, now = self._ctx, self._ctx.clock()
        budgets, poll_seconds = ctx.torbox.budgets, ctx.settings.torbox.poll_seconds
        live = tuple(
            LiveDownload(download, tuple(map(ctx.with_limits, self._state.grabs_of(download.id))))
            for download in self._state.live
        )
        # A slot may become free by other means than ours: the user deletes an item on TorBox's
        # site.
        self.blockers.watch_slots(sum(item.active for item in self._state.snapshot.items.values()))
        slot_at = self.blockers.slot_at
        due, busy_jobs = self._cleanup.due(now), self._busy_ids("job")
        running = Counter(type(busy.action) for busy in self._busy.values())
        counted_creates = creates_that_count(self._busy.values(), now)
        if not 0.0 <= now - self._looked_at <= 3 * LONGEST_SLEEP:
            self._steady_since = now
        self._looked_at = now
        return PlannerInput(
            now=now,
            steady_since=self._steady_since,
            live=live,
            jobs=jobs_to_plan(
                tuple(self._state.jobs.values()),
                busy_jobs,
                met={one.download.hash for one in live} | self._state.removed_downloads.keys(),
            ),
            removed=tuple(
                removed
                for info_hash, removed in self._state.removed_downloads.items()
                # A hash that was added again must not lose its new item to the search for late
                # ones.
                if self._state.by_hash(info_hash) is None
            ),
            snapshot=self._state.snapshot,
            rules=self._rules_of(live, due),
            busy_downloads=self._busy_ids("download"),
            # A held grab has no task, but nothing may be started for it either.
            busy_grabs=self._busy_ids("grab") | frozenset(self._held),
            busy_jobs=busy_jobs,
            busy_hashes=frozenset(busy.info_hash for busy in self._busy.values()),
            polling=self._refresh.running,
            checking_cached=self._cached.asking,
            submitting=len(counted_creates),
            next_place_at=min(counted_creates, default=inf) + SLOW_CREATE_SECONDS,
            delivering=frozenset(
                key.id for key, busy in self._busy.items() if isinstance(busy.action, Deliver)
            ),
            refreshing=running[RefreshItem],
            asking_import=self._asking_import,
            last_lookup_at={key: at for key, at in self._last_lookup_at.items() if at <= now},
            cached=self._cached.known(now),
            # What a clock that was put back has left in the future did not happen yet.
            polled_at=self._refresh.started_at if self._refresh.started_at <= now else -inf,
            active_seconds=poll_seconds.active,
            idle_seconds=poll_seconds.idle,
            poll_seconds=self._refresh.pause,
            probe_at=self.blockers.probe_at,
            max_creates=self.blockers.max_creates,
            create_again_at=ctx.create_pauses.until(now, first=ctx.retry.create_again),
            next_create_at=budgets.ready_at(CallClass.CREATE, now),
            next_cached_create_at=budgets.ready_at(CallClass.CREATE, now, cached=True),
            creates_are_scarce=slot_at > now or budgets.left(CallClass.UNCACHED, now) < FEW_CREATES,
            slot_at=slot_at,
            list_at=budgets.ready_at(CallClass.LIST, now),
            link_at=budgets.ready_at(CallClass.LINK, now),
            offset_seconds=ctx.torbox.offset_seconds,
            failovers_per_hour=ctx.settings.failover.per_hour,
            cleanup_due=due,
            next_cleanup_at=self._cleanup.next_at(now),
        )

    def _rules_of(self, live: Sequence[LiveDownload], due: Sequence[Entry]) -> Mapping[str, Rules]:
        grabs = [grab for one in live for grab in one.grabs] + [entry.grab for entry in due]
        return {name: self._ctx.rules(name) for name in {grab.category for grab in grabs}}

    def _busy_ids(self, kind: str) -> frozenset[int]:
        return frozenset(key.id for key in self._busy if key.kind == kind)

    # Performing actions

    def _worker_table(self) -> Mapping[type[Action], Callable[[Any], Awaitable[None]]]:
        """Return the worker of each action. Work that waits for TorBox or the disk is a task."""
        ctx = self._ctx
        return {
            Submit: self._for_download(lambda a: self._submit(a.download_id, cached=a.cached)),
            RefreshItem: self._for_download(self._look),
            Reuse: self._for_download(lambda a: reuse(ctx, a.download_id, a.job_id)),
            Reannounce: self._for_download(lambda a: reannounce(ctx, a.download_id)),
            Deliver: self._for_grab(lambda a: self._deliverer.deliver(a.grab_id, a.source_ids)),
            Finish: self._for_grab(lambda a: finish(ctx, a.grab_id)),
            RunJob: self._run_job,
            RunRemovals: self._for_jobs(self._jobs.remove_together, holds_hashes=True),
            LookUpMetadata: self._for_jobs(self._metadata.run, holds_hashes=False),
            RefreshList: self._refresh_list,
            CheckCached: self._check_cached,
            AskImport: self._ask_import,
            AttachTorrent: lambda a: attach_torrent(ctx, a.download_id, a.torrent_id),
            AttachQueued: lambda a: attach_queued(ctx, a.download_id, a.queued_id),
            PlanFiles: lambda a: plan_files(ctx, a.download_id),
            FailDownload: lambda a: fail_download(ctx, a.download_id, a.failure),
            FailGrab: lambda a: fail_grab(ctx, a.grab_id, a.failure),
            CleanUp: lambda a: clean_up(ctx, a.grab_id, a.why),
            DeleteStray: lambda a: delete_stray(ctx, a.hash, a.torrent_id),
        }

    def _for_download(
        self, work: Callable[[Any], Awaitable[None]]
    ) -> Callable[[Any], Awaitable[None]]:
        async def begin(action: Any) -> None:
            download = self._state.downloads.get(action.download_id)
            if download is not None:
                key = Key("download", download.id)
                self._begin(key, action, download.hash, self._guarded(action, key, work))

        return begin

    def _for_grab(self, work: Callable[[Any], Awaitable[None]]) -> Callable[[Any], Awaitable[None]]:
        async def begin(action: Any) -> None:
            entry = self._state.entry(action.grab_id)
            if entry is not None and action.grab_id not in self._held:
                key = Key("grab", action.grab_id)
                self._begin(key, action, entry.hash, self._guarded(action, key, work))

        return begin

    def _begin(
        self, key: Key, action: Action, info_hash: str, work: Coroutine[Any, Any, None]
    ) -> None:
        if key in self._busy:
            # It was started after the plan was made. An unawaited coroutine would warn.
            work.close()
            return
        name = f"{type(action).__name__.lower()} {info_hash or key.id}"
        task = self._tasks.spawn(work, name=name)
        self._busy[key] = Busy(action, info_hash, task, self._ctx.clock())
        task.add_done_callback(partial(self._ended, key))

    def _ended(self, key: Key, _task: object) -> None:
        self._busy.pop(key, None)
        if key.kind == "download" and key.id not in self._state.downloads:
            # Ids are never reused, so the entry of a removed download would stay for ever.
            self._last_lookup_at.pop(key.id, None)
        self.wake()

    async def _guarded(
        self, action: Action, key: Key, work: Callable[[Any], Awaitable[None]]
    ) -> None:
        """Perform an action; any failure becomes a note and another attempt."""
        try:
            await work(action)
        except TorBoxError as error:
            await self._torbox_failed(action, key, error)
        except WriteError:
            raise  # a note could not be written either
        except Exception as error:
            log.exception("work_failed", action=type(action).__name__, id=key.id)
            await self._later(key, f"internal error: {error!r}")

    async def _torbox_failed(self, action: Action, key: Key, error: TorBoxError) -> None:
        blocked = self.blockers.hold(error, CALLS[type(action)])
        if isinstance(action, Submit) and not blocked:
            download = self._state.downloads.get(key.id)
            self.blockers.create_failed(download.hash if download else "", error)
        await self._budgets.save()  # a crash must not send us against the same limit again
        if isinstance(action, RefreshItem):
            log.info("look_failed", torrent_id=action.torrent_id, why=str(error))
            return
        grab = self._state.grabs.get(key.id) if key.kind == "grab" else None
        # TorBox refuses links for minutes after an item is ready (DATABASE_ERROR, UNKNOWN_ERROR):
        # only many refusals in a row are final.
        if isinstance(error, Refused) and grab is not None and grab.attempts >= REFUSALS:
            failure = Failure(error.reason, f"TorBox gives no links: {error}")
            await fail_grab(self._ctx, key.id, failure)
        else:
            await self._later(key, str(error), blocked=blocked)

    async def _later(self, key: Key, note: str, *, blocked: bool = False) -> None:
        """Try again: soon if a blocker stopped the attempt, else after a growing pause."""
        after = self._ctx.retry.soon() if blocked else None

        def put_off(latest: Row) -> Row:
            later = self._ctx.later(latest, after=after, note=note)
            # An attempt that a blocker stopped does not count.
            return replace(later, attempts=latest.attempts) if blocked else later

        if key.kind == "grab":
            await self._state.update_grab(key.id, put_off)
        else:
            await self._state.update_download(key.id, put_off)

    async def _submit(self, download_id: int, *, cached: bool) -> None:
        try:
            await submit(self._ctx, download_id, cached=cached)
        except RateLimited:
            download = self._state.downloads.get(download_id)
            if download is not None:
                # The create was sent as cached, outside the hourly budget, but hit the limit
                # nevertheless: the answer of the cached check was outdated.
                self._cached.forget(download.hash)
            raise
        download = self._state.downloads.get(download_id)
        if download is not None and download.phase in TORBOX_WORKS:
            self._ctx.create_pauses.created(download.hash, self._ctx.clock())
        self.blockers.created(cached=cached)

    async def _look(self, action: RefreshItem) -> None:
        self._last_lookup_at[action.download_id] = self._ctx.clock()
        await self._refresh.refresh_item(action.download_id, action.torrent_id)

    async def _refresh_list(self, action: RefreshList) -> None:
        self._refresh.begin()
        self._spawn(self._refresh.refresh_list(queue=action.queue), name="list")

    async def _check_cached(self, action: CheckCached) -> None:
        self._spawn(self._ask_cached(action.hashes), name="cached")

    async def _ask_cached(self, hashes: Sequence[str]) -> None:
        try:
            await self._cached.ask(hashes, self._ctx.clock())
        except TorBoxError as error:
            self.blockers.hold(error, CallClass.LIST)
            log.info("cached_check_failed", why=str(error))

    async def _ask_import(self, action: AskImport) -> None:
        self._asking_import = True
        self._cleanup.asked(action.grab_id, self._ctx.clock())
        self._spawn(self._asked_import(action.grab_id), name=f"import {action.grab_id}")

    async def _asked_import(self, grab_id: int) -> None:
        try:
            await ask_import(self._ctx, grab_id)
        finally:
            self._asking_import = False

    def _spawn(self, work: Coroutine[Any, Any, None], *, name: str) -> None:
        """Start a task whose end wakes the planner."""
        self._tasks.spawn(work, name=name).add_done_callback(lambda _task: self.wake())

    # Jobs

    async def _run_job(self, action: RunJob) -> None:
        job = self._state.jobs.get(action.job_id)
        if job is not None:
            self._begin(Key("job", job.id), action, job.subject, self._jobs.attempt(job))

    def _for_jobs(
        self, work: Callable[[Sequence[Job]], Coroutine[Any, Any, None]], *, holds_hashes: bool
    ) -> Callable[[Any], Awaitable[None]]:
        """Return a worker that does many jobs in one task.

        With `holds_hashes`, nothing else is begun for their hashes meanwhile.
        """

        async def begin(action: Any) -> None:
            jobs = [job for key in action.job_ids if (job := self._state.jobs.get(key)) is not None]
            task = self._tasks.spawn(work(jobs), name=type(action).__name__.lower())
            for job in jobs:
                key = Key("job", job.id)
                self._busy[key] = Busy(action, job.subject if holds_hashes else "", task)
                task.add_done_callback(partial(self._ended, key))

        return begin


def creates_that_count(running: Iterable[Busy], now: float) -> Sequence[float]:
    """Return when the creates in flight began that keep others from their turn."""
    began = [busy.began for busy in running if isinstance(busy.action, Submit)]
    quick = [at for at in began if abs(now - at) < SLOW_CREATE_SECONDS]
    return quick if len(began) - len(quick) < MOST_SLOW_CREATES else began


def disk_blockers(ctx: EngineContext) -> list[Blocker]:
    """Return the lasting errors of the local disk."""
    problems = ctx.deliveries.disk_health.problems
    return [Blocker("disk", f"Disk: {one.message}", one.since) for one in problems]
