"""Directories that are reached without following a symbolic link.

The download directory is shared with other programs, which may plant links there, even in the
middle of an operation. So no operation trusts a path: it opens the root, walks down from
there one directory at a time (`openat` with O_NOFOLLOW), and then names files relative to the open
directory. If that directory is replaced by a link in between, the open one is still used.

The user's own links keep working: the configured roots are resolved once, at start, and only what
is below them is walked like this.
"""

import errno
import os
import stat
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from bridge.delivery.delivery_errors import NotMounted, UnsafePath
from bridge.delivery.disk.linux_calls import rename_exclusive

_FLAGS = os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
"""O_NONBLOCK: opening a FIFO would wait for its other end, for ever."""
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | _FLAGS
DEEPEST = 64
"""Levels of directories. A delivery makes about 20; each level that is walked costs a descriptor."""

_RENAMING = threading.Lock()
"""Held between the look at a target and the rename to it, where one call cannot do both."""


_KINDS = (
    (stat.S_ISLNK, "a symbolic link"),
    (stat.S_ISDIR, "a directory"),
    (stat.S_ISREG, "a file"),
    (stat.S_ISFIFO, "a FIFO"),
)


def _kind(found: os.stat_result | None) -> str:
    mode = found.st_mode if found is not None else 0
    return next((kind for is_kind, kind in _KINDS if is_kind(mode)), "something else")


class TrustedRoots:
    """The directories that the user's settings name, and where they really are.

    There is one table for the process. A link in the way to a root is followed when the root is
    added, and never again.
    """

    def __init__(self) -> None:
        # Strings: a small file is opened by way of this a dozen times, and pathlib took a third
        # of the time for that.
        self._real: dict[str, str] = {}
        self._mounts: dict[str, str] = {}
        """By root: the mount point that it is below; without those below `/`."""

    def add(self, *roots: Path) -> None:
        """Trust these directories, and the links in the way to them as they are now. Blocks."""
        for root in roots:
            self._real[str(root)] = real = os.path.realpath(root)
            mount = _mount_point(real)
            if mount != "/":
                self._mounts[real] = mount
            else:
                self._mounts.pop(real, None)

    def locate(self, path: Path) -> tuple[str, tuple[str, ...]]:
        """Return the trusted directory to start from, and the names to walk down from there.

        For a path below no known root (of a download that was made under older settings) the
        directory that holds it is a root from then on.

        Raises:
            UnsafePath: the path has a `..`.
            NotMounted: the file system is gone on which the root was when it was added.
        """
        if ".." in path.parts:
            raise UnsafePath(path, "a plain path", "a path with `..`")
        text = known = str(path)
        while known not in self._real:
            if known == (above := _above(known)):
                self.add(path.parent)
                known = str(path.parent)
                break
            known = above
        root = self._real[known]
        mount = self._mounts.get(root)
        if mount is not None and not (_is_mount(mount) or _is_mounted_when_used(mount)):
            raise NotMounted(Path(mount))
        real = os.path.join(root, text.removeprefix(known).lstrip("/"))
        real = real.rstrip("/") or "/"
        # A root inside another one is walked to as well: the outer one is shared, too.
        outer = min((root for root in tuple(self._real.values()) if _is_in(real, root)), key=len)
        below = real.removeprefix(outer).strip("/")
        return outer, tuple(below.split("/")) if below else ()


def _above(path: str) -> str:
    return path.rpartition("/")[0] or "/"


def _mount_point(path: str) -> str:
    """Return the nearest directory above or at the path where a file system is mounted."""
    while path != "/" and not _is_mount(path):
        path = _above(path)
    return path


def _is_mount(path: str) -> bool:
    # As os.path.ismount, but that looks at every directory above as well.
    try:
        return os.lstat(path).st_dev != os.lstat(_above(path)).st_dev
    except OSError:
        return False


def _is_mounted_when_used(path: str) -> bool:
    """Return whether an automounter, which unmounts what is idle, mounts it again."""
    with suppress(OSError):
        os.close(os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))
    return _is_mount(path)


def _is_in(path: str, root: str) -> bool:
    return path == root or path.startswith(root if root == "/" else root + "/")


ROOTS = TrustedRoots()


