"""What the faces read. All of it is in memory, but for what a .torrent says."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from bridge.config import Policy
from bridge.core.claims import seen_by
from bridge.core.edits import edited
from bridge.core.files import Named, NamedFile
from bridge.core.magnet import Magnet, parse_magnet
from bridge.core.metainfo import Metainfo, parse_torrent
from bridge.core.model import Claim, DeliveredFile, Download, Event, RemoteItem
from bridge.core.modes import remote_share
from bridge.core.paths import layout
from bridge.core.status import ETA_UNKNOWN, Fetched, status_of
from bridge.delivery import Progress
from bridge.downloads.base import Base
from bridge.downloads.values import FileView, View
from bridge.engine.engine import Engine
from bridge.engine.services import Services
from bridge.engine.space import FreeSpace
from bridge.engine.streams import Streams

METAINFOS_KEPT = 16
"""How many parsed .torrents are remembered."""


class _Inputs(NamedTuple):
    """What a view is made from; the same inputs make the same view."""

    download: Download
    claim: Claim | None
    """Of the further *arr that sees it so."""
    item: RemoteItem | None
    fetched: Fetched | None
    turn_in: int

    def same_as(self, other: "_Inputs") -> bool:
        return (
            self.download is other.download
            and self.claim is other.claim
            and self.item is other.item
            and self.fetched == other.fetched
            and self.turn_in == other.turn_in
        )


class _Laid(NamedTuple):
    """A file that is not planned yet."""

    path: str
    """As it is laid out by itself."""
    name: str
    """As the user wants it."""
    priority: int
    size: int


class Reads(Base):
    """Views of downloads. The same object for as long as nothing about it changes."""

    def __init__(self, services: Services, engine: Engine) -> None:
        super().__init__(services, engine)
        self.streams = Streams(services, services.stream_key)
        """Plays files straight from TorBox."""
        self._views: dict[tuple[str, int], tuple[_Inputs, View]] = {}
        self._layouts: dict[str, tuple[object, Sequence[_Laid]]] = {}
        self._state: object = None
        self._version = 0
        self._space = FreeSpace(services.settings.paths.downloads)
        self._metainfos: dict[tuple[str, float], Metainfo | None] = {}

    @property
    def version(self) -> int:
        """Changes whenever anything a face could show has changed."""
        live = [(meter.bytes_done, meter.speed) for meter in self._ledger.progress.values()]
        state = (self._ledger.version, live)
        if state != self._state:
            self._state = state
            self._version += 1
        return self._version

    @property
    def troubles(self) -> Sequence[str]:
        """Tell what keeps the bridge from its work just now; nothing when all is well."""
        return self._engine.troubles

    @property
    def violations(self) -> Sequence[str]:
        """Tell what does not hold of the downloads though it should always; nothing, one hopes."""
        return self._engine.violations

    @property
    def unknown_states(self) -> Mapping[str, int]:
        """Count the states that TorBox showed and the bridge does not know, since the start."""
        return self._ledger.unknown_states

    @property
    def default_save_path(self) -> Path:
        """Where downloads without a category go."""
        return Path(self._roots.default)

    def policy(self, category: str) -> Policy:
        """Return what the settings say of a category."""
        return self._services.settings.policy_for(category)

    def mode_of(self, download: Download) -> str:
        """Return the delivery mode of a download, as decided for it or as the settings say now."""
        return self._services.mode(download)

    async def free_space(self) -> int:
        """Bytes that are free where downloads go; some seconds old."""
        return await self._space.bytes()

    def all(self) -> Sequence[View]:
        """List every download, oldest first. Costs no TorBox call, no SQL, no disk."""
        return [view for view in self.each() if view.number == 0]

    def each(self) -> Sequence[View]:
        """The same, and after each download how every further *arr sees it."""
        downloads, claims = self._ledger.downloads, self._ledger.all_claims
        views = [
            self._view(download, claim)
            for download in downloads.values()
            for claim in (None, *claims.get(download.hash, ()))
        ]
        if len(self._views) > len(views):
            shown = {(view.download.hash, view.number) for view in views}
            self._views = {key: kept for key, kept in self._views.items() if key in shown}
            self._layouts = {key: laid for key, laid in self._layouts.items() if key in downloads}
        return views

    def get(self, info_hash: str) -> View | None:
        """Find one by its hash, in any case."""
        download = self._ledger.downloads.get(info_hash.lower())
        return self._view(download) if download else None

    def _view(self, download: Download, claim: Claim | None = None) -> View:
        key = (download.hash, claim.number if claim else 0)
        inputs = self._inputs(download, claim)
        known = self._views.get(key)
        if known is not None and known[0].same_as(inputs):
            return known[1]
        seen = seen_by(claim, download) if claim else download
        again = known is not None and _goes_on(known[1].download, seen)
        shown = known[1].status.progress if known is not None and again else 0.0
        status = status_of(
            seen,
            inputs.item,
            inputs.fetched,
            shown=shown,
            turn_in=inputs.turn_in,
            remote_share=remote_share(self._services.mode(seen)),
        )
        view = View(seen, status, inputs.item, key[1])
        self._views[key] = (inputs, view)
        return view

    def _inputs(self, download: Download, claim: Claim | None) -> _Inputs:
        item = self._ledger.snapshot.items.get(download.torrent_id or 0)
        meter = self._ledger.progress.get(download.hash)
        fetched = Fetched(meter.bytes_done, meter.speed, meter.checking) if meter else None
        turn_in = self._ledger.turns.get(download.hash, ETA_UNKNOWN)
        return _Inputs(download, claim, item, fetched, turn_in)

    def files(self, info_hash: str) -> Sequence[FileView]:
        """List the files of a download; empty while they are not known."""
        view = self.get(info_hash)
        if view is None:
            return ()
        planned = self._ledger.files(view.download.hash)
        if not planned:
            return self._expected(view)
        meter = self._ledger.progress.get(view.download.hash)
        return [
            FileView(
                index,
                file.path,
                file.size,
                _file_progress(file, meter),
                file.chosen,
                file.priority if file.chosen else 0,
            )
            for index, file in enumerate(planned)
        ]

    def _expected(self, view: View) -> Sequence[FileView]:
        """List files that are not planned yet, as they will be by what is known now."""
        progress = view.status.progress
        return [
            FileView(index, file.name, file.size, progress, file.priority > 0, file.priority)
            for index, file in enumerate(self._laid_out(view.download.hash))
        ]

    def _laid_out(self, info_hash: str) -> Sequence[_Laid]:
        """Lay out what TorBox lists, or what the .torrent or the swarm says."""
        download = self._ledger.downloads[info_hash]
        item = self._ledger.snapshot.items.get(download.torrent_id or 0)
        files = (item.files if item else ()) or self._ledger.contents.get(info_hash, ())
        metainfo = self._metainfos.get((info_hash, download.added_at))
        single_file = metainfo is not None and metainfo.single_file
        key = (files, download.name, download.content_layout, download.file_edits, single_file)
        known = self._layouts.get(info_hash)
        if known is None or known[0] != key:
            known = self._layouts[info_hash] = (
                key,
                _lay_out(download, files, single_file=single_file),
            )
        return known[1]

    async def learn_files(self, info_hash: str) -> None:
        """Read the files from the .torrent, if that is the only one who knows them."""
        view = self.get(info_hash)
        if view is None or self.files(info_hash):
            return
        metainfo = await self.metainfo(info_hash)
        if metainfo is not None:
            self._ledger.learn(view.download.hash, named_files(metainfo))

    def trackers(self, info_hash: str) -> Sequence[str]:
        """List the tracker URLs of its magnet."""
        magnet = self._magnet(info_hash)
        return magnet.trackers if magnet else ()

    def webseeds(self, info_hash: str) -> Sequence[str]:
        """List the web seeds that its magnet or .torrent names."""
        magnet = self._magnet(info_hash)
        return magnet.webseeds if magnet else ()

    def _magnet(self, info_hash: str) -> Magnet | None:
        view = self.get(info_hash)
        magnet = parse_magnet(view.download.magnet) if view else None
        return magnet if isinstance(magnet, Magnet) else None

    async def metainfo(self, info_hash: str) -> Metainfo | None:
        """Read what its .torrent says, where we were handed one. The last few are remembered."""
        view = self.get(info_hash)
        if view is None or not view.download.has_torrent:
            return None
        key = (view.download.hash, view.download.added_at)
        if key not in self._metainfos:
            data = await self._ledger.store.torrent(view.download.hash)
            parsed = await asyncio.to_thread(parse_torrent, data) if data is not None else None
            if len(self._metainfos) >= METAINFOS_KEPT:
                self._metainfos.clear()
            self._metainfos[key] = parsed if isinstance(parsed, Metainfo) else None
        return self._metainfos.get(key)

    async def events(self, info_hash: str) -> Sequence[Event]:
        """Tell what happened to a download, oldest first; also after it is gone."""
        return await self._ledger.store.events(info_hash.lower())


def _lay_out(download: Download, files: Sequence[Named], *, single_file: bool) -> Sequence[_Laid]:
    laid = layout(
        files,
        download.name,
        single_file=single_file,
        content_layout=download.content_layout,
    )
    named = edited(laid.paths, download.file_edits)
    return [_Laid(laid.paths[file.id], *named[file.id], file.size) for file in files]


def _goes_on(before: Download, after: Download) -> bool:
    """Tell whether it is the same life: not added anew, not delivered once more."""
    return before.added_at == after.added_at and before.complete <= after.complete


def _file_progress(file: DeliveredFile, meter: Progress | None) -> float:
    if file.done:
        return 1.0
    if meter is None or not file.size:
        return 0.0
    return min(meter.done(file.file_id) / file.size, 1.0)


def named_files(metainfo: Metainfo) -> list[NamedFile]:
    """List what a .torrent says, numbered in its order."""
    return [NamedFile(index, file.path, file.size) for index, file in enumerate(metainfo.files)]
