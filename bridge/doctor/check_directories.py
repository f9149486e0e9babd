"""Directories: can the bridge write, rename and hard-link there, and is there space?

Also the user's mount of TorBox, for links into it.
"""

import os
import re
import shlex
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from bridge.config import Settings
from bridge.delivery import DirectoryProblem, check_directory
from bridge.delivery.delivery_errors import NotYet
from bridge.delivery.disk.disk_errors import free_bytes
from bridge.delivery.modes.mount_lookup import Mount
from bridge.doctor.findings import Finding, ok, problem, warning
from bridge.engine.delivery_setup import category_problems, downloads_problems

SUBJECT: Final = "directories"
MOUNT_SECONDS: Final = 10.0
USUAL_UMASK: Final = 0o022


def check_local_directories(settings: Settings) -> list[Finding]:
    """Check every directory of the settings. Blocks. Creates `paths.incomplete`, nothing else."""
    return list(_check(settings))


def _check(settings: Settings) -> Iterator[Finding]:
    downloads = settings.paths.downloads
    yield from _usable(downloads, downloads_problems(settings))
    if downloads.is_dir():
        yield _space(downloads, settings.delivery.min_free_bytes)
        yield _hard_links(downloads)
    for name in _categories(settings):
        path = settings.category_directory(name)
        if path.is_dir() and path != downloads:
            found = category_problems(settings, name)
            yield from _usable(path, found)
            yield from () if found else _owned_by_another(path)
    database = settings.paths.database.absolute()
    # The first start makes the directory of the database, with those above it.
    existing = next(path for path in database.parents if path.exists())
    yield from _usable(existing, check_directory(existing), what="paths.database")


def _categories(settings: Settings) -> list[str]:
    """List the categories of the settings and of the *arr entries."""
    named = (name for arr in settings.arr for name in arr.categories)
    return list(dict.fromkeys((*settings.categories, *named)))


def _usable(path: Path, found: list[DirectoryProblem], what: str = "") -> Iterator[Finding]:
    prefix = f"{what}: " if what else ""
    for one in found:
        yield problem(SUBJECT, f"{prefix}{one.path}: {one.message}", one.fix)
    if not found:
        yield ok(SUBJECT, f"{prefix}the bridge can write and rename in {path} ({_owner(path)})")


def _owner(path: Path) -> str:
    status = path.stat()
    return f"owner {status.st_uid}:{status.st_gid}, mode {stat.S_IMODE(status.st_mode):04o}"


def _owned_by_another(path: Path) -> Iterator[Finding]:
    """Check whether the owner of the directory, if another user, may move what the bridge creates."""
    status, umask = path.stat(), current_umask()
    # In a setgid directory new files get its group, whatever the process's group is.
    group_kept = bool(status.st_mode & stat.S_ISGID) or status.st_gid == os.getegid()
    shared = not umask & stat.S_IWOTH or (group_kept and not umask & stat.S_IWGRP)
    if status.st_uid == os.geteuid() or shared:
        return
    # The fix is a command line that the user copies.
    quoted = shlex.quote(str(path))
    text = (
        f"{path} belongs to user {status.st_uid}, who may not move what the bridge (user"
        f" {os.geteuid()}, umask {umask:03o}) creates there; if that is the *arr, its imports fail"
    )
    fix = (
        "Run both as one user; or both in one group, with UMASK=002 here, and once:"
        f" chgrp {os.getegid()} {quoted} && chmod g+rwxs {quoted}"
    )
    yield warning(SUBJECT, text, fix)


def current_umask() -> int:
    """Return the umask of this process without changing it, as `os.umask` would have to.

    Where the system has no /proc: the usual 022.
    """
    try:
        status = Path("/proc/self/status").read_text(encoding="utf-8")
    except OSError:
        return USUAL_UMASK
    found = re.search(r"^Umask:\s*([0-7]+)$", status, re.MULTILINE)
    return int(found[1], 8) if found else USUAL_UMASK


def _space(path: Path, wanted: int) -> Finding:
    free = free_bytes(path)
    text = f"{path} has {_size(free)} free"
    if free > wanted:
        return ok(SUBJECT, text)
    fix = f"Free some space, or lower delivery.min_free_bytes (now {_size(wanted)})"
    return problem(SUBJECT, f"{text}, less than delivery.min_free_bytes", fix)


def _size(amount: int) -> str:
    return f"{amount / 1024**3:.1f} GiB"


def _hard_links(path: Path) -> Finding:
    """Make a hard link, as an *arr does when it imports a download that still seeds."""
    try:
        with tempfile.TemporaryDirectory(prefix=".torbox-bridge-", dir=path) as made:
            first = Path(made, "a")
            first.touch()
            # Only a try tells: SMB, exFAT and some FUSE file systems have no hard links.
            os.link(first, Path(made, "b"))
    except OSError as error:
        text = f"{path} has no hard links ({error.strerror or error}): an *arr will copy instead"
        return warning(SUBJECT, text, "Use a file system that has them, if space matters")
    return ok(SUBJECT, f"{path} has hard links")


async def check_mount(settings: Settings) -> list[Finding]:
    """Check the mount of TorBox, if there is one. A mount that hangs does not block the check."""
    mount = settings.delivery.mount
    if mount is None:
        return []
    prefix = f"delivery.mount: {mount}"
    try:
        empty = await Mount(mount, answers_within=MOUNT_SECONDS).ask(
            lambda: not any(mount.iterdir())
        )
    except NotYet:
        fix = "Mount TorBox there again: the present mount hangs"
        return [problem(SUBJECT, f"{prefix} does not answer", fix)]
    except OSError as error:
        fix = "Mount TorBox there, and give this user the right to read it"
        text = f"{prefix} cannot be read ({error.strerror or error})"
        return [problem(SUBJECT, text, fix)]
    if empty:
        # Without rslave a mount made after the container's start never appears in it.
        fix = "Is TorBox mounted there? In a container use rslave"
        return [warning(SUBJECT, f"{prefix} is empty", fix)]
    return [ok(SUBJECT, f"{prefix} can be read")]
