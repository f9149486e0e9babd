"""The rows of the page, made from the service's views, and their changes since a version.

Only this module and `page_actions` connect the page to the service. A row is a grab with its
download; its id is the id of the grab.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

import msgspec
from msgspec.structs import replace

from bridge.core.change_log import Backlog
from bridge.core.model import DownloadPhase, Entry, Phase
from bridge.core.planner_input import LiveDownload
from bridge.core.status import ETA_UNKNOWN
from bridge.core.submit_queue import submit_order
from bridge.dashboard import BlockerView, OverviewSource
from bridge.downloads import DownloadService, View
from bridge.web.waits import Facts, explain, waits_for_slot

STOPS_EVERYTHING: Final = frozenset({"outage", "bad_key"})
GONE_KEPT: Final = 5000
"""Removed rows that are remembered. A page that missed more of these gets all rows anew."""
IDLE_SECONDS: Final = 600.0
"""A download without progress at TorBox for this long needs attention."""
CALM: Final = 40
"""Incomplete rows are renewed no sooner than after this many times what it takes."""
BATCH: Final = 200
"""Downloads whose rows are made in one go: other requests are answered in between."""


class Row(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A row of the list. Times are unix seconds, sizes bytes, speeds bytes/s."""

    id: int
    """The id of the grab."""
    hash: str
    name: str
    group: str
    """`fetching`, `torbox`, `waiting`, `failed`, `paused`, `seeding`, `completed`."""
    doing: str
    """A sentence; `bridge.web.waits` defines the moments in it."""
    state: str
    """qBittorrent's state."""
    added: int
    size: int = 0
    progress: float = 0.0
    speed: int = 0
    eta: int | None = None
    category: str = ""
    tags: tuple[str, ...] = ()
    completed: int | None = None
    attention: bool = False
    """It failed, or something blocks it."""
    forced: bool = False
    order: int = 0
    """The smallest is added, or fetched, first."""


def group_of(entry: Entry) -> str:
    """Return the section of the list that an entry belongs to."""
    phase = entry.phase
    if phase is Phase.FAILED or entry.grab.missing_files:
        return "failed"
    if phase is Phase.FINISHED:
        return "completed"
    if phase is Phase.DELIVERED:
        return "seeding"
    if entry.grab.stopped:
        return "paused"
    if phase is Phase.DELIVERING:
        return "fetching"
    return "torbox" if phase is Phase.REMOTE else "waiting"


def _waits_long(entry: Entry, context: Facts) -> bool:
    """Return whether something blocks the entry, or TorBox made no progress for `IDLE_SECONDS`.

    A wait for a slot is part of normal operation, and what stops everything is told at the top.
    """
    if entry.complete or entry.grab.stopped or waits_for_slot(entry, context.slot_at):
        return False
    if context.blocker and entry.phase is not Phase.DELIVERING:
        return False
    idle = entry.phase is Phase.REMOTE and entry.download.idle_seconds >= IDLE_SECONDS
    return bool(entry.note) or idle


_NONE: Final = Facts()


class _Turn(NamedTuple):
    """The turn of a view. Its eta counts from when the view was made, so it is read only once."""

    view: View
    at: float | None


class _KeptRow(msgspec.Struct, gc=False):
    view: View
    context: Facts
    seq: int
    json: bytes


