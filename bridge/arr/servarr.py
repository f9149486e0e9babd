"""The endpoints of an *arr that the bridge uses, as methods.

Every method raises an `ArrError` (see `servarr_http`) if the *arr did not do what was asked.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, TypeVar

import aiohttp
import msgspec

from bridge.arr.servarr_http import ArrNotFound, ArrRefused, ArrServerError, ArrTransport
from bridge.arr.servarr_records import (
    ClientTestFailure,
    DirectoryListing,
    DownloadClient,
    DownloadClientOptions,
    HistoryRecord,
    Page,
    PathMapping,
    QueueRecord,
    RootFolder,
    SystemStatus,
    Tag,
)
from bridge.config import ArrKind, ArrSettings

T = TypeVar("T")


class Dialect(msgspec.Struct, frozen=True):
    """The differences between the kinds of *arr."""

    app: str
    """Its name, in `appName` and in its User-Agent."""
    api: str
    """The path below its URL."""
    unknown: tuple[str, ...]
    """Query parameters that make the queue list downloads that the *arr could not match, too."""


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

MESSAGE_API: Final = "/api/v5"
"""The first API version that accepts the reason of a failure. Sonarr 5 has it in addition to v3."""

READ_SECONDS: Final = 30.0
DELETE_SECONDS: Final = 90.0
"""The *arr deletes in its download client before it answers, and allows that 100 s itself."""
TEST_SECONDS: Final = 60.0
"""The *arr calls its download client some ten times for a test."""
LONGEST_MESSAGE: Final = 300
"""Characters. The message goes into a URL and is shown in one cell of a table."""

PAGE_SIZE: Final = 200
MOST_PAGES: Final = 100


class Arr:
    """A client of an *arr."""

    def __init__(self, session: aiohttp.ClientSession, settings: ArrSettings) -> None:
        self.name = settings.name
        self.kind = settings.kind
        self.url = settings.url
        self.categories = settings.categories
        self._dialect = DIALECTS[settings.kind]
        self._api = self._dialect.api
        self._transport = ArrTransport(
            session, name=self.name, base=settings.url, api_key=settings.api_key
        )

    def __repr__(self) -> str:
        return f"Arr({self.name!r}, {self.kind!r}, {self.url!r})"

    async def status(self) -> SystemStatus:
        """Return its name and version: the cheapest way to learn whether URL and key are right."""
        return await self._read("/system/status", SystemStatus)

    async def queue(self, info_hash: str) -> tuple[QueueRecord, ...]:
        """Return the records of a download in the queue, also if the *arr could not match it."""
        return await self._queue(info_hash, self._api)

    async def _queue(self, info_hash: str, api: str) -> tuple[QueueRecord, ...]:
        # Without these parameters the queue hides downloads that the *arr could not match to a
        # series or film.
        params = dict.fromkeys(self._dialect.unknown, "true")
        records = await self._pages(f"{api}/queue", Page[QueueRecord], params)
        wanted = info_hash.upper()
        return tuple(record for record in records if (record.download_id or "").upper() == wanted)

    async def history(self, info_hash: str) -> tuple[HistoryRecord, ...]:
        """Return the records of a download in the history, the newest first."""
        params = {
            # The *arr store qBittorrent's hash in upper case and compare it as text.
            "downloadId": info_hash.upper(),
            "sortKey": "date",
            "sortDirection": "descending",
        }
        records = await self._pages(f"{self._api}/history", Page[HistoryRecord], params)
        wanted = info_hash.upper()
        found = [record for record in records if (record.download_id or "").upper() == wanted]
        # Records of one season pack share the same second; then the id says which is newer.
        return tuple(sorted(found, key=lambda record: (record.date, record.id), reverse=True))

    async def fail_queued(self, queue_id: int, *, info_hash: str = "", message: str = "") -> bool:
        """Make the *arr delete the download in its client, blocklist the release and search again.

        Before this is answered the *arr calls the bridge's own `torrents/delete`. With `info_hash`
        and `message` the *arr's history says why, if its version can; return whether it does.
        Without a message the history says "Manually marked as failed".

        Raises:
            ArrNotFound: the record is gone.
        """
        # `skipRedownload=false` overrides nothing: the *arr searches again only if its own setting
        # says so.
        params = {"removeFromClient": "true", "blocklist": "true", "skipRedownload": "false"}
        told_id = await self._id_for_message(info_hash) if info_hash and message else None
        if told_id is None:
            path = f"{self._api}/queue/{queue_id}"
        else:
            path = f"{MESSAGE_API}/queue/{told_id}"
            params["message"] = message[:LONGEST_MESSAGE]
        # The *arr calls our `torrents/delete` before it answers: no lock may be held here.
        await self._transport.send("DELETE", path, seconds=DELETE_SECONDS, params=params)
        return told_id is not None

    async def _id_for_message(self, info_hash: str) -> int | None:
        """Return the id of the download's record in the newer API; None if there is no such API.

        The ids of the two versions differ: the newer one has a single record for a season pack.
        """
        try:
            records = await self._queue(info_hash, MESSAGE_API)
        # Versions without the newer API answer 404, or with the page of their web interface.
        except (ArrNotFound, ArrRefused, ArrServerError):
            return None
        return records[0].id if records else None

    async def refresh_downloads(self) -> None:
        """Make the *arr look at its download clients now instead of within its own minute.

        The *arr queues the command and answers at once; it drops a command that is queued already.
        """
        body = msgspec.json.encode({"name": "RefreshMonitoredDownloads"})
        await self._transport.send("POST", f"{self._api}/command", seconds=READ_SECONDS, body=body)

    async def fail_grabbed(self, history_id: int) -> None:
        """Mark a grab as failed, so that the *arr blocklists the release and searches again.

        Raises:
            ArrNotFound: the record is gone.
        """
        path = f"{self._api}/history/failed/{history_id}"
        await self._transport.send("POST", path, seconds=READ_SECONDS)

    async def clients(self) -> tuple[DownloadClient, ...]:
        """Return its download clients."""
        return await self._read("/downloadclient", tuple[DownloadClient, ...])

    async def test_client(self, client_id: int) -> tuple[ClientTestFailure, ...]:
        """Press its Test button for a download client; return what the test found wrong.

        The client is sent back as the *arr returned it. Versions that hide the password replace the
        placeholder with the stored password, found by the id.
        """
        shown = await self._transport.send(
            "GET", f"{self._api}/downloadclient/{client_id}", seconds=READ_SECONDS
        )
        failures = await self._transport.validate(
            f"{self._api}/downloadclient/test",
            shown,
            tuple[ClientTestFailure, ...],
            seconds=TEST_SECONDS,
        )
        return failures or ()

    async def client_schemas(self) -> tuple[dict[str, Any], ...]:
        """Return the empty forms of the download clients that it knows."""
        return await self._read("/downloadclient/schema", tuple[dict[str, Any], ...])

    async def save_client(self, body: Mapping[str, Any]) -> tuple[ClientTestFailure, ...]:
        """Create a download client, or change it if the body has an `id`.

        The *arr runs its own test first. Return what that found wrong; then nothing was saved.
        """
        known = body.get("id")
        path = "/downloadclient" if known is None else f"/downloadclient/{known}"
        failures = await self._transport.validate(
            f"{self._api}{path}",
            msgspec.json.encode(body),
            tuple[ClientTestFailure, ...],
            seconds=TEST_SECONDS,
            method="POST" if known is None else "PUT",
        )
        return failures or ()

    async def tag_ids(self, labels: Iterable[str]) -> list[int]:
        """Return the ids of tags by their labels; tags that it does not have are created."""
        wanted = [label.strip().lower() for label in labels if label.strip()]
        if not wanted:
            return []
        known = {tag.label.lower(): tag.id for tag in await self._read("/tag", tuple[Tag, ...])}
        for label in wanted:
            if label not in known:
                body = msgspec.json.encode({"label": label})
                made = await self._transport.send(
                    "POST", f"{self._api}/tag", seconds=READ_SECONDS, body=body
                )
                known[label] = msgspec.json.decode(made, type=Tag).id
        return [known[label] for label in wanted]

    async def client_options(self) -> DownloadClientOptions:
        """Return what it does with downloads that are complete or failed."""
        return await self._read("/config/downloadclient", DownloadClientOptions)

    async def path_mappings(self) -> tuple[PathMapping, ...]:
        """Return its remote path mappings."""
        return await self._read("/remotepathmapping", tuple[PathMapping, ...])

    async def root_folders(self) -> tuple[RootFolder, ...]:
        """Return the directories of its library."""
        return await self._read("/rootfolder", tuple[RootFolder, ...])

    async def sees(self, path: str) -> bool:
        """Return whether the *arr sees a directory at an absolute path."""
        parent, _, name = path.rstrip("/").rpartition("/")
        listing = await self._listing(parent)
        return any(entry.name == name for entry in listing.directories or ())

    async def sees_inside(self, path: str) -> bool:
        """Return whether the *arr sees anything in a directory."""
        listing = await self._listing(path.rstrip("/"))
        return bool(listing.directories or listing.files)

    async def _listing(self, path: str) -> DirectoryListing:
        """List a directory. Without a trailing slash an *arr lists its parent instead."""
        params = {"path": f"{path}/", "includeFiles": "true"}
        return await self._read("/filesystem", DirectoryListing, params)

    async def _read(self, path: str, kind: type[T], params: Mapping[str, str] | None = None) -> T:
        return await self._transport.read(
            self._api + path, kind, seconds=READ_SECONDS, params=params
        )

    async def _pages(
        self, path: str, kind: type[Page[T]], params: Mapping[str, str]
    ) -> Sequence[T]:
        """Read all pages. A list that shrinks in between may hide a record until the next read."""
        found: list[T] = []
        for number in range(1, MOST_PAGES + 1):
            numbered = {**params, "page": str(number), "pageSize": str(PAGE_SIZE)}
            page = await self._transport.read(path, kind, seconds=READ_SECONDS, params=numbered)
            found += page.records
            if not page.records or len(found) >= page.total_records:
                break
        return found


class Arrs:
    """The *arr of the settings, in their order."""

    def __init__(self, arrs: Sequence[Arr] = ()) -> None:
        self._arrs = tuple(arrs)

    def of(self, category: str) -> tuple[Arr, ...]:
        """Return the *arr that grab into a category; none for the empty category."""
        return tuple(arr for arr in self._arrs if category and category in arr.categories)
