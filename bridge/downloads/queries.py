"""The reads of clients. All from memory, except .torrents and the file lists of finished grabs.

A read costs what has changed since the previous read, not what exists.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from sys import intern
from types import MappingProxyType
from typing import NamedTuple

import msgspec

from bridge.core.change_log import Backlog, ChangeLog
from bridge.core.edits import edited
from bridge.core.files import SelectableFile
from bridge.core.magnet import Magnet, parse_magnet
from bridge.core.metainfo import Metainfo
from bridge.core.model import DeliveredFile, Download, Entry, Event, GrabPhase, RemoteItem
from bridge.core.modes import remote_share
from bridge.core.paths import layout
from bridge.core.status import ETA_UNKNOWN, NEARLY, Fetched, files_progress, status_of
from bridge.downloads.results import FileView, View
from bridge.engine import Engine, EngineContext
from bridge.engine.file_planning import metainfo_of
from bridge.state import FetchMeter

BATCH = 200
"""Views that `prepare` makes in one go: other requests are answered in between."""

METAINFOS_KEPT = 16
"""Maximum number of parsed .torrents kept in memory."""

LAYOUTS_KEPT = 256


class _Inputs(msgspec.Struct, frozen=True, gc=False):
    """What the status of a view is made from besides its entry and TorBox's report."""

    fetched: Fetched | None
    turn_in: int
    unreachable: bool


class ExpectedFile(NamedTuple):
    """A file that is not planned yet."""

    path: str
    """The path that the layout gives the file."""
    name: str
    """The path after the user's edits."""
    priority: int
    size: int


