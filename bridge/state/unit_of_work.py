"""The changes of a transaction, collected before they are committed and applied."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import msgspec
import structlog
from msgspec.structs import replace

from bridge.core.model import (
    Category,
    DeliveredFile,
    Download,
    Entry,
    Event,
    Grab,
    Job,
    Phase,
    RemovedDownload,
    Task,
)
from bridge.state.database import Batch

if TYPE_CHECKING:
    from bridge.state.state import State

log = structlog.get_logger(__name__)

PRUNE_EVERY = 25
"""Events of one hash after which its old ones are deleted."""


REMOVED_TRAFFIC = "removed_traffic"


class RemovedTraffic(msgspec.Struct, frozen=True):
    """Bytes that removed downloads had moved: a client is told of all that was ever moved."""

    downloaded: int = 0
    uploaded: int = 0

    def with_removed(self, entry: Entry, shown: float = 0.0) -> "RemovedTraffic":
        """Return the sum with a download that is removed now, of which so much progress was shown."""
        progress = 1.0 if entry.complete else max(entry.grab.progress, shown)
        return RemovedTraffic(
            self.downloaded + int(entry.size * progress), self.uploaded + entry.download.uploaded
        )


class UnitOfWork:
    """Collects changes of downloads, grabs, files, jobs, categories and tags.

    Reads include the collected changes. `put_*` and `update_*` reach the disk; `observe_*` changes
    memory only, and reaches the disk with the next `put` of the same row. A change of phase or note
    becomes an event of the timeline.
    """

    def __init__(self, state: "State") -> None:
        self._state = state
        self.batch = Batch()
        self.downloads: dict[int, Download | None] = {}
        self.grabs: dict[int, Grab | None] = {}
        self.files: dict[int, tuple[DeliveredFile, ...]] = {}
        self.jobs: dict[int, Job | None] = {}
        self.removed: dict[str, RemovedDownload | None] = {}
        self.categories: dict[str, Category | None] = {}
        self.new_tags: set[str] = set()
        self.dropped_tags: set[str] = set()
        self.removed_traffic = state.removed_traffic

    @property
    def now(self) -> float:
        """The time, in unix seconds."""
        return self._state.clock()

    @property
    def changes_labels(self) -> bool:
        """Whether categories or tags change."""
        return bool(self.categories or self.new_tags or self.dropped_tags)

    # Reading

    def download(self, download_id: int) -> Download | None:
        """Return a download, with the changes so far."""
        if download_id in self.downloads:
            return self.downloads[download_id]
        return self._state.downloads.get(download_id)

    def by_hash(self, info_hash: str) -> Download | None:
        """Return the download of a hash, with the changes so far."""
        for changed in self.downloads.values():
            if changed is not None and changed.hash == info_hash:
                return changed
        known = self._state.by_hash(info_hash)
        return self.download(known.id) if known is not None else None

    def grab(self, grab_id: int) -> Grab | None:
        """Return a grab, with the changes so far."""
        if grab_id in self.grabs:
            return self.grabs[grab_id]
        return self._state.grabs.get(grab_id)

    def grabs_of(self, download_id: int) -> tuple[Grab, ...]:
        """Return the grabs of a download, with the changes so far, oldest first."""
        known = {grab.id: grab for grab in self._state.grabs_of(download_id)}
        for grab_id, grab in self.grabs.items():
            if grab is None:
                known.pop(grab_id, None)
            elif grab.download_id == download_id:
                known[grab_id] = grab
        return tuple(known[key] for key in sorted(known))

    def entry(self, grab_id: int) -> Entry | None:
        """Return a grab and its download, with the changes so far."""
        grab = self.grab(grab_id)
        download = self.download(grab.download_id) if grab else None
        return Entry(download, grab) if grab and download else None

    def jobs_about(self, info_hash: str, kind: type[Task]) -> list[Job]:
        """Return the unfinished jobs of a kind about a hash, with the changes so far."""
        known = {job.id: job for job in self._state.jobs_about(info_hash, kind)}
        for job_id, job in self.jobs.items():
            if job is None or job.finished_at is not None:
                known.pop(job_id, None)
            elif job.subject == info_hash and isinstance(job.task, kind):
                known[job_id] = job
        return list(known.values())

    # Downloads

    def add_download(self, download: Download) -> Download:
        """Insert a download; return it with its id."""
        made = replace(download, id=self._state.next_id("downloads"), phase_at=self.now)
        self.downloads[made.id] = made
        self.batch.put_download(made)
        return made

    def put_torrent(self, download_id: int, data: bytes) -> None:
        """Store the .torrent file of a download."""
        self.batch.put_torrent(download_id, data)

    def update_download(
        self, download_id: int, change: Callable[[Download], Download], *, why: str = ""
    ) -> Download | None:
        """Change a download; return the changed download, or None when it is gone."""
        before = self.download(download_id)
        if before is None:
            return None
        after = change(before)
        if after.phase is not before.phase:
            after = replace(after, phase_at=self.now)
        if after == before:
            return before
        self.downloads[download_id] = after
        self.batch.put_download(after)
        if after.phase is not before.phase:
            shown = (_shown(before), _shown(after))
            self.event(after.hash, "phase", why=why, before=shown[0], after=shown[1])
            _log("transition", after, before=shown[0], phase=shown[1], why=why)
        elif after.note and after.note != before.note:
            self.event(after.hash, "note", why=after.note)
        return after

    def observe_download(self, download: Download) -> None:
        """Change a download in memory only; its phase must stay the same."""
        self.downloads[download.id] = download

    def delete_download(self, download_id: int) -> None:
        """Delete a download with its grabs, files and .torrent."""
        for grab in self.grabs_of(download_id):
            self.grabs[grab.id] = None
        self.downloads[download_id] = None
        # The row of a download takes its grabs, files and .torrent along (ON DELETE CASCADE).
        self.batch.delete_download(download_id)

    # Grabs

    def add_grab(self, grab: Grab, *, why: str = "") -> Grab:
        """Insert a grab of a download that exists; return it with its id."""
        made = replace(grab, id=self._state.next_id("grabs"), phase_at=self.now)
        self.grabs[made.id] = made
        self.files[made.id] = ()
        self.batch.put_grab(made)
        entry = self.entry(made.id)
        if entry is not None:
            self.event(entry.hash, "added", why=why, after=entry.phase, grab_id=made.id)
        return made

    def update_grab(
        self, grab_id: int, change: Callable[[Grab], Grab], *, why: str = ""
    ) -> Grab | None:
        """Change a grab; return the changed grab, or None when it is gone."""
        before, entry = self.grab(grab_id), self.entry(grab_id)
        if before is None or entry is None:
            return None
        after = change(before)
        if after.phase is not before.phase:
            after = replace(after, phase_at=self.now)
        if after == before:
            return before
        self.grabs[grab_id] = after
        self.batch.put_grab(after)
        if after.phase is not before.phase:
            shown = (entry.phase, replace(entry, grab=after).phase)
            self.event(
                entry.hash, "phase", why=why, before=shown[0], after=shown[1], grab_id=grab_id
            )
            _log("transition", entry.download, grab=after, before=shown[0], phase=shown[1], why=why)
        elif after.note and after.note != before.note:
            self.event(entry.hash, "note", why=after.note, grab_id=grab_id)
        return after

    def observe_grab(self, grab: Grab) -> None:
        """Change a grab in memory only; its phase must stay the same."""
        self.grabs[grab.id] = grab

    def delete_grab(self, grab_id: int) -> None:
        """Delete a grab with its files."""
        self.grabs[grab_id] = None
        self.batch.delete_grab(grab_id)

    def put_files(self, grab_id: int, files: Iterable[DeliveredFile]) -> None:
        """Replace the planned files of a grab."""
        listed = tuple(
            file if file.grab_id == grab_id else replace(file, grab_id=grab_id) for file in files
        )
        self.files[grab_id] = listed
        self.batch.put_files(grab_id, listed)

    # Jobs and removed downloads

    def add_job(self, task: Task, subject: str, *, due_at: float = 0.0) -> Job:
        """Store a new job; return it with its id."""
        job = Job(
            id=self._state.next_id("jobs"), task=task, subject=subject, created_at=self.now,
            next_attempt_at=due_at,
        )  # fmt: skip
        self.jobs[job.id] = job
        self.batch.put_job(job)
        return job

    def put_job(self, job: Job) -> bool:
        """Store a job's progress; return False when the job was cancelled."""
        # A job that was cancelled during its attempt must not come back with its next attempt.
        if self.jobs.get(job.id, self._state.jobs.get(job.id)) is None:
            return False
        self.jobs[job.id] = job
        self.batch.put_job(job)
        return True

    def delete_job(self, job_id: int) -> None:
        """Delete a job that is done or cancelled."""
        self.jobs[job_id] = None
        self.batch.delete_job(job_id)

    def put_removed(self, removed: RemovedDownload) -> None:
        """Remember a removed download."""
        self.removed[removed.hash] = removed
        self.batch.put_removed(removed)

    def forget_removed(self, info_hash: str) -> None:
        """Forget a removed download."""
        self.removed[info_hash] = None
        self.batch.delete_removed(info_hash)

    # Categories, tags, values, events

    def put_category(self, category: Category) -> None:
        """Create or change a category."""
        self.categories[category.name] = category
        self.batch.put_category(category)

    def delete_category(self, name: str) -> None:
        """Delete a category; its grabs keep its name."""
        self.categories[name] = None
        self.batch.delete_category(name)

    def put_tags(self, names: Iterable[str]) -> None:
        """Create the tags that do not exist yet."""
        for name in names:
            if name and name not in self._state.tags:
                self.new_tags.add(name)
                self.batch.put_tag(name)

    def delete_tags(self, names: Iterable[str]) -> None:
        """Delete tags; grabs keep their names."""
        for name in names:
            self.dropped_tags.add(name)
            self.batch.delete_tag(name)

    def count_removed(self, entry: Entry) -> None:
        """Count what a download has moved that this removes."""
        shown = self._state.shown_progress.get(entry.grab.id, 0.0)
        self.removed_traffic = self.removed_traffic.with_removed(entry, shown)
        self.batch.put_value(REMOVED_TRAFFIC, self.removed_traffic)

    def put_value(self, name: str, value: object) -> None:
        """Store a small JSON value by name."""
        self.batch.put_value(name, value)

    def event(
        self,
        info_hash: str,
        kind: str,
        *,
        why: str = "",
        before: str = "",
        after: str = "",
        grab_id: int = 0,
    ) -> None:
        """Append to the timeline of a hash."""
        event = Event(
            hash=info_hash, at=self.now, kind=kind, before=before, after=after, why=why,
            grab_id=grab_id,
        )  # fmt: skip
        self.batch.add_event(event, prune=self._state.count_event(info_hash) % PRUNE_EVERY == 0)


def _shown(download: Download) -> Phase:
    return Entry(download, Grab(save_path="", added_at=0.0)).phase


def _log(event: str, download: Download, *, grab: Grab | None = None, **more: str) -> None:
    category = {"category": grab.category} if grab is not None else {}
    words = {key: str(value) for key, value in more.items() if value}
    log.info(event, release=download.name, hash=download.hash, **category, **words)
