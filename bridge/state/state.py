"""All data of the bridge in memory: read here, changed only by a `UnitOfWork`.

A unit of work holds the lock, collects changes, commits them in one transaction, and only then
applies them to memory. So a crash never loses what a client has seen, and memory and SQLite change
together in one place. Observations that a restart may forget (such as progress at TorBox) are
changes, too; they reach the disk with the next committed change of their row.
"""

import asyncio
from collections import Counter, OrderedDict, defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from types import MappingProxyType
from typing import Protocol, TypeVar

from msgspec.structs import replace

from bridge.core.change_log import ChangeLog
from bridge.core.files import NamedFile
from bridge.core.model import (
    NOT_DELIVERED,
    Category,
    DeliveredFile,
    Download,
    DownloadPhase,
    Entry,
    Grab,
    GrabPhase,
    Job,
    RemovedDownload,
    Snapshot,
    TaskT,
)
from bridge.core.preferences import Preferences
from bridge.core.remote_tracking import RecentlyRemovedItems
from bridge.state.database import Contents, Database, finish_despite_cancellation
from bridge.state.unit_of_work import REMOVED_TRAFFIC, RemovedTraffic, UnitOfWork

T = TypeVar("T")

PREFERENCES = "preferences"
RECENTLY_REMOVED = "recently_removed_items"

FILE_LISTS_KEPT = 64
"""File lists of finished grabs kept in memory; others are read when a client asks."""


class FetchMeter(Protocol):
    """Live counters of one delivery."""

    @property
    def bytes_done(self) -> int:
        """Bytes on disk, of all files together."""

    @property
    def speed(self) -> int:
        """The current speed in bytes/s."""

    @property
    def checking(self) -> bool:
        """Whether the fetched bytes are being compared with the torrent's hashes."""

    @property
    def in_line(self) -> bool:
        """Whether files wait for a slot and none has one."""

    def done(self, file_id: int) -> int:
        """Return the bytes of one file that are on disk."""


