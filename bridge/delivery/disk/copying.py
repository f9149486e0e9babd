"""Copying a file or folder between file systems, without following a symbolic link."""

import errno
import os
import stat
from collections.abc import Generator
from contextlib import ExitStack, suppress

from bridge.delivery.delivery_errors import LocalDiskError
from bridge.delivery.disk.safe_paths import DEEPEST, Folder

_STEP = 64 * 1024 * 1024
"""Bytes copied between two points at which the caller may stop."""
_CANNOT = {errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EBADF}
"""From copy_file_range: this pair of file systems cannot do it."""


def tree_bytes(folder: Folder, name: str, *, depth: int = 0) -> int:
    """Return how many bytes a file, or all files below a folder, have."""
    found = folder.stat(name)
    if found is None or not stat.S_ISDIR(found.st_mode) or depth > DEEPEST:
        return found.st_size if found is not None else 0
    with folder.child(name) as child:
        return sum(tree_bytes(child, below, depth=depth + 1) for below in child.names())


def copy_tree(
    source: Folder, name: str, target: Folder, new_name: str, *, depth: int = 0
) -> Generator[None, None, None]:
    """Copy a file, a link or a folder with everything in it; yield now and then. Blocks.

    Modes and times are kept. When it ends, everything is synced but the name in `target`.

    Raises:
        FileExistsError: something has the new name.
        LocalDiskError: there is a FIFO, a device or a socket, or the folders are too deep.
    """
    found = source.stat(name)
    if found is None:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), name)
    if stat.S_ISLNK(found.st_mode):
        os.symlink(os.readlink(name, dir_fd=source.fd), new_name, dir_fd=target.fd)
    elif stat.S_ISREG(found.st_mode):
        yield from _copy_file(source, name, target, new_name)
    elif stat.S_ISDIR(found.st_mode) and depth <= DEEPEST:
        target.mkdir(new_name)
        with source.child(name) as old, target.child(new_name) as new:
            for below in old.names():
                yield from copy_tree(old, below, new, below, depth=depth + 1)
            _keep_attributes(new.fd, found)
            new.sync()
    else:
        raise LocalDiskError(f"{source.path / name} is no file and no ordinary folder: not copied")


def _copy_file(
    source: Folder, name: str, target: Folder, new_name: str
) -> Generator[None, None, None]:
    with ExitStack() as stack:
        old = source.open_file(name, os.O_RDONLY)
        stack.callback(os.close, old)
        new = target.open_file(new_name, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        stack.callback(os.close, new)
        while _copy_some(old, new):
            yield
        if os.fstat(new).st_size != os.fstat(old).st_size:
            # Some FUSE file systems end a copy_file_range early and say that it is complete.
            raise LocalDiskError(f"{source.path / name} was not copied whole")
        _keep_attributes(new, os.fstat(old))
        os.fsync(new)


def _copy_some(old: int, new: int) -> int:
    try:
        return os.copy_file_range(old, new, _STEP)
    except OSError as error:
        if error.errno not in _CANNOT:
            raise
    return os.sendfile(new, old, None, _STEP)


def _keep_attributes(fd: int, found: os.stat_result) -> None:
    with suppress(PermissionError):  # only a member of a group may give files to it
        os.fchown(fd, -1, found.st_gid)
    os.fchmod(fd, stat.S_IMODE(found.st_mode))  # after chown, which clears setgid
    os.utime(fd, ns=(found.st_atime_ns, found.st_mtime_ns))
