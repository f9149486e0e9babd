"""An *arr of the soak: grabs, polls, imports and removes, whatever becomes of the bridge."""

import asyncio
import random
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from bridge.simulator import Simulator, magnet_of
from tests.arr_emulator.arr_client import Arr
from tests.arr_emulator.arr_queue import QueueItem, QueueStatus
from tests.arr_emulator.arr_wire import ArrError
from tests.arr_emulator.arr_words import SeedLimits
from tests.bench.soak.cases import Bell, Case, Stage
from tests.bench.soak.database import Reasons
from tests.bench.soak.imports import take, wrong
from tests.bench.soak.notes import Notes
from tests.bench.soak.wishes import Manner, Moment
from tests.support.arr_api import ArrApi

POLL_SECONDS = 0.4
DOWN_SECONDS = 0.1
"""While the bridge cannot be reached."""
FETCHED_SHARE = 0.55
"""Of the progress bar; half of it is TorBox's."""
FAILED = "qBittorrent is reporting an error"
REFUSED = "Download client failed to add torrent"
REFUSED_AT_ONCE = frozenset({"not_cached", "too_large", "infected"})
"""What may be known already when it is added."""


class Grabber:
    """One *arr and its cases. `api` is its own, by which it is told of failures."""

    def __init__(
        self,
        arr: Arr,
        cases: Sequence[Case],
        *,
        streams: bool,
        bell: Bell,
        place: Path,
        library: Path,
        sim: Simulator,
        reasons: Reasons,
        notes: Notes,
        dice: random.Random,
        api: ArrApi | None = None,
    ) -> None:
        self.arr = arr
        self.cases = cases
        self._streams = streams
        self._bell = bell
        self._place = place
        self._library = library
        self._sim = sim
        self._reasons = reasons
        self._notes = notes
        self._dice = dice
        self._api = api

    @property
    def over(self) -> bool:
        """Return whether everything was grabbed, came to its end, and is gone."""
        return all(case.stage is Stage.OVER for case in self.cases)

    async def run(self, share: Callable[[], float]) -> None:
        """Go on until all is over; `share` tells how much of the time for grabs has passed."""
        async with self.arr:
            while not self.over:
                try:
                    await self._grab(share())
                    await self._look(await self.arr.poll())
                except ArrError:
                    await asyncio.sleep(DOWN_SECONDS)
                if not any(case.due(share()) for case in self.cases):
                    await self._bell.wait(POLL_SECONDS)

    async def _grab(self, share: float) -> None:
        for case in self.cases:
            if case.due(share):
                await self._add(case)

    async def _add(self, case: Case) -> None:
        content, limits = case.release.content, SeedLimits(ratio=case.life.ratio)
        case.reach(Moment.BEGUN)
        try:
            if case.release.as_torrent and content.torrent:
                await self.arr.add_torrent(content.torrent, content.name, content.hash, limits)
            else:
                await self.arr.add_magnet(magnet_of(content), limits)
        except ArrError as error:
            if str(error) != REFUSED:
                self._notes.lost_answers += 1
                raise
            await self._refused(case)
        else:
            self._accepted(case)

    def _accepted(self, case: Case) -> None:
        case.accept()
        self._notes.accepted += 1
        self._notes.shared += case.release.shared
        if self._api is not None:
            self._api.grab(case.hash)

    async def _refused(self, case: Case) -> None:
        """Some are refused at the door. What is there already was added unheard."""
        if case.hash in {item.download_id.lower() for item in await self.arr.poll()}:
            self._accepted(case)
            return
        expected = case.wish.may_fail & REFUSED_AT_ONCE
        if expected:
            self._notes.failed[min(expected)] += 1
        else:
            self._notes.problem(f"{case.name}: refused")
        case.end()

    async def _look(self, items: list[QueueItem]) -> None:
        shown = {item.download_id.lower(): item for item in items}
        for case in self.cases:
            item = shown.get(case.hash)
            if case.stage in {Stage.WAITING, Stage.OVER}:
                continue
            if item is None:
                await self._gone(case)
            else:
                await self._go_on(case, item)

    async def _go_on(self, case: Case, item: QueueItem) -> None:
        self._notice(case, item)
        match case.stage:
            case Stage.ACCEPTED if self._taken_back(case):
                await self._take_back(case)
            case Stage.ACCEPTED:
                await self._follow(case, item)
            case Stage.IMPORTED:
                await self._linger(case, item)
            case Stage.LEAVING:
                await self.arr.remove(item.download_id)
            case _:
                pass

    def _notice(self, case: Case, item: QueueItem) -> None:
        """See how far it is, for those who wait for that."""
        if self._sim.world.find(case.hash) is not None:
            case.reach(Moment.AT_TORBOX)
        if item.remaining_size < (1 - FETCHED_SHARE) * item.size:
            case.reach(Moment.FETCHED)

    def _taken_back(self, case: Case) -> bool:
        moment = case.life.taken_back
        return moment is not None and case.come >= moment

    async def _take_back(self, case: Case) -> None:
        self._notes.taken_back[(case.life.taken_back or Moment.BEGUN).name.lower()] += 1
        case.stage = Stage.LEAVING
        if self._streams:
            self._notes.may_be_kept.add(case.hash)
        await self.arr.remove(case.hash)

    async def _follow(self, case: Case, item: QueueItem) -> None:
        if item.status is QueueStatus.COMPLETED:
            await self._complete(case, item)
        elif case.output_path:
            self._notes.problem(f"{case.name}: was complete, is {item.status}")
        elif item.message == FAILED:
            self._give_up(case)

    async def _complete(self, case: Case, item: QueueItem) -> None:
        if case.wish.must_fail:
            self._notes.problem(f"{case.name}: complete, though it was to fail")
        case.output_path = item.output_path
        if Path(item.output_path).parent != self._place:
            self._notes.problem(f"{case.name}: complete in {item.output_path}")
        await self._compare(case, Path(item.output_path), "complete")
        case.reach(Moment.COMPLETE)
        moves = case.life.manner is Manner.MOVE
        if (item.can_be_removed or not moves) and not self._taken_back(case):
            await self._import(case)

    async def _compare(self, case: Case, path: Path, when: str) -> None:
        content = case.release.content
        found = await asyncio.to_thread(lambda: list(wrong(content, path, streams=self._streams)))
        for text in found:
            self._notes.problem(f"{case.name}: {when}, and {text}")

    async def _import(self, case: Case) -> None:
        case.library = self._library / f"{case.wish.category}-{case.hash}-{case.lived}"
        source, manner = Path(case.output_path), case.life.manner
        try:
            await take(
                case.release.content,
                source,
                case.library,
                manner,
                self._dice,
                streams=self._streams,
            )
        except OSError as error:
            self._notes.problem(f"{case.name}: cannot be imported: {error}")
        if self._streams:
            self._notes.kept.add(case.hash)
        self._notes.imported[manner] += 1
        self._notes.taken_seconds.append(time.monotonic() - case.accepted_at)
        if self._api is not None:
            self._api.imported(case.hash)
        case.leaves_at = time.monotonic() + case.life.lingers
        case.stage = Stage.IMPORTED
        case.reach(Moment.IMPORTED)

    async def _linger(self, case: Case, item: QueueItem) -> None:
        """Wait until the entry may go; nobody has touched its files until then."""
        if item.status is not QueueStatus.COMPLETED:
            self._notes.problem(f"{case.name}: was imported, is {item.status}: {item.message}")
        if time.monotonic() < case.leaves_at or not item.can_be_removed:
            return
        if case.life.manner is not Manner.MOVE:
            await self._compare(case, Path(case.output_path), "still there")
        case.stage = Stage.LEAVING
        await self.arr.remove(item.download_id)

    def _give_up(self, case: Case) -> None:
        reason, message = self._reasons.of(case.hash, case.wish.category)
        if not reason:
            return  # TorBox says so; it is believed after a while
        if reason not in case.wish.may_fail:
            self._notes.problem(f"{case.name}: failed as {reason}: {message}")
        self._notes.failed[reason] += 1
        case.stage = Stage.LEAVING if self._api is None else Stage.GIVEN_UP

    async def _gone(self, case: Case) -> None:
        """It left the queue."""
        if case.stage is not Stage.LEAVING and self._was_told(case):
            self._notes.told += 1
            if case.stage is Stage.ACCEPTED:  # it was told before the failure was seen here
                self._notes.failed[min(case.wish.may_fail)] += 1
        elif case.stage is not Stage.LEAVING:
            self._notes.problem(f"{case.name}: {case.stage}, and no longer in the queue")
        if case.library is not None:
            await self._compare(case, case.library, "in the library afterwards")
            await asyncio.to_thread(shutil.rmtree, case.library, ignore_errors=True)
            case.library = None
        case.end()

    def _was_told(self, case: Case) -> bool:
        told = self._api is not None and case.hash.upper() in self._api.blocklist
        return told and bool(case.wish.may_fail)
