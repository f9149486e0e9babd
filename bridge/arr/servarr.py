"""The endpoints of an *arr that the bridge uses, as methods.

Every method raises an `ArrError` (see `errors`) when the *arr did not do what was asked.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

import aiohttp

from bridge.arr.servarr_http import ArrTransport
from bridge.arr.servarr_records import (
    ClientTestFailure,
    DownloadClient,
    DownloadClientOptions,
    HistoryRecord,
    Listing,
    Page,
    PathMapping,
    QueueRecord,
    RootFolder,
    Status,
)
from bridge.config import ArrSettings
from bridge.config.kinds import ArrKind

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Dialect:
    """One kind of *arr."""

    app: str
    """What it calls itself, in `appName` and in its User-Agent."""
    api: str
    """The path below its URL."""
    unknown: tuple[str, ...]
    """Query parameters that make the queue list what the *arr cannot match, too."""


_V3, _V1 = "/api/v3", "/api/v1"
_SERIES, _MOVIES = "includeUnknownSeriesItems", "includeUnknownMovieItems"

DIALECTS: Final[Mapping[ArrKind, Dialect]] = {
    "sonarr": Dialect("Sonarr", _V3, (_SERIES,)),
    "radarr": Dialect("Radarr", _V3, (_MOVIES,)),
    "lidarr": Dialect("Lidarr", _V1, ("includeUnknownArtistItems",)),
    "readarr": Dialect("Readarr", _V1, ("includeUnknownAuthorItems",)),
    # Whisparr 2 descends from Sonarr, Whisparr 3 from Radarr.
    "whisparr": Dialect("Whisparr", _V3, (_SERIES, _MOVIES)),
}

READ_SECONDS: Final = 30.0
DELETE_SECONDS: Final = 90.0
"""It deletes in its download client first, and it gives that 100 s itself."""
TEST_SECONDS: Final = 60.0
"""It calls its download client some ten times."""

PAGE_SIZE: Final = 200
MOST_PAGES: Final = 100


class Arr:
    """A client of one *arr."""

    def __init__(self, session: aiohttp.ClientSession, settings: ArrSettings) -> None:
        self.name = settings.name
        self.kind = settings.kind
        self.url = settings.url
        self.categories = settings.categories
        self._dialect = DIALECTS[settings.kind]
        base = settings.url + self._dialect.api
        self._transport = ArrTransport(session, name=self.name, base=base, api_key=settings.api_key)

    def __repr__(self) -> str:
        return f"Arr({self.name!r}, {self.kind!r}, {self.url!r})"

    async def status(self) -> Status:
        """Ask who it is: the cheapest way to learn whether URL and key are right."""
        return await self._read("/system/status", Status)

    async def queue(self, info_hash: str) -> tuple[QueueRecord, ...]:
        """Find the queue's records of a download, also of what the *arr could not match."""
        params = dict.fromkeys(self._dialect.unknown, "true")
        records = await self._pages("/queue", Page[QueueRecord], params)
        wanted = info_hash.upper()
        return tuple(record for record in records if (record.download_id or "").upper() == wanted)

    async def history(self, info_hash: str) -> tuple[HistoryRecord, ...]:
        """List what its history says of a download, the newest first."""
        params = {
            "downloadId": info_hash.upper(),
            "sortKey": "date",
            "sortDirection": "descending",
        }
        records = await self._pages("/history", Page[HistoryRecord], params)
        wanted = info_hash.upper()
        found = [record for record in records if (record.download_id or "").upper() == wanted]
        return tuple(sorted(found, key=lambda record: (record.date, record.id), reverse=True))

    async def fail_queued(self, queue_id: int) -> None:
        """Let it delete the download in its client, blocklist the release and search again.

        Before this is answered the *arr calls the bridge's own `torrents/delete`.

        Raises:
            ArrNotFound: the record is gone.
        """
        params = {"removeFromClient": "true", "blocklist": "true", "skipRedownload": "false"}
        path = f"/queue/{queue_id}"
        await self._transport.send("DELETE", path, seconds=DELETE_SECONDS, params=params)

    async def fail_grabbed(self, history_id: int) -> None:
        """Mark a grab as failed: it blocklists the release and searches again.

        Raises:
            ArrNotFound: the record is gone.
        """
        await self._transport.send("POST", f"/history/failed/{history_id}", seconds=READ_SECONDS)

    async def clients(self) -> tuple[DownloadClient, ...]:
        """List its download clients."""
        return await self._read("/downloadclient", tuple[DownloadClient, ...])

    async def test_client(self, client_id: int) -> tuple[ClientTestFailure, ...]:
        """Press its Test button for a download client; answers what it complains of.

        The client is sent back as the *arr shows it. One that hides the password puts the stored
        one in its place, by the id; one that shows it reads it again.
        """
        shown = await self._transport.send(
            "GET", f"/downloadclient/{client_id}", seconds=READ_SECONDS
        )
        complaints = await self._transport.try_out(
            "/downloadclient/test", shown, tuple[ClientTestFailure, ...], seconds=TEST_SECONDS
        )
        return complaints or ()

    async def client_options(self) -> DownloadClientOptions:
        """Tell what it does with downloads that are done, or failed."""
        return await self._read("/config/downloadclient", DownloadClientOptions)

    async def path_mappings(self) -> tuple[PathMapping, ...]:
        """List its remote path mappings."""
        return await self._read("/remotepathmapping", tuple[PathMapping, ...])

    async def root_folders(self) -> tuple[RootFolder, ...]:
        """List the directories of its library."""
        return await self._read("/rootfolder", tuple[RootFolder, ...])

    async def sees(self, path: str) -> bool:
        """Tell whether there is a directory at an absolute path, for it."""
        parent, _, name = path.rstrip("/").rpartition("/")
        listing = await self._listing(parent)
        return any(entry.name == name for entry in listing.directories or ())

    async def sees_inside(self, path: str) -> bool:
        """Tell whether there is anything in a directory, for it."""
        listing = await self._listing(path.rstrip("/"))
        return bool(listing.directories or listing.files)

    async def _listing(self, path: str) -> Listing:
        """List a directory. Without a slash at the end an *arr would list the one above."""
        params = {"path": f"{path}/", "includeFiles": "true"}
        return await self._read("/filesystem", Listing, params)

    async def _read(self, path: str, kind: type[T], params: Mapping[str, str] | None = None) -> T:
        return await self._transport.read(path, kind, seconds=READ_SECONDS, params=params)

    async def _pages(
        self, path: str, kind: type[Page[T]], params: Mapping[str, str]
    ) -> Sequence[T]:
        """Read all pages. A list that shrinks meanwhile may hide a record: the next look has it."""
        found: list[T] = []
        for number in range(1, MOST_PAGES + 1):
            numbered = {**params, "page": str(number), "pageSize": str(PAGE_SIZE)}
            page = await self._read(path, kind, numbered)
            found += page.records
            if not page.records or len(found) >= page.total_records:
                break
        return found


class Arrs:
    """The *arr of the settings, in their order."""

    def __init__(self, arrs: Sequence[Arr] = ()) -> None:
        self._arrs = tuple(arrs)

    def of(self, category: str) -> tuple[Arr, ...]:
        """Find those that grab into a category; none for no category."""
        return tuple(arr for arr in self._arrs if category and category in arr.categories)
