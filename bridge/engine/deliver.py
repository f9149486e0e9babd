"""Delivers grabs: from ready at TorBox to complete files where the *arr looks for them."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import structlog
from msgspec.structs import replace

from bridge.core.completeness import below_root
from bridge.core.model import (
    NOT_DELIVERED,
    DeliveredFile,
    Download,
    DownloadPhase,
    Entry,
    Failure,
    Grab,
    GrabPhase,
    Reason,
    Removal,
)
from bridge.core.modes import FETCHING
from bridge.core.paths import fitted, numbered, renamed
from bridge.core.remote_tracking import follow_again, to_grab_phase, to_phase
from bridge.core.seeding import has_an_end
from bridge.core.transitions import grab_interrupted
from bridge.delivery import (
    DeliveryError,
    DeliveryFailed,
    NameRefused,
    NotEnoughSpace,
    NotYet,
    Progress,
    TargetTaken,
    discard_beside,
    link_existing,
)
from bridge.engine.cleanup_work import finish_grab
from bridge.engine.context import EngineContext, GrabHolder
from bridge.engine.failing import fail_grab
from bridge.engine.file_planning import Incomplete, Planned, plan_one
from bridge.engine.grab_files import link_source, request_of, staging_name_of, target_in_use
from bridge.engine.removal import DATABASE_ERROR, is_gone
from bridge.state import UnitOfWork
from bridge.torbox import NotFound, TorBoxError

log = structlog.get_logger(__name__)

NAMES_TRIED = 100
FIRST_NUMBER = 2
"""The first number for a name that is in use: `Name (2)`."""
LINK_ATTEMPTS = 6
"""Attempts at a link to an item that TorBox lists and denies. After these the item is followed again."""


class Deliverer:
    """Delivers grabs, each in its own mode, and hard-links files for waiting grabs."""

    def __init__(self, ctx: EngineContext, holder: GrabHolder) -> None:
        self._ctx = ctx
        self._state = ctx.state
        self._holder = holder

    async def deliver(self, grab_id: int, source_ids: Sequence[int] = ()) -> None:
        """Deliver one grab and record the outcome.

        Raises:
            TorBoxError: TorBox gave no links; the caller records it and tries again.
        """
        entry = await self._begin(grab_id)
        if entry is None:
            return
        progress = self._state.meters[grab_id] = Progress()
        try:
            await self._deliver(entry, source_ids, progress)
        except NotEnoughSpace as error:
            await self._later(grab_id, str(error), after=self._ctx.retry.disk_full)
        # The user's mount of TorBox refreshes its listing after minutes, so links into it come
        # late.
        except NotYet as error:
            pause = self._ctx.retry.backoff(entry.grab.attempts)
            await self._later(grab_id, str(error), after=min(pause, self._ctx.retry.mount))
        except DeliveryFailed as error:
            await self._failed(entry, error)
        except NotFound:
            await self._item_unknown(entry)
        except TorBoxError as error:
            # TorBox's possible answer for an item that it no longer has; it would be asked for ever.
            if error.code != DATABASE_ERROR or not await self._is_gone(entry):
                raise
            await self._item_unknown(entry)
        finally:
            self._state.meters.pop(grab_id, None)

    async def _begin(self, grab_id: int) -> Entry | None:
        """Enter DELIVERING. Return None when the grab is gone or its files cannot be chosen yet."""
        entry = self._state.entry(grab_id)
        if entry is None or entry.download.torrent_id is None:
            return None
        if not entry.grab.planned:
            plan = await plan_one(self._ctx, grab_id)
            # The snapshot is empty after a restart, and no other grab has a file list to copy.
            if isinstance(plan, Incomplete) and not plan.names:
                await self._follow_again(entry, "TorBox's list of files is not known")
            if not isinstance(plan, Planned):
                return None
        async with self._state.unit_of_work() as work:
            known = work.entry(grab_id)
            if known is None or known.grab.phase not in NOT_DELIVERED:
                # It was removed in the meantime, or linked by another delivery.
                return None
            staging_name = staging_name_of(known, self._staging_names(work, known))
            mode = self._ctx.mode_of(known.grab)
            work.update_grab(
                grab_id,
                lambda latest: replace(
                    latest,
                    phase=GrabPhase.DELIVERING,
                    delivery_mode=mode,
                    staging_name=staging_name,
                ),
                why="delivering",
            )
            return work.entry(grab_id)

    def _staging_names(self, work: UnitOfWork, entry: Entry) -> set[str]:
        """Return the staging names of other grabs of the hash, and of removals that are not done."""
        names = {
            grab.staging_name
            for grab in work.grabs_of(entry.download.id)
            if grab.id != entry.grab.id
        }
        return names | {task.staging_name for _, task in work.jobs_about(entry.hash, Removal)}

    async def _deliver(self, entry: Entry, source_ids: Sequence[int], progress: Progress) -> None:
        plain, is_file = entry.grab.content_name, not entry.grab.content_is_folder
        named: Entry | None = entry
        for number in range(FIRST_NUMBER, NAMES_TRIED):
            if named is None:
                return  # it was removed in the meantime
            try:
                await self._put(named, source_ids, progress)
            except NameRefused as error:
                # The first try replaces only what Windows forbids; some network shares refuse other
                # characters without saying which.
                ascii_only = number > FIRST_NUMBER
                named = await self._fit_names(named, error, ascii_only=ascii_only)
                plain = named.grab.content_name if named is not None else plain
            except TargetTaken:
                named = await self._rename(named, numbered(plain, number, is_file=is_file))
            else:
                # Before `_delivered`: as soon as an *arr sees the source complete, it may move its
                # files.
                await self._link_siblings(named)
                await self._delivered(named.grab.id)
                return
        raise DeliveryFailed(f"{plain!r} and its numbered names exist already", retryable=False)

    async def _put(self, entry: Entry, source_ids: Sequence[int], progress: Progress) -> None:
        """Make the files appear at a free target: as hard links if there are sources."""
        # On disk the target may look free: the *arr of the other grab has moved the files away.
        if target_in_use(self._state, entry):
            raise TargetTaken(entry.grab.content_name)
        files = await self._state.files(entry.grab.id)
        for source_id in source_ids:
            source = self._state.grabs.get(source_id)
            if source is not None and await self._link(source, entry, files):
                return
        check = self._ctx.settings.delivery.verify == "pieces"
        torrent = await self._state.database.torrent(entry.download.id) if check else None
        item = self._state.snapshot.items.get(entry.download.torrent_id or 0)
        title = item.name if item else ""
        request = request_of(entry, files, title=title, torrent=torrent or b"")
        links = self._ctx.link_books.of(request.torrent_id)
        await self._ctx.delivery_of(entry.grab).deliver(request, links, progress)

    async def _link(self, source: Grab, entry: Entry, files: Sequence[DeliveredFile]) -> bool:
        """Hard-link the files of another grab; return False if they have to be fetched."""
        there = await self._state.files(source.id)
        if not _same_ids(there, files):
            return False
        linked = await link_existing(link_source(source, there), request_of(entry, files))
        if linked:
            log.info("hard_linked", release=entry.name, hash=entry.hash, source=source.category)
        return linked

    async def _link_siblings(self, source: Entry) -> None:
        """Hard-link the files for the waiting siblings before the source is shown complete.

        Afterwards the *arr of the source may move the files away. A sibling that cannot be linked
        is delivered later.
        """
        if self._ctx.mode_of(source.grab) not in FETCHING:
            return
        for sibling in self._state.grabs_of(source.download.id):
            if self._can_link(source, sibling):
                async with self._holder.held(sibling.id):
                    await self._link_sibling(source, sibling.id)

    def _can_link(self, source: Entry, sibling: Grab) -> bool:
        waits = sibling.phase is GrabPhase.WAITING and not sibling.stopped
        fetches = self._ctx.mode_of(sibling) in FETCHING and sibling.id != source.grab.id
        # A removal there may still delete files of the same names.
        removing = any(
            task.save_path == sibling.save_path
            for _, task in self._state.jobs_about(source.hash, Removal)
        )
        return waits and fetches and sibling.incomplete_list_bytes < 0 and not removing

    async def _link_sibling(self, source: Entry, sibling_id: int) -> None:
        try:
            entry = await self._begin(sibling_id)
            if entry is None:
                return
            if not target_in_use(self._state, entry):
                files = await self._state.files(sibling_id)
                if await self._link(source.grab, entry, files):
                    await self._delivered(sibling_id)
                    return
        except DeliveryError as error:
            log.info("not_hard_linked", release=source.name, hash=source.hash, why=str(error))
        await self._state.update_grab(sibling_id, grab_interrupted)

    async def _rename(self, entry: Entry, name: str) -> Entry | None:
        """Give the content a numbered name: another grab or a foreign file has the plain name."""
        before = entry.grab.content_name
        log.info("target_taken", release=entry.name, hash=entry.hash, before=before, after=name)
        return await self._put_names(entry, renamed(await self._state.files(entry.grab.id), name))

    async def _fit_names(
        self, entry: Entry, error: NameRefused, *, ascii_only: bool
    ) -> Entry | None:
        """Give the files names that the file system accepts, or fail if there are none."""
        files = await self._state.files(entry.grab.id)
        taken = fitted(files, longest=error.longest, ascii_only=ascii_only)
        if taken == files:
            raise DeliveryFailed(str(error))
        log.info("names_replaced", release=entry.name, hash=entry.hash, why=str(error))
        return await self._put_names(entry, taken)

    async def _put_names(self, entry: Entry, files: tuple[DeliveredFile, ...]) -> Entry | None:
        name = files[0].path.split("/", 1)[0]
        async with self._state.unit_of_work() as work:
            changed = work.update_grab(
                entry.grab.id, lambda latest: replace(latest, content_name=name)
            )
            if changed is None:
                return None
            work.put_files(entry.grab.id, files)
            return work.entry(entry.grab.id)

    async def _delivered(self, grab_id: int) -> None:
        grab = self._state.grabs.get(grab_id)
        if grab is not None and grab.staging_name:
            # A kill between two attempts may have left a folder that was being built.
            await discard_beside(Path(grab.save_path), grab.staging_name)
        files = tuple(replace(file, done=file.chosen) for file in await self._state.files(grab_id))
        count = sum(file.done for file in files)
        now = self._ctx.clock()
        async with self._state.unit_of_work() as work:
            work.update_grab(
                grab_id,
                lambda latest: replace(
                    to_grab_phase(latest, GrabPhase.DELIVERED),
                    completed_at=now,
                    progress=1.0,
                    staging_name="",
                ),
                why=f"{count} file{'' if count == 1 else 's'} delivered",
            )
            entry = work.entry(grab_id)
            if entry is None:
                return
            work.put_files(grab_id, files)
            if self._nothing_to_seed(work, entry):
                # In the same commit: an *arr removes what it imports only when it is finished.
                finish_grab(work, grab_id)

    def _nothing_to_seed(self, work: UnitOfWork, entry: Entry) -> bool:
        """Return whether the grab is finished with its delivery, and no other one shares its item."""
        rule = self._ctx.rules(entry.grab.category).seed
        alone = len(work.grabs_of(entry.download.id)) == 1
        return alone and not has_an_end(rule, self._ctx.with_limits(entry.grab))

    async def _failed(self, entry: Entry, error: DeliveryFailed) -> None:
        if error.retryable:
            await self._later(entry.grab.id, str(error))
        else:
            failure = Failure(Reason.INCOMPLETE, str(error))
            await fail_grab(self._ctx, entry.grab.id, failure)

    async def _later(self, grab_id: int, note: str, *, after: float | None = None) -> None:
        await self._state.update_grab(
            grab_id, lambda latest: self._ctx.later(latest, after=after, note=note)
        )

    async def _item_unknown(self, entry: Entry) -> None:
        """Try again when TorBox denies an item that it listed; after some attempts, follow it again.

        An item that was gone before the grab was added is created once more at once.
        """
        now = self._ctx.clock()
        if await self._was_gone_before(entry):
            why = "its item was gone from TorBox before this grab"
            await self._leave_item(
                entry, lambda latest: follow_again(latest, now, at_torbox=False), why
            )
            return
        # TorBox lists an item as ready some minutes before all its servers know it.
        if entry.grab.attempts < LINK_ATTEMPTS:
            await self._later(entry.grab.id, "TorBox gives no links to it yet")
            return
        await self._follow_again(entry, "TorBox gives no links to it")

    async def _was_gone_before(self, entry: Entry) -> bool:
        """Return whether the item is gone, and TorBox has not shown it since the grab was added.

        It served earlier grabs. Then this grab has failed in nothing yet.
        """
        seen_at = entry.download.seen_at
        seen = seen_at is not None and seen_at >= entry.grab.added_at
        return not seen and await self._is_gone(entry)

    async def _is_gone(self, entry: Entry) -> bool:
        torrent_id = entry.download.torrent_id
        return torrent_id is not None and await is_gone(self._ctx, torrent_id)

    async def _follow_again(self, entry: Entry, why: str) -> None:
        """Follow the download at TorBox again: its item may have been replaced or deleted."""
        now = self._ctx.clock()
        await self._leave_item(
            entry,
            lambda latest: replace(to_phase(latest, DownloadPhase.ACTIVE), remote_at=now),
            why,
        )

    async def _leave_item(
        self, entry: Entry, change: Callable[[Download], Download], why: str
    ) -> None:
        """Stop a delivery from the item, forget TorBox's report of it, and change the download."""
        self._state.forget_item(entry.download.torrent_id or 0)
        async with self._state.unit_of_work() as work:
            work.update_grab(entry.grab.id, grab_interrupted)
            work.update_download(entry.download.id, change, why=why)


def _same_ids(source: Iterable[DeliveredFile], files: Iterable[DeliveredFile]) -> bool:
    """Return whether both number their files alike: TorBox may have created the item anew since."""
    known = {file.file_id: below_root(file.remote_name) for file in source}
    return all(known.get(file.file_id) == below_root(file.remote_name) for file in files)
