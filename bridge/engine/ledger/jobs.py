"""Persisted jobs, and what is remembered of those that are over: removals, failovers, traces."""

from collections.abc import Iterable
from dataclasses import replace

import structlog

from bridge.core.cleanup import forgotten
from bridge.core.failover import HOUR
from bridge.core.model import Event, Failover, Removal, Trace
from bridge.engine.ledger.memory import DEPARTED_FACT, Memory
from bridge.store import Transaction

log = structlog.get_logger()


class Jobs(Memory):
    """Each is tried again until it is over, whatever crashes in between."""

    async def put_removal(self, removal: Removal) -> None:
        """Keep a removal's next attempt."""
        async with self._lock:
            async with self.store.transaction() as write:
                await write.put_removal(removal)
            self._removals[removal.id] = removal

    async def end_removal(self, removal: Removal, why: str, *, found: bool) -> None:
        """The removal is done. `found`: TorBox had something of it, and has no more."""
        async with self._lock:
            if removal.torrent_id is not None and not removal.delete_remote:
                self.departed.keep(removal.torrent_id, removal.hash, self.clock())
            old = set(forgotten(self._traces, self.clock()))
            trace = _trace_of(removal, self.clock(), found=found)
            if self.departed.keeps(removal.hash):
                trace, old = None, old | ({removal.hash} & self._traces.keys())
            async with self.store.transaction() as write:
                await write.drop_removal(removal.id)
                for info_hash in old:
                    await write.drop_trace(info_hash)
                if trace is not None:
                    await write.put_trace(trace)
                if not removal.files_only:
                    await write.put_fact(DEPARTED_FACT, self.departed)
                await write.add_event(
                    Event(hash=removal.hash, at=self.clock(), kind="gone", why=why)
                )
            self._removals.pop(removal.id, None)
            for info_hash in old:
                del self._traces[info_hash]
            if trace is not None:
                self._traces[trace.hash] = trace
        log.info("gone", hash=removal.hash, why=why)

    async def add_removal(self, removal: Removal, why: str) -> None:
        """Begin a removal of what no download here has."""
        async with self._lock:
            async with self.store.transaction() as write:
                removal = await write.add_removal(removal)
                event = Event(hash=removal.hash, at=self.clock(), kind="removed", why=why)
                await write.add_event(event)
            self._removals[removal.id] = removal
        log.warning("removed", hash=removal.hash, why=why)

    async def put_failover(self, failover: Failover, note: str = "") -> bool:
        """Keep where a failover stands, with a note for the user; False when it was called off."""
        async with self._lock:
            if failover.id not in self._failovers:
                return False
            download = self._downloads.get(failover.hash)
            if download is not None and download.category != failover.category:
                download = None  # its row is another one's: the story alone tells
            news = note if note and not (download and download.note == note) else ""
            async with self.store.transaction() as write:
                await write.put_failover(failover)
                if news:
                    event = Event(hash=failover.hash, at=self.clock(), kind="arr", why=news)
                    await write.add_event(event)
                if news and download is not None:
                    await write.put_download(replace(download, note=news))
            self._failovers[failover.id] = failover
        if news and download is not None:
            self.note(failover.hash, lambda latest: replace(latest, note=news))
        return True

    async def forget_failovers(self) -> None:
        """Drop the failovers that were over more than an hour ago: they are counted no more."""
        async with self._lock:
            before = self.clock() - HOUR
            jobs = self._failovers.values()
            over = [one for one in jobs if one.ended_at is not None and one.ended_at < before]
            if not over:
                return
            async with self.store.transaction() as write:
                for failover in over:
                    await write.drop_failover(failover.id)
            self._forget(over)

    def _not_begun(self, info_hash: str, category: str) -> list[Failover]:
        """List the failovers that whoever removes a failed download makes needless."""
        return [job for job in self._not_told(info_hash, category) if job.sent_at is None]

    def _not_told(self, info_hash: str, category: str) -> list[Failover]:
        """List those that whoever asks anew for what has failed makes needless."""
        return [job for job in self._open_failovers(info_hash) if job.category == category]

    def _open_failovers(self, info_hash: str) -> list[Failover]:
        jobs = self._failovers.values()
        return [one for one in jobs if one.hash == info_hash and one.ended_at is None]

    def _take_on(self, jobs: Iterable[Removal | Failover]) -> None:
        for job in jobs:
            match job:
                case Removal():
                    self._removals[job.id] = job
                case Failover():
                    self._failovers[job.id] = job

    def _forget(self, failovers: Iterable[Failover]) -> None:
        for failover in failovers:
            del self._failovers[failover.id]


async def begin(write: Transaction, job: Removal | Failover) -> Removal | Failover:
    """Write down a job that begins; answers it with its id."""
    match job:
        case Removal():
            return await write.add_removal(job)
        case Failover():
            return await write.add_failover(job)


def _trace_of(removal: Removal, now: float, *, found: bool) -> Trace | None:
    """Remember what may turn up at TorBox yet; nothing of what was to stay there."""
    if not removal.delete_remote or removal.submitted_at is None:
        return None
    return Trace(
        hash=removal.hash,
        submitted_at=removal.submitted_at,
        removed_at=removal.created_at,
        left_at=now,
        unclear=removal.unclear and not found,
    )
