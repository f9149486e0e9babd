"""Half-fetched files and their checkpoints, truthful after a kill or a power loss at any moment.

    <incomplete>/<staging name>/content         the file or folder as it will be published
    <incomplete>/<staging name>/<file_id>.json  which of its bytes are surely on disk

A checkpoint is replaced by rename, after the bytes that it claims were synced; before claimed bytes
are overwritten, it is removed and the removal is synced. So it may claim too little, never too
much. It holds no link. The content's name is not part of the layout: renaming costs nothing.

Other programs can write in this directory, too. So every open goes through `safe_paths`, nothing is
read without a limit, and a file that has a second name (a hard link) is never written to.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path
from threading import Lock

import msgspec

from bridge.core.completeness import below_root
from bridge.delivery.delivery_errors import BadRequest, UnsafePath
from bridge.delivery.disk.disk_errors import disk_errors, name_errors
from bridge.delivery.disk.linux_calls import fallocate
from bridge.delivery.disk.request_paths import (
    CONTENT,
    Parts,
    directories,
    inner,
    split,
    staged_folders,
    staged_parts,
)
from bridge.delivery.disk.reservations import SpaceReservations
from bridge.delivery.disk.safe_paths import Folder, open_folder
from bridge.delivery.file_state import UNKNOWN, Ranges, Span, Validator
from bridge.delivery.interface import DeliveryRequest, RequestedFile

_MOST_PARTS = 512
"""For one call of pwritev; Linux takes 1024."""
_LARGEST_CHECKPOINT = 1024 * 1024
"""Bytes. A real one has a few hundred; a larger one is not ours, and is not read."""


class Checkpoint(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The bytes of one file that are surely on disk."""

    path: str
    """Below the top of the content, so that it survives a rename of the content."""
    size: int
    name: str = ""
    """At TorBox, below the root folder: ids may be given anew. Empty in an older checkpoint."""
    etag: str = ""
    last_modified: str = ""
    done: tuple[Span, ...] = ()

    def sound(self) -> bool:
        """Return whether its spans can be spans of this file."""
        # Sorted edges mean that no span is reversed and no two overlap.
        edges = [edge for span in self.done for edge in span]
        return edges == sorted(edges) and all(0 <= edge <= self.size for edge in edges)

    def is_of(self, name: str, size: int) -> bool:
        """Return whether it is about a file of this name at TorBox, and of this size."""
        return self.size == size and self.name in {"", name}