class PageModel:
    """The current rows, and the changes since any version of the last minutes."""

    def __init__(
        self,
        downloads: DownloadService,
        overview: OverviewSource,
        *,
        pause: float = 1.0,
        monotonic: Callable[[], float] = time.monotonic,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._downloads = downloads
        self._overview = overview
        self._pause = pause
        self._monotonic = monotonic
        self._clock = clock
        self._epoch = f"{time.time_ns():x}"
        self._encoder = msgspec.json.Encoder()
        self._rows: dict[int, _KeptRow] = {}
        """By id; the row that changed last is at the end."""
        self._gone: deque[tuple[int, int]] = deque(maxlen=GONE_KEPT)
        self._floor = 0
        """Removals before this version are forgotten; older pages get all rows anew."""
        self._seq = 0
        self._read_at = -1e9
        self._read_seconds = 0.0
        self._head_at = -1e9
        self._head_json = b""
        self._ids: dict[str, tuple[int, ...]] = {}
        """The rows of each info-hash. Tuples: nearly every hash has one."""
        self._live: dict[int, View] = {}
        """Incomplete grabs by id. Their sentences depend on each other, so each read renews all."""
        self._turns: dict[int, _Turn] = {}
        self._backlog: Backlog[str] = Backlog()
        self._reading = asyncio.Lock()
        self._blockers: tuple[BlockerView, ...] = ()

    # --- reading ----------------------------------------------------------------------------

    async def _refresh(self) -> None:
        now = self._monotonic()
        # With very many incomplete rows this takes long: CALM keeps it below 1/40 of the event
        # loop's time.
        if now - self._read_at < max(self._pause, CALM * self._read_seconds):
            return
        await self._read()
        self._read_at = self._monotonic()

    def expire(self) -> None:
        """Make the next sync read the rows again, so that a user sees the effect of an action."""
        self._read_at = self._head_at = -1e9

    async def _read(self) -> None:
        """Renew the rows of changed downloads and of all incomplete grabs, in batches."""
        queries = self._downloads.queries
        await queries.prepare()
        blockers = self._overview.blockers()

        def changed_since(version: int) -> Iterable[str]:
            changed = queries.changed_since(version)
            return {*self._ids, *queries.primaries} if changed is None else changed

        news = self._backlog.note(queries.version, changed_since)
        if not news and not self._backlog and blockers == self._blockers:
            return
        self._blockers = blockers
        seq = self._seq + 1
        while batch := self._backlog.take(BATCH):
            self._take_over(batch, seq)
            if self._backlog:
                await asyncio.sleep(0)
        began = self._monotonic()
        contexts = self._contexts()
        for grab_id, view in self._live.items():
            self._keep(grab_id, view, contexts.get(grab_id, _NONE), seq)
        self._read_seconds = self._monotonic() - began

    def _take_over(self, hashes: Sequence[str], seq: int) -> None:
        """Renew the rows of these downloads, but for those of incomplete grabs."""
        for info_hash, views in by_hash(self._downloads.queries.of_hashes(hashes), hashes).items():
            ids = tuple(view.grab.id for view in views)
            for grab_id in self._ids.pop(info_hash, ()):
                if grab_id not in ids:
                    self._drop(grab_id, seq)
            if ids:
                self._ids[info_hash] = ids
            for view in views:
                if view.complete:
                    self._live.pop(view.grab.id, None)
                    self._keep(view.grab.id, view, _NONE, seq)
                else:
                    self._live[view.grab.id] = view

    def _keep(self, grab_id: int, view: View, context: Facts, seq: int) -> None:
        kept = self._rows.get(grab_id)
        if kept is not None and kept.view is view and kept.context == context:
            return
        encoded = self._encoder.encode(self.row(view, context))
        if kept is not None and kept.json == encoded:
            kept.view, kept.context = view, context
            return
        # Not an update in place: `_since` relies on the order of changes.
        self._rows.pop(grab_id, None)
        self._rows[grab_id] = _KeptRow(view, context, seq, encoded)
        self._seq = seq

    def _drop(self, grab_id: int, seq: int) -> None:
        self._live.pop(grab_id, None)
        if self._rows.pop(grab_id, None) is None:
            return
        # The deque drops its oldest removal now, so older versions can no longer be told of it.
        if len(self._gone) == GONE_KEPT:
            self._floor = self._gone[0][0]
        self._gone.append((seq, grab_id))
        self._seq = seq

    def _contexts(self) -> Mapping[int, Facts]:
        """Return the place in line of each incomplete grab, and what blocks it."""
        stop = next((one for one in self._blockers if one.kind in STOPS_EVERYTHING), None)
        base = Facts(
            slots=self._overview.slots_total,
            slot_at=next(
                (one.next_attempt_at for one in self._blockers if one.kind == "no_slot"), None
            ),
            blocker=stop.text if stop else "",
            blocker_until=stop.next_attempt_at if stop else None,
        )
        places = self._places()
        self._turns = {grab_id: self._turn(view) for grab_id, view in self._live.items()}
        return {
            grab_id: replace(base, place=places.get(grab_id, 0), turn_at=self._turns[grab_id].at)
            for grab_id in self._live
        }

    def _turn(self, view: View) -> _Turn:
        """Return when TorBox's limits allow the add of a grab."""
        known = self._turns.get(view.grab.id)
        if known is not None and known.view is view:
            return known
        eta = view.status.eta
        waits = view.download.phase is DownloadPhase.NEW and eta < ETA_UNKNOWN
        return _Turn(view, round(self._clock() + eta, -1) if waits else None)

    def _places(self) -> Mapping[int, int]:
        """Return the place of each grab in the line of adds, or in the line of fetches."""
        going = [view for view in self._live.values() if not view.grab.stopped]
        new: dict[int, list[Entry]] = {}
        for entry in going:
            if entry.download.phase is DownloadPhase.NEW:
                new.setdefault(entry.download.id, []).append(entry)
        queue = submit_order(
            LiveDownload(entries[0].download, tuple(entry.grab for entry in entries))
            for entries in new.values()
        )
        fetches = sorted(
            (entry.grab for entry in going if entry.phase is Phase.READY),
            key=lambda grab: (not grab.force_start, grab.priority, grab.added_at, grab.id),
        )
        places = {grab.id: place for place, grab in enumerate(fetches, 1)}
        for place, live in enumerate(queue, 1):
            places |= dict.fromkeys((grab.id for grab in live.grabs), place)
        return places

    def row(self, view: View, context: Facts = _NONE) -> Row:
        """Return the row of a view."""
        grab, status = view.grab, view.status
        group = group_of(view)
        eta = status.eta if 0 <= status.eta < ETA_UNKNOWN else None
        return Row(
            id=grab.id,
            hash=view.hash,
            name=view.name,
            group=group,
            doing=self.doing(view, context),
            state=status.state.value,
            added=int(grab.added_at),
            size=status.size,
            progress=round(status.progress, 4),
            speed=status.download_speed,
            eta=eta if group in {"fetching", "torbox"} else None,
            category=grab.category,
            tags=grab.tags,
            completed=int(grab.completed_at) if grab.completed_at else None,
            attention=group == "failed" or _waits_long(view, context),
            forced=grab.force_start,
            order=context.place or grab.priority,
        )

    def doing(self, view: View, context: Facts | None = None) -> str:
        """Return the sentence about what a grab is doing."""
        if context is None:
            kept = self._rows.get(view.grab.id)
            context = kept.context if kept else _NONE
        policy = self._downloads.policy(view.grab.category)
        return explain(
            view,
            replace(
                context,
                item=view.item,
                checking=view.status.state.value == "checkingDL",
                in_line=view.status.in_line,
                parallel_files=self._downloads.parallel_files,
                stalled_after=policy.stalled_after,
                metadata_after=policy.metadata_after,
                stored_after=policy.stored_after,
                mode=self._downloads.mode_of(view.grab),
            ),
        )

    # --- sending ----------------------------------------------------------------------------

    async def sync(self, since: str, overview_tag: str) -> bytes:
        """Return a `SyncAnswer` as JSON: the changes since a version, or all rows if it is unknown."""
        async with self._reading:
            await self._refresh()
        version = f"{self._epoch}.{self._seq}"
        epoch, _, text = since.partition(".")
        known = int(text) if text.isdecimal() and len(text) < 16 else -1  # noqa: PLR2004 - digits
        full = epoch != self._epoch or not self._floor <= known <= self._seq
        rows = list(self._since(-1 if full else known))
        gone = [
            grab_id
            for seq, grab_id in self._gone
            if not full and seq > known and grab_id not in self._rows
        ]
        overview = self._head()
        tag = f"{hash(overview) & 0xFFFFFFFFFFFF:x}"
        parts = (
            b'{"version":"' + version.encode() + b'","full":' + (b"true" if full else b"false"),
            b',"rows":[' + b",".join(rows) + b"]",
            b',"gone":' + self._encoder.encode(gone),
            b',"overview":' + (b"null" if tag == overview_tag else overview),
            b',"overview_tag":"' + tag.encode() + b'"}',
        )
        return b"".join(parts)

    def _head(self) -> bytes:
        """Return the overview as JSON, read at most every `pause` seconds."""
        now = self._monotonic()
        if now - self._head_at >= self._pause:
            self._head_at, self._head_json = now, self._encoder.encode(self._overview.read())
        return self._head_json

    def _since(self, seq: int) -> Iterable[bytes]:
        for kept in reversed(self._rows.values()):
            if kept.seq <= seq:
                return
            yield kept.json


def by_hash(views: Iterable[View], hashes: Iterable[str]) -> dict[str, list[View]]:
    """Return the views of each of these hashes."""
    found: dict[str, list[View]] = {info_hash: [] for info_hash in hashes}
    for view in views:
        found[view.hash].append(view)
    return found
