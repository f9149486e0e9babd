"""What the demo's *arr does with a release, from the grab until nothing is left of it."""

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path

from bridge.demo.arr_client import Arr
from bridge.demo.arr_queue import QueueItem, QueueStatus
from bridge.demo.script import Script, expect
from bridge.simulator import Content, ContentFile, Simulator, magnet_of, make_torrent

POLL_SECONDS = 0.25
GONE_SECONDS = 10.0
STEPS_OF_PROGRESS = 4

MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Added:
    """A release to grab, and how."""

    content: Content
    words: str
    as_magnet: bool


def _pack() -> Content:
    """Make a season pack of four files, as a .torrent, that TorBox has cached."""
    folder = "Demo.Show.S01.1080p.WEB-DL-GRP"
    files = [ContentFile(f"Demo.Show.S01E0{number}.mkv", 4 * MIB) for number in (1, 2, 3)]
    files.append(ContentFile("Demo.Show.S01E01.en.srt", 30_000))
    made = make_torrent(folder, files, trackers=["http://tracker.invalid/announce"])
    return Content(
        hash=made.hash,
        name=made.name,
        files=made.files,
        trackers=made.trackers,
        seed=made.seed,
        torrent=made.torrent,
        cached=True,
    )


def _single() -> Content:
    """Make one episode, known by its magnet, that TorBox has to download first."""
    name = "Demo.Show.S02E01.1080p.WEB-DL-GRP.mkv"
    made = make_torrent(name, [ContentFile(name, 36 * MIB)], single_file=True)
    return Content(
        hash=made.hash, name=name, files=made.files, single_file=True, seed=made.seed,
        trackers=("udp://tracker.invalid:6969/announce",),
    )  # fmt: skip


ADDED = (
    Added(_pack(), "a .torrent with 4 files that TorBox has cached", as_magnet=False),
    Added(_single(), "a magnet that TorBox has not cached", as_magnet=True),
)


def contents() -> list[Content]:
    """List what the simulated TorBox can find."""
    return [added.content for added in ADDED]


class Episode:
    """The steps, each of which holds or raises StepFailed."""

    def __init__(self, script: Script, arr: Arr, simulator: Simulator) -> None:
        self._script = script
        self._arr = arr
        self._simulator = simulator

    async def test(self) -> None:
        """Press "Test"; ask where downloads go."""
        with self._script.step('Test, as the button in "Download clients" does'):
            problems = await self._arr.test()
            expect(not problems, f"Test complains: {problems}")
            directory = await self._arr.directory()
            there = await asyncio.to_thread(Path(directory).is_dir)
            expect(there, f"{directory} does not exist")

    async def whole_life(self, added: Added) -> None:
        """Grab, poll, import, mark as imported, remove."""
        with self._script.step(f"Add {added.words}"):
            download_id = await self._add(added)
            expect(await self._queued(download_id) is not None, "it is not in the queue at once")
        with self._script.step("Poll the queue until it is complete"):
            item = await self._completed(download_id)
        with self._script.step("Import: read every file and compare every byte"):
            count, size = await asyncio.to_thread(self._compare, added.content, item)
            self._script.say(f"     {count} files, {size:,} bytes, all as TorBox has them")
        with self._script.step("Move it to the post-import category"):
            await self._arr.mark_imported(download_id)
            expect(await self._queued(download_id) is None, "it still is in the old category")
        with self._script.step("Remove it with its data"):
            expect(item.can_be_removed, "the bridge does not let it be removed")
            await self._arr.remove(download_id)
            await self._gone(added.content, Path(item.output_path))

    async def nothing_left(self) -> None:
        """Look for anything that a slot or a disk would still be spent on."""
        with self._script.step("Look for leftovers at TorBox"):
            left = self._hashes()
            expect(not left, f"TorBox still holds {sorted(left)}")

    async def _add(self, added: Added) -> str:
        content = added.content
        if added.as_magnet or content.torrent is None:
            return await self._arr.add_magnet(magnet_of(content))
        return await self._arr.add_torrent(content.torrent, content.name, content.hash)

    async def _queued(self, download_id: str) -> QueueItem | None:
        items = await self._arr.poll()
        return next((item for item in items if item.download_id == download_id), None)

    async def _completed(self, download_id: str) -> QueueItem:
        told = -1
        while True:
            item = await self._queued(download_id)
            expect(item is not None, "it vanished from the queue")
            assert item is not None  # noqa: S101 - for the type checker
            expect(item.status is not QueueStatus.WARNING, f"the queue warns: {item.message}")
            if item.status is QueueStatus.COMPLETED:
                return item
            share = 1 - item.remaining_size / item.size if item.size else 0.0
            if int(share * STEPS_OF_PROGRESS) > told:
                told = int(share * STEPS_OF_PROGRESS)
                self._script.say(f"     {item.status}, {share:.0%} of {item.size:,} bytes")
            await asyncio.sleep(POLL_SECONDS)

    def _compare(self, content: Content, item: QueueItem) -> tuple[int, int]:
        root = Path(item.output_path)
        for file in content.files:
            path = root if root.is_file() else root / file.path
            expect(path.is_file(), f"{path} is missing")
            wanted = content.read(file, 0, file.size)
            expect(path.read_bytes() == wanted, f"{path} has other bytes than TorBox")
        return len(content.files), content.size

    async def _gone(self, content: Content, path: Path) -> None:
        deadline = time.monotonic() + GONE_SECONDS
        while await asyncio.to_thread(path.exists) or content.hash in self._hashes():
            expect(time.monotonic() < deadline, "it is still on disk or at TorBox")
            await asyncio.sleep(POLL_SECONDS / 5)

    def _hashes(self) -> set[str]:
        return {torrent.hash for torrent in self._simulator.world.torrents()}
