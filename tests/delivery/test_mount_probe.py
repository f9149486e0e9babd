"""A mount that never answers."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.delivery.modes.mount_lookup import Mount, MountGone, opens, require


@pytest.fixture(name="held")
def _held() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


async def test_answers_and_errors_come_through(tmp_path: Path) -> None:
    """A look's result is returned, and what it raises is raised."""
    mount = Mount(tmp_path)
    assert await mount.ask(lambda: 5) == 5
    with pytest.raises(ZeroDivisionError):
        await mount.ask(lambda: 1 // 0)


async def test_a_hang_is_left_behind(tmp_path: Path, held: threading.Event) -> None:
    """Who asks a dead mount is told in time, no second look piles up, and it recovers."""
    mount, looks = Mount(tmp_path, answers_within=0.05), 0

    def hang() -> None:
        nonlocal looks
        looks += 1
        held.wait(10)

    for _ in range(3):
        with pytest.raises(MountGone, match="does not answer"):
            await mount.ask(hang)
    assert looks == 1
    held.set()
    assert await mount.ask(lambda: "back") == "back"


async def test_a_cancelled_look(tmp_path: Path, held: threading.Event) -> None:
    """A look that is cancelled leaves the mount usable once it came back."""
    mount = Mount(tmp_path, answers_within=5)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(mount.ask(lambda: held.wait(10)))
        await asyncio.sleep(0.02)
        task.cancel()
    assert task.cancelled()
    held.set()
    assert await mount.ask(lambda: 1) == 1


def test_what_opens(tmp_path: Path) -> None:
    """Only a regular file of the size opens, through links too."""
    (tmp_path / "file").write_bytes(b"12345")
    (tmp_path / "link").symlink_to("file")
    (tmp_path / "dead").symlink_to("nothing")
    assert opens(tmp_path / "file", 5)
    assert opens(tmp_path / "link", 5)
    assert not opens(tmp_path / "file", 6)
    assert not opens(tmp_path / "dead", 5)
    assert not opens(tmp_path, tmp_path.stat().st_size)


def test_an_empty_mount_point_is_no_mount(tmp_path: Path) -> None:
    """An empty folder, a missing one and a file are all no mount."""
    (tmp_path / "file").touch()
    (tmp_path / "empty").mkdir()
    for name in ("empty", "missing", "file"):
        with pytest.raises(MountGone):
            require(tmp_path / name)
    require(tmp_path)
