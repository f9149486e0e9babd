"""Disk space that deliveries in progress have been promised and have not written yet."""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from bridge.delivery.delivery_errors import NotEnoughSpace
from bridge.delivery.disk.safe_paths import Folder


class SpaceReservations:
    """Lets no two deliveries count on the same free bytes.

    Where fallocate works, a reservation is over as soon as the files have their blocks. Elsewhere
    it lasts as long as the delivery, and shrinks with every byte that arrives.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._unwritten: dict[object, tuple[int, Callable[[], int]]] = {}
        """By holder: the device, and how many bytes it will still take there."""

    @contextmanager
    def reserve(
        self, folder: Folder, unwritten: Callable[[], int], *, min_free: int
    ) -> Iterator[None]:
        """Reserve what `unwritten` says, now and later, until the context ends.

        Raises:
            NotEnoughSpace: fewer than `min_free` bytes would stay free.
        """
        holder, device, needed = object(), os.fstat(folder.fd).st_dev, unwritten()
        # Checked and noted under one lock: two deliveries that start together see each other.
        with self._lock:
            if needed:
                status = os.fstatvfs(folder.fd)
                promised = sum(
                    left() for where, left in self._unwritten.values() if where == device
                )
                free = status.f_bavail * status.f_frsize - promised
                if free - needed < min_free:
                    raise NotEnoughSpace(needed=needed + min_free, free=free)
            self._unwritten[holder] = (device, unwritten)
        try:
            yield
        finally:
            with self._lock:
                del self._unwritten[holder]
