"""Access to the user's mount of TorBox, and finding the files of a remote item there.

A mount may be slow, be gone, or never answer. A call to a dead mount can hang for ever, and nothing
can stop it. So every call runs in a thread of its own (`Mount`), one at a time, and callers wait
for a limited time. All functions here block.

A mount shows `<folder>/<file>` for each item, or all files in one folder, and some rename folders
or leave levels out. In order: TorBox's own path of the file; its path below a folder with the
item's name; the bare name in such a folder; a search in folders whose names resemble the item's;
and last the bare name at the top. The size must always be equal. Two files of one item with the
same name and size (parts of two discs, for example) are distinguished by their folders, so for
these the bare name is not enough.
"""

import asyncio
import os
import re
import stat
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from bridge.core.file_types import is_video
from bridge.delivery.delivery_errors import NotYet
from bridge.delivery.interface import DeliveryRequest, RequestedFile

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


FOLDERS_SEARCHED = 64
"""Folders listed in a search at most: on a network mount each costs a request."""
DEPTH_SEARCHED = 4

_UNUSABLE = re.compile(r"[\x00\ud800-\udfff]")
_UNIMPORTANT = re.compile(r"[\W_]+")

Parts = tuple[str, ...]


def find(root: Path, request: DeliveryRequest) -> dict[int, Path]:
    """Return the paths of the files below the mount's root, by file id; without missing files.

    Raises:
        MountGone: the mount is not there, or broke off.
    """
    require(root)
    try:
        return _find(root, request)
    except OSError as error:
        raise MountGone(f"the mount {root} cannot be read ({error.strerror})") from error


def _find(root: Path, request: DeliveryRequest) -> dict[int, Path]:
    found: dict[int, Path] = {}
    missing: list[tuple[RequestedFile, Parts]] = []
    at_top: list[tuple[RequestedFile, Parts]] = []
    for file, parts, alone in _with_parts(request):
        place = _first(root, _places(parts, request.titles, alone=alone), file.size)
        if place is not None:
            found[file.file_id] = place
            continue
        missing.append((file, parts[-1:] if alone else _below(parts)))
        if alone:
            at_top.append((file, parts[-1:]))
    found |= _search(root, request, missing) if missing else {}
    # Last, because a mount in one folder shows the `en.srt` of every item there, in some order.
    for file, name in at_top:
        if file.file_id not in found and (place := _first(root, [name], file.size)) is not None:
            found[file.file_id] = place
    return found


def _with_parts(request: DeliveryRequest) -> Iterator[tuple[RequestedFile, Parts, bool]]:
    """Yield each file, its path at TorBox, and whether no other file has its name and size."""
    all_parts = [_plain(file.remote_name) for file in request.files]
    known = Counter(
        (parts[-1], file.size)
        for file, parts in zip(request.files, all_parts, strict=True)
        if parts
    )
    for file, parts in zip(request.files, all_parts, strict=True):
        if parts:
            yield file, parts, known[parts[-1], file.size] == 1


def _plain(name: str) -> Parts:
    """Split a path; return nothing if it could leave the mount or cannot be a path."""
    parts = tuple(part for part in name.split("/") if part)
    plain = not any(part in {".", ".."} or _UNUSABLE.search(part) for part in parts)
    return parts if plain else ()


def _below(parts: Parts) -> Parts:
    """Drop the root folder, if there is one."""
    return parts[1:] or parts


def _places(parts: Parts, titles: Iterable[str], *, alone: bool) -> Iterator[Parts]:
    folders = [folder for folder in map(_plain, titles) if len(folder) == 1]
    if len(parts) > 1:
        yield parts
    yield from (folder + _below(parts) for folder in folders)
    if alone:
        yield from (folder + parts[-1:] for folder in folders)


def _first(root: Path, places: Iterable[Parts], size: int) -> Path | None:
    paths = (root.joinpath(*place) for place in places)
    return next((path for path in paths if opens(path, size)), None)


def _search(
    root: Path, request: DeliveryRequest, missing: list[tuple[RequestedFile, Parts]]
) -> dict[int, Path]:
    """Search folders with a name like the item's for paths that end like the files' paths."""
    found: dict[int, Path] = {}
    for path in _files(_namesakes(root, request)):
        for file, tail in missing:
            if file.file_id in found or path.parts[-len(tail) :] != tail:
                continue
            if opens(path, file.size):
                found[file.file_id] = path
    return found


def _namesakes(root: Path, request: DeliveryRequest) -> list[Path]:
    """List the folders at the top, or one level below, whose name resembles the item's."""
    roots = {parts[0] for file in request.files if len(parts := _plain(file.remote_name)) > 1}
    names = {_key(_stem(name)) for name in (*request.titles, *roots)} - {""}
    tops = _folders(root)
    below = (folder for top in tops[:FOLDERS_SEARCHED] for folder in _folders(top))
    found = [folder for folder in tops if _key(_stem(folder.name)) in names]
    return found or [folder for folder in below if _key(_stem(folder.name)) in names]


def _stem(name: str) -> str:
    """Drop a video's extension: mounts name the folder of `Film.mkv` with it or without it."""
    return name.rpartition(".")[0] if is_video(name) else name


def _key(name: str) -> str:
    """Reduce a name to its letters and digits: mounts replace characters they cannot show."""
    return _UNIMPORTANT.sub("", name).casefold()


def _files(folders: Iterable[Path]) -> Iterator[Path]:
    """List the files below some folders, near the top first, up to the limits."""
    waiting = [(folder, 1) for folder in folders]
    for listed, (folder, depth) in enumerate(waiting):
        if listed == FOLDERS_SEARCHED:
            return
        for entry in _entries(folder):
            if not entry.is_dir():
                yield Path(entry.path)
            elif depth < DEPTH_SEARCHED:
                waiting.append((Path(entry.path), depth + 1))


def _folders(folder: Path) -> list[Path]:
    return [Path(entry.path) for entry in _entries(folder) if entry.is_dir()]


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    """List a folder in a stable order; an unreadable folder counts as empty."""
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError:
        return []
