"""All downloads in memory, in step with the store: read here, written through.

A change is a function from the old value to the new one. It is committed first and shown after,
so nothing that a poll has seen is lost by a crash. Observations that a restart may forget
(progress at TorBox, say) go through `note` and reach the disk with the next change.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

import structlog

from bridge.core.claims import claim_of, heir, numbered, taken_over
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
from bridge.store import Store, Transaction

log = structlog.get_logger()

PREFERENCES_FACT = "preferences"

Change = Callable[[Download], Download]


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
        claims: Sequence[Claim] = (),
        cleanup: Removal | None = None,
    ) -> bool:
        """Add a download, committed on return; False when its hash has been taken meanwhile.

        `replacing` is the one of the same hash that it takes the place of, `claims` are those who
        go on with it, `cleanup` is the removal of what that one left behind.
        """
        async with self._lock:
            if self._downloads.get(download.hash) is not replacing:
                return False
            called_off = self._open_failovers(download.hash)
            async with self.store.transaction() as write:
                for failover in called_off:
                    await write.drop_failover(failover.id)
                await write.drop_download(download.hash)
                await write.put_download(download)
                if torrent is not None:
                    await write.put_torrent(download.hash, torrent)
                await write.put_claims(download.hash, numbered(claims))
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
            self._set_claims(download.hash, numbered(claims))
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
        why: str = "",
        files: Sequence[DeliveredFile] | None = None,
        cleanup: Removal | None = None,
        failovers: Sequence[Failover] = (),
    ) -> Download | None:
        """Apply a change to a download and commit it; None when it is not there (any more).

        A new phase or a new note becomes an event with `why`. `files` replaces its file list;
        `cleanup` is a removal and `failovers` are those that are begun by the same commit.
        """
        async with self._lock:
            before = self._downloads.get(info_hash)
            if before is None:
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

    async def join(self, claim: Claim, why: str = "") -> bool:
        """Add a claim to a download, committed on return; False when that is not there any more.

        It takes the place of one of the same category.
        """

        def with_claim(known: tuple[Claim, ...]) -> tuple[Claim, ...]:
            others = (one for one in known if one.category != claim.category)
            return numbered((*others, claim))

        return await self._change_claims(claim.hash, with_claim, kind="joined", why=why)

    async def change_claim(
        self, info_hash: str, number: int, change: Callable[[Claim], Claim], why: str = ""
    ) -> Claim | None:
        """Apply a change to a claim and commit it; None when it is not there (any more)."""
        changed: list[Claim] = []

        def with_change(known: tuple[Claim, ...]) -> tuple[Claim, ...]:
            after = [change(one) if one.number == number else one for one in known]
            changed.extend(one for one in after if one.number == number)
            return tuple(after)

        await self._change_claims(info_hash, with_change, kind="claim", why=why)
        return changed[0] if changed else None

    async def _change_claims(
        self,
        info_hash: str,
        change: Callable[[tuple[Claim, ...]], tuple[Claim, ...]],
        *,
        kind: str,
        why: str,
    ) -> bool:
        async with self._lock:
            before = self.claims(info_hash)
            after = change(before)
            if info_hash not in self._downloads:
                return False
            if after != before:
                async with self.store.transaction() as write:
                    await write.put_claims(info_hash, after)
                    if why:
                        event = Event(hash=info_hash, at=self.clock(), kind=kind, why=why)
                        await write.add_event(event)
                self._set_claims(info_hash, after)
                self.version += 1
        return True

    def _set_claims(self, info_hash: str, claims: tuple[Claim, ...]) -> None:
        self._claims.pop(info_hash, None)
        if claims:
            self._claims[info_hash] = claims

    async def step_back(
        self,
        info_hash: str,
        number: int,
        why: str,
        *,
        failure: Failure | None = None,
        change: Change = lambda latest: latest,
        failovers: Sequence[Failover] = (),
    ) -> None:
        """Let a claim take the place of the download's own row, which becomes a claim itself.

        With a `failure` it has failed from then on. `change` is made to the download before.
        """
        async with self._lock:
            known, claims = self._downloads.get(info_hash), self.claims(info_hash)
            if known is None or number not in {claim.number for claim in claims}:
                return
            before, first = change(known), _numbered(claims, number)
            back = claim_of(before, self.files(info_hash), failure=failure, now=self.clock())
            back = replace(back, number=number)
            others = tuple(back if claim is first else claim for claim in claims)
            async with self.store.transaction() as write:
                event = Event(hash=info_hash, at=self.clock(), kind="claim", why=why)
                await write.add_event(event)
                jobs = [await _begun(write, job) for job in failovers]
                await self._pass_on(write, before, first, others)
            self._take_on(jobs)
            self._passed_on(info_hash, first, others, change)

    async def _pass_on(
        self, write: Transaction, before: Download, to: Claim, others: tuple[Claim, ...]
    ) -> None:
        after = taken_over(before, to, self.clock())
        await write.put_download(after)
        await write.put_files(before.hash, to.files)
        await write.put_claims(before.hash, others)
        await self._tell(write, before, after, f"for {to.category!r}")

    def _passed_on(
        self,
        info_hash: str,
        to: Claim,
        others: tuple[Claim, ...],
        change: Change = lambda latest: latest,
    ) -> None:
        latest = change(self._downloads[info_hash])
        self._downloads[info_hash] = taken_over(latest, to, self.clock())
        self._files[info_hash] = to.files
        self._set_claims(info_hash, others)
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

    def unsee(self, torrent_id: int) -> None:
        """Take no more for true what TorBox said of an item: it no longer knows it."""
        items = {key: item for key, item in self.snapshot.items.items() if key != torrent_id}
        self.observe(replace(self.snapshot, items=MappingProxyType(items)))

    def foretell(self, turns: Mapping[str, int]) -> None:
        """Swap in when the waiting may expect their turn."""
        if turns != self.turns:
            self.turns = turns
            self.version += 1

    async def remove(
        self,
        info_hash: str,
        cleanup: Callable[[Download, bool], Removal],
        *,
        number: int = 0,
        why: str = "",
    ) -> None:
        """Let one who asked for a download go, and keep the job that cleans up. Committed on return.

        `number` is that of a claim, 0 who has the download's own row; the next one takes its place,
        and with the last one the download goes. `cleanup` makes the job out of the download as it
        stands then (a moment earlier it may not have had its torrent_id, or have stood at another
        place), and of whether another one has a use for it still. A failover of the leaver's that
        was not begun is called off: whoever removes a failed download knows of it.
        """
        async with self._lock:
            download, claims = self._downloads.get(info_hash), self.claims(info_hash)
            if download is None or number not in {0, *(claim.number for claim in claims)}:
                return
            phases = {0: download.phase, **{claim.number: claim.phase for claim in claims}}
            del phases[number]
            removal = cleanup(download, any(one is not Phase.FAILED for one in phases.values()))
            if claims:
                await self._leave(download, claims, removal, number, why)
            else:
                await self._drop(download, removal, why)

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
        self,
        download: Download,
        claims: tuple[Claim, ...],
        removal: Removal,
        number: int,
        why: str,
    ) -> None:
        """Go without the others; who leaves the download's own row leaves it to another."""
        gone = heir(claims, download) if number == 0 else _numbered(claims, number)
        others = tuple(claim for claim in claims if claim is not gone)
        category = download.category if number == 0 else gone.category
        called_off = self._not_begun(download.hash, category)
        words = f"category {category!r}, {_removal_words(removal)}; others have it still"
        why = _joined(why, words)
        async with self.store.transaction() as write:
            for failover in called_off:
                await write.drop_failover(failover.id)
            removal = await write.add_removal(removal)
            await write.add_event(
                Event(hash=download.hash, at=removal.created_at, kind="left", why=why)
            )
            if number == 0:
                await self._pass_on(write, download, gone, others)
            else:
                await write.put_claims(download.hash, others)
        if number == 0:
            self._passed_on(download.hash, gone, others)
        self._set_claims(download.hash, others)
        self._forget(called_off)
        self._removals[removal.id] = removal
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
        trace = _trace_of(removal, self.clock(), found=found)
        async with self._lock:
            old = forgotten(self._traces, self.clock())
            async with self.store.transaction() as write:
                await write.drop_removal(removal.id)
                for info_hash in old:
                    await write.drop_trace(info_hash)
                if trace is not None:
                    await write.put_trace(trace)
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

    async def imported(self, info_hash: str, number: int, why: str) -> None:
        """Note that one who asked for a download has it in its library now."""
        now = self.clock()
        if number:
            await self.change_claim(
                info_hash, number, lambda latest: replace(latest, imported_at=now), why
            )
            return
        await self.change(info_hash, lambda latest: replace(latest, imported_at=now))
        async with self.store.transaction() as write:
            await write.add_event(Event(hash=info_hash, at=now, kind="arr", why=why))

    def _not_begun(self, info_hash: str, category: str) -> list[Failover]:
        """List the failovers that whoever removes a failed download makes needless."""
        open_jobs = self._open_failovers(info_hash)
        return [job for job in open_jobs if job.sent_at is None and job.category == category]

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


def _numbered(claims: Iterable[Claim], number: int) -> Claim:
    return next(claim for claim in claims if claim.number == number)


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
