"""Directories: can the bridge write, rename and link there, and is there room? Everything blocks."""

import os
import shlex
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bridge.config import Settings, current_umask
from bridge.core.modes import FETCHING
from bridge.core.paths import safe_path
from bridge.delivery import Problem, check_directories, check_directory
from bridge.delivery.disk.disk_errors import free_bytes
from bridge.doctor.findings import Finding, ok, problem, warning

SUBJECT = "directories"


def look_at_directories(settings: Settings) -> list[Finding]:
    """Try the directories of the settings. Leaves nothing behind but `paths.incomplete`."""
    return list(_look(settings))


def _look(settings: Settings) -> Iterator[Finding]:
    downloads = settings.paths.downloads
    yield from _tried(downloads, _downloads_problems(settings))
    if downloads.is_dir():
        yield _room(downloads, settings.delivery.min_free_bytes)
        yield _hard_links(downloads)
    for name in _categories(settings):
        path = category_path(settings, name)
        if path.is_dir() and path != downloads:
            found = _category_problems(settings, name, path)
            yield from _tried(path, found)
            yield from () if found else _shared(path)
    database = settings.paths.database.absolute()
    yield from _tried(database.parent, check_directory(database.parent), what="paths.database")


def _categories(settings: Settings) -> list[str]:
    """List the categories that the settings name, and those of the *arr."""
    named = (name for arr in settings.arr for name in arr.categories)
    return list(dict.fromkeys((*settings.categories, *named)))


def category_path(settings: Settings, name: str) -> Path:
    """Tell the directory that a category's downloads go to."""
    given = settings.categories.get(name)
    own = given.save_path if given else None
    return Path(own or settings.paths.downloads / safe_path(name))


def _downloads_problems(settings: Settings) -> list[Problem]:
    modes = {settings.delivery_mode(name) for name in ("", *settings.categories)}
    if modes & FETCHING:
        paths = settings.paths
        return check_directories(paths.downloads, paths.incomplete_directory)
    return check_directory(settings.paths.downloads)


def _category_problems(settings: Settings, name: str, path: Path) -> list[Problem]:
    if settings.delivery_mode(name) in FETCHING:
        return check_directories(path, settings.paths.incomplete_directory)
    return check_directory(path)


def _tried(path: Path, found: list[Problem], what: str = "") -> Iterator[Finding]:
    prefix = f"{what}: " if what else ""
    for one in found:
        yield problem(SUBJECT, f"{prefix}{one.path}: {one.message}", one.fix)
    if not found:
        yield ok(SUBJECT, f"{prefix}{path} can be written and renamed in ({_owner(path)})")


def _owner(path: Path) -> str:
    status = path.stat()
    return f"owner {status.st_uid}:{status.st_gid}, mode {stat.S_IMODE(status.st_mode):04o}"


def _shared(path: Path) -> Iterator[Finding]:
    """Look whether somebody else, to whom the directory belongs, may move what is made in it."""
    status, umask = path.stat(), current_umask()
    group_kept = bool(status.st_mode & stat.S_ISGID) or status.st_gid == os.getegid()
    shared = not umask & stat.S_IWOTH or (group_kept and not umask & stat.S_IWGRP)
    if status.st_uid == os.geteuid() or shared:
        return
    quoted = shlex.quote(str(path))
    text = (
        f"{path} belongs to user {status.st_uid}, and what user {os.geteuid()} makes there it may"
        f" not move (umask {umask:03o}); if that is the *arr, its imports fail"
    )
    fix = (
        "Run both as one user; or both with one group, with UMASK=002 here, and once:"
        f" chgrp {os.getegid()} {quoted} && chmod g+rwxs {quoted}"
    )
    yield warning(SUBJECT, text, fix)


def _room(path: Path, wanted: int) -> Finding:
    free = free_bytes(path)
    told = f"{path} has {_size(free)} free"
    if free > wanted:
        return ok(SUBJECT, told)
    fix = f"Make room, or lower delivery.min_free_bytes (now {_size(wanted)})"
    return problem(SUBJECT, f"{told}, less than has to stay free", fix)


def _size(amount: int) -> str:
    return f"{amount / 1024**3:.1f} GiB"


def _hard_links(path: Path) -> Finding:
    """Make one, as an *arr does when it imports while the download still seeds."""
    try:
        with tempfile.TemporaryDirectory(prefix=".torbox-bridge-", dir=path) as made:
            first = Path(made, "a")
            first.touch()
            os.link(first, Path(made, "b"))
    except OSError as error:
        text = f"{path} has no hard links ({error.strerror or error}): an *arr will copy instead"
        return warning(SUBJECT, text, "Use a file system that has them, if room matters")
    return ok(SUBJECT, f"{path} has hard links")
