"""TorBox's lists: whole or not at all, page by page, and read anew only where they changed."""

import itertools
from collections.abc import Mapping
from typing import Final

import msgspec
import structlog

from bridge.core.model import QueuedItem, RemoteItem
from bridge.torbox import items
from bridge.torbox.budgets import CallClass
from bridge.torbox.transport import MIB, Request, Transport

PAGE: Final = 1000
"""TorBox's largest page."""
LIST_BYTES: Final = 64 * MIB
"""The most that is read of an answer which may be long."""
_MOST_COMPLAINTS = 1000

log = structlog.get_logger()


class WarnOnce:
    """Logs what TorBox sends broken, once each: the same list comes every few seconds."""

    def __init__(self) -> None:
        self._known: set[str] = set()

    def __call__(self, complaint: str) -> None:
        """Log a complaint that is new."""
        if complaint not in self._known and len(self._known) < _MOST_COMPLAINTS:
            self._known.add(complaint)
            log.warning("torbox_sent_broken_entry", complaint=complaint)


class Lists:
    """Reads the list of torrents and the queue."""

    def __init__(self, transport: Transport, warn_once: items.Warn) -> None:
        self._transport = transport
        self._warn_once = warn_once
        self._last_read: dict[bytes, RemoteItem] = {}

    async def torrents(self) -> tuple[RemoteItem, ...]:
        """List every torrent; one that did not change is the same object as the last time."""
        raws = await self._pages("/torrents/mylist", {})
        before, now = self._last_read, dict[bytes, RemoteItem]()

        def read(raw: msgspec.Raw, warn_once: items.Warn) -> RemoteItem:
            key = bytes(raw)
            now[key] = before.get(key) or items.remote_item(raw, warn_once)
            return now[key]

        found = items.readable(raws, read, self._warn_once)
        self._last_read = now
        return tuple({item.id: item for item in found}.values())

    async def queue(self) -> tuple[QueuedItem, ...]:
        """List the queued torrents."""
        return self._queued(await self._pages("/queued/getqueued", {"type": "torrent"}))

    async def old_queue(self) -> tuple[QueuedItem, ...]:
        """List the queued torrents at the older endpoint, which knows no pages."""
        return self._queued(await self._page("/torrents/getqueued", {}))

    def _queued(self, raws: list[msgspec.Raw]) -> tuple[QueuedItem, ...]:
        torrents = filter(items.is_torrent, raws)
        found = items.readable(torrents, items.queued_item, self._warn_once)
        return tuple({item.id: item for item in found}.values())

    async def _pages(self, path: str, params: Mapping[str, str | int]) -> list[msgspec.Raw]:
        """Read page after page until one is short, or brings nothing that was not there before."""
        found: dict[bytes, msgspec.Raw] = {}
        for offset in itertools.count(0, PAGE):
            paged = {**params, "offset": offset, "limit": PAGE}
            page = await self._page(path, paged)
            fresh = {bytes(raw): raw for raw in page}
            more = len(page) >= PAGE and not fresh.keys() <= found.keys()
            found |= fresh
            if not more:
                break
        return list(found.values())

    async def _page(self, path: str, params: Mapping[str, str | int]) -> list[msgspec.Raw]:
        request = Request(
            kind=CallClass.LIST,
            path=path,
            params={**params, "bypass_cache": "true"},
            max_bytes=LIST_BYTES,
        )
        return items.entries(await self._transport.call(request, empty_ok=True))
