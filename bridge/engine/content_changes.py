"""Changes to files on disk that a user asks for: rename, choose, move, recheck, deliver again.

Each change holds the grab, so that the engine starts no work for it until the change is done.
"""

import asyncio
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

import structlog
from msgspec.structs import replace

from bridge.core.edits import EditRefused
from bridge.core.model import DeliveredFile, Entry, Grab, GrabPhase, Job, Move, Recheck
from bridge.core.modes import FETCHING, NONE
from bridge.core.remote_tracking import follow_again, wait_again
from bridge.delivery import DeliveryError, TargetTaken, target_exists
from bridge.delivery.disk.moving import (
    all_in_place,
    missing_files,
    move_content,
    reclaim,
    rename_files,
)
from bridge.delivery.disk.request_paths import CONTENT, staging_root
from bridge.engine.context import EngineContext, GrabHolder
from bridge.engine.grab_files import request_of, staging_name_of, target_in_use
from bridge.torbox import TorBoxError

log = structlog.get_logger(__name__)

DOWNLOAD = "download"
"""The delivery mode that writes the bytes to disk by way of the staging directory."""

LOOK_SECONDS = 3.0
"""Maximum seconds that an add waits for a check of the disk."""

PathRule = Callable[[Sequence[str]], tuple[str, ...] | EditRefused]


