"""Whether the directories can be used, and what to do if not. Everything here blocks."""

import errno
import os
import shlex
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from bridge.delivery.delivery_errors import UnsafePath
from bridge.delivery.disk.safe_paths import open_folder

_PREFIX = ".torbox-bridge-"


class DirectoryProblem(msgspec.Struct, frozen=True):
    """A directory that cannot be used as it is."""

    path: Path
    message: str
    fix: str
    """The fix, as exact as possible: mostly a command line."""

    def __str__(self) -> str:
        return f"{self.path}: {self.message}. {self.fix}"


def check_directories(downloads: Path, incomplete: Path) -> list[DirectoryProblem]:
    """Try what a delivery will do, as the running user: write, sync, rename, delete.

    `incomplete` is created if it is missing; `downloads` is not, since a missing one mostly means
    that a volume was not mounted. Leaves nothing behind. An empty list means that all is well.
    """
    problem = _missing(downloads) or _linked(downloads) or _unusable(downloads)
    if problem is not None:
        return [problem]
    problem = _linked(incomplete) or _make(incomplete) or _unusable(incomplete)
    return [] if problem is None else [problem]


def check_directory(directory: Path, *, make: bool = False) -> list[DirectoryProblem]:
    """Try what a delivery will do in this directory alone: write, sync, rename, delete.

    Leaves nothing behind, but for the directory itself with `make`. An empty list means that all
    is well.
    """
    linked = _linked(directory)
    first = linked or (_make(directory) if make else _missing(directory))
    problem = first or _unusable(directory)
    return [] if problem is None else [problem]


def _linked(directory: Path) -> DirectoryProblem | None:
    """Find a link below a root: only links that the settings name are followed."""
    try:
        with open_folder(directory):
            return None
    except UnsafePath as error:
        if not error.path.is_symlink():
            return None
        real = os.path.realpath(directory)
        fix = f"Name {real} in the settings instead, or replace the link with a directory"
        return DirectoryProblem(
            directory, f"is reached through a symbolic link ({error.path})", fix
        )
    except OSError:
        return None  # the checks that follow explain it


def _missing(directory: Path) -> DirectoryProblem | None:
    if directory.is_dir():
        return None
    path = shlex.quote(str(directory))
    if os.path.lexists(directory):
        return DirectoryProblem(
            directory, "is not a directory", "Set another path, or move it away"
        )
    fix = f"Mount it, or run: mkdir -p {path} && chown {_owner()} {path}"
    return DirectoryProblem(directory, "does not exist", fix)


def _make(directory: Path) -> DirectoryProblem | None:
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        return _explain(directory, error)
    return None


def _unusable(directory: Path) -> DirectoryProblem | None:
    """Write, sync, rename and delete there."""
    try:
        with _probe(directory) as probe:
            renamed = probe.with_suffix(".renamed")
            probe.rename(renamed)
            renamed.unlink()
    except OSError as error:
        return _explain(directory, error)
    return None


@contextmanager
def _probe(directory: Path) -> Iterator[Path]:
    fd, name = tempfile.mkstemp(prefix=_PREFIX, dir=directory)
    try:
        os.write(fd, b"probe")
        os.fsync(fd)
        yield Path(name)
    finally:
        os.close(fd)
        Path(name).unlink(missing_ok=True)


def _explain(directory: Path, error: OSError) -> DirectoryProblem:
    reason = error.strerror or str(error)
    match error.errno:
        case errno.EACCES | errno.EPERM:
            return DirectoryProblem(
                directory, f"cannot be written by {_owner()} ({reason})", _chown(directory)
            )
        case errno.EROFS:
            fix = "Mount the volume read-write (without :ro)"
            return DirectoryProblem(directory, "is mounted read-only", fix)
        case errno.ENOSPC | errno.EDQUOT:
            return DirectoryProblem(directory, f"is full ({reason})", "Make room")
        case _:
            fix = "Check the file system, or set another path"
            return DirectoryProblem(directory, f"cannot be used ({reason})", fix)


def _chown(directory: Path) -> str:
    """Fix the nearest directory that exists: the bridge itself creates the others."""
    existing = next(path for path in (directory, *directory.parents) if path.exists())
    path = shlex.quote(str(existing))
    return f"Run: chown {_owner()} {path} && chmod u+rwx {path}"


def _owner() -> str:
    return f"{os.geteuid()}:{os.getegid()}"
