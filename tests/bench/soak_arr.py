"""The *arr of the soak: grabs, polls, imports and removes, whatever becomes of the bridge."""

import asyncio
import sqlite3
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from bridge.demo.arr_client import Arr
from bridge.demo.arr_queue import QueueItem, QueueStatus
from bridge.demo.arr_wire import ArrError
from bridge.demo.arr_words import SeedLimits
from bridge.simulator import Content, magnet_of
from tests.bench.soak_load import Grab

POLL_SECONDS = 0.4
FAILED = "qBittorrent is reporting an error"
REFUSED = "Download client failed to add torrent"
NO_SEEDING = SeedLimits(ratio=0.0)


class Stage(StrEnum):
    """How far the *arr is with a grab."""

    WAITING = "waiting"
    ACCEPTED = "accepted"
    DONE = "done"
    """Imported, or failed as planted; on its way out."""
    REMOVED = "removed"


@dataclass(slots=True)
class Case:
    """A grab and what has become of it."""

    grab: Grab
    lives: int
    """How often it is grabbed, one after the other."""
    stage: Stage = Stage.WAITING
    accepted_at: float = 0.0


class Notes:
    """What all the watchers saw."""

    def __init__(self) -> None:
        self.problems: list[str] = []
        self.imported = 0
        self.failed: Counter[str] = Counter()
        self.accepted = 0
        self.lost_answers = 0
        """Adds whose answer did not arrive; they are sent again."""
        self.taken_seconds: list[float] = []
        """From the add to the import."""

    def problem(self, text: str) -> None:
        """Write down, once, what should not be."""
        if text not in self.problems:
            self.problems.append(text)


class Grabber:
    """Works off the grabs of one category, as fast as `due` lets it."""

    def __init__(self, arr: Arr, cases: list[Case], notes: Notes, database: Path) -> None:
        self._arr = arr
        self._notes = notes
        self._database = database
        self._waiting = deque(cases)
        self.cases = {case.grab.content.hash: case for case in cases}

    @property
    def over(self) -> bool:
        """Tell whether everything was grabbed, came to its end, and is gone."""
        return all(case.stage is Stage.REMOVED for case in self.cases.values())

    async def run(self, due: Callable[[], int]) -> None:
        """Go on until all is over; `due` tells how many grabs may have been begun by now."""
        async with self._arr:
            while not self.over:
                try:
                    await self._grab(due)
                    await self._look(await self._arr.poll())
                except ArrError:
                    pass  # it is down just now
                await asyncio.sleep(POLL_SECONDS)

    async def _grab(self, due: Callable[[], int]) -> None:
        begun = len(self.cases) - len(self._waiting)
        for _ in range(max(0, min(due(), len(self._waiting) + begun) - begun)):
            await self._add(self._waiting[0])
            self._waiting.popleft()

    async def _add(self, case: Case) -> None:
        content = case.grab.content
        try:
            if case.grab.as_torrent and content.torrent:
                await self._arr.add_torrent(content.torrent, content.name, content.hash, NO_SEEDING)
            else:
                await self._arr.add_magnet(magnet_of(content), NO_SEEDING)
        except ArrError as error:
            if str(error) != REFUSED:
                self._notes.lost_answers += 1
                raise
            await self._refused(case)
        else:
            self._accept(case)

    def _accept(self, case: Case) -> None:
        case.stage, case.accepted_at = Stage.ACCEPTED, time.monotonic()
        self._notes.accepted += 1

    async def _refused(self, case: Case) -> None:
        """A release that is not cached is refused at the door, and one that is there already."""
        known = {item.download_id.lower() for item in await self._arr.poll()}
        if case.grab.content.hash in known:
            self._accept(case)
        elif case.grab.reason == "not_cached":
            self._notes.failed["not_cached"] += 1
            case.stage = Stage.REMOVED
        else:
            self._notes.problem(f"{case.grab.content.name}: refused")
            case.stage = Stage.REMOVED

    async def _look(self, items: list[QueueItem]) -> None:
        shown = {item.download_id.lower(): item for item in items}
        for case in self.cases.values():
            item = shown.get(case.grab.content.hash)
            match case.stage:
                case Stage.ACCEPTED if item is None:
                    self._notes.problem(f"{case.grab.content.name}: accepted and lost")
                    case.stage = Stage.REMOVED
                case Stage.ACCEPTED if item is not None:
                    await self._follow(case, item)
                case Stage.DONE if item is None:
                    self._end(case)
                case Stage.DONE if item is not None:
                    await self._arr.remove(item.download_id)
                case _:
                    pass

    def _end(self, case: Case) -> None:
        """It left the queue. Some are grabbed once more, at once."""
        case.lives -= 1
        case.stage = Stage.WAITING if case.lives else Stage.REMOVED
        if case.lives:
            self._waiting.appendleft(case)

    async def _follow(self, case: Case, item: QueueItem) -> None:
        if item.status is QueueStatus.COMPLETED:
            await self._import(case, item)
        elif item.message == FAILED:
            self._give_up(case)

    async def _import(self, case: Case, item: QueueItem) -> None:
        name, reason = case.grab.content.name, case.grab.reason
        if reason:
            self._notes.problem(f"{name}: complete, though planted as {reason}")
        wrong = await asyncio.to_thread(lambda: list(_wrong(case.grab.content, item.output_path)))
        for text in wrong:
            self._notes.problem(f"{name}: complete, and {text}")
        if not item.can_be_removed:
            return  # it will be when it is finished
        self._notes.imported += 1
        self._notes.taken_seconds.append(time.monotonic() - case.accepted_at)
        case.stage = Stage.DONE

    def _give_up(self, case: Case) -> None:
        content, planted = case.grab.content, case.grab.reason
        reason, message = self._why(content.hash)
        if not reason:
            return  # TorBox says so; it is believed after a while
        if reason != planted:
            self._notes.problem(f"{content.name}: failed as {reason}: {message}")
        self._notes.failed[reason] += 1
        case.stage = Stage.DONE

    def _why(self, info_hash: str) -> tuple[str, str]:
        question = "SELECT failure_reason, failure_message FROM downloads WHERE hash = ?"
        with closing(sqlite3.connect(f"file:{self._database}?mode=ro", uri=True)) as database:
            row = database.execute(question, (info_hash,)).fetchone()
        return (row[0] or "", row[1]) if row else ("no row", "")


def _wrong(content: Content, output_path: str) -> Iterator[str]:
    root = Path(output_path)
    for file in content.files:
        path = root if root.is_file() else root / file.path
        if not path.is_file():
            yield f"{file.path} is missing"
        elif path.read_bytes() != content.read(file, 0, file.size):
            yield f"{file.path} has other bytes"
