"""A lock on the database: two bridges would create, fetch and delete the same downloads."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog

from bridge.listen import CannotStart

log = structlog.get_logger()


@contextmanager
def only_bridge_on(database: Path) -> Iterator[None]:
    """Hold the lock of a database while the `with` lasts.

    The kernel holds the lock on a file next to the database. It ends with the process, however the
    process dies, and every container on the machine sees it.

    Raises:
        CannotStart: another bridge runs on this database.
    """
    path = database.with_name(f"{database.name}.lock")
    try:
        # At the first start the directory may be missing.
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        # Opening the database will report what is wrong with the directory.
        log.warning("database_not_locked", path=str(path), why=str(error))
        yield
        return
    try:
        _lock(handle, path, database)
        yield
    finally:
        os.close(handle)


def _lock(handle: int, path: Path, database: Path) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        problem = (
            f"another bridge is running on the database {database}."
            " Stop it first, or give this one its own paths.database"
        )
        raise CannotStart([problem]) from None
    except OSError as error:
        # A file system without locks, as some network shares are.
        log.warning("database_not_locked", path=str(path), why=str(error))
