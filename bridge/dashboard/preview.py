"""The files of a torrent, before it is added."""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence

import msgspec
import structlog

from bridge.core.files import NamedFile
from bridge.core.magnet import BadMagnet, parse_magnet
from bridge.core.metainfo import NotATorrent, parse_torrent
from bridge.engine import EngineContext
from bridge.torbox import TorBoxError

log = structlog.get_logger(__name__)

KEPT = 50
"""Number of previews whose files are kept for the add that follows."""
SWARM_SECONDS = 20.0
"""How long TorBox may look for a magnet's metadata while the user waits."""


class PreviewedFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file, by its place in the torrent."""

    index: int
    name: str
    size: int


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """The contents of a torrent."""

    hash: str
    name: str
    size: int
    """Bytes; 0 while the files are not known."""
    cached: bool | None
    """TorBox has it already; None if TorBox did not answer."""
    files: tuple[PreviewedFile, ...]
    """Empty while they are not known."""
    text: str = ""
    """Why the files are not known."""


class Previews:
    """Reads .torrent files, and asks TorBox about magnets."""

    def __init__(self, ctx: EngineContext) -> None:
        self._torbox = ctx.torbox
        self._known: OrderedDict[str, tuple[NamedFile, ...]] = OrderedDict()

    def files(self, info_hash: str) -> Sequence[NamedFile]:
        """Return the files of an earlier preview; empty if there was none."""
        return self._known.get(info_hash, ())

    async def torrent(self, data: bytes) -> Preview | str:
        """Return the preview of a .torrent file, or why the file is not valid."""
        metainfo = await asyncio.to_thread(parse_torrent, data)
        if isinstance(metainfo, NotATorrent):
            return metainfo.reason
        files = [
            NamedFile(index, file.path, file.size) for index, file in enumerate(metainfo.files)
        ]
        cached = await self._cached(metainfo.infohash)
        return self._preview(metainfo.infohash, metainfo.name, files, cached=cached)

    async def magnet(self, text: str) -> Preview | str:
        """Return the preview of a magnet, or why the magnet is not valid. Calls TorBox."""
        magnet = parse_magnet(text)
        if isinstance(magnet, BadMagnet):
            return magnet.reason
        info_hash, name = magnet.infohash, magnet.name or magnet.infohash
        try:
            found = (await self._torbox.cached([info_hash], list_files=True)).get(info_hash)
            if found is not None:
                files = [NamedFile(file.id, file.name, file.size) for file in found.files]
                return self._preview(info_hash, found.name or name, files, cached=True)
            told = await self._torbox.info(info_hash, timeout_seconds=SWARM_SECONDS)
        except TorBoxError as error:
            log.info("preview_failed", hash=info_hash, why=str(error))
            return self._unknown(info_hash, name, None, f"TorBox could not be asked: {error}")
        if told is None or not told.files:
            return self._unknown(
                info_hash, name, cached=False, text="TorBox has not found its metadata yet"
            )
        files = [NamedFile(index, *file) for index, file in enumerate(told.files)]
        return self._preview(info_hash, told.name or name, files, cached=False)

    async def _cached(self, info_hash: str) -> bool | None:
        try:
            return info_hash in await self._torbox.cached([info_hash])
        except TorBoxError as error:
            log.info("cached_check_failed", hash=info_hash, why=str(error))
            return None

    def _unknown(self, info_hash: str, name: str, cached: bool | None, text: str) -> Preview:
        return Preview(hash=info_hash, name=name, size=0, cached=cached, files=(), text=text)

    def _preview(
        self, info_hash: str, name: str, files: Sequence[NamedFile], *, cached: bool | None
    ) -> Preview:
        self._known[info_hash] = tuple(files)
        self._known.move_to_end(info_hash)
        while len(self._known) > KEPT:
            self._known.popitem(last=False)
        return Preview(
            hash=info_hash,
            name=name,
            size=sum(file.size for file in files),
            cached=cached,
            files=tuple(
                PreviewedFile(index=index, name=file.name, size=file.size)
                for index, file in enumerate(files)
            ),
        )
