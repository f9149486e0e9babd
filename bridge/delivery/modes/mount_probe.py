"""Access to the user's mount of TorBox, which may be slow, be gone, or never answer.

A call to a dead mount can hang for ever, and nothing can stop it. So every call runs in a thread of
its own, one at a time, and callers wait for a limited time.
"""

import asyncio
import os
import stat
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from bridge.delivery.delivery_errors import NotYet

T = TypeVar("T")

ANSWERS_WITHIN = 30.0
"""Seconds. A mount over the network lists a folder in one or two."""


class MountGone(NotYet):
    """The mount is not there, or does not answer."""


class Mount:
    """Runs calls that touch the mount."""

    def __init__(self, root: Path, *, answers_within: float = ANSWERS_WITHIN) -> None:
        self.root = root
        self._patience = answers_within
        self._turn = asyncio.Lock()
        self._running: asyncio.Future[None] | None = None

    async def ask(self, look: Callable[[], T]) -> T:
        """Run `look` in a thread; return its result and raise its errors.

        Raises:
            MountGone: there was no answer in time. The call is left behind, and no other call
                starts before it has returned.
        """
        found: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        async with self._turn:
            try:
                async with asyncio.timeout(self._patience):
                    if self._running is not None:
                        await asyncio.wait({self._running})
                    self._running = _begin(look, found)
                    return await asyncio.shield(found)
            except TimeoutError:
                raise MountGone(f"the mount {self.root} does not answer") from None


def _begin(look: Callable[[], T], found: "asyncio.Future[T]") -> asyncio.Future[None]:
    """Call in a thread that may be left behind at exit; the result is set when it has returned."""
    loop = asyncio.get_running_loop()
    back: asyncio.Future[None] = loop.create_future()

    def settle(answer: T | None, error: BaseException | None) -> None:
        back.set_result(None)
        if error is not None:
            found.set_exception(error)
            found.exception()  # retrieved, because the caller may be gone
        else:
            found.set_result(answer)  # type: ignore[arg-type]  # without an error it is a T

    def run() -> None:
        answer: T | None = None
        failure: BaseException | None = None
        try:
            answer = look()
        except BaseException as error:  # noqa: BLE001 - handed on to who asked
            failure = error
        with suppress(RuntimeError):  # the loop was closed meanwhile
            loop.call_soon_threadsafe(settle, answer, failure)

    threading.Thread(target=run, name="mount", daemon=True).start()
    return back


def require(root: Path) -> None:
    """Make sure that something is mounted. Blocks.

    A mount that goes away leaves an empty folder behind.

    Raises:
        MountGone: nothing can be seen there.
    """
    try:
        seen = any(root.iterdir())
    except OSError as error:
        raise MountGone(f"the mount {root} is gone ({error.strerror})") from error
    if not seen:
        raise MountGone(f"the mount {root} is empty: is TorBox mounted there?")


def opens(path: Path, size: int) -> bool:
    """Return whether a file of this size can be opened there, through links. Blocks."""
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode) or found.st_size != size:
            return False
        os.close(os.open(path, os.O_RDONLY | os.O_CLOEXEC))
    except OSError:
        return False
    return True
