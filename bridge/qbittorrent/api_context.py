"""The arguments of a handler: the context that all handlers share, and the request to answer."""

from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import TypeAlias

import msgspec
from aiohttp import web

from bridge.auth import Access, Principal, address_of
from bridge.core.metainfo import HASH_DIGITS
from bridge.downloads import NOBODY, Caller, DownloadService, View, program_of
from bridge.logs import RecentLogs
from bridge.qbittorrent.params import Params
from bridge.qbittorrent.responses import HttpError, Profile
from bridge.qbittorrent.sync_sessions import SnapshotTaker, SyncSessions
from bridge.qbittorrent.torrent_list import TorrentList

V2_HEX_DIGITS = 64


class ApiContext(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the handlers share."""

    downloads: DownloadService
    access: Access
    profile: Profile
    torrent_list: TorrentList
    snapshots: SnapshotTaker
    sync_sessions: SyncSessions
    logs: RecentLogs
    clock: Callable[[], float]
    started_at: float
    preferences: Mapping[str, object]
    """Preferences whose values differ from a fresh qBittorrent's."""


class ApiRequest(msgspec.Struct, frozen=True):
    """A request whose session was checked and whose parameters were read."""

    context: ApiContext
    params: Params
    http: web.Request
    principal: Principal | None = None
    """None without a session; only a login is allowed then."""

    @property
    def downloads(self) -> DownloadService:
        """Return the service that every handler calls."""
        return self.context.downloads

    @property
    def caller(self) -> Caller:
        """Return the client, to tell apart several that have the same download."""
        agent = self.http.headers.get("User-Agent", "")
        if self.principal is None:
            return NOBODY
        name = self.principal.name
        if self.principal.shared:
            name = f"{name} {agent} {address_of(self.http, self.context.access)}"
        return Caller(name, program_of(agent))

    @property
    def scope(self) -> Caller | None:
        """Return whose grabs `hashes` means; None for `all`, which means everybody's.

        No *arr sends `all`, only people and scripts that mean everything.
        """
        return None if self.params.get("hashes") == "all" else self.caller

    def view(self) -> View:
        """Return the download that `hash` names.

        Raises:
            HttpError: 400 when `hash` was not sent, 404 when it is unknown or malformed.
        """
        views = self.downloads.queries.of_hash(torrent_id(self.params.require("hash")))
        meant = self.downloads.scopes.resolve(self.caller, views)
        if not meant:
            raise HttpError(HTTPStatus.NOT_FOUND)
        return meant[0]

    def hashes(self) -> tuple[str, ...]:
        """Return the ids in `hashes` (required, separated by `|`); `all` means every download."""
        given = self.params.require("hashes")
        # Only the word alone: "all|<hash>" names a hash "all", which is unknown.
        if given == "all":
            return tuple(self.downloads.queries.primaries)
        return tuple(map(torrent_id, self.params.items("hashes", "|")))


Handler: TypeAlias = Callable[[ApiRequest], Awaitable[object]]
"""What it returns, `responses.reply` turns into the reply."""


def torrent_id(given: str) -> str:
    """Return a hash as the id: lower case, and of a v2 hash the first 40 digits."""
    lowered = given.strip().lower()
    return lowered[:HASH_DIGITS] if len(lowered) == V2_HEX_DIGITS else lowered
