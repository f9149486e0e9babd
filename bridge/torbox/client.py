"""The endpoints of TorBox that the bridge uses, as methods.

Every method raises a `TorBoxError` (see `errors`) if TorBox did not do what was asked, and
`RateLimited` without sending anything if a budget is used up.
"""

import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from enum import StrEnum
from http import HTTPStatus
from typing import Final, TypeVar
from urllib.parse import quote

import aiohttp
import structlog

from bridge.config.outbound_proxy import Proxies
from bridge.core.model import QueuedItem, RemoteItem
from bridge.torbox import items, payloads
from bridge.torbox.budgets import Budgets, CallClass
from bridge.torbox.error_codes import error_for, server_error
from bridge.torbox.errors import (
    NeedsUser,
    NoEndpoint,
    NotFound,
    PlanRestricted,
    Refused,
    SearchRefused,
    ServerError,
    TorBoxError,
)
from bridge.torbox.lists import LIST_BYTES, Lists, WarnOnce
from bridge.torbox.payloads import (
    Account,
    CachedItem,
    Created,
    SearchResult,
    SwarmMetadata,
)
from bridge.torbox.transport import Request, Transport

T = TypeVar("T")

log = structlog.get_logger(__name__)

SEARCH_URL: Final = "https://search-api.torbox.app"
_HASHES_PER_CALL = 200


class ApiKey:
    """The API key in use, which TorBox may change while the bridge runs.

    `read` returns the key from where the user keeps it.
    """

    def __init__(self, text: str, read: Callable[[], Awaitable[str]] | None = None) -> None:
        self._text = text
        self._read = read

    def __call__(self) -> str:
        """Return the key to send with the next call."""
        return self._text

    def __repr__(self) -> str:
        return "ApiKey(***)"

    async def renew(self) -> bool:
        """Read the key again and use it from now on; return whether it has changed."""
        found = await self._read() if self._read else ""
        if not found or found == self._text:
            return False
        self._text = found
        log.info("torbox_key_changed")
        return True


class Operation(StrEnum):
    """The operations on a torrent."""

    REANNOUNCE = "reannounce"
    DELETE = "delete"
    RESUME = "resume"
    STOP_SEEDING = "stop_seeding"