class StagedFile:
    """A file on its way to disk.

    Every method blocks and is for threads; they raise LocalDiskError or NotEnoughSpace. The caller
    adds to `done` what `write` has written.
    """

    def __init__(self, request: DeliveryRequest, file: RequestedFile, root: Path) -> None:
        self.file_id = file.file_id
        self.size = file.size
        self.name = file.path
        self.path = root.joinpath(*staged_parts(request, file))
        """For messages and tests; files are opened by way of `safe_paths`."""
        self.done = Ranges()
        self.validator = UNKNOWN
        self.others: tuple[Validator, ...] = ()
        """Under these validators, too, the CDN serves the bytes that are on disk."""
        self._root = root
        self._parts = staged_parts(request, file)
        self._inner = "/".join(self._parts[1:])
        self._remote_name = below_root(file.remote_name)
        self._checkpoint = f"{file.file_id}.json"
        self.marker = f"{file.file_id}.whole"
        """Left by the aria2 mode when a file is complete."""
        self.aside = f"{file.file_id}.moved"
        """Its name in the staging root while it is moved to another path."""
        self._saved: Checkpoint | None = None
        self._fd: int | None = None
        self._opening = Lock()
        self._unallocated = 0

    @property
    def complete(self) -> bool:
        """Every byte is known."""
        return self.done.total == self.size

    @property
    def unwritten(self) -> int:
        """Bytes that this file will still take from the free space of the disk."""
        return min(self._unallocated, self.size - self.done.total)

    def load(self, root: Folder) -> None:
        """Believe the checkpoint if it fits the file on disk; else remove it, durably.

        `root` is the open staging root.
        """
        with self._errors(), root.walk(self._parts[:-1]) as folder:
            if self._marked_whole(root, folder):
                self.done = Ranges(((0, self.size),) if self.size else ())
                self._write_whole(root, folder)
            root.remove_tree(self.marker)
            checkpoint = self._read(root, folder)
            if checkpoint is None:
                # A new file is made later. In the old one another program may still be writing: an
                # aria2 that fetched it before the mode was changed.
                self._forget_all(root)
                folder.remove_tree(self._parts[-1])
            else:
                self.done = Ranges(checkpoint.done)
                self.validator = Validator(checkpoint.etag, checkpoint.last_modified)
                self._saved = checkpoint
            found = folder.regular(self._parts[-1])
            blocks = found.st_blocks * 512 if found else 0
            self._unallocated = max(0, self.size - blocks)

    def allocate(self, root: Folder) -> None:
        """Create the file in its full size and reserve its space, so that it cannot run out later.

        `root` is the open staging root.
        """
        if self.complete and self._saved is not None:
            return  # it may be a hard link to a file that was delivered before: leave it alone
        name = self._parts[-1]
        with self._errors(), root.walk(self._parts[:-1]) as folder, ExitStack() as stack:
            try:
                fd = folder.open_own(name, os.O_RDWR)
            except (FileNotFoundError, UnsafePath):
                # Nothing, or something that another program has put there: a link, a FIFO, a
                # directory. It goes, unopened, and the file begins anew.
                self._forget_all(root)
                folder.remove_tree(name)
                with name_errors(folder.path):
                    fd = folder.open_own(name, os.O_RDWR | os.O_CREAT | os.O_EXCL)
            stack.callback(os.close, fd)
            size = os.fstat(fd).st_size
            if size > self.size:
                os.ftruncate(fd, self.size)
            if fallocate(fd, self.size):
                self._unallocated = 0
            elif size < self.size:
                os.ftruncate(fd, self.size)

    def set_aside(self, root: Folder) -> bool:
        """Take the file out of the content if its checkpoint knows it under another path.

        Return whether it waits for `put_back`, from this run or from a killed run.
        """
        checkpoint = _decoded(root, self._checkpoint)
        if checkpoint is None or checkpoint.path == self._inner:
            return False
        if not checkpoint.is_of(self._remote_name, self.size):
            return False
        with suppress(BadRequest, FileNotFoundError, NotADirectoryError, UnsafePath):
            old = (CONTENT, *(split(checkpoint.path) if checkpoint.path else ()))
            with root.walk(old[:-1]) as folder:
                if folder.regular(old[-1]) is not None:
                    folder.rename(old[-1], root, self.aside)
        return root.regular(self.aside) is not None

    def put_back(self, root: Folder) -> None:
        """Move the file to its new path, and let its checkpoint say so."""
        checkpoint = _decoded(root, self._checkpoint)
        with root.walk(self._parts[:-1]) as folder:
            if checkpoint is None or not checkpoint.is_of(self._remote_name, self.size):
                root.remove_tree(self.aside)
                return
            folder.remove_tree(self._parts[-1])  # a file without a checkpoint, or it were aside
            root.rename(self.aside, folder, self._parts[-1])
        moved = msgspec.structs.replace(checkpoint, path=self._inner)
        root.replace_file(self._checkpoint, msgspec.json.encode(moved))

    def close(self) -> None:
        """Close what `write` opened, if anything."""
        if self._fd is not None:
            fd, self._fd = self._fd, None
            os.close(fd)

    def write_whole(self, *parts: bytes | bytearray) -> None:
        """Write every byte of the file, and `save` it: all that a small file needs."""
        with self._staged() as (root, folder):
            if self._fd is None:
                self._fd = folder.open_own(self._parts[-1], os.O_WRONLY)
            self.write(0, *parts)
            self.done.add(0, self.size)
            self._save(root)

    def write(self, offset: int, *parts: bytes | bytearray) -> None:
        """Write all parts at `offset`, one after the other. The file stays open."""
        views = [memoryview(part) for part in parts if part]
        with disk_errors(self.path, needed=sum(map(len, views))):
            # pwritev may write less than it was given, for example just before the disk is full.
            while views:
                written = os.pwritev(self._open_fd(), views[:_MOST_PARTS], offset)
                views, offset = _beyond(views, written), offset + written

    def save(self) -> None:
        """Sync what was written and replace the checkpoint."""
        if self._as_known() != self._saved:
            with disk_errors(self.path), open_folder(self._root) as root:
                self._save(root)

    def _save(self, root: Folder) -> None:
        checkpoint = self._as_known()
        # The order matters: a checkpoint on disk must never claim bytes that are not.
        os.fdatasync(self._open_fd())
        root.replace_file(self._checkpoint, msgspec.json.encode(checkpoint))
        self._saved = checkpoint

    def _as_known(self) -> Checkpoint:
        return Checkpoint(
            path=self._inner,
            size=self.size,
            name=self._remote_name,
            etag=self.validator.etag,
            last_modified=self.validator.last_modified,
            done=self.done.spans,
        )

    def read(self, start: int, end: int) -> bytes:
        """Read back bytes [start, end)."""
        with self._staged() as (_, folder):
            fd = folder.open_file(self._parts[-1], os.O_RDONLY)
            try:
                return os.pread(fd, end - start, start)
            finally:
                os.close(fd)

    def mark_whole(self) -> None:
        """Sync a file that is known to be complete, and write its checkpoint."""
        self.done = Ranges(((0, self.size),) if self.size else ())
        with self._staged() as (root, folder):
            self._write_whole(root, folder)

    def _write_whole(self, root: Folder, folder: Folder) -> None:
        # Opened to read: it may be a hard link to a file that was delivered before.
        fd = folder.open_file(self._parts[-1], os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
        root.replace_file(self._checkpoint, msgspec.json.encode(self._as_known()))

    def _marked_whole(self, root: Folder, folder: Folder) -> bool:
        """Return whether aria2 has fetched the whole file, before the mode was changed."""
        found = folder.regular(self._parts[-1])
        marked = root.regular(self.marker) is not None
        return marked and found is not None and found.st_size == self.size

    def forget(self, spans: Iterable[Span]) -> bool:
        """Forget these bytes, durably: they have to be fetched again.

        Return whether the whole file has to be, because the file on disk must not be written to.
        """
        with self._staged() as (root, folder):
            found = folder.regular(self._parts[-1])
            if found is None or found.st_nlink > 1:
                # Repairing it would write to a file that has another name elsewhere, such as one
                # that was delivered before. All of it is fetched again, into a new file.
                self._forget_all(root)
                restarted = True
            else:
                restarted = False
                for start, end in spans:
                    self.done.remove(start, end)
                checkpoint = self._as_known()
                root.replace_file(self._checkpoint, msgspec.json.encode(checkpoint))
                root.sync()
                self._saved = checkpoint
            self.allocate(root)
        return restarted

    def reset(self) -> None:
        """Forget everything that is known of the file, durably."""
        with disk_errors(self.path), open_folder(self._root) as root:
            self._forget_all(root)

    def _forget_all(self, root: Folder) -> None:
        if root.stat(self._checkpoint) is not None:
            root.remove_tree(self._checkpoint)
            root.sync()
        self.done, self.validator, self.others, self._saved = Ranges(), UNKNOWN, (), None

    @contextmanager
    def _staged(self) -> Iterator[tuple[Folder, Folder]]:
        """Open the staging root, and the folder that holds the file."""
        with (
            self._errors(),
            open_folder(self._root) as root,
            root.walk(self._parts[:-1]) as folder,
        ):
            yield root, folder

    def _errors(self) -> AbstractContextManager[None]:
        return disk_errors(self.path, needed=self.size)

    def _open_fd(self) -> int:
        # Connections write at the same time, each in a thread of its own.
        with self._opening:
            if self._fd is None:
                with self._staged() as (_, folder):
                    self._fd = folder.open_own(self._parts[-1], os.O_WRONLY)
            return self._fd

    def _read(self, root: Folder, folder: Folder) -> Checkpoint | None:
        checkpoint = _decoded(root, self._checkpoint)
        found = folder.regular(self._parts[-1])
        if checkpoint is None or found is None or not checkpoint.sound():
            return None
        fits = checkpoint.path == self._inner and found.st_size == self.size
        fits &= checkpoint.is_of(self._remote_name, self.size)
        # A hard link may be kept, as when a delivered file was taken back, but not written to.
        whole = Ranges(checkpoint.done).total == self.size
        return checkpoint if fits and (whole or found.st_nlink == 1) else None


def begin(
    root: Path,
    request: DeliveryRequest,
    *,
    min_free: int,
    reservations: SpaceReservations | None = None,
    until: ExitStack | None = None,
) -> list[StagedFile]:
    """Make the staging area fit the request, and reserve the space for all of its files.

    Files that an earlier request left and this request does not want are removed. The reservation
    lasts until `until` is closed; without it, until the files have their space. Blocks.

    Raises:
        NotEnoughSpace: fewer than `min_free` bytes would stay free. Nothing was allocated.
        NameRefused: the file system does not take a name.
        LocalDiskError: the disk refused something.
    """
    files = [StagedFile(request, file, root) for file in request.files]
    with disk_errors(root), open_folder(root, make=True) as folder:
        moved = _set_aside(folder, files)
        wanted = {inner(request.content_name, file.path) for file in request.files}
        known = {name for file in files for name in (f"{file.file_id}.json", file.marker)}
        drop_strays(folder, wanted, known | {file.aside for file in moved})
        make_folders(folder, request)
        for file in moved:
            file.put_back(folder)
        for file in files:
            file.load(folder)

        def unwritten() -> int:
            return sum(file.unwritten for file in files)

        with ExitStack() as own:
            reserve = (reservations or SpaceReservations()).reserve
            (until or own).enter_context(reserve(folder, unwritten, min_free=min_free))
            for file in files:
                file.allocate(folder)
    return files


def _set_aside(root: Folder, files: Iterable[StagedFile]) -> list[StagedFile]:
    """Move staged files out of the way that the request wants under another path now."""
    return [file for file in files if file.set_aside(root)]


def _decoded(root: Folder, name: str) -> Checkpoint | None:
    data = root.read(name, limit=_LARGEST_CHECKPOINT)
    if data is None:
        return None
    try:
        return msgspec.json.decode(data, type=Checkpoint)
    except msgspec.MsgspecError:
        return None


def discard(root: Path) -> None:
    """Remove a staging area, if there is one. Blocks.

    Raises:
        UnsafePath: it is a link, or in place of a directory above it there is one.
        LocalDiskError: the disk refused something.
    """
    with disk_errors(root):
        try:
            with open_folder(root.parent) as parent:
                if parent.stat(root.name) is None:
                    return
                with parent.child(root.name):
                    pass  # it can be opened as a directory: it is not a link
                parent.remove_tree(root.name)
        except FileNotFoundError:
            return


def drop_strays(root: Folder, wanted: set[Parts], checkpoints: set[str]) -> None:
    """Remove everything but `wanted` below the content, and everything but `checkpoints` around it.

    Checkpoints go first: a file without one is only fetched again. Blocks, and raises OSError.
    """
    for name in root.names():
        if name != CONTENT and name not in checkpoints:
            root.remove_tree(name)
    root.sync()
    _drop_unwanted(root, CONTENT, (), wanted, directories(wanted))


def _drop_unwanted(
    folder: Folder, name: str, below: Parts, wanted: set[Parts], folders: set[Parts]
) -> None:
    is_folder = folder.is_folder(name)
    if is_folder and below in folders:
        with folder.child(name) as child:
            for entry in child.names():
                _drop_unwanted(child, entry, (*below, entry), wanted, folders)
    elif is_folder or below not in wanted:
        folder.remove_tree(name)


def make_folders(root: Folder, request: DeliveryRequest) -> None:
    """Make the folders of the staged content. Blocks, and raises OSError."""
    for parts in staged_folders(request):
        with root.walk(parts[:-1]) as parent, name_errors(root.path):
            parent.mkdir(parts[-1])


def _beyond(views: list[memoryview], written: int) -> list[memoryview]:
    for number, view in enumerate(views):
        if written < len(view):
            return [view[written:], *views[number + 1 :]]
        written -= len(view)
    return []
