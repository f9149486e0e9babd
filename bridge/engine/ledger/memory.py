"""What is known, in memory: read at the start, and what a restart may forget."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from bridge.core.files import NamedFile
from bridge.core.model import (
    Category,
    Claim,
    DeliveredFile,
    Download,
    Failover,
    Removal,
    Snapshot,
    Trace,
)
from bridge.core.preferences import Preferences
from bridge.delivery import Progress
from bridge.engine.departed import Departed
from bridge.store import Store

PREFERENCES_FACT = "preferences"
DEPARTED_FACT = "departed"

Change = Callable[[Download], Download]


class Memory:
    """Everything, and what TorBox said last."""

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
        self.on_change: Callable[[Download | None, Download], None] = lambda _before, _after: None
        """Called after each commit with a download as it was (None: it was added) and as it is."""
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

    def _set_claims(self, info_hash: str, claims: tuple[Claim, ...]) -> None:
        self._claims.pop(info_hash, None)
        if claims:
            self._claims[info_hash] = claims

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

    def learn(self, info_hash: str, files: Sequence[NamedFile]) -> None:
        """Remember the files of a download that TorBox does not list yet."""
        if info_hash in self._downloads:
            self.contents[info_hash] = tuple(files)
            self.version += 1

    async def put_preferences(self, preferences: Preferences) -> None:
        """Keep what a client has changed."""
        await self.put_fact(PREFERENCES_FACT, preferences)
        self.preferences = preferences
        self.version += 1

    async def put_fact(self, name: str, value: object) -> None:
        """Keep a small JSON value by name."""
        async with self.store.transaction() as write:
            await write.put_fact(name, value)
