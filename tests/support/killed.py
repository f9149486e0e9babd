"""A program that delivers and is killed. Run as `python -m tests.support.killed <what> <top> …`.

`publish <top>`, `publish-across <top> <other file system>` and `restage <top>` do their work again and again, each time in a new directory
`<top>/<n>`, killed with SIGKILL just before the n-th time it opens a file, or changes a name or an
owner, until the work ends before it is killed. `fetch <top> <url> <size>` delivers one file;
the test kills it, or ends it with SIGTERM.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from itertools import count
from pathlib import Path

from msgspec.structs import replace

from bridge.delivery.delivery_progress import Progress
from bridge.delivery.disk.publish import publish
from bridge.delivery.disk.staging import begin
from bridge.delivery.fetch.fetch_settings import KIB
from bridge.delivery.fetch.fetcher import make_session
from bridge.delivery.file_state import Validator
from bridge.delivery.interface import DeliveryRequest, RequestedFile
from bridge.delivery.modes.download_mode import DownloadDelivery
from tests.support.delivery import FAST, HASH, some_bytes

CHANGES = {"open", "os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.chmod", "os.chown"}
CHANGES |= {"os.truncate", "os.link", "os.symlink"}
SIZES = {"a.mkv": 50_000, "Subs/a.srt": 300, "empty.nfo": 0}
VERSIONS = (b"1", b"2")


def show(top: Path) -> DeliveryRequest:
    """The order of a small folder below `top`."""
    files = tuple(
        RequestedFile(file_id=at, remote_name=name, size=size, path=f"Show/{name}")
        for at, (name, size) in enumerate(SIZES.items())
    )
    return DeliveryRequest(
        info_hash=HASH, save_path=top / "tv" / "new", content_name="Show", files=files
    )


def staging(top: Path) -> Path:
    """The staging area of that order."""
    return top / ".incomplete" / HASH


def _stage(top: Path) -> None:
    """Put the whole content into staging; the save path is in a folder that hands its group on."""
    (top / "tv").mkdir()
    (top / "tv").chmod(0o2775)
    for file in begin(staging(top), show(top), min_free=0):
        file.open()
        file.write(0, some_bytes(file.size, file.file_id))
        file.done.add(0, file.size)
        file.save()
        file.close()


def _publish(top: Path) -> None:
    publish(staging(top), show(top))


def across(top: Path, other: Path) -> DeliveryRequest:
    """The same request, with its save path below `other`, on another file system."""
    return replace(show(top), save_path=other / top.name / "tv")


def _publish_across(other: Path, top: Path) -> None:
    publish(staging(top), across(top, other))


def _restage(top: Path) -> None:
    """Stage half a file of one version, then another version from the beginning."""
    for version in VERSIONS:
        file = begin(staging(top), show(top), min_free=0)[0]
        file.reset()
        file.validator = Validator(etag=f'"{version.decode()}"')
        file.open()
        for offset in range(0, 40_000, 10_000):
            file.write(offset, version * 10_000)
            file.done.add(offset, offset + 10_000)
            file.save()
        file.close()


def _kill_at(step: int) -> None:
    """Kill this process before the change number `step`."""
    steps = count()

    def watch(event: str, _: object) -> None:
        if event in CHANGES and next(steps) == step:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(watch)


def _survives(step: int, work: Callable[[], None]) -> bool:
    """Do the work in a child that is killed at `step`; whether it came to its end."""
    child = os.fork()
    if child == 0:
        _kill_at(step)
        work()
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return False
    assert os.waitstatus_to_exitcode(status) == 0
    return True


def _everywhere(top: Path, before: Callable[[Path], None], work: Callable[[Path], None]) -> None:
    for step in count():
        case = top / str(step)
        case.mkdir()
        before(case)
        if _survives(step, partial(work, case)):
            return


class _OneLink:
    def __init__(self, url: str) -> None:
        self._url = url

    async def link(self, file_id: int, *, fresh: bool) -> str:
        return self._url


async def _fetch(top: Path, url: str, size: int) -> None:
    file = RequestedFile(file_id=0, remote_name="a", size=size, path="Show/a.mkv")
    request = replace(show(top), files=(file,))
    settings = replace(FAST, checkpoint_bytes=32 * KIB)
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    async with make_session("killed/1") as session:
        delivery = DownloadDelivery(
            incomplete=top / ".incomplete", session=session, settings=settings
        )
        with suppress(asyncio.CancelledError):
            await delivery.deliver(request, _OneLink(url), Progress())


def _main(what: str, top: Path, *rest: str) -> None:
    match what:
        case "publish":
            _everywhere(top, _stage, _publish)
        case "publish-across":
            _everywhere(top, _stage, partial(_publish_across, Path(rest[0])))
        case "restage":
            _everywhere(top, lambda _: None, _restage)
        case "fetch":
            asyncio.run(_fetch(top, rest[0], int(rest[1])))


if __name__ == "__main__":
    _main(sys.argv[1], Path(sys.argv[2]), *sys.argv[3:])
