"""What a handler gets: the face's parts, and the one call it answers."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import TypeAlias

from aiohttp import web

from bridge.access import Access, Visitor, address_of
from bridge.downloads import NOBODY, Caller, DownloadService, View, program_of
from bridge.logs import RecentLogs
from bridge.qbittorrent.conversation import Conversations
from bridge.qbittorrent.http import HttpError, Params
from bridge.qbittorrent.listing import Listing
from bridge.qbittorrent.pictures import Pictures
from bridge.qbittorrent.profile import Profile

V2_HEX_DIGITS = 64
ID_HEX_DIGITS = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Face:
    """Everything the handlers share."""

    downloads: DownloadService
    access: Access
    profile: Profile
    listing: Listing
    pictures: Pictures
    conversations: Conversations
    logs: RecentLogs
    clock: Callable[[], float]
    started_at: float
    preferences: Mapping[str, object]
    """What differs here from a fresh qBittorrent's preferences."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request: who asks is settled, its parameters are read."""

    face: Face
    params: Params
    request: web.Request
    visitor: Visitor | None = None
    """None for who has not logged in; only a login is open to them."""

    @property
    def downloads(self) -> DownloadService:
        """The door inward."""
        return self.face.downloads

    @property
    def caller(self) -> Caller:
        """Tell who asks, as far as that tells apart those who have one download."""
        agent = self.request.headers.get("User-Agent", "")
        if self.visitor is None:
            return NOBODY
        name = self.visitor.name
        if self.visitor.by_key:
            name = f"{name} {agent} {address_of(self.request, self.face.access)}"
        return Caller(name, program_of(agent))

    @property
    def scope(self) -> Caller | None:
        """The client that a list of hashes is understood for; None for `all`: everybody's grabs."""
        return None if self.params.get("hashes") == "all" else self.caller

    def view(self) -> View:
        """Find the download that `hash` names. Absent is 400, unknown or malformed 404."""
        views = self.downloads.queries.of_hash(torrent_id(self.params.require("hash")))
        meant = self.downloads.scopes.resolve(self.caller, [view.entry for view in views])
        for view in views:
            if meant and view.grab.id == meant[0].grab.id:
                return view
        raise HttpError(HTTPStatus.NOT_FOUND)

    def hashes(self) -> tuple[str, ...]:
        """Read `hashes` (required, `|` between); `all` alone means every download."""
        given = self.params.require("hashes")
        if given == "all":
            return tuple(self.downloads.queries.primaries)
        return tuple(map(torrent_id, self.params.items("hashes", "|")))


Handler: TypeAlias = Callable[[Call], Awaitable[web.Response]]


def torrent_id(given: str) -> str:
    """Write a hash as the id: lower case, and of a v2 hash its first 40 digits."""
    lowered = given.strip().lower()
    return lowered[:ID_HEX_DIGITS] if len(lowered) == V2_HEX_DIGITS else lowered