class Queries:
    """Views of entries. The same object as long as nothing in it changes."""

    def __init__(self, ctx: EngineContext, engine: Engine) -> None:
        self._ctx = ctx
        self._state = ctx.state
        self._engine = engine
        self._changes: ChangeLog[str] = ChangeLog()
        self._backlog: Backlog[int] = Backlog()
        self._preparing = asyncio.Lock()
        self._metered: set[int] = set()
        self._unreachable = False
        self._news = False
        """Clients are told of something, also where no entry changes with it."""
        self._views: dict[int, View] = {}
        self._inputs: dict[int, _Inputs] = {}
        self._primaries: dict[str, View] = {}
        self._layouts: dict[int, tuple[object, Sequence[ExpectedFile]]] = {}
        self._metainfos: dict[int, Metainfo | None] = {}

    # Lists

    @property
    def version(self) -> int:
        """A number that changes whenever anything that a client can see has changed."""
        self._catch_up()
        return self._changes.version

    def changed_since(self, version: int) -> set[str] | None:
        """Return the hashes that changed after a version; None if all may have changed."""
        self._catch_up()
        return self._changes.since(version)

    @property
    def views(self) -> Mapping[int, View]:
        """Every entry by grab id, oldest first."""
        self._catch_up()
        return MappingProxyType(self._views)

    @property
    def primaries(self) -> Mapping[str, View]:
        """An entry for each hash: the complete list, which may name a hash only once."""
        self._catch_up()
        return MappingProxyType(self._primaries)

    def get(self, info_hash: str) -> View | None:
        """Return the entry of a hash (in any case) that the complete list shows."""
        self._catch_up()
        return self._primaries.get(info_hash.lower())

    def by_id(self, grab_id: int) -> View | None:
        """Return the entry of a grab."""
        self._catch_up()
        return self._views.get(grab_id)

    def of_hash(self, info_hash: str) -> Sequence[View]:
        """Return all entries of a hash (in any case), oldest first."""
        return self.of_hashes((info_hash.lower(),))

    def of_hashes(self, hashes: Iterable[str]) -> Sequence[View]:
        """Return all entries of these hashes, those of one hash oldest first."""
        # Once for all of them: each time costs as much as there are deliveries.
        self._catch_up()
        return [view for info_hash in hashes for view in self._views_of(info_hash)]

    async def prepare(self) -> None:
        """Update the views in batches, so that a start or a change of everything holds up nobody.

        Until it is over, every other read waits here or updates the rest itself, so none sees half.
        """
        if self._state.version == self._backlog.version and not self._backlog:
            return
        self._note()
        if len(self._backlog) <= BATCH:
            return
        async with self._preparing:
            while self._backlog:
                self._update(BATCH)
                await asyncio.sleep(0)

    def _catch_up(self) -> None:
        """Update the views that changed since the last call, and those of all deliveries."""
        self._note()
        if self._state.meters or self._metered:
            metered = set(self._state.meters)
            self._backlog.add(metered | self._metered)
            self._metered = metered
        if self._backlog or self._news:
            self._update()

    def _note(self) -> None:
        """Note the grabs whose views may have changed."""
        state, unreachable = self._state, self._engine.unreachable
        self._news |= self._backlog.note(state.changes.version, self._changed_after)
        if unreachable != self._unreachable:
            self._unreachable, self._news = unreachable, True
            self._backlog.add(entry.grab.id for entry in state.live_entries())

    def _changed_after(self, version: int) -> Iterable[int]:
        state, changed = self._state, self._state.changes.since(version)
        # In the order of their grabs, so that new entries come after older ones.
        return sorted({*state.grabs, *self._views} if changed is None else changed)

    def _update(self, most: int | None = None) -> None:
        """Update the views of what was noted, at most so many."""
        renewed = map(self._renew, self._backlog.take(most))
        hashes = dict.fromkeys(info_hash for info_hash in renewed if info_hash is not None)
        for info_hash in hashes:
            self._renew_primary(info_hash)
        if hashes or self._news:
            self._changes.record(hashes)
        self._news = False

    def _renew(self, grab_id: int) -> str | None:
        """Update the view of a grab; return its hash if it changed."""
        entry, known = self._state.entry(grab_id), self._views.get(grab_id)
        if entry is None:
            self._inputs.pop(grab_id, None)
            self._layouts.pop(grab_id, None)
            self._state.shown_progress.pop(grab_id, None)
            if known is None:
                return None
            del self._views[grab_id]
            return known.hash
        item, inputs = self._item_of(entry.download), self._inputs_of(entry)
        same = (
            known is not None
            and known.download is entry.download
            and known.grab is entry.grab
            and known.item is item
            and self._inputs[grab_id] == inputs
        )
        if same:
            return None
        again = known is not None and known.complete <= entry.complete
        shown = known.status.progress if known is not None and again else 0.0
        status = status_of(
            entry,
            item,
            inputs.fetched,
            shown=shown,
            turn_in=inputs.turn_in,
            remote_share=remote_share(self._ctx.mode_of(entry.grab)),
            unreachable=inputs.unreachable,
        )
        self._inputs[grab_id] = inputs
        if status.progress and not entry.complete:
            self._state.shown_progress[grab_id] = status.progress
        else:
            self._state.shown_progress.pop(grab_id, None)
        self._views[grab_id] = View(entry.download, entry.grab, status, item)
        return entry.hash

    def _item_of(self, download: Download) -> RemoteItem | None:
        return self._state.snapshot.items.get(download.torrent_id or 0)

    def _inputs_of(self, entry: Entry) -> _Inputs:
        meter = self._state.meters.get(entry.grab.id)
        fetched = (
            Fetched(meter.bytes_done, meter.speed, meter.checking, meter.in_line) if meter else None
        )
        turn_in = self._state.queue_etas.get(entry.download.id, ETA_UNKNOWN)
        return _Inputs(fetched, turn_in, self._unreachable)

    def _views_of(self, info_hash: str) -> Sequence[View]:
        download = self._state.by_hash(info_hash)
        grabs = self._state.grabs_of(download.id) if download else ()
        return [self._views[grab.id] for grab in grabs if grab.id in self._views]

    def _renew_primary(self, info_hash: str) -> None:
        views = self._views_of(info_hash)
        if not views:
            self._primaries.pop(info_hash, None)
            return
        fine = (view for view in views if view.grab.phase is not GrabPhase.FAILED)
        self._primaries[info_hash] = next(fine, views[0])

    # Files

    async def files(self, view: View) -> Sequence[FileView]:
        """Return the files of an entry; empty while they are unknown."""
        planned = await self._state.files(view.grab.id)
        if not planned:
            return self._expected_views(view)
        meter = self._state.meters.get(view.grab.id)
        chosen = [file for file in planned if file.chosen]
        parts = files_progress(
            [_bytes_done(file, meter) for file in chosen],
            [file.size for file in chosen],
            view.status.progress,
        )
        progress = {file.file_id: part for file, part in zip(chosen, parts, strict=True)}
        return [
            FileView(
                index,
                file.path,
                file.size,
                progress.get(file.file_id, 0.0),
                file.chosen,
                file.priority if file.chosen else 0,
            )
            for index, file in enumerate(planned)
        ]

    def _expected_views(self, view: View) -> Sequence[FileView]:
        """Return views of files that are not planned yet, under the names that they will get."""
        progress = view.status.progress
        return [
            FileView(
                index,
                file.name,
                file.size,
                progress if file.priority else 0.0,
                file.priority > 0,
                file.priority,
            )
            for index, file in enumerate(self.expected_files(view))
        ]

    def expected_files(self, entry: Entry) -> Sequence[ExpectedFile]:
        """Return the laid-out files: as TorBox lists them, or from the .torrent or the swarm."""
        download, grab = entry.download, entry.grab
        item = self._item_of(download)
        files = (item.files if item else ()) or self._state.expected_files.get(download.id, ())
        metainfo = self._metainfos.get(download.id)
        single_file = metainfo is not None and metainfo.single_file
        key = (files, entry.name, grab.content_layout, grab.file_edits, single_file)
        known = self._layouts.get(grab.id)
        if known is None or known[0] != key:
            if len(self._layouts) >= LAYOUTS_KEPT:
                self._layouts.clear()
            known = self._layouts[grab.id] = (key, _lay_out(entry, files, single_file=single_file))
        return known[1]

    async def learn_files(self, view: View) -> None:
        """Read the files from the .torrent if they are unknown otherwise."""
        if await self.files(view):
            return
        metainfo = await self.metainfo(view.hash)
        if metainfo is not None:
            self._state.set_expected_files(view.download.id, metainfo.named_files)

    # Contents of the magnet and the .torrent, and the timeline

    def trackers(self, download: Download) -> Sequence[str]:
        """Return the tracker URLs of its magnet."""
        magnet = self.magnet(download)
        # The same few trackers are in thousands of magnets.
        return tuple(map(intern, magnet.trackers)) if magnet else ()

    def webseeds(self, download: Download) -> Sequence[str]:
        """Return the web seeds that its magnet or .torrent names."""
        magnet = self.magnet(download)
        return magnet.webseeds if magnet else ()

    def magnet(self, download: Download) -> Magnet | None:
        """Return the parsed magnet."""
        magnet = parse_magnet(download.magnet)
        return magnet if isinstance(magnet, Magnet) else None

    async def metainfo(self, info_hash: str) -> Metainfo | None:
        """Return the parsed .torrent, if a client sent one. The most recent ones are cached."""
        download = self._state.by_hash(info_hash.lower())
        if download is None or not download.has_torrent:
            return None
        if download.id not in self._metainfos:
            parsed = await metainfo_of(self._ctx, download)
            if len(self._metainfos) >= METAINFOS_KEPT:
                self._metainfos.clear()
            self._metainfos[download.id] = parsed
        return self._metainfos.get(download.id)

    async def events(self, info_hash: str) -> Sequence[Event]:
        """Return the timeline of a hash, oldest first; also after its removal."""
        return await self._state.database.events(info_hash.lower())


def _lay_out(
    entry: Entry, files: Sequence[SelectableFile], *, single_file: bool
) -> Sequence[ExpectedFile]:
    laid = layout(
        files,
        entry.name,
        single_file=single_file,
        content_layout=entry.grab.content_layout,
    )
    named = edited(laid.paths, entry.grab.file_edits)
    return [ExpectedFile(laid.paths[file.id], *named[file.id], file.size) for file in files]


def _bytes_done(file: DeliveredFile, meter: FetchMeter | None) -> int:
    if file.done:
        return file.size
    # Nothing is whole before it was compared with the hashes and is in place.
    return min(meter.done(file.file_id), int(file.size * NEARLY)) if meter else 0