class State:
    """Downloads, grabs, their files, jobs, categories and tags, and TorBox's latest report."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self.database = database
        self.clock = clock
        self.changes: ChangeLog[int] = ChangeLog()
        """By grab id."""
        self.snapshot = Snapshot()
        self.on_change: Callable[[Entry | None, Entry | None], None] = lambda _before, _after: None
        """Called after each commit with every entry it changed: as it was (None: it was added), and
        as it is.
        """
        self.meters: dict[int, FetchMeter] = {}
        """The meters of the deliveries in progress, by grab id."""
        self.shown_progress: dict[int, float] = {}
        """The progress above 0 that clients were shown of incomplete grabs, by grab id."""
        self.queue_etas: Mapping[int, int] = {}
        """Seconds until each waiting download is submitted, by download id."""
        self.preferences = Preferences()
        self.expected_files: dict[int, tuple[NamedFile, ...]] = {}
        """Files of downloads for which TorBox lists none yet, by download id."""
        self.recently_removed = RecentlyRemovedItems()
        self.removed_traffic = RemovedTraffic()
        """Of all downloads that were ever removed."""
        self.unknown_states: Counter[str] = Counter()
        """TorBox's state words that the bridge does not know, and how often they were seen."""
        self._downloads: dict[int, Download] = {}
        self._grabs: dict[int, Grab] = {}
        self._jobs: dict[int, Job] = {}
        self._removed: dict[str, RemovedDownload] = {}
        self._categories: dict[str, Category] = {}
        self._tags: set[str] = set()
        self._files: OrderedDict[int, tuple[DeliveredFile, ...]] = OrderedDict()
        self._last_ids: Counter[str] = Counter()
        self._events_added: Counter[str] = Counter()
        self._by_hash: dict[str, int] = {}
        self._grab_ids: dict[int, tuple[int, ...]] = {}
        self._by_torrent_id: dict[int, set[int]] = defaultdict(set)
        self._named: dict[str, tuple[int, ...]] = {}
        """By the name of their content, the grabs; a tuple, because nearly every name has one."""
        self._jobs_about: dict[str, set[int]] = defaultdict(set)
        self._live: dict[int, None] = {}
        self._lock = asyncio.Lock()

    async def load(self) -> None:
        """Read everything from the database. Called once, at start."""
        # In a thread, because of tens of thousands of rows: nobody else knows this object yet.
        await asyncio.to_thread(self._take_over, await self.database.contents())
        self.preferences = await self.database.value(PREFERENCES, Preferences) or Preferences()
        self.recently_removed = (
            await self.database.value(RECENTLY_REMOVED, RecentlyRemovedItems)
            or RecentlyRemovedItems()
        )
        self.removed_traffic = (
            await self.database.value(REMOVED_TRAFFIC, RemovedTraffic) or RemovedTraffic()
        )
        for entry in self.live_entries():
            # Polls show the files of live grabs every few seconds; those of thousands of finished
            # ones would cost memory for nothing.
            self._files[entry.grab.id] = await self.database.files(entry.grab.id)

    def _take_over(self, contents: Contents) -> None:
        self._last_ids.update(contents.last_ids)
        for download in contents.downloads:
            self._set_download(download.id, download)
        for grab in contents.grabs:
            # A download whose row is unreadable is missing here; its grabs stay in the database.
            if grab.download_id in self._downloads:
                self._set_grab(grab.id, grab)
        for job in contents.jobs:
            self._set_job(job.id, job)
        self._removed = {removed.hash: removed for removed in contents.removed}
        self._categories = {category.name: category for category in contents.categories}
        self._tags = set(contents.tags)
        for download_id in self._downloads:
            self._set_live(download_id)
        # The first version lists every grab as changed, so the first read of each view is complete.
        self.changes.record(self._grabs)

    # Reading: everything is in memory and costs as much as it returns

    @property
    def version(self) -> int:
        """A number that changes whenever anything that a client can see has changed."""
        return self.changes.version

    @property
    def grabs(self) -> Mapping[int, Grab]:
        """Every grab by id, oldest first."""
        return MappingProxyType(self._grabs)

    @property
    def downloads(self) -> Mapping[int, Download]:
        """Every download by id."""
        return MappingProxyType(self._downloads)

    @property
    def jobs(self) -> Mapping[int, Job]:
        """Every job by id: unfinished jobs, and failover reports that still count."""
        return MappingProxyType(self._jobs)

    @property
    def removed_downloads(self) -> Mapping[str, RemovedDownload]:
        """Recently removed downloads, by hash."""
        return MappingProxyType(self._removed)

    @property
    def categories(self) -> Mapping[str, Category]:
        """Every category by name."""
        return MappingProxyType(self._categories)

    @property
    def tags(self) -> frozenset[str]:
        """Every tag."""
        return frozenset(self._tags)

    def by_hash(self, info_hash: str) -> Download | None:
        """Return the download of a hash."""
        return self._downloads.get(self._by_hash.get(info_hash, 0))

    def grabs_of(self, download_id: int) -> tuple[Grab, ...]:
        """Return the grabs of a download, oldest first."""
        return tuple(self._grabs[key] for key in self._grab_ids.get(download_id, ()))

    def entry(self, grab_id: int) -> Entry | None:
        """Return a grab together with its download."""
        grab = self._grabs.get(grab_id)
        return Entry(self._downloads[grab.download_id], grab) if grab else None

    def entries_of(self, download: Download) -> tuple[Entry, ...]:
        """Return the entries of a download, oldest first."""
        return tuple(Entry(download, grab) for grab in self.grabs_of(download.id))

    @property
    def live(self) -> Iterator[Download]:
        """Return the downloads with unfinished work."""
        # A copy of the keys, because callers change phases while they iterate.
        return (self._downloads[key] for key in tuple(self._live))

    def live_entries(self) -> Iterator[Entry]:
        """Return the entries of all live downloads."""
        return (entry for download in self.live for entry in self.entries_of(download))

    def jobs_about(
        self, info_hash: str, kind: type[TaskT], *, finished: bool = False
    ) -> list[tuple[Job, TaskT]]:
        """Return the unfinished jobs of a kind about a hash, each with its task.

        With `finished`, also those that are finished and still remembered.
        """
        jobs = (self._jobs[key] for key in sorted(self._jobs_about.get(info_hash, ())))
        return [
            (job, job.task)
            for job in jobs
            if isinstance(job.task, kind) and (finished or job.finished_at is None)
        ]

    def at_target(self, save_path: str, content_name: str) -> Iterator[Entry]:
        """Return the entries whose content is, or will be, at a path."""
        for grab_id in sorted(self._named.get(content_name, ())):
            entry = self.entry(grab_id)
            if entry is not None and entry.grab.save_path == save_path:
                yield entry

    async def files(self, grab_id: int) -> tuple[DeliveredFile, ...]:
        """Return the planned files of any grab; for a finished grab, from the database."""
        files = (await self.files_of((grab_id,)))[grab_id]
        if grab_id not in self._files:
            self._keep_files(grab_id, files)
        return files

    async def files_of(self, grab_ids: Iterable[int]) -> Mapping[int, tuple[DeliveredFile, ...]]:
        """Return the planned files of grabs; those of finished grabs are read together."""
        known = {key: self._files.get(key, ()) for key in grab_ids}
        unread = [key for key in known if key not in self._files and key in self._grabs]
        return known | (await self.database.files_of(unread) if unread else {})

    def _keep_files(self, grab_id: int, files: tuple[DeliveredFile, ...]) -> None:
        grab = self._grabs.get(grab_id)
        if grab is None:
            return
        self._files[grab_id] = files
        self._files.move_to_end(grab_id)
        if grab.download_id not in self._live:
            done = [key for key in self._files if self._is_done(key)]
            for key in done[:-FILE_LISTS_KEPT]:
                del self._files[key]

    def _is_done(self, grab_id: int) -> bool:
        return self._grabs[grab_id].download_id not in self._live

    # Changing

    @asynccontextmanager
    async def unit_of_work(self) -> AsyncIterator[UnitOfWork]:
        """Change memory and database together, committed when the block ends.

        Nothing changes when the block raises. Units of work run one at a time, so slow calls
        (TorBox, the disk) belong outside.
        """
        async with self._lock:
            work = UnitOfWork(self)
            yield work
            if work.batch.statements:
                # A client that hangs up cancels its request; a commit that has begun must reach
                # memory as well.
                await finish_despite_cancellation(self._commit(work))
            else:
                self._apply(work)

    async def _commit(self, work: UnitOfWork) -> None:
        # The disk first: if the write fails, memory still shows the state before, as a restart
        # would.
        await self.database.write_unprotected(work.batch)
        self._apply(work)

    async def update_download(
        self, download_id: int, change: Callable[[Download], Download], *, why: str = ""
    ) -> Download | None:
        """Change one download, committed on return; None when it is gone."""
        async with self.unit_of_work() as work:
            return work.update_download(download_id, change, why=why)

    async def update_grab(
        self, grab_id: int, change: Callable[[Grab], Grab], *, why: str = ""
    ) -> Grab | None:
        """Change one grab, committed on return; None when it is gone."""
        async with self.unit_of_work() as work:
            return work.update_grab(grab_id, change, why=why)

    async def put_job(self, job: Job) -> bool:
        """Store a job's progress; return False when the job was cancelled."""
        async with self.unit_of_work() as work:
            return work.put_job(job)

    async def put_preferences(self, preferences: Preferences) -> None:
        """Store a client's preferences."""
        async with self.unit_of_work() as work:
            work.put_value(PREFERENCES, preferences)
        self.preferences = preferences
        self.changes.record(())

    def set_snapshot(self, snapshot: Snapshot, changed: Iterable[int]) -> None:
        """Replace TorBox's report; `changed` are the torrent ids whose items differ."""
        self.snapshot = snapshot
        downloads = (key for item in changed for key in self._by_torrent_id.get(item, ()))
        self.changes.record(grab for key in downloads for grab in self._grab_ids.get(key, ()))

    def forget_item(self, torrent_id: int) -> None:
        """Drop TorBox's report on an item that it no longer has."""
        if torrent_id in self.snapshot.items:
            items = {key: item for key, item in self.snapshot.items.items() if key != torrent_id}
            snapshot = replace(self.snapshot, items=MappingProxyType(items))
            self.set_snapshot(snapshot, (torrent_id,))

    def mark_deleted_remotely(self, torrent_id: int) -> None:
        """Record that a torrent was deleted at TorBox, whose list may still show it for minutes."""
        self.recently_removed.deleted[torrent_id] = self.clock()
        self.forget_item(torrent_id)

    def set_queue_etas(self, etas: Mapping[int, int]) -> None:
        """Replace the seconds until waiting downloads are submitted, by download id."""
        if etas != self.queue_etas:
            changed = {key for key, eta in etas.items() if self.queue_etas.get(key) != eta}
            changed |= self.queue_etas.keys() - etas.keys()
            self.queue_etas = etas
            self.changes.record(grab for key in changed for grab in self._grab_ids.get(key, ()))

    def set_expected_files(self, download_id: int, files: Sequence[NamedFile]) -> None:
        """Store the files of a download for which TorBox lists none yet."""
        if download_id in self._downloads:
            self.expected_files[download_id] = tuple(files)
            self.changes.record(self._grab_ids.get(download_id, ()))

    def next_id(self, table: str) -> int:
        """Return an id that no row of the table has or ever had."""
        self._last_ids[table] += 1
        return self._last_ids[table]

    def count_event(self, info_hash: str) -> int:
        """Return how many events of a hash were added since the start, including this event."""
        # The counts only decide when to prune, so losing them costs at most a few extra rows.
        if len(self._events_added) > FILE_LISTS_KEPT * 1000:
            self._events_added.clear()
        self._events_added[info_hash] += 1
        return self._events_added[info_hash]

    # Applying a committed unit of work. There is no await: readers see all of it or nothing.

    def _apply(self, work: UnitOfWork) -> None:
        touched = self._touched(work)
        changed = set(work.grabs)
        for download_id in touched:
            changed.update(self._grab_ids.get(download_id, ()))
        before = {grab_id: self.entry(grab_id) for grab_id in changed}
        for download_id, download in work.downloads.items():
            self._set_download(download_id, download)
        for grab_id, grab in work.grabs.items():
            self._set_grab(grab_id, grab)
        for download_id in touched:
            self._set_live(download_id)
            changed.update(self._grab_ids.get(download_id, ()))
        for grab_id, files in work.files.items():
            self._keep_files(grab_id, files)
            changed.add(grab_id)
        for job_id, job in work.jobs.items():
            self._set_job(job_id, job)
        _replace_all(self._removed, work.removed)
        _replace_all(self._categories, work.categories)
        self._tags = (self._tags | work.new_tags) - work.dropped_tags
        self.removed_traffic = work.removed_traffic
        if changed or work.changes_labels:
            self.changes.record(changed)
        for grab_id in changed:
            self.on_change(before.get(grab_id), self.entry(grab_id))

    def _touched(self, work: UnitOfWork) -> set[int]:
        """Return the downloads that change or whose grabs change."""
        known = (self._grabs.get(grab_id) for grab_id in work.grabs)
        grabs = [grab for grab in (*known, *work.grabs.values()) if grab is not None]
        return {*work.downloads, *(grab.download_id for grab in grabs)}

    def _set_download(self, download_id: int, download: Download | None) -> None:
        before = self._downloads.get(download_id)
        if before is not None and before.torrent_id is not None:
            self._by_torrent_id[before.torrent_id].discard(download_id)
            if not self._by_torrent_id[before.torrent_id]:
                del self._by_torrent_id[before.torrent_id]
        if download is None:
            if before is not None:
                del self._downloads[download_id]
                del self._by_hash[before.hash]
                self.expected_files.pop(download_id, None)
                for grab_id in self._grab_ids.get(download_id, ()):
                    self._set_grab(grab_id, None)
            return
        self._downloads[download_id] = download
        self._by_hash[download.hash] = download_id
        if download.torrent_id is not None:
            self._by_torrent_id[download.torrent_id].add(download_id)

    def _set_grab(self, grab_id: int, grab: Grab | None) -> None:
        before = self._grabs.get(grab_id)
        was_named = before.content_name if before is not None else ""
        is_named = grab.content_name if grab is not None else ""
        if was_named != is_named:
            self._rename(grab_id, was_named, is_named)
        if grab is None:
            if before is not None:
                del self._grabs[grab_id]
                self._files.pop(grab_id, None)
                siblings = self._grab_ids[before.download_id]
                rest = tuple(key for key in siblings if key != grab_id)
                self._grab_ids[before.download_id] = rest
                if not rest:
                    del self._grab_ids[before.download_id]
            return
        self._grabs[grab_id] = grab
        siblings = self._grab_ids.get(grab.download_id, ())
        if grab_id not in siblings:
            self._grab_ids[grab.download_id] = (*siblings, grab_id)

    def _rename(self, grab_id: int, before: str, after: str) -> None:
        """Move a grab in the index of content names."""
        if before:
            rest = tuple(key for key in self._named.pop(before) if key != grab_id)
            if rest:
                self._named[before] = rest
        if after:
            self._named[after] = (*self._named.get(after, ()), grab_id)

    def _set_live(self, download_id: int) -> None:
        download = self._downloads.get(download_id)
        if download is not None and is_live(download, self.grabs_of(download_id)):
            self._live[download_id] = None
        else:
            self._live.pop(download_id, None)

    def _set_job(self, job_id: int, job: Job | None) -> None:
        before = self._jobs.pop(job_id, None)
        if before is not None:
            self._jobs_about[before.subject].discard(job_id)
            if not self._jobs_about[before.subject]:
                del self._jobs_about[before.subject]
        if job is not None:
            self._jobs[job_id] = job
            self._jobs_about[job.subject].add(job_id)


def is_live(download: Download, grabs: Iterable[Grab]) -> bool:
    """Return whether a download has unfinished work, seeding included."""
    goes_on = download.phase is not DownloadPhase.FAILED
    return any(
        grab.phase is GrabPhase.DELIVERED or (goes_on and grab.phase in NOT_DELIVERED)
        for grab in grabs
    )


def _replace_all(known: dict[str, T], changes: Mapping[str, T | None]) -> None:
    for name, value in changes.items():
        if value is None:
            known.pop(name, None)
        else:
            known[name] = value
