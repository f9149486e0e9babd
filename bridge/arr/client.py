"""The endpoints of an *arr that the bridge uses, as methods.

Every method raises an `ArrError` (see `errors`) when the *arr did not do what was asked.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, TypeVar

import aiohttp
import msgspec

from bridge.arr.answers import (
    Client,
    ClientOptions,
    Complaint,
    HistoryRecord,
    Listing,
    Page,
    PathMapping,
    QueueRecord,
    RootFolder,
    Status,
    Tag,
)
from bridge.arr.kinds import DIALECTS
from bridge.arr.wire import Wire
from bridge.config import ArrSettings

T = TypeVar("T")

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
        self._wire = Wire(session, name=self.name, base=base, api_key=settings.api_key)

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
            NoSuchThing: the record is gone.
        """
        params = {"removeFromClient": "true", "blocklist": "true", "skipRedownload": "false"}
        path = f"/queue/{queue_id}"
        await self._wire.send("DELETE", path, seconds=DELETE_SECONDS, params=params)

    async def fail_grabbed(self, history_id: int) -> None:
        """Mark a grab as failed: it blocklists the release and searches again.

        Raises:
            NoSuchThing: the record is gone.
        """
        await self._wire.send("POST", f"/history/failed/{history_id}", seconds=READ_SECONDS)

    async def clients(self) -> tuple[Client, ...]:
        """List its download clients."""
        return await self._read("/downloadclient", tuple[Client, ...])

    async def test_client(self, client_id: int) -> tuple[Complaint, ...]:
        """Press its Test button for a download client; answers what it complains of.

        The client is sent back as the *arr shows it. One that hides the password puts the stored
        one in its place, by the id; one that shows it reads it again.
        """
        shown = await self._wire.send("GET", f"/downloadclient/{client_id}", seconds=READ_SECONDS)
        complaints = await self._wire.try_out(
            "/downloadclient/test", shown, tuple[Complaint, ...], seconds=TEST_SECONDS
        )
        return complaints or ()

    async def client_schemas(self) -> tuple[dict[str, Any], ...]:
        """List the empty forms of the download clients that it knows."""
        return await self._read("/downloadclient/schema", tuple[dict[str, Any], ...])

    async def save_client(self, body: Mapping[str, Any]) -> tuple[Complaint, ...]:
        """Make a download client, or change it if the body has an `id`.

        It presses its own Test first; answers what it complains of, and then nothing was kept.
        """
        known = body.get("id")
        path = "/downloadclient" if known is None else f"/downloadclient/{known}"
        complaints = await self._wire.try_out(
            path,
            msgspec.json.encode(body),
            tuple[Complaint, ...],
            seconds=TEST_SECONDS,
            method="POST" if known is None else "PUT",
        )
        return complaints or ()

    async def tag_ids(self, labels: Iterable[str]) -> list[int]:
        """Find its tags by their labels; those that it does not have are made."""
        wanted = [label.strip().lower() for label in labels if label.strip()]
        if not wanted:
            return []
        known = {tag.label.lower(): tag.id for tag in await self._read("/tag", tuple[Tag, ...])}
        for label in wanted:
            if label not in known:
                body = msgspec.json.encode({"label": label})
                made = await self._wire.send("POST", "/tag", seconds=READ_SECONDS, body=body)
                known[label] = msgspec.json.decode(made, type=Tag).id
        return [known[label] for label in wanted]

    async def client_options(self) -> ClientOptions:
        """Tell what it does with downloads that are done, or failed."""
        return await self._read("/config/downloadclient", ClientOptions)

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
        return await self._wire.read(path, kind, seconds=READ_SECONDS, params=params)

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
