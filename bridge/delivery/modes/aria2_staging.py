"""The staging area of a download that aria2 fetches, as the bridge sees it. Everything blocks."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bridge.delivery.delivery_errors import NotEnoughSpace
from bridge.delivery.disk.disk_errors import disk_errors, free_bytes, name_errors
from bridge.delivery.disk.request_paths import Parts, inner, staged_parts
from bridge.delivery.disk.safe_paths import Folder, open_folder
from bridge.delivery.disk.staging import drop_strays, make_folders
from bridge.delivery.interface import DeliveryRequest, RequestedFile

CONTROL = ".aria2"
"""The suffix of aria2's control file."""


class Aria2Staging:
    """The files of one request, on their way. Methods raise LocalDiskError."""

    def __init__(self, root: Path, request: DeliveryRequest) -> None:
        self.root = root
        self.request = request

    def prepare(self, *, min_free: int) -> None:
        """Make the folders, and remove what an earlier request left.

        Raises:
            NotEnoughSpace: fewer than `min_free` bytes would stay free. Nothing was begun.
            NameRefused: the file system does not take a name.
        """
        with disk_errors(self.root), open_folder(self.root, make=True) as root:
            wanted = self._wanted()
            controls = {(*path[:-1], path[-1] + CONTROL) for path in wanted if path}
            markers = {self._marker(file) for file in self.request.files}
            drop_strays(root, wanted | controls, markers | {f"content{CONTROL}"})
            make_folders(root, self.request)
            for file in self.request.files:
                self._remove_unless_plain(file)
                if not file.size and not self.has_size(file):
                    with self._place(file) as (folder, name), name_errors(folder.path):
                        folder.create(name)
            needed = sum(file.size - self._taken(file) for file in self.request.files)
            free = free_bytes(self.root)
        if needed and free - needed < min_free:
            raise NotEnoughSpace(needed=needed + min_free, free=free)

    def settle(self) -> None:
        """Remove everything that is not the content, and sync the files."""
        with disk_errors(self.root), open_folder(self.root) as root:
            drop_strays(root, self._wanted(), set())
            for file in self.request.files:
                with self._place(file) as (folder, name):
                    fd = folder.open_file(name, os.O_RDONLY)
                    try:
                        os.fsync(fd)
                    finally:
                        os.close(fd)

    def below_incomplete(self, file: RequestedFile) -> Path:
        """Return where a file is staged, relative to the directory for unfinished downloads."""
        return Path(self.root.name, *staged_parts(self.request, file))

    def is_whole(self, file: RequestedFile) -> bool:
        """Return whether the file is complete, as aria2 said in this run or an earlier one."""
        with disk_errors(self.root), open_folder(self.root) as root:
            marked = not file.size or root.regular(self._marker(file)) is not None
        return marked and self.has_size(file)

    def has_size(self, file: RequestedFile) -> bool:
        """Return whether the file has the size that TorBox lists, and aria2 is done with it."""
        with self._place(file) as (folder, name):
            found = folder.regular(name)
            control = folder.stat(name + CONTROL)
        return found is not None and found.st_size == file.size and control is None

    def mark(self, file: RequestedFile) -> None:
        """Note durably that aria2 said that the file is complete."""
        with disk_errors(self.root), open_folder(self.root) as root:
            root.replace_file(self._marker(file), b"")
            root.sync()

    def keep_only_resumable(self, file: RequestedFile) -> None:
        """Remove a file that aria2 could not resume, or must not write to."""
        with self._place(file) as (folder, name):
            resumable = folder.regular(name + CONTROL) is not None
        if not resumable:
            self.drop(file)
        self._remove_unless_plain(file)

    def drop(self, file: RequestedFile) -> None:
        """Remove a file, its marker and its control file."""
        with disk_errors(self.root), open_folder(self.root) as root:
            root.remove_tree(self._marker(file))
        with self._place(file) as (folder, name):
            folder.remove_tree(name + CONTROL)
            folder.remove_tree(name)

    def _remove_unless_plain(self, file: RequestedFile) -> None:
        """Remove a link, a FIFO or a hard link: aria2 would write through it."""
        with self._place(file) as (folder, name):
            for each in (name, name + CONTROL):
                found = folder.regular(each)
                if found is None or found.st_nlink > 1:
                    folder.remove_tree(each)

    def _wanted(self) -> set[Parts]:
        return {inner(self.request.content_name, file.path) for file in self.request.files}

    def _taken(self, file: RequestedFile) -> int:
        with self._place(file) as (folder, name):
            found = folder.regular(name)
        return min(file.size, found.st_blocks * 512) if found else 0

    @contextmanager
    def _place(self, file: RequestedFile) -> Iterator[tuple[Folder, str]]:
        *folders, name = staged_parts(self.request, file)
        with disk_errors(self.root), open_folder(self.root) as root, root.walk(folders) as folder:
            yield folder, name

    def _marker(self, file: RequestedFile) -> str:
        return f"{file.file_id}.whole"
