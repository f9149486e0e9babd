"""TorBox's lists: complete or not at all, page by page, and parsed again only where they changed."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Final, Generic, TypeVar

import msgspec
import structlog

from bridge.core.model import QueuedItem, RemoteItem
from bridge.torbox import items
from bridge.torbox.budgets import CallClass
from bridge.torbox.envelope import Answer
from bridge.torbox.errors import RateLimited, ServerError, TooLarge, Unreachable
from bridge.torbox.transport import IN_THREAD, MIB, Request, Transport

T = TypeVar("T", RemoteItem, QueuedItem)

PAGE: Final = 1000
"""TorBox's largest page."""
LIST_BYTES: Final = 64 * MIB
"""The most that is read of an answer which may be long."""
SMALLEST_PAGE: Final = 25
SMALLEST_SLOW_PAGE: Final = 100
"""A timeout may as well be an outage, after which small pages would cost many calls."""
READS_UNTIL_LARGER: Final = 20
"""Complete lists in small pages before larger ones are tried again."""
MOST_ITEMS: Final = 250_000
"""A list with more than that does not end, as far as we care."""
_MOST_WARNINGS = 1000

log = structlog.get_logger(__name__)


class WarnOnce:
    """Logs what TorBox sends broken, once each: the same list comes every few seconds."""

    def __init__(self) -> None:
        self._known: set[str] = set()

    def __call__(self, problem: str) -> None:
        """Log a problem that was not logged before."""
        if problem not in self._known and len(self._known) < _MOST_WARNINGS:
            self._known.add(problem)
            log.warning("torbox_sent_broken_entry", problem=problem)


class _PageSize:
    """How many items to ask for at a time: fewer after an answer that was too large or too slow."""

    def __init__(self) -> None:
        self.items = PAGE
        self._reads = 0

    def shrink(self, least: int) -> bool:
        """Make pages a quarter as large; return whether they were larger than `least`."""
        self._reads = 0
        before = self.items
        self.items = min(before, max(least, before // 4))
        return self.items < before

    def succeeded(self) -> None:
        """Count a complete list; double the page now and then, up to TorBox's largest."""
        self._reads += 1
        if self._reads >= READS_UNTIL_LARGER and self.items < PAGE:
            self.items, self._reads = min(PAGE, self.items * 2), 0


class _Listing(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """A list of TorBox: its endpoint, and the parser of its entries."""

    path: str
    read: Callable[[msgspec.Raw, items.Warn], T]
    params: Mapping[str, str | int] = msgspec.field(default_factory=dict)
    wanted: Callable[[msgspec.Raw], bool] | None = None
    """Which entries to parse; None: all."""
    about_account: bool = False

    def parse(self, answer: Answer, warn_once: items.Warn) -> tuple[int, list[T]]:
        """Return how many entries a page has, and those that are wanted and could be parsed."""
        raws = items.entries(answer)
        return len(raws), items.readable(filter(self.wanted, raws), self.read, warn_once)


_QUEUE: Final = _Listing(
    path="/queued/getqueued",
    params={"type": "torrent"},
    read=items.queued_item,
    wanted=items.is_torrent,
)
_OLD_QUEUE: Final = _Listing(
    path="/torrents/getqueued", read=items.queued_item, wanted=items.is_torrent
)


class Lists:
    """Reads the list of torrents and the queue."""

    def __init__(
        self,
        transport: Transport,
        warn_once: items.Warn,
        *,
        most_items: int = MOST_ITEMS,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._transport = transport
        self._warn_once = warn_once
        self._most_items = most_items
        self._sleep = sleep
        self._page_size = _PageSize()
        self._last_read: dict[bytes, RemoteItem] = {}

    async def torrents(self) -> tuple[RemoteItem, ...]:
        """Return every torrent; an unchanged torrent is the same object as in the last list.

        Raises:
            TorBoxError: a page failed, or the list does not end.
        """
        before, now = self._last_read, dict[bytes, RemoteItem]()

        def read(raw: msgspec.Raw, warn_once: items.Warn) -> RemoteItem:
            digest = hashlib.blake2b(raw, digest_size=16).digest()
            # Most items do not change between two lists, and equal bytes need no parsing.
            now[digest] = before.get(digest) or items.remote_item(raw, warn_once)
            return now[digest]

        listing = _Listing(path="/torrents/mylist", read=read, about_account=True)
        found = await self._all_pages(listing)
        self._last_read = now
        return found

    async def queue(self) -> tuple[QueuedItem, ...]:
        """Return the queued torrents.

        Raises:
            TorBoxError: a page failed, or the queue does not end.
        """
        return await self._all_pages(_QUEUE)

    async def old_queue(self) -> tuple[QueuedItem, ...]:
        """Return the queued torrents from the older endpoint, which knows no pages.

        Raises:
            TorBoxError: it failed.
        """
        _, page = await self._page(_OLD_QUEUE, {})
        return tuple({item.id: item for item in page}.values())

    async def _all_pages(self, listing: _Listing[T]) -> tuple[T, ...]:
        found: dict[int, T] = {}
        offset = 0
        while True:
            limit = self._page_size.items
            try:
                length, page = await self._page(listing, {"offset": offset, "limit": limit})
            except TooLarge:
                if not self._page_size.shrink(SMALLEST_PAGE):
                    raise
                continue
            except RateLimited as error:
                # Our own limit, in the midst of a list with hundreds of pages: to start over would
                # meet the limit at the same page again.
                if offset == 0 or error.status:
                    raise
                await self._sleep(error.retry_after)
                continue
            except Unreachable as error:
                # A timeout may mean that the page is too large for TorBox to answer in time.
                if error.unclear:
                    self._page_size.shrink(SMALLEST_SLOW_PAGE)
                raise
            known = len(found)
            # An item that is added while pages are read moves the others: ids may repeat on the
            # next page.
            found |= {item.id: item for item in page}
            # No new id: the server ignores `offset` and would send the same page for ever.
            if length < limit or len(found) == known:
                break
            if len(found) > self._most_items:
                raise ServerError("", f"TorBox's list has no end after {len(found)} items")
            offset += length
        self._page_size.succeeded()
        return tuple(found.values())

    async def _page(self, listing: _Listing[T], page: Mapping[str, int]) -> tuple[int, list[T]]:
        request = Request(
            call_class=CallClass.LIST,
            path=listing.path,
            params={**listing.params, **page, "bypass_cache": "true"},
            max_bytes=LIST_BYTES,
            about_account=listing.about_account,
        )
        answer = await self._transport.call(request, empty_ok=True)
        parse = partial(listing.parse, answer, self._warn_once)
        return await asyncio.to_thread(parse) if len(answer.body) > IN_THREAD else parse()
