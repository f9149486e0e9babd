"""What a user does with the files of a download: rename, choose, move, verify.

Before TorBox has the files, wishes are kept and carried out when they are laid out; after that they
change what is planned, and what is on disk.
"""

import asyncio
import os
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import structlog

from bridge.core.edits import Refused, rename_file, rename_folder, with_names, with_priority
from bridge.core.model import BEFORE_READY, DeliveredFile, Download, Phase
from bridge.core.roots import OutsideRoots
from bridge.delivery import DeliveryError, TargetTaken
from bridge.delivery.relocate import move_content, rename_files
from bridge.downloads.again import Again
from bridge.downloads.values import Refusal

log = structlog.get_logger()

Rule = Callable[[Sequence[str]], tuple[str, ...] | Refused]

NOTHING_ON_DISK = BEFORE_READY | {Phase.READY, Phase.FAILED}


class Contents(Again):
    """Writes that concern the files of a download."""

    async def rename_file(self, info_hash: str, old: str, new: str) -> str | None:
        """Give a file another path below its save path. Answers why not, when not."""
        return await self._rename(info_hash, lambda paths: rename_file(paths, old, new))

    async def rename_folder(self, info_hash: str, old: str, new: str) -> str | None:
        """Give a folder another path below its save path. Answers why not, when not."""
        return await self._rename(info_hash, lambda paths: rename_folder(paths, old, new))

    async def _rename(self, info_hash: str, rule: Rule) -> str | None:
        for download in self._known([info_hash]):
            if not self._ledger.files(download.hash):
                return await self._rename_wished(download, rule)
            async with self._engine.held(download.hash):
                return await self._rename_planned(download.hash, rule)
        return None

    async def _rename_wished(self, download: Download, rule: Rule) -> str | None:
        laid = self._laid_out(download.hash)
        names = rule([file.name for file in laid])
        if isinstance(names, Refused):
            return names.reason
        paths = [file.path for file in laid]
        edits = with_names(download.file_edits, paths, names)
        await self._change(download, "files renamed", file_edits=edits)
        return None

    async def _rename_planned(self, info_hash: str, rule: Rule) -> str | None:
        download = self._ledger.downloads.get(info_hash)
        files = self._ledger.files(info_hash)
        if download is None or not files:
            return None
        names = rule([file.path for file in files])
        if isinstance(names, Refused):
            return names.reason
        renamed = tuple(replace(file, path=name) for file, name in zip(files, names, strict=True))
        if download.complete:
            reason = await _rename_on_disk(download, files, renamed)
            if reason:
                return reason
        top = names[0].split("/", 1)[0]
        changed = await self._ledger.change(
            info_hash,
            lambda latest: replace(latest, content_name=top),
            of=download,
            files=renamed,
        )
        if changed is None and download.complete:
            # Removed meanwhile: whoever cleans up looks for the old names.
            await _rename_on_disk(download, renamed, files)
        return None

    async def set_file_priority(
        self, info_hash: str, indexes: Collection[int], priority: int
    ) -> None:
        """Set a priority (0, 1, 6, 7) by the indexes of `files`; 0 leaves a file out."""
        for download in self._known([info_hash]):
            if not self._ledger.files(download.hash):
                laid = self._laid_out(download.hash)
                paths = [laid[index].path for index in indexes]
                edits = with_priority(download.file_edits, paths, priority)
                dropped = {edit.path for edit in edits if edit.priority == 0}
                size = sum(file.size for file in laid if file.path not in dropped)
                await self._change(download, "file priorities", file_edits=edits, size=size)
                continue
            async with self._engine.held(download.hash):
                wanted_again = await self._choose(download.hash, indexes, priority)
            if wanted_again:
                await self._deliver_again(download.hash, "another file is wanted")
        self._engine.wake()

    async def _choose(self, info_hash: str, indexes: Collection[int], priority: int) -> bool:
        """Choose among planned files; tell whether a complete download is complete no more."""
        download, before = self._ledger.downloads.get(info_hash), self._ledger.files(info_hash)
        if download is None:
            return False
        files = tuple(
            _with_priority(file, priority) if index in indexes else file
            for index, file in enumerate(before)
        )
        wanted = [file for file in files if file.chosen]
        size = sum(file.size for file in wanted)
        await self._ledger.change(
            info_hash,
            lambda latest: replace(latest, size=size, stopped=latest.stopped or not wanted),
            of=download,
            files=files,
        )
        return download.complete and any(file.chosen and not file.done for file in files)

    async def set_location(self, hashes: Iterable[str], location: str) -> Refusal | None:
        """Move downloads and what is on disk of them; it goes on in the background."""
        try:
            path = self._roots.resolve(location, self._roots.default)
        except OutsideRoots as error:
            log.info("location_refused", why=str(error))
            return Refusal.CANNOT_MAKE
        refusal = await asyncio.to_thread(_make_writable, Path(path))
        if refusal is not None:
            return refusal
        for download in self._known(hashes):
            after = await self._ledger.change(download.hash, lambda latest: _sent_to(latest, path))
            if after is not None and after.moving_to:
                self._move_later(download.hash)
        return None

    def _move_later(self, info_hash: str) -> None:
        self._engine.background(self._move(info_hash), name=f"move {info_hash}")

    async def _move(self, info_hash: str) -> None:
        async with self._engine.held(info_hash):
            download = self._ledger.downloads.get(info_hash)
            if download is None or not download.moving_to:
                return
            try:
                if download.complete or not await self._missing(download):
                    target = Path(download.moving_to)
                    await move_content(Path(download.save_path), download.content_name, target)
            except DeliveryError as error:
                log.warning("not_moved", hash=info_hash, why=str(error))
                note = f"not moved to {download.moving_to}: {error}"
                await self._change(download, note, moving_to="", note=note)
            else:
                await self._moved(download)

    async def _moved(self, download: Download) -> None:
        target = download.moving_to
        moved = await self._ledger.change(
            download.hash,
            lambda latest: replace(latest, save_path=target, moving_to="", note=""),
            of=download,
            why=f"moved to {target}",
        )
        if moved is None:
            # Deleted meanwhile: whoever cleans up looks where it was.
            await move_content(Path(target), download.content_name, Path(download.save_path))


def _with_priority(file: DeliveredFile, priority: int) -> DeliveredFile:
    """A file that is on disk already stays a part of the download, whatever its priority."""
    return replace(file, priority=priority, chosen=file.done or priority > 0)


def _sent_to(download: Download, path: str) -> Download:
    if download.save_path == path:
        return replace(download, moving_to="", auto_tmm=False)
    if download.phase in NOTHING_ON_DISK:
        return replace(download, save_path=path, moving_to="", auto_tmm=False)
    return replace(download, moving_to=path, auto_tmm=False)


def _make_writable(path: Path) -> Refusal | None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        log.info("location_refused", why=str(error))
        return Refusal.CANNOT_MAKE
    return None if os.access(path, os.W_OK | os.X_OK) else Refusal.CANNOT_WRITE


async def _rename_on_disk(
    download: Download, before: Sequence[DeliveredFile], after: Sequence[DeliveredFile]
) -> str | None:
    pairs = [
        (old.path, new.path)
        for old, new in zip(before, after, strict=True)
        if old.chosen and old.path != new.path
    ]
    try:
        await rename_files(Path(download.save_path), pairs)
    except TargetTaken as taken:
        new = next((new for _, new in pairs if new.endswith(taken.content_name)), "")
        return f"The file already exists: '{new}'."
    except DeliveryError as error:
        return str(error)
    return None
