"""The one door from the faces inward: add, list, remove, categorise.

Reads come from memory; writes are committed before they return. Answers are values: a rejection
is not an error, and only what is broken raises.
"""

import asyncio
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import structlog

from bridge.core.magnet import BadMagnet, canonical_magnet, magnet_of, parse_magnet
from bridge.core.metainfo import Metainfo, NotATorrent, parse_torrent
from bridge.core.model import (
    BEFORE_READY,
    USE_GLOBAL,
    Category,
    DeliveredFile,
    Download,
    Event,
    Phase,
    RemoteItem,
)
from bridge.core.roots import OutsideRoots, Roots
from bridge.core.status import Fetched, Status, status_of
from bridge.delivery import Progress
from bridge.engine.engine import Engine
from bridge.engine.remove import remote_removal, removal_of
from bridge.engine.services import Services
from bridge.torbox import TorBoxError

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class View:
    """A download as the faces show it. The same object for as long as nothing about it changes."""

    download: Download
    status: Status
    item: RemoteItem | None
    """What TorBox last said of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What an *arr says beside the torrent itself. Limits as in qBittorrent: minutes, -1, -2."""

    category: str = ""
    tags: tuple[str, ...] = ()
    save_path: str = ""
    name: str = ""
    stopped: bool = False
    force_start: bool = False
    sequential: bool = False
    first_last_first: bool = False
    to_top: bool = False
    content_layout: str = "Original"
    ratio_limit: float = USE_GLOBAL
    seeding_time_limit: int = USE_GLOBAL
    inactive_seeding_time_limit: int = USE_GLOBAL


@dataclass(frozen=True, slots=True)
class Added:
    """Accepted and committed: it survives whatever comes."""

    hash: str


@dataclass(frozen=True, slots=True)
class Known:
    """The hash is here already; nothing was added. *arr count this as success, and so do we."""

    hash: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """Not added, and why."""

    reason: str
    bad_torrent: bool = False
    """The file is not a torrent: qBittorrent says 415."""


AddResult: TypeAlias = Added | Known | Rejected


@dataclass(frozen=True, slots=True)
class FileView:
    """A file of a download as `torrents/files` shows it; `name` is relative to save_path."""

    index: int
    name: str
    size: int
    progress: float
    chosen: bool


class _Inputs(NamedTuple):
    """What a view is made from; the same inputs make the same view."""

    download: Download
    item: RemoteItem | None
    fetched: Fetched | None

    def same_as(self, other: "_Inputs") -> bool:
        return (
            self.download is other.download
            and self.item is other.item
            and self.fetched == other.fetched
        )


