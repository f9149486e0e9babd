"""Half-fetched files and their checkpoints, truthful after a kill or a power loss at any moment.

    <incomplete>/<hash>/content         the file or folder as it will be published
    <incomplete>/<hash>/<file_id>.json  which of its bytes are surely on disk

A checkpoint is replaced by rename, after the bytes that it claims were synced; before bytes that
it claims are written anew, it is removed and that is synced. So it may claim too little, never
too much. It holds no link. The content's name is not part of the layout: another one costs nothing.
"""

import errno
import os
import shutil
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from bridge.delivery.delivery_errors import DeliveryFailed, NotEnoughSpace
from bridge.delivery.disk.disk_errors import disk_errors, free_bytes, make_directory, sync_directory
from bridge.delivery.disk.request_paths import CONTENT, directories, inner, staged_path
from bridge.delivery.file_state import UNKNOWN, Ranges, Span, Validator
from bridge.delivery.interface import DeliveryRequest, RequestedFile

_CANNOT_ALLOCATE = {errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS, errno.ENODEV}

_MOST_PARTS = 512
"""For one call of pwritev; Linux takes 1024."""


class Checkpoint(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is surely on disk of one file."""

    path: str
    """Below the top of the content, so that a renamed content keeps it."""
    size: int
    etag: str = ""
    last_modified: str = ""
    done: tuple[Span, ...] = ()

    def sound(self) -> bool:
        """Whether its spans can be spans of this file."""
        edges = [edge for span in self.done for edge in span]
        return edges == sorted(edges) and all(0 <= edge <= self.size for edge in edges)


class StagedFile:
    """One file on its way to disk.

    `open`, `read`, `write`, `save`, `forget`, `reset` and `close` block and are for threads; they raise
    DeliveryFailed or NotEnoughSpace. `done` grows only after `write` came back.
    """

    def __init__(self, request: DeliveryRequest, file: RequestedFile, root: Path) -> None:
        self.file_id = file.file_id
        self.size = file.size
        self.name = file.path
        self.path = staged_path(root, request, file)
        self.done = Ranges()
        self.validator = UNKNOWN
        self.others: tuple[Validator, ...] = ()
        """Under these, too, the CDN serves the bytes that are on disk."""
        self._inner = "/".join(inner(request.content_name, file.path))
        self._checkpoint = root / f"{file.file_id}.json"
        self._saved: Checkpoint | None = None
        self._fd: int | None = None

    @property
    def complete(self) -> bool:
        """Every byte is known."""
        return self.done.total == self.size

    def load(self) -> None:
        """Believe the checkpoint if it fits the file on disk; else remove it, durably."""
        checkpoint = self._read()
        if checkpoint is None:
            self.reset()
            return
        self.done = Ranges(checkpoint.done)
        self.validator = Validator(checkpoint.etag, checkpoint.last_modified)
        self._saved = checkpoint

    def to_allocate(self) -> int:
        """Bytes of the disk that this file will still take."""
        missing = self.size - self.done.total
        if (found := _regular(self.path)) is None:
            return missing
        return min(missing, max(0, self.size - found.st_blocks * 512))

    def allocate(self) -> None:
        """Take the file's whole space on the disk, so that it cannot run out half-way."""
        fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
        try:
            size = os.fstat(fd).st_size
            if size > self.size:
                os.ftruncate(fd, self.size)
            elif size < self.size:
                _allocate(fd, self.size)
        finally:
            os.close(fd)

    def open(self) -> None:
        """Open for `write`."""
        with disk_errors(self.path):
            self._fd = os.open(self.path, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)

    def close(self) -> None:
        """Close what `open` opened, if anything."""
        if self._fd is not None:
            fd, self._fd = self._fd, None
            os.close(fd)

    def write(self, offset: int, *parts: bytes | bytearray) -> None:
        """Write the parts at `offset`, one behind the other, all of them."""
        views = [memoryview(part) for part in parts if part]
        with disk_errors(self.path, needed=sum(map(len, views))):
            while views:
                written = os.pwritev(self._open_fd(), views[:_MOST_PARTS], offset)
                views, offset = _beyond(views, written), offset + written

    def save(self) -> None:
        """Sync what was written and replace the checkpoint."""
        checkpoint = self._as_known()
        if checkpoint == self._saved:
            return
        with disk_errors(self._checkpoint):
            os.fdatasync(self._open_fd())
            _replace(self._checkpoint, msgspec.json.encode(checkpoint))
        self._saved = checkpoint

    def _as_known(self) -> Checkpoint:
        return Checkpoint(
            path=self._inner,
            size=self.size,
            etag=self.validator.etag,
            last_modified=self.validator.last_modified,
            done=self.done.spans,
        )

    def read(self, start: int, end: int) -> bytes:
        """Read back bytes [start, end)."""
        with disk_errors(self.path), self.path.open("rb") as file:
            file.seek(start)
            return file.read(end - start)

    def forget(self, spans: Iterable[Span]) -> None:
        """Know these bytes no longer, durably: they have to be fetched again."""
        for start, end in spans:
            self.done.remove(start, end)
        checkpoint = self._as_known()
        with disk_errors(self._checkpoint):
            _replace(self._checkpoint, msgspec.json.encode(checkpoint))
            sync_directory(self._checkpoint.parent)
        self._saved = checkpoint

    def reset(self) -> None:
        """Forget everything that is known of the file, durably."""
        with disk_errors(self._checkpoint):
            if self._checkpoint.exists():
                self._checkpoint.unlink()
                sync_directory(self._checkpoint.parent)
        self.done, self.validator, self.others, self._saved = Ranges(), UNKNOWN, (), None

    def _open_fd(self) -> int:
        if self._fd is None:
            raise DeliveryFailed(f"{self.name}: the file is not open")
        return self._fd

    def _read(self) -> Checkpoint | None:
        try:
            checkpoint = msgspec.json.decode(self._checkpoint.read_bytes(), type=Checkpoint)
        except (OSError, msgspec.MsgspecError):
            return None
        found = _regular(self.path)
        on_disk = None if found is None else found.st_size
        fits = (checkpoint.path, checkpoint.size, on_disk) == (self._inner, self.size, self.size)
        return checkpoint if fits and checkpoint.sound() else None


def begin(root: Path, request: DeliveryRequest, *, min_free: int) -> list[StagedFile]:
    """Make the staging area fit the order, and take the space for all of its files.

    What an earlier order left and this one does not want is removed. Blocks.

    Raises:
        NotEnoughSpace: fewer than `min_free` bytes would stay free. Nothing was allocated.
        DeliveryFailed: the disk refused something.
    """
    with disk_errors(root):
        make_directory(root)
        _refuse_link(root)
        files = [StagedFile(request, file, root) for file in request.files]
        wanted = {inner(request.content_name, file.path) for file in request.files}
        drop_strays(root, wanted, {f"{file.file_id}.json" for file in files})
        for file in files:
            file.load()
        make_directories(root, wanted)
    _take_space(root, files, min_free)
    return files


def discard(root: Path) -> None:
    """Remove a staging area, if there is one. Blocks."""
    with disk_errors(root):
        _refuse_link(root)
        if root.exists():
            shutil.rmtree(root)


def _refuse_link(root: Path) -> None:
    if root.is_symlink():
        raise DeliveryFailed(f"{root} is a symbolic link")


def _take_space(root: Path, files: list[StagedFile], min_free: int) -> None:
    needed, free = sum(file.to_allocate() for file in files), free_bytes(root)
    if needed and free - needed < min_free:
        raise NotEnoughSpace(needed=needed + min_free, free=free)
    with disk_errors(root, needed=needed):
        for file in files:
            file.allocate()


def drop_strays(root: Path, wanted: set[tuple[str, ...]], checkpoints: set[str]) -> None:
    """Remove all that is not wanted below the content, and all but `checkpoints` beside it.

    Checkpoints go first: a file without one is only fetched again. Blocks, and raises OSError.
    """
    for entry in root.iterdir():
        if entry.name != CONTENT and entry.name not in checkpoints:
            _remove(entry)
    sync_directory(root)
    keep_folders = directories(wanted)
    for path, below in _walk_up(root / CONTENT):
        folder = path.is_dir() and not path.is_symlink()
        if folder and below not in keep_folders:
            path.rmdir()
        elif not folder and below not in wanted:
            path.unlink()


def _walk_up(top: Path) -> Iterator[tuple[Path, tuple[str, ...]]]:
    """Everything from the leaves to the top, with its path below the top. Follows no links."""
    if os.path.lexists(top) and (top.is_symlink() or not top.is_dir()):
        yield top, ()
        return
    for directory, folders, files in os.walk(top, topdown=False):
        here = Path(directory)
        links = [name for name in folders if (here / name).is_symlink()]
        for path in (*(here / name for name in (*files, *links)), here):
            yield path, path.relative_to(top).parts


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def make_directories(root: Path, files: Iterable[tuple[str, ...]]) -> None:
    """Make the folders of the staged content. Blocks, and raises OSError."""
    for below in sorted(directories(files), key=len):
        folder = root.joinpath(CONTENT, *below)
        folder.mkdir(exist_ok=True)
        if not stat.S_ISDIR(folder.lstat().st_mode):
            raise DeliveryFailed(f"{folder} is not a folder")


def _regular(path: Path) -> os.stat_result | None:
    try:
        found = path.lstat()
    except OSError:
        return None
    return found if stat.S_ISREG(found.st_mode) else None


def _allocate(fd: int, size: int) -> None:
    try:
        os.posix_fallocate(fd, 0, size)
    except OSError as error:
        if error.errno not in _CANNOT_ALLOCATE:
            raise
        os.ftruncate(fd, size)


def _beyond(views: list[memoryview], written: int) -> list[memoryview]:
    for number, view in enumerate(views):
        if written < len(view):
            return [view[written:], *views[number + 1 :]]
        written -= len(view)
    return []


def _replace(path: Path, data: bytes) -> None:
    temporary = path.with_suffix(".new")
    with temporary.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