class ContentChanges:
    """Changes the content of grabs, on disk and in the plan."""

    def __init__(self, ctx: EngineContext, holder: GrabHolder) -> None:
        self._ctx = ctx
        self._state = ctx.state
        self._holder = holder

    async def rename(self, grab_id: int, rule: PathRule) -> str | None:
        """Give planned or delivered files other paths. Return the reason if that is refused."""
        async with self._holder.held(grab_id):
            entry = self._state.entry(grab_id)
            files = await self._state.files(grab_id)
            if entry is None or not files:
                return None
            names = rule([file.path for file in files])
            if isinstance(names, EditRefused):
                return names.reason
            renamed = tuple(
                replace(file, path=name) for file, name in zip(files, names, strict=True)
            )
            on_disk = entry.complete or await self._is_published(entry)
            if on_disk:
                reason = await _rename_on_disk(entry.grab, files, renamed)
                if reason:
                    return reason
            await self._store_names(entry, files, renamed, on_disk=on_disk)
            return None

    async def _store_names(
        self,
        entry: Entry,
        before: Sequence[DeliveredFile],
        after: tuple[DeliveredFile, ...],
        *,
        on_disk: bool,
    ) -> None:
        top = after[0].path.split("/", 1)[0]
        folder = any("/" in file.path for file in after)
        async with self._state.unit_of_work() as work:
            changed = work.update_grab(
                entry.grab.id,
                lambda latest: replace(latest, content_name=top, content_is_folder=folder),
            )
            if changed is not None:
                work.put_files(entry.grab.id, after)
        if changed is None and on_disk:
            # Removed meanwhile: the removal looks for the old names.
            await _rename_on_disk(entry.grab, after, before)

    async def choose(self, grab_id: int, indexes: Collection[int], priority: int) -> None:
        """Set the priority of planned files by their index; 0 leaves a file out.

        A grab whose files are on disk is delivered again if it wants another file.
        """
        async with self._holder.held(grab_id):
            if await self._choose(grab_id, frozenset(indexes), priority):
                await self._deliver_again(grab_id, "another file is wanted")

    async def _choose(self, grab_id: int, indexes: Collection[int], priority: int) -> bool:
        entry = self._state.entry(grab_id)
        published = entry is not None and await self._is_published(entry)
        before = await self._state.files(grab_id)
        if published:
            before = tuple(replace(file, done=file.chosen) for file in before)
        async with self._state.unit_of_work() as work:
            grab = work.grab(grab_id)
            if grab is None:
                return False
            files = tuple(
                _with_priority(file, priority) if index in indexes else file
                for index, file in enumerate(before)
            )
            wanted = [file for file in files if file.chosen]
            size = sum(file.size for file in wanted)
            work.update_grab(
                grab_id,
                lambda latest: replace(latest, size=size, stopped=latest.stopped or not wanted),
            )
            work.put_files(grab_id, files)
        on_disk = grab.complete or published
        return on_disk and any(file.chosen and not file.done for file in files)

    async def run_move(self, job: Job, task: Move) -> None:
        """Move the content of a grab to its new save path, and end the job."""
        async with self._holder.held(task.grab_id):
            entry = self._state.entry(task.grab_id)
            if entry is None or not entry.grab.moving_to:
                await self._end(job)
                return
            grab = entry.grab
            target = grab.moving_to
            try:
                if target != grab.save_path and (entry.complete or await self._is_published(entry)):
                    await move_content(Path(grab.save_path), grab.content_name, Path(target))
            except DeliveryError as error:
                log.warning("not_moved", release=entry.name, hash=entry.hash, why=str(error))
                note = f"not moved to {target}: {error}"
                await self._end(
                    job,
                    grab.id,
                    lambda latest: replace(
                        latest, moving_to=_next_place(latest, target), note=note
                    ),
                )
            else:
                await self._moved(job, grab)

    async def _moved(self, job: Job, grab: Grab) -> None:
        target = grab.moving_to
        moved = await self._end(
            job,
            grab.id,
            lambda latest: replace(
                latest, save_path=target, moving_to=_next_place(latest, target), note=""
            ),
            why=f"moved to {target}",
        )
        if not moved and target != grab.save_path:
            # Removed meanwhile: the removal looks where it was.
            await move_content(Path(target), grab.content_name, Path(grab.save_path))

    async def run_recheck(self, job: Job, task: Recheck) -> None:
        """Compare a delivered grab with the disk, and end the job.

        Missing files are shown as `missingFiles`. If they are still missing at the next recheck (or
        start), the grab is delivered again.
        """
        entry = self._state.entry(task.grab_id)
        if entry is not None and entry.complete and self._ctx.mode_of(entry.grab) != NONE:
            missing = () if task.redeliver else await self._missing(entry)
            if task.redeliver or (missing and entry.grab.missing_files):
                await self.deliver_again(task.grab_id, task.why or "rechecked by the user")
            else:
                note = f"gone from disk: {', '.join(missing[:3])}" if missing else ""
                gone = bool(missing)
                await self._state.update_grab(
                    task.grab_id,
                    lambda latest: replace(latest, missing_files=gone, note=note),
                    why="rechecked",
                )
        await self._end(job)

    async def is_gone(self, entry: Entry) -> bool:
        """Return whether files of a delivered grab are no longer where they were delivered.

        An *arr may have moved them into its library. No answer in time counts as no.
        """
        if not entry.complete or self._ctx.mode_of(entry.grab) == NONE:
            return False
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                return bool(await self._missing(entry))
        except (DeliveryError, TimeoutError) as error:
            log.info("not_looked_at", release=entry.name, hash=entry.hash, why=str(error))
            return False

    async def deliver_again(self, grab_id: int, why: str) -> None:
        """Follow its download again. Complete files on disk are kept; only the rest is fetched."""
        async with self._holder.held(grab_id):
            entry = self._state.entry(grab_id)
            if entry is not None and entry.complete:
                await self._deliver_again(grab_id, why)

    async def _deliver_again(self, grab_id: int, why: str) -> None:
        """Follow the download of a grab again that is held, and whose files are on disk."""
        entry = self._state.entry(grab_id)
        if entry is None:
            return
        entry = await self._with_staging(entry)
        try:
            await self._take_back(entry)
        except DeliveryError as error:
            note = f"cannot be delivered again: {error}"
            await self._state.update_grab(grab_id, lambda latest: replace(latest, note=note))
            return
        at_torbox = await self._is_at_torbox(entry)
        files = tuple(replace(file, done=False) for file in await self._state.files(grab_id))
        now = self._ctx.clock()
        async with self._state.unit_of_work() as work:
            if work.update_grab(grab_id, wait_again, why=why) is None:
                return
            work.put_files(grab_id, files)
            work.update_download(
                entry.download.id,
                lambda latest: follow_again(latest, now, at_torbox=at_torbox),
                why=why,
            )

    async def _with_staging(self, entry: Entry) -> Entry:
        siblings = self._state.grabs_of(entry.download.id)
        taken = {grab.staging_name for grab in siblings if grab.id != entry.grab.id}
        name = staging_name_of(entry, taken)
        grab = await self._state.update_grab(
            entry.grab.id, lambda latest: replace(latest, staging_name=name)
        )
        return Entry(entry.download, grab or entry.grab)

    async def _take_back(self, entry: Entry) -> None:
        """Move the files on disk back to where the delivery continues."""
        request = request_of(entry, await self._state.files(entry.grab.id))
        if self._ctx.mode_of(entry.grab) == DOWNLOAD:
            await reclaim(self._ctx.settings.paths.incomplete_directory, request)
            return
        paths = [file.path for file in request.files]
        delivery = self._ctx.delivery_of(entry.grab)
        await delivery.remove(request.save_path, request.content_name, paths)

    async def _is_published(self, entry: Entry) -> bool:
        """Return whether a delivery has put its content in place but not recorded that.

        It was cancelled in between, or the bridge was killed; or links wait for the user's mount.
        """
        grab = entry.grab
        if grab.phase is not GrabPhase.DELIVERING or target_in_use(self._state, entry):
            return False
        root = staging_root(self._ctx.settings.paths.incomplete_directory, grab.staging_name)
        request = request_of(entry, await self._state.files(grab.id))
        links = self._ctx.mode_of(grab) not in FETCHING
        try:
            # With content still staged, what is at its target is not its own.
            staged = await target_exists(root, CONTENT)
            return not staged and await all_in_place(request, links=links)
        except DeliveryError as error:
            log.info("not_looked_at", release=entry.name, hash=entry.hash, why=str(error))
            return False

    async def _missing(self, entry: Entry) -> tuple[str, ...]:
        request = request_of(entry, await self._state.files(entry.grab.id))
        links = self._ctx.mode_of(entry.grab) not in FETCHING
        return await missing_files(request, links=links)

    async def _is_at_torbox(self, entry: Entry) -> bool:
        """Return whether TorBox still has the item. True when TorBox does not answer."""
        torrent_id = entry.download.torrent_id
        if torrent_id is None:
            return False
        try:
            return await self._ctx.torbox.item(torrent_id) is not None
        # Without an answer assume that it is there: a wrong guess costs a lookup, while a second
        # create would cost budget.
        except TorBoxError:
            return True

    async def _end(
        self,
        job: Job,
        grab_id: int = 0,
        change: Callable[[Grab], Grab] = lambda latest: latest,
        *,
        why: str = "",
    ) -> bool:
        async with self._state.unit_of_work() as work:
            work.delete_job(job.id)
            return work.update_grab(grab_id, change, why=why) is not None


def _next_place(latest: Grab, target: str) -> str:
    """Return where a grab is to be moved after a move to `target`; empty when it is to stay."""
    return "" if latest.moving_to == target else latest.moving_to


def _with_priority(file: DeliveredFile, priority: int) -> DeliveredFile:
    """Return the file with a priority. A file that is on disk stays part of the grab."""
    return replace(file, priority=priority, chosen=file.done or priority > 0)


async def _rename_on_disk(
    grab: Grab, before: Sequence[DeliveredFile], after: Sequence[DeliveredFile]
) -> str | None:
    pairs = [
        (old.path, new.path)
        for old, new in zip(before, after, strict=True)
        if old.chosen and old.path != new.path
    ]
    try:
        await rename_files(Path(grab.save_path), pairs)
    except TargetTaken as taken:
        new = next((new for _, new in pairs if new.endswith(taken.content_name)), "")
        return f"The file already exists: '{new}'."
    except DeliveryError as error:
        return str(error)
    return None
