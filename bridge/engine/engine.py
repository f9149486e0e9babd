"""The engine: plans, carries out, sleeps until something is due or something happens."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from math import ceil
from typing import Any, assert_never
from weakref import WeakValueDictionary

import structlog

from bridge.core.actions import (
    Action,
    AskImport,
    CheckCached,
    CleanUp,
    Deliver,
    Enqueue,
    Fail,
    FailOver,
    Finish,
    Look,
    Poll,
    Promote,
    Ready,
    Reannounce,
    Reclaim,
    Remove,
    Share,
    Submit,
)
from bridge.core.claims import same
from bridge.core.invariants import Observed, violations
from bridge.core.model import Claim, Download, Failure
from bridge.core.plan import plan
from bridge.core.scene import Scene
from bridge.core.submitting import turns
from bridge.engine import outcome
from bridge.engine.cached import Cached
from bridge.engine.cleanup import ask_import, clean_up, reclaim
from bridge.engine.deliver import deliver
from bridge.engine.failover import fail_over
from bridge.engine.gates import Gates
from bridge.engine.orphans import Orphans
from bridge.engine.polling import Polling
from bridge.engine.remove import attempt
from bridge.engine.services import Services
from bridge.engine.share import share
from bridge.engine.submit import enqueue, promote, submit
from bridge.engine.tasks import Tasks
from bridge.engine.watch import active, look, reannounce
from bridge.torbox import Kind, RateLimited, Refused, TorBoxError

log = structlog.get_logger()

LONGEST_SLEEP = 30.0
"""The plan is made anew at least this often, whatever it said."""

STOP_SECONDS = 8.0
FAILED_TURN_PAUSE = 5.0

FEW_LEFT = 10
"""So many creates of the hourly budget are kept for what TorBox does not have cached."""

FORETOLD = 200
"""Downloads in the submit queue that are told when it is their turn."""

REFUSALS = 6
"""Times that TorBox may refuse links to what it has before that is final."""

SETTLED_AT_ONCE = (Promote, Enqueue, Ready, Fail, CleanUp, Reclaim)
"""Actions that are done when they have been performed: what follows is planned right away."""

CALLS = {
    Submit: Kind.CREATE,
    Look: Kind.LIST,
    Deliver: Kind.LINK,
    Reannounce: Kind.CONTROL,
    Share: Kind.LINK,
    Finish: Kind.CONTROL,
    Remove: Kind.CONTROL,
}
"""The class of calls that an action depends on."""


class Engine:
    """Owns every background task. `start` it once; `close` it at the end."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._ledger = services.ledger
        self._cached = Cached(services.torbox)
        self._gates = Gates(
            services.torbox.budgets,
            services.pace,
            idle_seconds=services.settings.torbox.poll_seconds.idle,
            clock=services.clock,
            creates=services.settings.torbox.limits.adds_at_once,
        )
        self._tasks = Tasks()
        self.orphans = Orphans(services)
        """What is on disk and nobody's."""
        self._busy: dict[str, tuple[type[Action], asyncio.Task[Any]]] = {}
        self._held: set[str] = set()
        self._holds: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._asked: dict[str, float] = {}
        self._polling = Polling(services, self._gates)
        self._failing_over = False
        self._asking_import = False
        self._imports_asked: dict[tuple[str, str], float] = {}
        self._event = asyncio.Event()
        self._closing = False

    @property
    def troubles(self) -> Sequence[str]:
        """Tell in words what keeps the bridge from its work; nothing when all is well."""
        return self._gates.troubles or self._polling.troubles

    @property
    def blockers(self) -> Sequence[tuple[str, str, float | None]]:
        """List what blocks work just now: a word for it, why, and when it is tried again."""
        found: list[tuple[str, str, float | None]] = list(self._gates.blockers)
        if not found:
            found += [("list", trouble, None) for trouble in self._polling.troubles]
        return found

    @property
    def violations(self) -> Sequence[str]:
        """Tell what does not hold of the downloads though it should at every moment."""
        budgets, now = self._services.torbox.budgets, self._services.clock()
        gates = (self._gates.probe_at, self._gates.slot_at > now or None)
        return violations(
            Observed(
                now=now,
                downloads=tuple(self._ledger.downloads.values()),
                claims=self._ledger.all_claims,
                removals=tuple(self._ledger.removals.values()),
                snapshot=self._ledger.snapshot,
                busy=frozenset(self._busy) | self._held,
                held_up=any(gates) or any(budgets.ready_at(kind, now) > now for kind in Kind),
            )
        )

    async def renew_key(self) -> None:
        """Take another TorBox key, if the settings have one, and try it at once."""
        await self._services.key.renew()
        self._gates.probe_soon()
        self.wake()

    def wake(self) -> None:
        """Something changed: plan anew now."""
        self._event.set()

    def cancel(self, info_hash: str) -> None:
        """Stop what is being done for a download; it may be begun again by the next plan."""
        if info_hash in self._busy:
            self._busy[info_hash][1].cancel()

    @asynccontextmanager
    async def held(self, info_hash: str) -> AsyncIterator[None]:
        """Stop what is being done for a download, and begin nothing for it meanwhile."""
        async with self._holds.setdefault(info_hash, asyncio.Lock()):
            self._held.add(info_hash)
            try:
                if info_hash in self._busy:
                    self.cancel(info_hash)
                    await asyncio.wait({self._busy[info_hash][1]})
                yield
            finally:
                self._held.discard(info_hash)
                self.wake()

    def background(self, work: Coroutine[Any, Any, Any], *, name: str) -> asyncio.Task[Any]:
        """Do something that nobody waits for; it ends with the engine."""
        return self._tasks.spawn(work, name=name)

    def start(self) -> None:
        """Begin to work, in the background."""
        self._tasks.spawn(self._run(), name="engine")

    async def _run(self) -> None:
        while not self._closing:
            self._event.clear()
            try:
                pause = await self._turn()
            except Exception:
                # A full disk under the database, say. Everything is in the ledger: try again.
                log.exception("engine_turn_failed", again_in=FAILED_TURN_PAUSE)
                pause = FAILED_TURN_PAUSE
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._event.wait()

    async def _turn(self) -> float:
        """Carry out one plan; tell how long to sleep at most, in seconds."""
        scene = self._scene()
        self._foretell(scene)
        made = plan(scene)
        at_once = any(isinstance(action, SETTLED_AT_ONCE) for action in made.actions)
        seen = {one.hash: one for one in scene.downloads} if made.actions else {}
        well = True
        for action in made.actions:
            if self._outdated(action, seen, scene.claims):
                at_once = True
            else:
                well &= await self._carry_out(action)
        await self._save_budgets()
        if not well:
            return FAILED_TURN_PAUSE
        if at_once:
            return 0.0
        return min(max(made.wake_at - self._services.clock(), 0.0), LONGEST_SLEEP)

    def _outdated(
        self,
        action: Action,
        seen: Mapping[str, Download],
        claims: Mapping[str, Sequence[Claim]],
    ) -> bool:
        """Tell whether what it was planned for is no longer as it was `seen`: earlier ones take time.

        The verdict on one *arr's download must not hit another's, nor the next life of the hash.
        """
        if isinstance(action, CheckCached | Poll | Remove | FailOver):
            return False
        then, now = seen.get(action.hash), self._ledger.downloads.get(action.hash)
        if then is None or now is None:
            return then is not now
        return (
            not same(then, now)
            or (then.phase, then.torrent_id) != (now.phase, now.torrent_id)
            or claims.get(action.hash, ()) != self._ledger.claims(action.hash)
            or action.hash in self._held
        )

    async def _carry_out(self, action: Action) -> bool:
        """Perform an action. One that breaks holds up none of the others."""
        try:
            await self._perform(action)
        except Exception:
            log.exception("action_failed", action=action, again_in=FAILED_TURN_PAUSE)
            return False
        return True

    def _foretell(self, scene: Scene) -> None:
        """Tell those who wait when it is their turn, in tens of seconds: a poll shows it as eta."""
        told = {}
        if max(scene.create_at, scene.cached_at) > scene.now:
            forecast = self._services.torbox.budgets.forecast(FORETOLD, scene.now)
            expected = turns(scene, forecast).items()
            told = {info_hash: 10 * ceil((at - scene.now) / 10) for info_hash, at in expected}
        self._ledger.foretell(told)

    async def close(self) -> None:
        """Stop everything; fetches write their checkpoints."""
        # A time limit that strikes at this moment swallows the cancellation: the loop has to know.
        self._closing = True
        await self._tasks.close(within=STOP_SECONDS)
        await self._save_budgets()

    def _scene(self) -> Scene:
        services, now = self._services, self._services.clock()
        budgets = services.torbox.budgets
        kinds = [kind for kind, _ in self._busy.values()]
        self._gates.watched(active(self._ledger))
        slot_at = self._gates.slot_at
        return Scene(
            now=now,
            downloads=tuple(map(services.limited, self._ledger.downloads.values())),
            claims=dict(self._ledger.all_claims),
            removals=tuple(self._ledger.removals.values()),
            failovers=self._ledger.failovers.values(),
            failing_over=self._failing_over,
            asking_import=self._asking_import,
            imports_asked=self._imports_asked,
            traces=self._ledger.traces.values(),
            offset_seconds=services.torbox.offset_seconds,
            failovers_per_hour=services.settings.failover.per_hour,
            snapshot=self._ledger.snapshot,
            busy=frozenset(self._busy) | self._held,
            polling=self._polling.running,
            checking=self._cached.asking,
            submitting=kinds.count(Submit),
            delivering=kinds.count(Deliver),
            asked=self._asked,
            cached=self._cached.known(now),
            polled_at=self._polling.polled_at,
            poll_seconds=self._polling.seconds,
            idle_seconds=services.settings.torbox.poll_seconds.idle,
            brisk_seconds=self._polling.brisk_seconds,
            probe_at=self._gates.probe_at,
            creates=self._gates.creates,
            create_at=budgets.ready_at(Kind.CREATE, now),
            cached_at=budgets.ready_at(Kind.CREATE, now, cached=True),
            scarce=slot_at > now or budgets.left(Kind.UNCACHED, now) < FEW_LEFT,
            slot_at=slot_at,
            list_at=budgets.ready_at(Kind.LIST, now),
            link_at=budgets.ready_at(Kind.LINK, now),
            rules=services.rules,
            limited=services.limited,
        )

    async def _perform(self, action: Action) -> None:
        match action:
            case Submit() | Look() | Share() | Finish() | Reannounce() | Deliver():
                self._begin(action, action.hash, self._work(action))
            case CheckCached(hashes):
                self._tasks.spawn(self._check(hashes), name="cached")
            case Remove(removal_id):
                self._remove(action, removal_id)
            case AskImport() | FailOver():
                self._talk(action)
            case Poll(queue):
                self._polling.begin()
                self._tasks.spawn(self._poll(queue=queue), name="poll")
            case _:
                await self._settle(action)

    async def _work(self, action: Submit | Look | Share | Finish | Reannounce | Deliver) -> None:
        """Do what waits for TorBox or the disk: a task of its own, one for a hash."""
        services = self._services
        match action:
            case Submit(info_hash, cached):
                await self._submit(info_hash, cached=cached)
            case Look(info_hash):
                self._asked[info_hash] = services.clock()
                await look(services, action)
            case Share(info_hash, number):
                await share(services, info_hash, number)
            case Finish(info_hash, number):
                await outcome.finished(services, info_hash, number)
            case Reannounce(info_hash):
                await reannounce(services, info_hash)
            case Deliver(info_hash):
                await deliver(services, info_hash)
            case _:
                assert_never(action)

    def _talk(self, action: AskImport | FailOver) -> None:
        """Ask an *arr, or tell it, one thing at a time.

        That is none of what a download is busy with: the *arr deletes it meanwhile, which ends that.
        """
        match action:
            case AskImport(info_hash, number):
                self._asking_import = True
                self._tasks.spawn(self._ask_import(info_hash, number), name=f"import {info_hash}")
            case FailOver(failover_id):
                self._failing_over = True
                self._tasks.spawn(self._fail_over(failover_id), name=f"failover {failover_id}")
            case _:
                assert_never(action)

    async def _settle(self, action: Promote | Enqueue | Ready | Fail | CleanUp | Reclaim) -> None:
        services = self._services
        match action:
            case CleanUp(info_hash, number, why):
                await clean_up(services, info_hash, number, why)
            case Reclaim(info_hash, torrent_id):
                await reclaim(services, info_hash, torrent_id)
            case Promote(info_hash, torrent_id):
                await promote(services, info_hash, torrent_id)
            case Enqueue(info_hash, queued_id):
                await enqueue(services, info_hash, queued_id)
            case Ready(info_hash):
                await outcome.ready(services, info_hash)
            case Fail(info_hash, failure):
                await outcome.failed(services, info_hash, failure)
            case _:
                assert_never(action)

    def _begin(self, action: Action, info_hash: str, work: Coroutine[Any, Any, None]) -> None:
        if info_hash in {*self._held, *self._busy}:
            work.close()  # since the plan was made
            return
        name = f"{type(action).__name__.lower()} {info_hash}"
        task = self._tasks.spawn(self._guard(action, info_hash, work), name=name)
        self._busy[info_hash] = (type(action), task)
        task.add_done_callback(lambda _task: self._end(info_hash))

    def _end(self, info_hash: str) -> None:
        self._busy.pop(info_hash, None)
        if info_hash not in self._ledger.downloads:
            self._asked.pop(info_hash, None)
        self.wake()

    async def _guard(self, action: Action, info_hash: str, work: Coroutine[Any, Any, None]) -> None:
        """Turn what goes wrong into a note and another attempt: a download is never left alone."""
        try:
            await work
        except TorBoxError as error:
            await self._torbox_failed(action, info_hash, error)
        except Exception as error:
            log.exception("work_failed", hash=info_hash)
            await self._later(info_hash, f"internal error: {error!r}")

    async def _torbox_failed(self, action: Action, info_hash: str, error: TorBoxError) -> None:
        held = self._gates.hold(error, CALLS[type(action)])
        download = self._ledger.downloads.get(info_hash)
        if isinstance(action, Look) or download is None:
            log.info("look_failed", hash=info_hash, why=str(error))
        elif isinstance(error, Refused) and download.attempts >= REFUSALS:
            await outcome.failed(
                self._services, info_hash, Failure(error.reason, f"TorBox gives no links: {error}")
            )
        else:
            await self._later(info_hash, str(error), held=held)

    async def _later(self, info_hash: str, note: str, *, held: bool = False) -> None:
        """Try again: soon, once what holds up others too is over, or else after a pause."""
        pause = self._services.held if held else self._services.later
        await self._ledger.change(info_hash, lambda latest: pause(latest, note))

    async def _submit(self, info_hash: str, *, cached: bool) -> None:
        try:
            await submit(self._services, info_hash, cached=cached)
        except RateLimited:
            self._cached.forget(info_hash)
            raise
        self._gates.created(cached=cached)

    async def _check(self, hashes: Sequence[str]) -> None:
        try:
            await self._cached.ask(hashes, self._services.clock())
        except TorBoxError as error:
            self._gates.hold(error, Kind.LIST)
            log.info("cached_check_failed", why=str(error))
        finally:
            self.wake()

    def _remove(self, action: Remove, removal_id: int) -> None:
        removal = self._ledger.removals.get(removal_id)
        if removal is not None and removal.hash not in {*self._busy, *self._held}:
            self._begin(action, removal.hash, attempt(self._services, self._gates, removal))

    async def _fail_over(self, failover_id: int) -> None:
        try:
            await fail_over(self._services, failover_id)
        finally:
            self._failing_over = False
            self.wake()

    async def _ask_import(self, info_hash: str, number: int) -> None:
        download = self._ledger.downloads.get(info_hash)
        seen = self._services.everyone(download).get(number) if download else None
        if seen is not None:
            self._imports_asked[info_hash, seen.category] = self._services.clock()
        try:
            await ask_import(self._services, info_hash, number)
        finally:
            self._asking_import = False
            self.wake()

    async def _poll(self, *, queue: bool) -> None:
        try:
            await self._polling.poll(queue=queue)
        finally:
            self.wake()

    async def _save_budgets(self) -> None:
        budgets = self._services.torbox.budgets
        if not budgets.dirty:
            return
        try:
            await self._ledger.put_fact("budgets", budgets.rows())
        except BaseException:
            budgets.dirty = True  # whoever closes down saves them once more
            raise
