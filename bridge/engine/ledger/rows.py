"""Downloads come and change: committed first, shown after."""

from collections.abc import Sequence
from dataclasses import replace

import structlog

from bridge.core.claims import apart, going_on, numbered, same
from bridge.core.model import Claim, DeliveredFile, Download, Event, Failover, Phase, Removal
from bridge.engine.ledger.jobs import Jobs, begin
from bridge.engine.ledger.memory import Change
from bridge.store import Transaction

log = structlog.get_logger()


class Rows(Jobs):
    """The downloads' own rows."""

    async def insert(
        self,
        download: Download,
        *,
        torrent: bytes | None = None,
        replacing: Download | None = None,
        cleanup: Removal | None = None,
    ) -> bool:
        """Add a download, committed on return; False when its hash has been taken meanwhile.

        `replacing` is the failed one of the same hash that it takes the place of: who else asked
        for that one goes on with this one. `cleanup` is the removal of what it left behind.
        """
        async with self._lock:
            if self._downloads.get(download.hash) is not replacing:
                return False
            claims = numbered(going_on(download, replacing, self.claims(download.hash)))
            download = apart(download, claims)
            stay_failed = {claim.category for claim in claims if claim.phase is Phase.FAILED}
            called_off = [
                job
                for job in self._open_failovers(download.hash)
                if job.category not in stay_failed
            ]
            async with self.store.transaction() as write:
                for failover in called_off:
                    await write.drop_failover(failover.id)
                await write.drop_download(download.hash)
                await write.put_download(download)
                if torrent is not None:
                    await write.put_torrent(download.hash, torrent)
                await write.put_claims(download.hash, claims)
                if cleanup is not None:
                    cleanup = await write.add_removal(cleanup)
                await write.add_event(
                    Event(hash=download.hash, at=download.added_at, kind="added",
                          after=download.phase, why=f"category {download.category!r}")
                )  # fmt: skip
            self._files.pop(download.hash, None)
            self._forget(called_off)
            self._downloads.pop(download.hash, None)
            self._downloads[download.hash] = download
            self._set_claims(download.hash, claims)
            if cleanup is not None:
                self._removals[cleanup.id] = cleanup
            self.version += 1
        self.on_change(None, download)
        say("added", download, why=f"{download.name!r}")
        return True

    async def change(
        self,
        info_hash: str,
        change: Change,
        *,
        of: Download | None = None,
        among: tuple[Claim, ...] | None = None,
        why: str = "",
        files: Sequence[DeliveredFile] | None = None,
        cleanup: Removal | None = None,
        failovers: Sequence[Failover] = (),
    ) -> Download | None:
        """Apply a change to a download and commit it; None when it is not there (any more).

        `of` is the one that was looked at: there is nothing to change once its row is another
        one's. Nor is there once its claims are others than those `among` which it was found.
        A new phase or a new note becomes an event with `why`. `files` replaces its file list;
        `cleanup` is a removal and `failovers` are those that are begun by the same commit.
        """
        async with self._lock:
            before = self._downloads.get(info_hash)
            if before is None or not self._still(before, of, among):
                return None
            after = self._dated(before, change(before))
            if after == before and files is None and cleanup is None:
                return before
            async with self.store.transaction() as write:
                await write.put_download(after)
                if files is not None:
                    await write.put_files(info_hash, files)
                jobs = [await begin(write, job) for job in (cleanup, *failovers) if job]
                await self._tell(write, before, after, why)
            self._take_on(jobs)
            latest = self._downloads[info_hash]
            if latest is not before:
                after = self._dated(latest, change(latest))
            self._downloads[info_hash] = after
            if files is not None:
                self._files[info_hash] = tuple(files)
            self.version += 1
        self.on_change(before, after)
        if after.phase is not before.phase:
            say("transition", after, before=before.phase.value, why=why)
        return after

    def _still(
        self, download: Download, of: Download | None, among: tuple[Claim, ...] | None
    ) -> bool:
        claims = self.claims(download.hash)
        return (of is None or same(download, of)) and (among is None or among == claims)

    def _dated(self, before: Download, after: Download) -> Download:
        if after.phase is before.phase:
            return after
        return replace(after, phase_at=self.clock())

    async def _tell(self, write: Transaction, before: Download, after: Download, why: str) -> None:
        at = self.clock()
        if after.phase is not before.phase:
            await write.add_event(
                Event(hash=after.hash, at=at, kind="phase", before=before.phase,
                      after=after.phase, why=why)
            )  # fmt: skip
        elif after.note and after.note != before.note:
            await write.add_event(Event(hash=after.hash, at=at, kind="note", why=after.note))


def say(event: str, download: Download, **more: str) -> None:
    """Log what happened to a download."""
    log.info(
        event,
        hash=download.hash,
        category=download.category,
        phase=download.phase.value,
        **{key: value for key, value in more.items() if value},
    )