class Downloads:
    """Every download, category and tag the bridge knows."""

    def __init__(self, services: Services, engine: Engine) -> None:
        self._services = services
        self._ledger = services.ledger
        self._engine = engine
        settings = services.settings
        given = (category.save_path for category in settings.categories.values())
        self._roots = Roots(
            default=str(settings.paths.downloads), others=tuple(path for path in given if path)
        )
        self._views: dict[str, tuple[_Inputs, View]] = {}
        self._state: object = None
        self._version = 0

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
    def default_save_path(self) -> Path:
        """Where downloads without a category go."""
        return Path(self._roots.default)

    def all(self) -> Sequence[View]:
        """List every download, oldest first. Costs no TorBox call, no SQL, no disk."""
        downloads = self._ledger.downloads
        if len(self._views) > len(downloads):
            self._views = {key: kept for key, kept in self._views.items() if key in downloads}
        return [self._view(download) for download in downloads.values()]

    def get(self, info_hash: str) -> View | None:
        """Find one by its hash, in any case."""
        download = self._ledger.downloads.get(info_hash.lower())
        return self._view(download) if download else None

    def _view(self, download: Download) -> View:
        inputs = self._inputs(download)
        known = self._views.get(download.hash)
        if known is not None and known[0].same_as(inputs):
            return known[1]
        again = known is not None and known[0].download.added_at == download.added_at
        shown = known[1].status.progress if known is not None and again else 0.0
        status = status_of(download, inputs.item, inputs.fetched, shown=shown)
        view = View(download, status, inputs.item)
        self._views[download.hash] = (inputs, view)
        return view

    def _inputs(self, download: Download) -> _Inputs:
        item = self._ledger.snapshot.items.get(download.torrent_id or 0)
        meter = self._ledger.progress.get(download.hash)
        fetched = Fetched(meter.bytes_done, meter.speed) if meter else None
        return _Inputs(download, item, fetched)

    def files(self, info_hash: str) -> Sequence[FileView]:
        """List the files of a download; empty while they are not known."""
        view = self.get(info_hash)
        if view is None:
            return ()
        planned = self._ledger.files(view.download.hash)
        if planned:
            meter = self._ledger.progress.get(view.download.hash)
            return [
                FileView(index, file.path, file.size, _file_progress(file, meter), file.chosen)
                for index, file in enumerate(planned)
            ]
        items = view.item.files if view.item else ()
        return [
            FileView(index, file.name, file.size, 0.0, True) for index, file in enumerate(items)
        ]

    def trackers(self, info_hash: str) -> Sequence[str]:
        """List the tracker URLs of its magnet."""
        view = self.get(info_hash)
        if view is None:
            return ()
        magnet = parse_magnet(view.download.magnet)
        return () if isinstance(magnet, BadMagnet) else magnet.trackers

    async def metainfo(self, info_hash: str) -> Metainfo | None:
        """Read what its .torrent says, where we were handed one."""
        data = await self._ledger.store.torrent(info_hash.lower())
        parsed = parse_torrent(data) if data is not None else None
        return parsed if isinstance(parsed, Metainfo) else None

    async def events(self, info_hash: str) -> Sequence[Event]:
        """Tell what happened to a download, oldest first; also after it is gone."""
        return await self._ledger.store.events(info_hash.lower())

    async def add_magnet(self, text: str, options: Options) -> AddResult:
        """Accept a magnet link or a bare info-hash. Committed and visible before this returns."""
        magnet = parse_magnet(text)
        if isinstance(magnet, BadMagnet):
            return Rejected(magnet.reason)
        download = Download(
            hash=magnet.infohash,
            name=options.name or magnet.name or magnet.infohash,
            save_path="",
            added_at=self._services.clock(),
            infohash_v1=magnet.infohash_v1,
            infohash_v2=magnet.infohash_v2,
            magnet=canonical_magnet(magnet),
        )
        return await self._add(download, None, options)

    async def add_torrent(self, data: bytes, options: Options) -> AddResult:
        """Accept a .torrent file. Committed and visible before this returns."""
        metainfo = await asyncio.to_thread(parse_torrent, data)
        if isinstance(metainfo, NotATorrent):
            return Rejected(metainfo.reason, bad_torrent=True)
        download = Download(
            hash=metainfo.infohash,
            name=options.name or metainfo.name,
            save_path="",
            added_at=self._services.clock(),
            infohash_v1=metainfo.infohash_v1,
            infohash_v2=metainfo.infohash_v2,
            magnet=magnet_of(metainfo),
            has_torrent=True,
            private=metainfo.private,
            size=metainfo.size,
        )
        return await self._add(download, data, options)

    async def _add(self, download: Download, torrent: bytes | None, options: Options) -> AddResult:
        known = self._ledger.downloads.get(download.hash)
        if known is not None and known.phase is not Phase.FAILED:
            return Known(download.hash)
        category = options.category if valid_category(options.category) else ""
        try:
            save_path = self._save_path(category, options.save_path)
        except OutsideRoots as error:
            return Rejected(str(error))
        if await self._refused_as_uncached(download.hash, category):
            return Rejected("TorBox has not cached it, and this category takes only what it has")
        if category and category not in self._ledger.categories:
            await self.create_category(category, "")
        await self._ledger.put_tags(options.tags)
        added = await self._ledger.insert(
            self._with_options(download, options, category, save_path),
            torrent=torrent,
            replacing=known,
            cleanup=remote_removal(self._services, known) if known else None,
        )
        self._engine.wake()
        return Added(download.hash) if added else Known(download.hash)

    def _with_options(
        self, download: Download, options: Options, category: str, save_path: str
    ) -> Download:
        return replace(
            download,
            category=category,
            save_path=save_path,
            tags=tuple(dict.fromkeys(options.tags)),
            phase_at=download.added_at,
            stopped=options.stopped,
            force_start=options.force_start,
            sequential=options.sequential,
            first_last_first=options.first_last_first,
            priority=self._first_place() if options.to_top else 0,
            content_layout=options.content_layout,
            ratio_limit=options.ratio_limit,
            seeding_time_limit=options.seeding_time_limit,
            inactive_seeding_time_limit=options.inactive_seeding_time_limit,
        )

    def _save_path(self, category: str, save_path: str) -> str:
        known = self._ledger.categories.get(category)
        base = self._roots.default
        if category:
            base = self._roots.category_path(category, known.save_path if known else "")
        return self._roots.resolve(save_path, base) if save_path else base

    async def _refused_as_uncached(self, info_hash: str, category: str) -> bool:
        """Ask TorBox, in the time an *arr can wait. No answer in time is no refusal."""
        if self._services.settings.policy_for(category).cached != "only":
            return False
        try:
            async with asyncio.timeout(CACHED_CHECK_SECONDS):
                cached = await self._services.torbox.cached([info_hash])
        except (TimeoutError, TorBoxError) as error:
            log.info("cached_check_failed", hash=info_hash, why=str(error) or "no answer in time")
            return False
        return info_hash not in cached

    async def remove(self, hashes: Iterable[str], *, delete_files: bool) -> None:
        """Hide the downloads at once; files and remote items go by a persisted, retried job."""
        for download in self._known(hashes):
            removal = removal_of(self._services, download, delete_files=delete_files)
            await self._ledger.remove(removal)
            self._engine.cancel(download.hash)
        self._engine.wake()

    async def stop(self, hashes: Iterable[str]) -> None:
        """Begin nothing new for these until they are started again."""
        for download in self._known(hashes):
            if download.phase in BEFORE_READY | {Phase.READY, Phase.DELIVERING}:
                await self._change(download, "stopped by the user", stopped=True)
                if download.phase is Phase.DELIVERING:
                    self._engine.cancel(download.hash)
        self._engine.wake()

    async def start(self, hashes: Iterable[str]) -> None:
        """Go on with these; whatever waits for another attempt is tried at once."""
        for download in self._known(hashes):
            await self._change(
                download, "started by the user", stopped=False, force_start=False,
                next_attempt_at=0.0,
            )  # fmt: skip
        self._engine.wake()

    async def set_force_start(self, hashes: Iterable[str], *, value: bool) -> None:
        """Mark as forced: submitted before all others, shown as forcedDL while it runs."""
        for download in self._known(hashes):
            stopped = download.stopped and not value
            await self._change(download, "force start", force_start=value, stopped=stopped)
        self._engine.wake()

    async def to_top(self, hashes: Iterable[str]) -> None:
        """Move to the head of the submit queue."""
        for download in reversed(self._known(hashes)):
            await self._change(download, "moved to the top", priority=self._first_place())
        self._engine.wake()

    def _first_place(self) -> int:
        return min((known.priority for known in self._ledger.downloads.values()), default=0) - 1

    async def set_share_limits(
        self,
        hashes: Iterable[str],
        *,
        ratio: float,
        seeding_minutes: int,
        inactive_minutes: int | None,
    ) -> None:
        """Set when seeding is done; None keeps the inactive limit as it is."""
        for download in self._known(hashes):
            inactive = download.inactive_seeding_time_limit
            await self._change(
                download,
                "seed limits set",
                ratio_limit=ratio,
                seeding_time_limit=seeding_minutes,
                inactive_seeding_time_limit=(
                    inactive if inactive_minutes is None else inactive_minutes
                ),
            )
        self._engine.wake()

    def _known(self, hashes: Iterable[str]) -> list[Download]:
        wanted = dict.fromkeys(info_hash.lower() for info_hash in hashes)
        downloads = self._ledger.downloads
        return [downloads[info_hash] for info_hash in wanted if info_hash in downloads]

    async def _change(self, download: Download, why: str, **fields: Any) -> None:
        await self._ledger.change(download.hash, lambda latest: replace(latest, **fields), why=why)

    def categories(self) -> Sequence[Category]:
        """List the categories by name."""
        return [category for _, category in sorted(self._ledger.categories.items())]

    def category_path(self, category: Category) -> Path:
        """Tell the directory that the category's downloads go to."""
        return Path(self._roots.category_path(category.name, category.save_path))

    async def create_category(self, name: str, save_path: str) -> str | None:
        """Create it, and its directory. Answers why not, when not."""
        if name in self._ledger.categories:
            return "Unable to create category"
        return await self._put_category(name, save_path)

    async def edit_category(self, name: str, save_path: str) -> str | None:
        """Change where its later downloads go. Answers why not, when not."""
        known = self._ledger.categories.get(name)
        if known is None or known.save_path == save_path:
            return "Unable to edit category"
        return await self._put_category(name, save_path)

    async def _put_category(self, name: str, save_path: str) -> str | None:
        if not name or not valid_category(name):
            return "Incorrect category name"
        category = Category(name=name, save_path=save_path)
        try:
            path = self.category_path(category)
            await asyncio.to_thread(path.mkdir, parents=True, exist_ok=True)
        except OutsideRoots as error:
            return f"Incorrect save path: {error}"
        except OSError as error:
            # *arr see a missing directory as a red health message, but work all the same.
            log.warning("category_directory", category=name, error=str(error))
        await self._ledger.put_category(category)
        return None

    async def remove_categories(self, names: Iterable[str]) -> None:
        """Drop categories; their downloads become uncategorised and stay where they are."""
        dropped = set(names) & set(self._ledger.categories)
        for download in tuple(self._ledger.downloads.values()):
            if download.category in dropped:
                await self._change(download, "category removed", category="")
        for name in dropped:
            await self._ledger.drop_category(name)

    async def set_category(self, hashes: Iterable[str], name: str) -> str | None:
        """Move downloads to a category ("" for none); files stay where they are.

        Answers why not when the category does not exist and a hash matched.
        """
        matched = self._known(hashes)
        if matched and name and name not in self._ledger.categories:
            return "Incorrect category name"
        for download in matched:
            await self._change(download, f"category {name!r}", category=name)
        return None

    def tags(self) -> Sequence[str]:
        """List the tags by name."""
        return sorted(self._ledger.tags)

    async def create_tags(self, names: Iterable[str]) -> None:
        """Create tags that are not there yet."""
        await self._ledger.put_tags(names)

    async def delete_tags(self, names: Iterable[str]) -> None:
        """Drop tags from the list and from every download."""
        dropped = set(names)
        await self.remove_tags(tuple(self._ledger.downloads), dropped)
        await self._ledger.drop_tags(dropped & self._ledger.tags)

    async def add_tags(self, hashes: Iterable[str], names: Iterable[str]) -> None:
        """Tag downloads; unknown tags are created when a hash matches."""
        matched, new = self._known(hashes), tuple(names)
        if matched:
            await self._ledger.put_tags(new)
        for download in matched:
            await self._change(download, "tags", tags=tuple(dict.fromkeys(download.tags + new)))

    async def remove_tags(self, hashes: Iterable[str], names: Iterable[str]) -> None:
        """Untag downloads; no names means all of their tags."""
        dropped = set(names)
        for download in self._known(hashes):
            kept = tuple(tag for tag in download.tags if dropped and tag not in dropped)
            if kept != download.tags:
                await self._change(download, "tags", tags=kept)


CACHED_CHECK_SECONDS = 3.0
"""How long an add may wait for TorBox's word whether it is cached."""

_CATEGORY = re.compile(r"[^\\/]|[^\\/](?:[^\\/]|/(?=[^/]))*[^\\/]")


def valid_category(name: str) -> bool:
    """Tell whether qBittorrent would take the name: no backslash, no empty part between slashes."""
    return not name or _CATEGORY.fullmatch(name) is not None


def _file_progress(file: DeliveredFile, meter: Progress | None) -> float:
    if file.done:
        return 1.0
    if meter is None or not file.size:
        return 0.0
    return min(meter.done(file.file_id) / file.size, 1.0)