class Folder:
    """An open directory. Everything in it is named by one plain name. Everything here blocks.

    Methods raise OSError like the functions of `os`, and UnsafePath for a link or a special file
    in place of a directory or of a file.
    """

    def __init__(self, fd: int, where: str) -> None:
        self.fd = fd
        self._where = where

    @property
    def path(self) -> Path:
        """Its path, for messages only."""
        return Path(self._where)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.close(self.fd)

    def child(self, name: str, *, make: bool = False) -> "Folder":
        """Open a directory in here; with `make`, create it if it is missing, durably."""
        if make and self.stat(name) is None and self.mkdir(name):
            self.sync()
        try:
            return Folder(os.open(name, _DIRECTORY, dir_fd=self.fd), f"{self._where}/{name}")
        except OSError as error:
            if error.errno in {errno.ENOTDIR, errno.ELOOP} and self.stat(name) is not None:
                raise UnsafePath(self.path / name, "a directory", _kind(self.stat(name))) from error
            raise

    def mkdir(self, name: str) -> bool:
        """Create a directory; return whether it is new. Raise FileExistsError if a file is there."""
        try:
            os.mkdir(name, dir_fd=self.fd)
        except FileExistsError:
            if not self.is_folder(name):
                raise
            return False
        return True

    @contextmanager
    def walk(self, names: Sequence[str], *, make: bool = False) -> Iterator["Folder"]:
        """Open a directory some levels below; this directory itself if there are no names."""
        current = Folder(os.dup(self.fd), self._where)
        try:
            for name in names:
                following = current.child(name, make=make)
                os.close(current.fd)
                current = following
            yield current
        finally:
            os.close(current.fd)

    def stat(self, name: str) -> os.stat_result | None:
        """Return what has this name, a link itself and not its target; None if nothing has."""
        try:
            return os.stat(name, dir_fd=self.fd, follow_symlinks=False)
        except FileNotFoundError:
            return None
        except OSError as error:
            if error.errno in {errno.ENAMETOOLONG, errno.EINVAL, errno.EILSEQ}:
                return None  # nothing can have such a name here
            raise

    def regular(self, name: str) -> os.stat_result | None:
        """Return the regular file of this name; None if there is none, or something else."""
        found = self.stat(name)
        return found if found is not None and stat.S_ISREG(found.st_mode) else None

    def open_file(self, name: str, flags: int) -> int:
        """Open a regular file and return its descriptor. Never waits, and opens nothing else.

        Raises:
            UnsafePath: it is a link, a directory, a FIFO or a device.
        """
        found = self.stat(name)
        # Looked at before it is opened: opening a device may already do something.
        if found is not None and not stat.S_ISREG(found.st_mode):
            raise UnsafePath(self.path / name, "a file", _kind(found))
        try:
            fd = os.open(name, flags | _FLAGS, 0o666, dir_fd=self.fd)
        except OSError as error:
            if error.errno in {errno.ELOOP, errno.EISDIR, errno.ENXIO}:
                raise UnsafePath(self.path / name, "a file", _kind(self.stat(name))) from error
            raise
        # And again after it was opened: it may have been replaced in between.
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            os.close(fd)
            raise UnsafePath(self.path / name, "a file")
        return fd

    def open_own(self, name: str, flags: int) -> int:
        """Open a regular file to write to it, if it has no other name anywhere.

        Raises:
            UnsafePath: it is no regular file, or a hard link: writing would change another file.
        """
        fd = self.open_file(name, flags)
        if os.fstat(fd).st_nlink > 1:
            os.close(fd)
            raise UnsafePath(self.path / name, "a file of its own", "a hard link")
        return fd

    def read(self, name: str, *, limit: int) -> bytes | None:
        """Return the content of a small regular file; None if it is missing, larger or no file."""
        try:
            fd = self.open_file(name, os.O_RDONLY)
        except (FileNotFoundError, UnsafePath):
            return None
        with os.fdopen(fd, "rb") as file:
            data = file.read(limit + 1)
        return data if len(data) <= limit else None

    def create(self, name: str, data: bytes = b"") -> None:
        """Write a new file and sync it. Raise FileExistsError if something has the name."""
        fd = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _FLAGS, 0o666, dir_fd=self.fd)
        with os.fdopen(fd, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(fd)

    def replace_file(self, name: str, data: bytes) -> None:
        """Replace a file by one rename, after the new content was synced."""
        temporary = f"{name}.new"
        self.unlink(temporary)
        self.create(temporary, data)
        self.rename(temporary, self, name)

    def unlink(self, name: str) -> bool:
        """Delete a file, or a link itself; return whether there was one."""
        try:
            os.unlink(name, dir_fd=self.fd)
        except (FileNotFoundError, NotADirectoryError):
            return False
        return True

    def rmdir(self, name: str) -> None:
        """Delete an empty directory."""
        os.rmdir(name, dir_fd=self.fd)

    def remove_if_empty(self, name: str) -> bool:
        """Delete a directory unless something is in it; return whether it is gone."""
        try:
            self.rmdir(name)
        except FileNotFoundError:
            return True
        except OSError as error:
            if error.errno in {errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR}:
                return False
            raise
        return True

    def rename(self, name: str, target: "Folder", new_name: str) -> None:
        """Rename to another name or directory; a file of the new name is replaced."""
        os.rename(name, new_name, src_dir_fd=self.fd, dst_dir_fd=target.fd)

    def rename_new(self, name: str, target: "Folder", new_name: str) -> None:
        """Rename like `rename`, but raise FileExistsError if something has the new name."""
        if rename_exclusive(self.fd, name, target.fd, new_name):
            return
        # Here another program may still win the race; the bridge itself cannot.
        with _RENAMING:
            if target.stat(new_name) is not None:
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), new_name)
            self.rename(name, target, new_name)

    def names(self) -> list[str]:
        """Return the names of everything in the directory, sorted."""
        return sorted(os.listdir(self.fd))

    def is_folder(self, name: str) -> bool:
        """Return whether a directory has this name, and not a link to one."""
        found = self.stat(name)
        return found is not None and stat.S_ISDIR(found.st_mode)

    def remove_tree(self, name: str, *, depth: int = 0) -> None:
        """Delete a file, a link itself, or a directory with everything in it; fine if it is gone.

        Raises:
            UnsafePath: it is deeper than anything the bridge makes.
        """
        if not self.is_folder(name):
            self.unlink(name)
            return
        if depth > DEEPEST:
            raise UnsafePath(self.path / name, "made by the bridge", "too deep")
        try:
            with self.child(name) as folder:
                for below in folder.names():
                    folder.remove_tree(below, depth=depth + 1)
        except UnsafePath:
            if self.is_folder(name):
                raise
            # It was swapped for a link after it was looked at: the link goes, not its target.
            self.unlink(name)
            return
        self.remove_if_empty(name)

    def prune(self, name: str, *, depth: int = 0) -> bool:
        """Delete a directory and those below it that are empty; return whether it is gone."""
        if not self.is_folder(name) or depth > DEEPEST:
            return False
        with suppress(FileNotFoundError, UnsafePath), self.child(name) as folder:
            for below in folder.names():
                folder.prune(below, depth=depth + 1)
        return self.remove_if_empty(name)

    def sync(self) -> None:
        """Make the names in this directory survive a power loss."""
        os.fsync(self.fd)


