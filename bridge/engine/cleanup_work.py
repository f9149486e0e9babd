"""Finishes grabs that have nothing left to seed, and removes finished grabs that are due."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from heapq import heapify, heappop, heappush
from math import inf

import structlog
from msgspec.structs import replace

from bridge.arr import ArrError, all_imported
from bridge.core.change_log import Backlog
from bridge.core.cleanup_rules import next_cleanup_check
from bridge.core.model import COMPLETE, NOT_DELIVERED, Download, Entry, Grab, GrabPhase
from bridge.core.planner_input import Rules
from bridge.core.remote_tracking import to_grab_phase
from bridge.core.seeding import has_an_end
from bridge.engine.context import EngineContext
from bridge.engine.removal import release
from bridge.state import State, UnitOfWork
from bridge.torbox import Operation, TorBoxError

log = structlog.get_logger(__name__)

AT_ONCE = 50
"""Maximum due entries in one plan; the others follow in the next."""
BATCH = 1000
"""Changed grabs that are looked at in one go: requests are answered in between."""


class CleanupTimes:
    """An index of the times at which finished grabs are due for clean-up.

    A grab costs something when it changes and when it is due, and nothing in between. Without
    clean-up rules the index is empty.
    """

    def __init__(self, state: State, rules: Callable[[str], Rules]) -> None:
        self._state = state
        self._rules = rules
        self._backlog: Backlog[int] = Backlog()
        self._heap: list[tuple[float, int]] = []
        self._due_at: dict[int, float] = {}
        self.asked_at: dict[int, float] = {}
        """When the *arr of a grab was last asked what it has imported, by grab id."""

    def reset(self) -> None:
        """Rebuild the index after the rules have changed."""
        self._backlog = Backlog()

    def asked(self, grab_id: int, now: float) -> None:
        """Record that the *arr of a grab is being asked."""
        self.asked_at[grab_id] = now
        self._place(grab_id, self._rules)

    async def prepare(self) -> None:
        """Take over what has changed, in batches: a start or a change of everything is much."""
        self._note()
        while len(self._backlog) > BATCH:
            self._take_over(BATCH)
            await asyncio.sleep(0)

    def due(self, now: float) -> Sequence[Entry]:
        """Return the due entries, oldest first."""
        self._note()
        self._take_over()
        found: list[Entry] = []
        taken: list[tuple[float, int]] = []
        while self._heap and self._heap[0][0] <= now and len(found) < AT_ONCE:
            at, grab_id = heappop(self._heap)
            if self._due_at.get(grab_id) != at:
                continue  # an older time of it
            taken.append((at, grab_id))
            entry = self._state.entry(grab_id)
            if entry is not None:
                found.append(entry)
        for one in taken:
            heappush(self._heap, one)  # until it is handled it stays due
        return found

    def next_at(self, now: float) -> float:
        """Return when the next entry after `now` is due (unix seconds), or infinity."""
        later = (at for at, grab_id in self._heap if at > now and self._due_at.get(grab_id) == at)
        return min(later, default=inf)

    def _note(self) -> None:
        def changed_since(version: int) -> Iterable[int]:
            changed = self._state.changes.since(version)
            return self._state.grabs if changed is None else changed

        self._backlog.note(self._state.version, changed_since)

    def _take_over(self, most: int | None = None) -> None:
        rules = cache(self._rules)
        for grab_id in self._backlog.take(most):
            self._place(grab_id, rules)

    def _place(self, grab_id: int, rules_of: Callable[[str], Rules]) -> None:
        entry = self._state.entry(grab_id)
        at = None
        if entry is not None and entry.grab.phase is GrabPhase.FINISHED:
            rules = rules_of(entry.grab.category).cleanup
            at = next_cleanup_check(entry, rules, self.asked_at.get(grab_id))
        if entry is None:
            self.asked_at.pop(grab_id, None)
        if at is None:
            self._due_at.pop(grab_id, None)
        elif self._due_at.get(grab_id) != at:
            self._due_at[grab_id] = at
            heappush(self._heap, (at, grab_id))
            if len(self._heap) > 2 * len(self._due_at) + AT_ONCE:
                self._heap = [(due, key) for key, due in self._due_at.items()]
                heapify(self._heap)


async def ask_import(ctx: EngineContext, grab_id: int) -> None:
    """Ask the *arr whether the whole grab is in its library, and record a yes."""
    entry = ctx.state.entry(grab_id)
    if entry is None:
        return
    for arr in ctx.arrs.of(entry.grab.category):
        try:
            history, queue = await arr.history(entry.hash), await arr.queue(entry.hash)
        except ArrError as error:
            log.info("import_unknown", release=entry.name, arr=arr.name, why=str(error))
            continue
        if all_imported(history) and not queue:
            await record_import(ctx, grab_id, f"{arr.name} has imported it")
            return


async def record_import(ctx: EngineContext, grab_id: int, why: str) -> None:
    """Record that a grab is in the library of its *arr."""
    async with ctx.state.unit_of_work() as work:
        entry = work.entry(grab_id)
        if entry is None:
            return
        now = ctx.clock()
        work.update_grab(grab_id, lambda latest: replace(latest, imported_at=now))
        work.event(entry.hash, "arr", why=why, grab_id=grab_id)


async def clean_up(ctx: EngineContext, grab_id: int, why: str) -> None:
    """Remove a grab in the same way as when its *arr removes it."""
    entry = ctx.state.entry(grab_id)
    if entry is not None:
        log.info("clean_up", release=entry.name, hash=entry.hash, why=why)
        await release(ctx, grab_id, delete_files=True, why=f"cleaned up: {why}")


async def finish(ctx: EngineContext, grab_id: int) -> None:
    """Finish the grab, and stop seeding at TorBox if no other grab needs it."""
    entry = ctx.state.entry(grab_id)
    if entry is None:
        return
    others = [one for one in ctx.state.grabs_of(entry.download.id) if one.id != grab_id]
    if _seeds_for_us(ctx, entry, others):
        await _stop_seeding(ctx, entry.download)
    async with ctx.state.unit_of_work() as work:
        finish_grab(work, grab_id)


def finish_grab(work: UnitOfWork, grab_id: int) -> None:
    """Finish a grab, if it is still complete."""
    work.update_grab(
        grab_id,
        lambda latest: (
            to_grab_phase(latest, GrabPhase.FINISHED) if latest.phase in COMPLETE else latest
        ),
        why="nothing left to seed",
    )


def _seeds_for_us(ctx: EngineContext, entry: Entry, others: list[Grab]) -> bool:
    """Return whether TorBox seeds it for us and no other grab wants that to continue."""
    if not entry.download.ours or entry.download.torrent_id is None:
        return False
    grabs = [ctx.with_limits(one) for one in (entry.grab, *others)]
    asked = any(has_an_end(ctx.rules(one.category).seed, one) for one in grabs)
    busy = NOT_DELIVERED | {GrabPhase.DELIVERED}
    return asked and not any(one.phase in busy for one in others)


async def _stop_seeding(ctx: EngineContext, download: Download) -> None:
    if download.torrent_id is None:
        return
    try:
        await ctx.torbox.control(download.torrent_id, Operation.STOP_SEEDING)
    except TorBoxError as error:
        # The *arr removes the entry next, and the item with it: the slot is freed all the same.
        log.warning(
            "stop_seeding_failed", release=download.name, hash=download.hash, why=str(error)
        )
