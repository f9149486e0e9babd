"""The engine: plans, carries out, sleeps until something is due or something happens."""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import replace
from math import inf
from typing import Any, assert_never

import structlog

from bridge.core.model import Download
from bridge.core.plan import (
    Action,
    Deliver,
    Fail,
    Finish,
    Look,
    Poll,
    Promote,
    Ready,
    Remove,
    Scene,
    Submit,
    plan,
)
from bridge.delivery import DeliveryError
from bridge.engine import outcome
from bridge.engine.deliver import deliver
from bridge.engine.remove import remove
from bridge.engine.services import Services
from bridge.engine.submit import promote, submit
from bridge.engine.tasks import Tasks
from bridge.engine.watch import look, poll
from bridge.torbox import Kind, NeedsUser, TorBoxError, WaitForSlot

log = structlog.get_logger()

LONGEST_SLEEP = 30.0
"""The plan is made anew at least this often, whatever it said."""

SLOWER = 1.5
STOP_SECONDS = 8.0
FAILED_TURN_PAUSE = 5.0

SETTLED_AT_ONCE = (Promote, Ready, Finish, Fail)
"""Actions that are done when they have been performed: what follows is planned right away."""


class Engine:
    """Owns every background task. `start` it once; `close` it at the end."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._ledger = services.ledger
        self._tasks = Tasks()
        self._busy: dict[str, tuple[type[Action], asyncio.Task[Any]]] = {}
        self._asked: dict[str, float] = {}
        self._polled_at = -inf
        self._polling = False
        self._failed_polls = 0
        self._poll_seconds = services.settings.torbox.poll_seconds.active
        self._create_at = 0.0
        self._event = asyncio.Event()

    def wake(self) -> None:
        """Something changed: plan anew now."""
        self._event.set()

    def cancel(self, info_hash: str) -> None:
        """Stop what is being done for a download; it may be begun again by the next plan."""
        if info_hash in self._busy:
            self._busy[info_hash][1].cancel()

    def start(self) -> None:
        """Begin to work, in the background."""
        self._tasks.spawn(self._run(), name="engine")

    async def _run(self) -> None:
        while True:
            self._event.clear()
            try:
                pause = await self._turn()
            except Exception:
                # A full disk under the database, say. Everything is in the ledger: try again.
                log.exception("engine_turn_failed", again_in=FAILED_TURN_PAUSE)
                pause = FAILED_TURN_PAUSE
            with suppress(TimeoutError):
                await asyncio.wait_for(self._event.wait(), pause)

    async def _turn(self) -> float:
        """Carry out one plan; tell how long to sleep at most, in seconds."""
        made = plan(self._scene())
        for action in made.actions:
            await self._perform(action)
        await self._save_budgets()
        if any(isinstance(action, SETTLED_AT_ONCE) for action in made.actions):
            return 0.0
        return min(max(made.wake_at - self._services.clock(), 0.0), LONGEST_SLEEP)

    async def close(self) -> None:
        """Stop everything; fetches write their checkpoints."""
        await self._tasks.close(within=STOP_SECONDS)
        await self._save_budgets()

    def _scene(self) -> Scene:
        services, now = self._services, self._services.clock()
        budgets, pace = services.torbox.budgets, services.settings.torbox.poll_seconds
        kinds = [kind for kind, _ in self._busy.values()]
        return Scene(
            now=now,
            downloads=self._ledger.downloads.values(),
            removals=self._ledger.removals.values(),
            snapshot=self._ledger.snapshot,
            busy=frozenset(self._busy),
            polling=self._polling,
            submitting=kinds.count(Submit),
            delivering=kinds.count(Deliver),
            asked=self._asked,
            polled_at=self._polled_at,
            poll_seconds=self._poll_seconds,
            idle_seconds=pace.idle,
            create_at=max(self._create_at, budgets.ready_at(Kind.CREATE, now)),
            list_at=budgets.ready_at(Kind.LIST, now),
            rules=services.rules,
        )

    async def _perform(self, action: Action) -> None:
        services = self._services
        match action:
            case Submit(info_hash):
                self._begin(action, info_hash, submit(services, info_hash))
            case Look(info_hash):
                self._asked[info_hash] = services.clock()
                self._begin(action, info_hash, look(services, action))
            case Deliver(info_hash):
                self._begin(action, info_hash, deliver(services, info_hash))
            case Remove(removal_id):
                self._remove(action, removal_id)
            case Poll(queue):
                self._polling = True
                self._polled_at = services.clock()
                self._tasks.spawn(self._poll(queue=queue), name="poll")
            case Promote(info_hash, torrent_id):
                await promote(services, info_hash, torrent_id)
            case Ready(info_hash):
                await outcome.ready(services, info_hash)
            case Finish(info_hash):
                await outcome.finished(services, info_hash)
            case Fail(info_hash, failure):
                await outcome.failed(services, info_hash, failure)
            case _:
                assert_never(action)

    def _begin(self, action: Action, info_hash: str, work: Coroutine[Any, Any, None]) -> None:
        name = f"{type(action).__name__.lower()} {info_hash}"
        task = self._tasks.spawn(self._guard(info_hash, work), name=name)
        self._busy[info_hash] = (type(action), task)
        task.add_done_callback(lambda _task: self._end(info_hash))

    def _end(self, info_hash: str) -> None:
        self._busy.pop(info_hash, None)
        self.wake()

    async def _guard(self, info_hash: str, work: Coroutine[Any, Any, None]) -> None:
        """Turn what goes wrong into a note and another attempt: a download is never left alone."""
        try:
            await work
        except WaitForSlot as error:
            self._create_at = self._services.clock() + self._services.pace.slot
            await self._later(info_hash, str(error), after=self._services.pace.slot)
        except NeedsUser as error:
            log.error("torbox_needs_you", detail=error.detail, code=error.code)
            await self._later(info_hash, str(error), after=self._services.pace.user)
        except TorBoxError as error:
            await self._later(info_hash, str(error))
        except Exception as error:
            log.exception("work_failed", hash=info_hash)
            await self._later(info_hash, f"internal error: {error!r}")

    async def _later(self, info_hash: str, note: str, *, after: float | None = None) -> None:
        def apply(latest: Download) -> Download:
            return self._services.later(latest, note, after=after)

        await self._ledger.change(info_hash, apply)

    def _remove(self, action: Remove, removal_id: int) -> None:
        removal = self._ledger.removals.get(removal_id)
        if removal is not None and removal.hash not in self._busy:
            self._begin(action, removal.hash, self._removal(removal_id))

    async def _removal(self, removal_id: int) -> None:
        """Do a removal; whatever stands in its way, it is tried again."""
        removal = self._ledger.removals[removal_id]
        try:
            await remove(self._services, removal)
        except Exception as error:
            expected = isinstance(error, TorBoxError | DeliveryError)
            log.warning("removal_waits", hash=removal.hash, why=str(error), exc_info=not expected)
            at = self._services.clock() + self._services.pace.backoff(removal.attempts)
            await self._ledger.put_removal(
                replace(removal, attempts=removal.attempts + 1, next_attempt_at=at)
            )

    async def _poll(self, *, queue: bool) -> None:
        pace = self._services.settings.torbox.poll_seconds
        try:
            moved = await poll(self._services, queue=queue)
        except TorBoxError as error:
            self._failed_polls += 1
            self._poll_seconds = max(
                pace.active, min(self._services.pace.backoff(self._failed_polls), pace.idle)
            )
            log.warning("poll_failed", why=str(error), again_in=round(self._poll_seconds))
        else:
            self._failed_polls = 0
            slower = min(self._poll_seconds * SLOWER, pace.idle)
            self._poll_seconds = pace.active if moved else slower
        finally:
            self._polling = False
            self.wake()

    async def _save_budgets(self) -> None:
        budgets = self._services.torbox.budgets
        if budgets.dirty:
            await self._ledger.put_fact("budgets", budgets.rows())