class TorBox:
    """A client of TorBox for one account.

    `timeout` is in seconds and covers a whole call. `api_key` may be a function, so that a changed
    key is used at the next call. The session belongs to the caller and is never closed here.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        *,
        base_url: str,
        api_key: Callable[[], str] | str,
        timeout: float,
        budgets: Budgets,
        clock: Callable[[], float] = time.time,
        search_url: str | None = None,
        proxies: Proxies | None = None,
    ) -> None:
        self.budgets = budgets
        self._transport = Transport(
            session,
            base_url=base_url,
            api_key=api_key,
            timeout=timeout,
            budgets=budgets,
            clock=clock,
            proxies=proxies,
        )
        self._search_url = search_url
        self.search_refusal = ""
        """Why TorBox's search does not serve this account; empty while it does, as far as known."""
        self._old_queue = False
        self._warn_once = WarnOnce()
        self._lists = Lists(self._transport, self._warn_once)

    @property
    def offset_seconds(self) -> float:
        """TorBox's clock minus ours; 0 before the first answer. Good to about a second."""
        return self._transport.offset_seconds

    async def create(
        self,
        *,
        magnet: str | None = None,
        torrent: bytes | None = None,
        seed: int,
        as_queued: bool = False,
        only_if_cached: bool = False,
        known_cached: bool = False,
    ) -> Created:
        """Add a torrent, by exactly one of magnet and .torrent file.

        `seed` is 1 (automatic), 2 (seed) or 3 (do not). `known_cached` says that the cached check
        found it, so that the hourly limit of other adds is not consulted. Not idempotent: after an
        error that is `unclear`, look for the hash before trying again.

        Raises:
            WaitForSlot, Cooldown: everything that is not cached has to wait.
            PlanRestricted: this torrent has to wait; others are not affected.
            Refused: this torrent will never work; others are not affected.
            NeedsUser: the owner of the account has to act.
        """
        if (magnet is None) == (torrent is None):
            raise ValueError("an add takes exactly one of magnet and torrent")
        # Multipart is the documented form; urlencoded works for magnets only.
        form = aiohttp.FormData(default_to_multipart=True)
        if torrent is not None:
            form.add_field(
                "file", torrent, filename="x.torrent", content_type="application/x-bittorrent"
            )
        else:
            form.add_field("magnet", magnet)
        form.add_field("seed", str(seed))
        # The default is true, and then TorBox zips torrents of 100 files or more: no *arr can
        # import one.
        form.add_field("allow_zip", "false")
        form.add_field("as_queued", _word(as_queued))
        form.add_field("add_only_if_cached", _word(only_if_cached))
        answer = await self._transport.send(
            Request(
                call_class=CallClass.CREATE,
                method="POST",
                path="/torrents/createtorrent",
                form=form,
                # With add_only_if_cached TorBox refuses an uncached torrent, so the add never
                # counts as uncached.
                cached=known_cached or only_if_cached,
            )
        )
        created = payloads.created(answer)
        if created is None:
            raise error_for(answer, self._transport.clock()) or server_error(answer)
        if created.cached:
            # The sentence "Found Cached Torrent" is the only sign that a create did not count as
            # uncached.
            self.budgets.refund(CallClass.UNCACHED, answer.sent_at)
        return created

    async def list_items(self) -> tuple[RemoteItem, ...]:
        """Return every torrent of the account, as it is now.

        Either the complete list or an error: an item that is missing would look deleted. An item
        that did not change is the same object as the last time.
        """
        return await self._lists.torrents()

    async def item(self, torrent_id: int) -> RemoteItem | None:
        """Return one torrent; None if TorBox says that there is none of this id."""
        request = Request(
            call_class=CallClass.LIST,
            path="/torrents/mylist",
            params={"id": torrent_id, "bypass_cache": "true"},
            max_bytes=LIST_BYTES,
        )
        try:
            answer = await self._transport.call(request, empty_ok=True)
        except NotFound:
            return None
        raw = items.one(answer, torrent_id)
        if raw is None:
            return None
        try:
            return items.remote_item(raw, self._warn_once)
        except items.BrokenEntryError as broken:
            raise server_error(answer, str(broken)) from None

    async def list_queued(self) -> tuple[QueuedItem, ...]:
        """Return the torrents in TorBox's own queue. Either the complete list or an error."""
        return await self._by_either_queue(self._lists.queue, self._lists.old_queue)

    async def control(self, torrent_id: int, operation: Operation) -> None:
        """Do something to a torrent.

        Raises:
            NotFound: it is gone, so a delete has nothing left to do.
        """
        what = {"torrent_id": torrent_id, "operation": operation.value}
        await self._control("/torrents/controltorrent", what)

    async def delete_queued(self, queued_id: int) -> None:
        """Delete a queued download.

        Raises:
            NotFound: it is gone, perhaps because it became active.
        """
        what: Mapping[str, str | int] = {"queued_id": queued_id, "operation": "delete"}
        await self._by_either_queue(
            lambda: self._control("/queued/controlqueued", what),
            lambda: self._control("/torrents/controlqueued", what),
        )

    async def _by_either_queue(
        self, new: Callable[[], Awaitable[T]], old: Callable[[], Awaitable[T]]
    ) -> T:
        """Use the endpoints of the queue; if TorBox lacks them, their older form from then on."""
        if not self._old_queue:
            # Both generations of the queue endpoints are in TorBox's documentation.
            with suppress(NoEndpoint):
                return await new()
        result = await old()
        self._old_queue = True
        return result

    async def _control(self, path: str, what: Mapping[str, str | int]) -> None:
        json = {**what, "all": False}
        await self._transport.call(
            Request(call_class=CallClass.CONTROL, method="POST", path=path, json=json)
        )

    async def link(self, torrent_id: int, file_id: int) -> str:
        """Return a new link to a file. It must be used within an hour and is itself a secret."""
        request = Request(
            call_class=CallClass.LINK,
            path="/torrents/requestdl",
            params={"torrent_id": torrent_id, "file_id": file_id},
            key_in_query=True,
        )
        return payloads.link(await self._transport.call(request))

    async def cached(
        self, hashes: Iterable[str], *, list_files: bool = False
    ) -> dict[str, CachedItem]:
        """Return those of the hashes that TorBox has cached, by lower-case hash."""
        wanted = sorted({info_hash.lower() for info_hash in hashes})
        found: dict[str, CachedItem] = {}
        for start in range(0, len(wanted), _HASHES_PER_CALL):
            found |= await self._cached(wanted[start : start + _HASHES_PER_CALL], list_files)
        return found

    async def _cached(self, hashes: list[str], list_files: bool) -> dict[str, CachedItem]:
        request = Request(
            call_class=CallClass.LIST,
            method="POST",
            path="/torrents/checkcached",
            params={"format": "object", "list_files": _word(list_files)},
            json={"hashes": hashes},
            max_bytes=LIST_BYTES,
        )
        answer = await self._transport.call(request, empty_ok=True)
        return payloads.cached_items(answer, self._warn_once)

    async def info(self, info_hash: str, *, timeout_seconds: float) -> SwarmMetadata | None:
        """Return a torrent's metadata from the swarm; None if TorBox did not get it in time."""
        request = Request(
            call_class=CallClass.OTHER,
            path="/torrents/torrentinfo",
            params={"hash": info_hash, "timeout": max(1, round(timeout_seconds))},
            max_bytes=LIST_BYTES,
            # The call blocks at TorBox until the metadata is found or the timeout is over.
            more_seconds=timeout_seconds,
        )
        try:
            answer = await self._transport.call(request)
        except NotFound:
            return None
        except ServerError as error:
            # The documented answer to "no metadata within the timeout", though its code reads like
            # a failure.
            if error.code == "DOWNLOAD_SERVER_ERROR":
                return None
            raise
        return payloads.torrent_info(answer)

    async def export(self, torrent_id: int) -> bytes | None:
        """Return a torrent's .torrent file; None if TorBox does not give it (cached ones)."""
        answer = await self._transport.send(
            Request(
                call_class=CallClass.OTHER,
                path="/torrents/exportdata",
                params={"torrent_id": torrent_id, "type": "file"},
                max_bytes=LIST_BYTES,
            )
        )
        # A file comes without the envelope. Every .torrent is a bencoded dictionary and begins with
        # `d`.
        if answer.status == HTTPStatus.OK and answer.body.startswith(b"d"):
            return answer.body
        error = error_for(answer, self._transport.clock())
        if error is None or isinstance(error, (NotFound, Refused)):
            return None
        raise error

    async def search(self, query: str) -> tuple[SearchResult, ...]:
        """Search TorBox's index, on the search host if there is one, else where it used to be.

        Raises:
            SearchRefused: TorBox's search does not serve this account. It is logged once, and
                `search_refusal` says so until a search works again.
        """
        try:
            answer = await self._transport.call(self._search_request(query), empty_ok=True)
        except (NeedsUser, PlanRestricted, NoEndpoint) as error:
            raise self._search_refused(error) from None
        except ServerError as error:
            # A bare 401 or 403 of the search host says nothing about the key, see error_codes.
            if error.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
                raise self._search_refused(error) from None
            raise
        self.search_refusal = ""
        return payloads.search_results(answer, self._warn_once)

    def _search_refused(self, error: TorBoxError) -> SearchRefused:
        if not self.search_refusal:
            log.warning("torbox_search_refused", error=str(error))
        self.search_refusal = str(error)
        return SearchRefused(error.code, error.detail, error.status)

    def _search_request(self, query: str) -> Request:
        base, path, params = None, "/torrents/search", {"query": query}
        if self._search_url is not None:
            base = self._search_url.rstrip("/")
            path, params = f"{path}/{quote(query, safe='')}", {}
        return Request(
            call_class=CallClass.OTHER, base=base, path=path, params=params, max_bytes=LIST_BYTES
        )

    async def me(self) -> Account:
        """Return the account: the cheapest way to learn whether the key is valid."""
        request = Request(call_class=CallClass.OTHER, path="/user/me", about_account=True)
        return payloads.account(await self._transport.call(request))


def _word(value: bool) -> str:
    """Return a boolean in lower case, the only form that TorBox's cache has been seen to obey."""
    return "true" if value else "false"