@contextmanager
def open_folder(path: Path, *, make: bool = False) -> Iterator[Folder]:
    """Open a directory below the trusted roots; with `make`, create missing directories, durably.

    Raises:
        UnsafePath: there is a link or a file in place of a directory below a root.
        NotMounted: its file system is not mounted any longer.
        OSError: it is missing, or cannot be opened.
    """
    root, names = ROOTS.locate(path)
    if make:
        _make_root(Path(root))
    try:
        fd = os.open(root, _DIRECTORY)
    except NotADirectoryError as error:
        raise UnsafePath(Path(root), "a directory", "a link or a file") from error
    with Folder(fd, root) as top, top.walk(names, make=make) as folder:
        yield folder


@contextmanager
def open_if_there(top: Path, names: Sequence[str] = ()) -> Iterator[Folder | None]:
    """Open a directory some levels below `top`; None if it is missing, or not to be reached safely."""
    with ExitStack() as stack:
        folder: Folder | None = None
        with suppress(FileNotFoundError, NotADirectoryError, UnsafePath):
            start = stack.enter_context(open_folder(top))
            folder = stack.enter_context(start.walk(names))
        yield folder


def _make_root(root: Path) -> None:
    if root.is_dir():
        return
    _make_root(root.parent)
    root.mkdir(exist_ok=True)
    fd = os.open(root.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
