"""The staging area of a download that aria2 fetches, as the bridge sees it. Everything blocks."""

import os
import stat
from pathlib import Path

from bridge.delivery.delivery_errors import DeliveryFailed, NotEnoughSpace
from bridge.delivery.disk.disk_errors import disk_errors, free_bytes, make_directory, sync_directory
from bridge.delivery.disk.request_paths import inner, staged_path
from bridge.delivery.disk.staging import drop_strays, make_directories
from bridge.delivery.interface import DeliveryRequest, RequestedFile

CONTROL = ".aria2"
"""What aria2 puts behind a file's name for its control file."""


class Aria2Files:
    """The files of one order, on their way."""

    def __init__(self, root: Path, request: DeliveryRequest) -> None:
        self.root = root
        self.request = request

    def prepare(self, *, min_free: int) -> None:
        """Make the folders, and remove what an earlier order left.

        Raises:
            NotEnoughSpace: fewer than `min_free` bytes would stay free. Nothing was begun.
            DeliveryFailed: the disk refused something.
        """
        with disk_errors(self.root):
            make_directory(self.root)
            if self.root.is_symlink():
                raise DeliveryFailed(f"{self.root} is a symbolic link")
            wanted = self._wanted()
            controls = {(*path[:-1], path[-1] + CONTROL) for path in wanted if path}
            markers = {self._marker(file).name for file in self.request.files}
            drop_strays(self.root, wanted | controls, markers | {f"content{CONTROL}"})
            make_directories(self.root, wanted)
            for file in self.request.files:
                if not file.size:
                    self._path(file).touch()
            needed = sum(file.size - self._taken(file) for file in self.request.files)
            free = free_bytes(self.root)
        if needed and free - needed < min_free:
            raise NotEnoughSpace(needed=needed + min_free, free=free)

    def settle(self) -> None:
        """Remove all that is not the content, and sync the files."""
        with disk_errors(self.root):
            drop_strays(self.root, self._wanted(), set())
            for file in self.request.files:
                with self._path(file).open("rb") as staged:
                    os.fsync(staged.fileno())

    def below_incomplete(self, file: RequestedFile) -> Path:
        """Tell where a file is staged, below the directory for incomplete downloads."""
        return self._path(file).relative_to(self.root.parent)

    def is_whole(self, file: RequestedFile) -> bool:
        """Whether the file is complete, as aria2 said in this run or an earlier one."""
        marked = not file.size or self._marker(file).exists()
        return marked and self.has_size(file)

    def has_size(self, file: RequestedFile) -> bool:
        """Whether the file has the size that TorBox lists, and aria2 is done with it."""
        found = _regular(self._path(file))
        return found is not None and found.st_size == file.size and not self._control(file).exists()

    def mark(self, file: RequestedFile) -> None:
        """Note that aria2 said that the file is complete, durably."""
        with disk_errors(self.root):
            self._marker(file).touch()
            sync_directory(self.root)

    def keep_only_resumable(self, file: RequestedFile) -> None:
        """Remove a file of which nobody knows what is in it."""
        if not self._control(file).exists():
            self.drop(file)

    def drop(self, file: RequestedFile) -> None:
        """Remove a file and all that is known of it."""
        with disk_errors(self.root):
            for path in (self._marker(file), self._control(file), self._path(file)):
                path.unlink(missing_ok=True)

    def _wanted(self) -> set[tuple[str, ...]]:
        return {inner(self.request.content_name, file.path) for file in self.request.files}

    def _taken(self, file: RequestedFile) -> int:
        found = _regular(self._path(file))
        return min(file.size, found.st_blocks * 512) if found else 0

    def _path(self, file: RequestedFile) -> Path:
        return staged_path(self.root, self.request, file)

    def _control(self, file: RequestedFile) -> Path:
        path = self._path(file)
        return path.with_name(path.name + CONTROL)

    def _marker(self, file: RequestedFile) -> Path:
        return self.root / f"{file.file_id}.whole"


def _regular(path: Path) -> os.stat_result | None:
    try:
        found = path.lstat()
    except OSError:
        return None
    return found if stat.S_ISREG(found.st_mode) else None
