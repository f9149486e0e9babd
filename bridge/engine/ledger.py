"""All downloads in memory, in step with the store: read here, written through.

A change is a function from the old value to the new one. It is committed first and shown after,
so nothing that a poll has seen is lost by a crash. Observations that a restart may forget
(progress at TorBox, say) go through `note` and reach the disk with the next change.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import Any

import structlog

from bridge.core.claims import (
    apart,
    claim_of,
    going_on,
    heir,
    left_behind,
    numbered,
    on_disk,
    same,
    taken_over,
)
from bridge.core.cleanup import forgotten
from bridge.core.failover import HOUR
from bridge.core.files import NamedFile
from bridge.core.model import (
    Category,
    Claim,
    DeliveredFile,
    Download,
    Event,
    Failover,
    Failure,
    Phase,
    Removal,
    Snapshot,
    Trace,
)
from bridge.core.preferences import Preferences
from bridge.delivery import Progress
from bridge.engine.departed import Departed
from bridge.store import Store, Transaction

log = structlog.get_logger()

PREFERENCES_FACT = "preferences"
DEPARTED_FACT = "departed"

Change = Callable[[Download], Download]

Cleanup = Callable[[Download, Claim | None, bool], Removal]
"""Makes a removal of the download, of the leaver's claim (None: it has the row), and of whether
somebody else has a use for it still."""


class Ledger:
    """What the bridge knows: downloads, their files, removals, categories, tags, TorBox's news."""

    def __init__(self, store: Store, clock: Callable[[], float]) -> None:
        self.store = store
        self.clock = clock
        self.version = 0
        self.snapshot = Snapshot()
        self.progress: dict[str, Progress] = {}
        """Live meters of the downloads being delivered just now."""
        self.turns: Mapping[str, int] = {}
        """In how many seconds TorBox will be asked for each download that waits for its turn."""
        self.preferences = Preferences()
        """What a client has changed for good."""
        self.contents: dict[str, tuple[NamedFile, ...]] = {}
        """Files of downloads that TorBox does not list yet, from the .torrent or the swarm."""
        self.departed = Departed()
        """Items at TorBox that were left lately. Written down with the end of each removal."""
        self.unknown_states: Counter[str] = Counter()
        """TorBox's words for a state that the bridge does not know, and how often they came."""
        self._downloads: dict[str, Download] = {}
        self._files: dict[str, tuple[DeliveredFile, ...]] = {}
        self._claims: dict[str, tuple[Claim, ...]] = {}
        self._removals: dict[int, Removal] = {}
        self._failovers: dict[int, Failover] = {}
        self._traces: dict[str, Trace] = {}
        self._categories: dict[str, Category] = {}
        self._tags: set[str] = set()
        self._lock = asyncio.Lock()

    async def load(self) -> None:
        """Read everything from the store."""
        contents = await self.store.contents()
        self._downloads = {download.hash: download for download in contents.downloads}
        files: dict[str, list[DeliveredFile]] = {}
        for file in contents.files:
            files.setdefault(file.hash, []).append(file)
        self._files = {info_hash: tuple(listed) for info_hash, listed in files.items()}
        self._claims = {}
        for claim in contents.claims:
            self._claims[claim.hash] = (*self.claims(claim.hash), claim)
        self._removals = {removal.id: removal for removal in contents.removals}
        self._failovers = {failover.id: failover for failover in contents.failovers}
        self._traces = {trace.hash: trace for trace in contents.traces}
        self._categories = {category.name: category for category in contents.categories}
        self._tags = set(contents.tags)
        self.preferences = await self.store.fact(PREFERENCES_FACT, Preferences) or Preferences()
        self.departed = await self.store.fact(DEPARTED_FACT, Departed) or Departed()
        self.version += 1

    @property
    def downloads(self) -> Mapping[str, Download]:
        """Every download by hash, oldest first."""
        return MappingProxyType(self._downloads)

    @property
    def removals(self) -> Mapping[int, Removal]:
        """Every removal that is not done yet, by id."""
        return MappingProxyType(self._removals)

    @property
    def failovers(self) -> Mapping[int, Failover]:
        """Every failover that is not done yet, and those of the last hour, by id."""
        return MappingProxyType(self._failovers)

    @property
    def traces(self) -> Mapping[str, Trace]:
        """What is remembered of downloads that went today, by hash."""
        return MappingProxyType(self._traces)

    @property
    def categories(self) -> Mapping[str, Category]:
        """Every category by name."""
        return MappingProxyType(self._categories)

    @property
    def tags(self) -> frozenset[str]:
        """Every tag."""
        return frozenset(self._tags)

    def files(self, info_hash: str) -> Sequence[DeliveredFile]:
        """List the files planned for a download; empty before TorBox was ready."""
        return self._files.get(info_hash, ())

    def claims(self, info_hash: str) -> tuple[Claim, ...]:
        """List what further *arr asked for of a download, the oldest first."""
        return self._claims.get(info_hash, ())

    @property
    def all_claims(self) -> Mapping[str, tuple[Claim, ...]]:
        """Every claim, by the hash of its download."""
        return MappingProxyType(self._claims)

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
        _say("added", download, why=f"{download.name!r}")
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
                jobs = [await _begun(write, job) for job in (cleanup, *failovers) if job]
                await self._tell(write, before, after, why)
            self._take_on(jobs)
            latest = self._downloads[info_hash]
            if latest is not before:
                after = self._dated(latest, change(latest))
            self._downloads[info_hash] = after
            if files is not None:
                self._files[info_hash] = tuple(files)
            self.version += 1
        if after.phase is not before.phase:
            _say("transition", after, before=before.phase.value, why=why)
        return after

    def _still(
        self, download: Download, of: Download | None, among: tuple[Claim, ...] | None
    ) -> bool:
        claims = self.claims(download.hash)
        return (of is None or same(download, of)) and (among is None or among == claims)

    async def join(self, claim: Claim, why: str = "") -> bool:
        """Add a claim to a download, committed on return; False when there is none to join.

        What has failed is not joined, nor is what the category has already. A claim of it that was
        given up makes room, and nobody is told of that failure any more.
        """
        async with self._lock:
            download, claims = self._downloads.get(claim.hash), self.claims(claim.hash)
            if download is None or download.phase is Phase.FAILED:
                return False
            everyone: tuple[Download | Claim, ...] = (download, *claims)
            given_up = [one for one in claims if one.phase is Phase.FAILED]
            if claim.category in {one.category for one in everyone if one not in given_up}:
                return False
            others = (one for one in claims if one.category != claim.category)
            after = numbered((*others, apart(claim, everyone)))
            called_off = self._not_told(claim.hash, claim.category)
            async with self.store.transaction() as write:
                for failover in called_off:
                    await write.drop_failover(failover.id)
                await write.put_claims(claim.hash, after)
                event = Event(hash=claim.hash, at=self.clock(), kind="joined", why=why)
                await write.add_event(event)
            self._forget(called_off)
            self._set_claims(claim.hash, after)
            self.version += 1
        return True

    def _claim(self, asked: Download | Claim) -> Claim | None:
        """Find the claim of one who asked, whatever its number is by now."""
        return next((claim for claim in self.claims(asked.hash) if same(claim, asked)), None)

    async def change_claim(
        self, claim: Claim, change: Callable[[Claim], Claim], why: str = ""
    ) -> Claim | None:
        """Apply a change to a claim and commit it; None when it is none (any more)."""
        async with self._lock:
            before = self._claim(claim)
            if before is None:
                return None
            after = change(before)
            if after != before:
                claims = self.claims(claim.hash)
                changed = tuple(after if one is before else one for one in claims)
                async with self.store.transaction() as write:
                    await write.put_claims(claim.hash, changed)
                    if why:
                        event = Event(hash=claim.hash, at=self.clock(), kind="claim", why=why)
                        await write.add_event(event)
                self._set_claims(claim.hash, changed)
                self.version += 1
        return after

    async def change_own(self, seen: Download, why: str, **fields: Any) -> None:
        """Change what one who asked for a download has of its own.

        Whether that stands in the download's row or in a claim may change while one waits to write.
        """
        apply = partial(replace, **fields)
        row = self._downloads.get(seen.hash)
        while row is not None:
            if same(row, seen):
                done = await self.change(seen.hash, apply, of=seen, why=why) is not None
            elif (claim := self._claim(seen)) is not None:
                done = await self.change_claim(claim, apply, why) is not None
            else:
                return
            if done:
                return
            row = self._downloads.get(seen.hash)

    def _set_claims(self, info_hash: str, claims: tuple[Claim, ...]) -> None:
        self._claims.pop(info_hash, None)
        if claims:
            self._claims[info_hash] = claims

    async def step_back(
        self,
        claim: Claim,
        why: str,
        *,
        of: Download,
        failure: Failure | None = None,
        change: Change = lambda latest: latest,
        failovers: Sequence[Failover] = (),
    ) -> bool:
        """Let a claim take the place of the download's own row, which becomes a claim itself.

        False when that is not the row `of` the one that was looked at any more, or the claim is
        gone. With a `failure` it has failed from then on. `change` is made to the download before.
        """
        async with self._lock:
            known, first = self._downloads.get(claim.hash), self._claim(claim)
            if known is None or first is None or not same(known, of):
                return False
            before, claims = change(known), self.claims(claim.hash)
            back = claim_of(before, self.files(claim.hash), failure=failure, now=self.clock())
            back = replace(back, number=first.number)
            others = tuple(back if one is first else one for one in claims)
            async with self.store.transaction() as write:
                event = Event(hash=claim.hash, at=self.clock(), kind="claim", why=why)
                await write.add_event(event)
                jobs = [await _begun(write, job) for job in failovers]
                jobs += await self._pass_on(write, before, first, others)
            self._take_on(jobs)
            self._passed_on(first, others, change)
        return True

    async def _pass_on(
        self, write: Transaction, before: Download, to: Claim, others: tuple[Claim, ...]
    ) -> list[Removal | Failover]:
        """Write it down. What an interrupted sharing may have left of a claim is removed first."""
        after = taken_over(before, to, self.clock())
        await write.put_download(after)
        await write.put_files(before.hash, () if to.waits else to.files)
        await write.put_claims(before.hash, others)
        await self._tell(write, before, after, f"for {to.category!r}")
        left = on_disk(to, self.clock()) if to.waits else None
        return [await write.add_removal(left)] if left is not None else []

    def _passed_on(
        self, to: Claim, others: tuple[Claim, ...], change: Change = lambda latest: latest
    ) -> None:
        latest = change(self._downloads[to.hash])
        self._downloads[to.hash] = taken_over(latest, to, self.clock())
        self._files[to.hash] = () if to.waits else to.files
        self._set_claims(to.hash, others)
        self.version += 1

    def _take_on(self, jobs: Iterable[Removal | Failover]) -> None:
        for job in jobs:
            match job:
                case Removal():
                    self._removals[job.id] = job
                case Failover():
                    self._failovers[job.id] = job

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

    def note(self, info_hash: str, change: Change) -> None:
        """Apply a change in memory only. It reaches the disk with the next committed one."""
        before = self._downloads.get(info_hash)
        if before is None:
            return
        after = change(before)
        if after != before:
            self._downloads[info_hash] = after
            self.version += 1

    def observe(self, snapshot: Snapshot) -> None:
        """Swap in what TorBox said last."""
        self.snapshot = snapshot
        self.version += 1

    def bury(self, torrent_id: int) -> None:
        """Note that a torrent was deleted at TorBox, whatever its list says in the next minutes."""
        self.departed.deleted[torrent_id] = self.clock()
        self.unsee(torrent_id)

    def unsee(self, torrent_id: int) -> None:
        """Take no more for true what TorBox said of an item: it no longer knows it."""
        items = {key: item for key, item in self.snapshot.items.items() if key != torrent_id}
        self.observe(replace(self.snapshot, items=MappingProxyType(items)))

    def foretell(self, turns: Mapping[str, int]) -> None:
        """Swap in when the waiting may expect their turn."""
        if turns != self.turns:
            self.turns = turns
            self.version += 1

    async def remove(self, seen: Download, cleanup: Cleanup, *, why: str = "") -> bool:
        """Let one who asked for a download go, and keep the job that cleans up. Committed on return.

        `seen` is the download as the leaver sees it. If it has the download's own row the answer is
        True, and the next one takes its place; with the last one the download goes. `cleanup` makes
        the job out of the download as it stands then (a moment earlier it may not have had its
        torrent_id, or have stood at another place). A failover of the leaver's that was not begun
        is called off: whoever removes a failed download knows of it.
        """
        async with self._lock:
            download, claims = self._downloads.get(seen.hash), self.claims(seen.hash)
            if download is None:
                return False
            leaver = self._claim(seen)
            if leaver is None and not same(download, seen):
                return False
            everyone: tuple[Download | Claim, ...] = (download, *claims)
            rest = [one for one in everyone if not same(one, seen)]
            needed = any(one.phase is not Phase.FAILED for one in rest)
            removal = cleanup(download, leaver, needed)
            if claims:
                await self._leave(download, leaver, removal, why)
            else:
                await self._drop(download, removal, why)
        return leaver is None

    async def _drop(self, download: Download, removal: Removal, why: str) -> None:
        why = _joined(why, _removal_words(removal))
        called_off = self._not_begun(removal.hash, download.category)
        async with self.store.transaction() as write:
            for failover in called_off:
                await write.drop_failover(failover.id)
            await write.drop_download(removal.hash)
            removal = await write.add_removal(removal)
            await write.add_event(
                Event(hash=removal.hash, at=removal.created_at, kind="removed",
                      before=download.phase, why=why)
            )  # fmt: skip
        del self._downloads[removal.hash]
        self._files.pop(removal.hash, None)
        self._forget(called_off)
        self.contents.pop(removal.hash, None)
        self._removals[removal.id] = removal
        self.version += 1
        _say("removed", download, why=why)

    async def _leave(
        self, download: Download, leaver: Claim | None, removal: Removal, why: str
    ) -> None:
        """Go without the others; who leaves the download's own row leaves it to another."""
        claims = self.claims(download.hash)
        to = heir(claims, download) if leaver is None else None
        others = tuple(claim for claim in claims if claim not in (leaver, to))
        category = (leaver or download).category
        called_off = self._not_begun(download.hash, category)
        words = f"category {category!r}, {_removal_words(removal)}; others have it still"
        why = _joined(why, words)

        def without(latest: Download) -> Download:
            return left_behind(latest, leaver or latest)

        async with self.store.transaction() as write:
            for failover in called_off:
                await write.drop_failover(failover.id)
            jobs: list[Removal | Failover] = [await write.add_removal(removal)]
            await write.add_event(
                Event(hash=download.hash, at=removal.created_at, kind="left", why=why)
            )
            if to is not None:
                jobs += await self._pass_on(write, without(download), to, others)
            else:
                await write.put_download(without(download))
                await write.put_claims(download.hash, others)
        if to is not None:
            self._passed_on(to, others, without)
        else:
            self.note(download.hash, without)
            self._set_claims(download.hash, others)
        self._forget(called_off)
        self._take_on(jobs)
        self.version += 1
        log.info("left", hash=download.hash, category=category, why=why)

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

    async def imported(self, seen: Download, why: str) -> None:
        """Note that one who asked for a download has it in its library now."""
        now = self.clock()
        await self.change_own(seen, "", imported_at=now)
        async with self.store.transaction() as write:
            await write.add_event(Event(hash=seen.hash, at=now, kind="arr", why=why))

    def _not_begun(self, info_hash: str, category: str) -> list[Failover]:
        """List the failovers that whoever removes a failed download makes needless."""
        return [job for job in self._not_told(info_hash, category) if job.sent_at is None]

    def _not_told(self, info_hash: str, category: str) -> list[Failover]:
        """List those that whoever asks anew for what has failed makes needless."""
        return [job for job in self._open_failovers(info_hash) if job.category == category]

    def _open_failovers(self, info_hash: str) -> list[Failover]:
        jobs = self._failovers.values()
        return [one for one in jobs if one.hash == info_hash and one.ended_at is None]

    def _forget(self, failovers: Iterable[Failover]) -> None:
        for failover in failovers:
            del self._failovers[failover.id]

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

    async def put_category(self, category: Category) -> None:
        """Create or change a category."""
        async with self._lock:
            async with self.store.transaction() as write:
                await write.put_category(category)
            self._categories[category.name] = category
            self.version += 1

    async def drop_category(self, name: str) -> None:
        """Delete a category; the caller moves its downloads out."""
        async with self._lock:
            async with self.store.transaction() as write:
                await write.drop_category(name)
            self._categories.pop(name, None)
            self.version += 1

    async def put_tags(self, names: Iterable[str]) -> None:
        """Create the tags that are not there yet."""
        async with self._lock:
            new = set(names) - self._tags
            if not new:
                return
            async with self.store.transaction() as write:
                for name in sorted(new):
                    await write.put_tag(name)
            self._tags |= new
            self.version += 1

    async def drop_tags(self, names: Iterable[str]) -> None:
        """Delete tags; the caller takes them off the downloads."""
        async with self._lock:
            async with self.store.transaction() as write:
                for name in names:
                    await write.drop_tag(name)
            self._tags -= set(names)
            self.version += 1

    async def put_preferences(self, preferences: Preferences) -> None:
        """Keep what a client has changed."""
        await self.put_fact(PREFERENCES_FACT, preferences)
        self.preferences = preferences
        self.version += 1

    def learn(self, info_hash: str, files: Sequence[NamedFile]) -> None:
        """Remember the files of a download that TorBox does not list yet."""
        if info_hash in self._downloads:
            self.contents[info_hash] = tuple(files)
            self.version += 1

    async def put_fact(self, name: str, value: object) -> None:
        """Keep a small JSON value by name."""
        async with self.store.transaction() as write:
            await write.put_fact(name, value)


async def _begun(write: Transaction, job: Removal | Failover) -> Removal | Failover:
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


def _joined(why: str, words: str) -> str:
    return f"{why}; {words}" if why else words


def _removal_words(removal: Removal) -> str:
    what = [f"{len(removal.files)} files"] if removal.files else []
    what += ["the remote item"] if removal.delete_remote else []
    return "with " + " and ".join(what) if what else "leaving files and remote item alone"


def _say(event: str, download: Download, **more: str) -> None:
    log.info(
        event,
        hash=download.hash,
        category=download.category,
        phase=download.phase.value,
        **{key: value for key, value in more.items() if value},
    )
