"""Free space: true, rarely asked, never waited for long."""

import shutil
import threading
from pathlib import Path

from bridge.engine.outside import KEEP_SECONDS, FreeSpace


class Clock:
    """A clock that a test moves."""

    now = 0.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


async def test_it_is_the_real_disk(tmp_path: Path) -> None:
    """About what the system says; others write on the same disk."""
    told = await FreeSpace(tmp_path).bytes()
    assert abs(told - shutil.disk_usage(tmp_path).free) < 10**9


async def test_it_is_kept_for_some_seconds(tmp_path: Path) -> None:
    """0 until the disk has answered once; it is asked again only after a while."""
    clock, directory = Clock(), tmp_path / "downloads"
    space = FreeSpace(directory, clock)
    assert await space.bytes() == 0
    directory.mkdir()
    clock.now = KEEP_SECONDS - 0.1
    assert await space.bytes() == 0
    clock.now = KEEP_SECONDS
    assert await space.bytes() > 0


async def test_the_last_word_stands(tmp_path: Path) -> None:
    """A disk that cannot be asked just now is not full."""
    clock, directory = Clock(), tmp_path / "downloads"
    directory.mkdir()
    space = FreeSpace(directory, clock)
    told = await space.bytes()
    directory.rmdir()
    clock.now = KEEP_SECONDS
    assert await space.bytes() == told > 0


async def test_a_disk_that_hangs_is_not_waited_for(tmp_path: Path) -> None:
    """While the disk hangs, the last figure is returned and no second call is made."""
    clock, go_on, asked = Clock(), threading.Event(), []

    def measure(directory: Path) -> int:
        asked.append(directory)
        go_on.wait(5)
        return 7

    space = FreeSpace(tmp_path, clock, measure=measure, wait_seconds=0.01)
    assert await space.bytes() == 0
    clock.now = KEEP_SECONDS * 3
    assert await space.bytes() == 0
    go_on.set()
    while await space.bytes() != 7:
        pass
    assert len(asked) == 1
