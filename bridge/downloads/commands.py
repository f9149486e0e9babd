"""Commands of users and clients on grabs: remove, stop, start, force, order, limit, recheck.

A command names hashes and the client that sends it; `ClientScopes` decides which grabs are meant.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from functools import partial
from typing import Any

from msgspec.structs import replace

from bridge.core.change_log import batched
from bridge.core.magnet import Magnet, canonical_magnet
from bridge.core.model import (
    BEFORE_READY,
    NOT_DELIVERED,
    Download,
    DownloadPhase,
    Entry,
    Grab,
    GrabPhase,
    Job,
    MetadataLookup,
    Recheck,
)
from bridge.core.planner import RECHECKS_AT_ONCE
from bridge.downloads.client_scopes import BATCH, NOBODY, Caller, ClientScopes
from bridge.downloads.queries import Queries
from bridge.engine import Engine, EngineContext, Operation
from bridge.engine.removal import release_all
from bridge.state import UnitOfWork


class Commands:
    """Writes that concern whole grabs."""

    def __init__(
        self, ctx: EngineContext, engine: Engine, queries: Queries, scopes: ClientScopes
    ) -> None:
        self._ctx = ctx
        self._state = ctx.state
        self._engine = engine
        self._queries = queries
        self._scopes = scopes

    async def remove(
        self, hashes: Iterable[str], *, delete_files: bool, caller: Caller | None = NOBODY
    ) -> None:
        """Remove grabs at once. Their files and items at TorBox are deleted by persisted jobs."""
        async for entries in self._scopes.batches(hashes, caller, deletes=True):
            await release_all(
                self._ctx, [entry.grab.id for entry in entries], delete_files=delete_files
            )
            for entry in entries:
                self._engine.cancel_grab(entry.grab.id)
                if caller is not None:
                    self._scopes.removed(caller, entry.hash)
        self._engine.wake()

    async def _change(
        self,
        hashes: Iterable[str],
        caller: Caller | None,
        why: str,
        change: Callable[[Grab], Grab],
    ) -> list[Entry]:
        changed: list[Entry] = []
        async for entries in self._scopes.batches(hashes, caller):
            async with self._state.unit_of_work() as work:
                for entry in entries:
                    work.update_grab(entry.grab.id, change, why=why)
            changed += entries
        self._engine.wake()
        return changed

    async def _set(
        self, hashes: Iterable[str], caller: Caller | None, why: str, **fields: Any
    ) -> list[Entry]:
        return await self._change(hashes, caller, why, lambda grab: replace(grab, **fields))

    async def stop(self, hashes: Iterable[str], caller: Caller | None = NOBODY) -> None:
        """Stop grabs: until they are started again, no new work begins for them."""
        async for entries in self._scopes.batches(hashes, caller):
            # A delivered grab has no work to stop; a seeding item is left to its seed limits.
            busy = [entry.grab.id for entry in entries if entry.grab.phase in NOT_DELIVERED]
            async with self._state.unit_of_work() as work:
                for grab_id in busy:
                    work.update_grab(grab_id, partial(replace, stopped=True), why="stopped")
            for grab_id in busy:
                self._engine.cancel_grab(grab_id)
        self._engine.wake()

    async def start(self, hashes: Iterable[str], caller: Caller | None = NOBODY) -> None:
        """Start grabs; whatever waits for its next attempt is tried at once.

        An item that is paused at TorBox is resumed, missing files are delivered again, and the
        contents of a magnet are looked up once more.
        """
        jobs = []
        async for entries in self._scopes.batches(hashes, caller):
            async with self._state.unit_of_work() as work:
                for entry in entries:
                    jobs += self._start(work, entry)
            for entry in entries:
                if self._is_paused_at_torbox(entry.download):
                    self._tell_torbox(entry.download, Operation.RESUME)
        await self._perform(jobs)

    def _start(self, work: UnitOfWork, entry: Entry) -> list[Job]:
        """Start a grab; return its recheck, if files of it are missing."""
        why = "started by the user"
        work.update_grab(entry.grab.id, _started, why=why)
        work.update_download(entry.download.id, partial(replace, next_attempt_at=0.0))
        waits = entry.download.phase in BEFORE_READY and not entry.download.has_torrent
        if waits and not work.jobs_about(entry.hash, MetadataLookup):
            due_at = self._ctx.clock() + self._ctx.retry.metadata
            work.add_job(MetadataLookup(), entry.hash, due_at=due_at)
        if entry.complete and entry.grab.missing_files:
            recheck = Recheck(grab_id=entry.grab.id, redeliver=True, why=why)
            return [work.add_job(recheck, entry.hash)]
        return []

    def _is_paused_at_torbox(self, download: Download) -> bool:
        item = self._state.snapshot.items.get(download.torrent_id or 0)
        active = download.phase is DownloadPhase.ACTIVE
        return active and item is not None and "paused" in item.state

    async def recheck(self, hashes: Iterable[str], caller: Caller | None = NOBODY) -> None:
        """Compare complete grabs with the disk, and read incomplete ones at TorBox."""
        jobs = []
        async for entries in self._scopes.batches(hashes, caller):
            async with self._state.unit_of_work() as work:
                for entry in entries:
                    if entry.complete:
                        jobs.append(work.add_job(Recheck(grab_id=entry.grab.id), entry.hash))
                    elif entry.download.torrent_id is not None:
                        look = self._engine.look(entry.download)
                        self._engine.background(look, name=f"look {entry.hash}")
        await self._perform(jobs)

    async def _perform(self, jobs: Sequence[Job]) -> None:
        """Perform rechecks: the first at once, and of thousands the others one after another."""
        await self._engine.perform_jobs(jobs[:RECHECKS_AT_ONCE])
        self._engine.wake()

    async def reannounce(self, hashes: Iterable[str]) -> None:
        """Let TorBox ask the trackers again, in the background."""
        for entry in self._scopes.meant(hashes, None):
            if entry.download.phase is DownloadPhase.ACTIVE:
                self._tell_torbox(entry.download, Operation.REANNOUNCE)

    def _tell_torbox(self, download: Download, operation: Operation) -> None:
        self._engine.background(
            self._engine.control(download, operation), name=f"{operation} {download.hash}"
        )

    async def set_force_start(
        self, hashes: Iterable[str], value: bool, caller: Caller | None = NOBODY
    ) -> None:
        """Mark grabs as forced: they are submitted first, and shown as forcedDL while they run."""
        await self._change(
            hashes,
            caller,
            "force start",
            # As in qBittorrent, forcing a paused torrent starts it.
            lambda grab: replace(grab, force_start=value, stopped=grab.stopped and not value),
        )

    async def toggle_sequential(
        self, hashes: Iterable[str], caller: Caller | None = NOBODY
    ) -> None:
        """Toggle what is shown as `seq_dl`. TorBox decides the order of the pieces."""
        await self._change(
            hashes, caller, "sequential", lambda grab: replace(grab, sequential=not grab.sequential)
        )

    async def toggle_first_last(
        self, hashes: Iterable[str], caller: Caller | None = NOBODY
    ) -> None:
        """Toggle what is shown as `f_l_piece_prio`."""
        await self._change(
            hashes,
            caller,
            "first and last pieces first",
            lambda grab: replace(grab, first_last_first=not grab.first_last_first),
        )

    # The order of the submit queue

    async def to_top(self, hashes: Iterable[str]) -> None:
        """Move incomplete grabs to the head of the submit queue; they keep their order."""
        moved = in_order(await self._incomplete(hashes))
        first = min((one.grab.priority for one in self._queue()), default=0) - len(moved)
        await self._place({one.grab.id: first + turn for turn, one in enumerate(moved)})

    async def to_bottom(self, hashes: Iterable[str]) -> None:
        """Move incomplete grabs to the end of the submit queue; they keep their order."""
        moved = in_order(await self._incomplete(hashes))
        last = max((one.grab.priority for one in self._queue()), default=0) + 1
        await self._place({one.grab.id: last + turn for turn, one in enumerate(moved)})

    async def shift(self, hashes: Iterable[str], *, up: bool) -> None:
        """Move grabs one place up or down in the submit queue; they keep their order."""
        moved = {entry.grab.id for entry in await self._incomplete(hashes)}
        queue = {entry.grab.id: entry.grab.priority for entry in in_order(self._queue())}
        last = min(queue.values(), default=0) - 1
        places = {}
        for grab_id in shifted(list(queue), moved, up=up):
            # Grabs whose priority fits already need no write.
            last = max(last + 1, queue[grab_id])
            if last != queue[grab_id]:
                places[grab_id] = last
        await self._place(places)

    async def _incomplete(self, hashes: Iterable[str]) -> list[Entry]:
        found: list[Entry] = []
        async for entries in self._scopes.batches(hashes, None):
            found += (entry for entry in entries if not entry.complete)
        return found

    async def _place(self, priorities: dict[int, int]) -> None:
        """Set the priorities of grabs, given in the order of the queue."""
        # From the end: if this is interrupted, what was moved is in order, and so is the rest.
        for some in batched(reversed(priorities.items()), BATCH):
            async with self._state.unit_of_work() as work:
                for grab_id, priority in some:
                    work.update_grab(grab_id, partial(replace, priority=priority))
        self._engine.wake()

    def _queue(self) -> list[Entry]:
        """Return the incomplete grabs of all live downloads."""
        return [entry for entry in self._state.live_entries() if not entry.complete]

    # Limits, names, and properties that are only shown

    async def set_share_limits(
        self,
        hashes: Iterable[str],
        *,
        ratio: float | None,
        seeding_minutes: int | None,
        inactive_minutes: int | None,
        caller: Caller | None = NOBODY,
    ) -> None:
        """Set the seed limits; None leaves a limit unchanged."""
        given = {
            "ratio_limit": ratio,
            "seeding_time_limit": seeding_minutes,
            "inactive_seeding_time_limit": inactive_minutes,
        }
        changes = {name: value for name, value in given.items() if value is not None}
        await self._set(hashes, caller, "seed limits set", **changes)

    async def set_trackers(self, info_hash: str, urls: Sequence[str]) -> None:
        """Replace the trackers in the magnet. TorBox receives them if it has not been asked yet."""
        await self._change_magnet(
            info_hash, "trackers", lambda one: replace(one, trackers=tuple(urls))
        )

    async def set_webseeds(self, info_hash: str, urls: Sequence[str]) -> None:
        """Replace the web seeds in the magnet. TorBox receives them if not asked yet."""
        await self._change_magnet(
            info_hash, "web seeds", lambda one: replace(one, webseeds=tuple(urls))
        )

    async def _change_magnet(
        self, info_hash: str, why: str, change: Callable[[Magnet], Magnet]
    ) -> None:
        download = self._state.by_hash(info_hash.lower())
        magnet = self._queries.magnet(download) if download is not None else None
        if download is not None and magnet is not None:
            text = canonical_magnet(change(magnet))
            await self._state.update_download(
                download.id, lambda latest: replace(latest, magnet=text), why=why
            )

    async def rename(self, info_hash: str, name: str, caller: Caller | None = NOBODY) -> None:
        """Change the displayed name; the files keep their names."""
        await self._set([info_hash], caller, f"renamed to {name!r}", name=name)

    async def set_comment(
        self, hashes: Iterable[str], comment: str, caller: Caller | None = NOBODY
    ) -> None:
        """Set a comment on each grab."""
        await self._set(hashes, caller, "comment", comment=comment)

    async def set_super_seeding(
        self, hashes: Iterable[str], value: bool, caller: Caller | None = NOBODY
    ) -> None:
        """Store what is shown as `super_seeding`. TorBox decides how it seeds."""
        await self._set(hashes, caller, "super seeding", super_seeding=value)

    async def set_auto_management(
        self, hashes: Iterable[str], value: bool, caller: Caller | None = NOBODY
    ) -> None:
        """Store what is shown as `auto_tmm`; files stay where they are."""
        await self._set(hashes, caller, "automatic management", auto_tmm=value)

    async def set_download_limits(
        self, hashes: Iterable[str], limit: int, caller: Caller | None = NOBODY
    ) -> None:
        """Limit the fetch of each grab to so many bytes/s; 0 or less is unlimited."""
        bytes_per_second = max(limit, 0)
        entries = await self._set(hashes, caller, "download limit", download_limit=bytes_per_second)
        for entry in entries:
            if entry.grab.staging_name:
                self._ctx.throttles.set_own(entry.grab.staging_name, bytes_per_second)

    async def set_upload_limits(
        self, hashes: Iterable[str], limit: int, caller: Caller | None = NOBODY
    ) -> None:
        """Store an upload limit in bytes/s for display. TorBox decides how fast it uploads."""
        await self._set(hashes, caller, "upload limit", upload_limit=max(limit, 0))

    async def export(self, info_hash: str) -> bytes | None:
        """Return the .torrent that a client sent, or TorBox's; None when neither has one."""
        download = self._state.by_hash(info_hash.lower())
        return await self._engine.outside.torrent(download) if download is not None else None


def _started(grab: Grab) -> Grab:
    complete = grab.phase not in {GrabPhase.WAITING, GrabPhase.DELIVERING}
    again = grab.next_attempt_at if complete else 0.0
    return replace(grab, stopped=False, force_start=False, next_attempt_at=again)


def in_order(entries: Iterable[Entry]) -> list[Entry]:
    """Return entries in the order of the submit queue."""
    return sorted(entries, key=lambda entry: (entry.grab.priority, entry.grab.id))


def shifted(order: Sequence[int], moved: Collection[int], *, up: bool) -> list[int]:
    """Return the order with some moved one place to the start (or the end), as far as possible."""
    result = list(order if up else reversed(order))
    for place in range(1, len(result)):
        if result[place] in moved and result[place - 1] not in moved:
            result[place - 1], result[place] = result[place], result[place - 1]
    return result if up else result[::-1]
