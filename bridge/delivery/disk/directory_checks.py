"""Whether the directories can be used, and how to mend them. Everything here blocks."""

import errno
import os
import shlex
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_PREFIX = ".torbox-bridge-"


@dataclass(frozen=True, slots=True)
class Problem:
    """A directory that cannot be used as it is."""

    path: Path
    message: str
    fix: str
    """What to do, as exactly as it is known: mostly a command line."""

    def __str__(self) -> str:
        return f"{self.path}: {self.message}. {self.fix}"


def check_directories(downloads: Path, incomplete: Path) -> list[Problem]:
    """Try what a delivery will do, as the running user: write, sync, rename across, delete.

    `incomplete` is made if it is missing; `downloads` is not, since a missing one mostly means
    that a volume was not mounted. Leaves nothing behind. Empty means that all is well.
    """
    problem = _missing(downloads) or _unusable(downloads)
    if problem is not None:
        return [problem]
    problem = _make(incomplete) or _unusable(incomplete) or _apart(downloads, incomplete)
    return [] if problem is None else [problem]


def check_directory(directory: Path, *, make: bool = False) -> list[Problem]:
    """Try what a delivery will do in this directory alone: write, sync, rename, delete.

    Leaves nothing behind, but for the directory itself with `make`. Empty means that all is well.
    """
    first = _make(directory) if make else _missing(directory)
    problem = first or _unusable(directory)
    return [] if problem is None else [problem]


def _missing(directory: Path) -> Problem | None:
    if directory.is_dir():
        return None
    path = shlex.quote(str(directory))
    if os.path.lexists(directory):
        return Problem(directory, "is not a directory", "Set another path, or move it away")
    fix = f"Mount it, or run: mkdir -p {path} && chown {_owner()} {path}"
    return Problem(directory, "does not exist", fix)


def _make(directory: Path) -> Problem | None:
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        return _explain(directory, error)
    return None


def _unusable(directory: Path) -> Problem | None:
    """Write, sync, rename and delete there."""
    try:
        with _probe(directory) as probe:
            renamed = probe.with_suffix(".renamed")
            probe.rename(renamed)
            renamed.unlink()
    except OSError as error:
        return _explain(directory, error)
    return None


def _apart(downloads: Path, incomplete: Path) -> Problem | None:
    """Rename from one to the other: file systems may refuse that even within one device number."""
    message = f"is on another file system than {downloads}"
    fix = (
        f"Set paths.incomplete to a directory below {downloads}, or leave it out"
        f" (then it is {downloads / '.incomplete'}), and mount both as one volume"
    )
    if incomplete.stat().st_dev != downloads.stat().st_dev:
        return Problem(incomplete, message, fix)
    try:
        with _probe(incomplete) as probe:
            moved = downloads / probe.name
            probe.rename(moved)
            moved.unlink()
    except OSError as error:
        if error.errno == errno.EXDEV:
            return Problem(incomplete, message, fix)
        return _explain(incomplete, error)
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


def _explain(directory: Path, error: OSError) -> Problem:
    reason = error.strerror or str(error)
    match error.errno:
        case errno.EACCES | errno.EPERM:
            return Problem(
                directory, f"cannot be written by {_owner()} ({reason})", _chown(directory)
            )
        case errno.EROFS:
            fix = "Mount the volume read-write (without :ro)"
            return Problem(directory, "is mounted read-only", fix)
        case errno.ENOSPC | errno.EDQUOT:
            return Problem(directory, f"is full ({reason})", "Make room")
        case _:
            fix = "Check the file system, or set another path"
            return Problem(directory, f"cannot be used ({reason})", fix)


def _chown(directory: Path) -> str:
    """Mend the nearest directory that exists: the others will be made by the bridge itself."""
    existing = next(path for path in (directory, *directory.parents) if path.exists())
    path = shlex.quote(str(existing))
    return f"Run: chown {_owner()} {path} && chmod u+rwx {path}"


def _owner() -> str:
    return f"{os.geteuid()}:{os.getegid()}"
