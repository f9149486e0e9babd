"""The API of an *arr, as a real server: small, and true in what the bridge depends on.

The queue comes in pages and hides what it could not match unless asked; what only waits for its
grab stands in it without a download id. Failing a record deletes the download in the client first,
and only if that went well blocklists the release, writes the failure into the history and searches.
Passwords are shown as `********`; whoever sends that back for a known id means the stored one. A
directory is listed up to the last slash of the path, so one without a slash at its end is not.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from itertools import count
from types import TracebackType
from typing import Any, Final, Self, TypeAlias

import aiohttp
from aiohttp import web

from tests.arr_emulator.arr_client import Arr
from tests.arr_emulator.arr_wire import ArrError
from tests.arr_emulator.arr_words import ArrSettings

Json: TypeAlias = dict[str, Any]

KEY: Final = "0123456789abcdef0123456789abcdef"
PAGE_SIZE: Final = 10
HIDDEN: Final = "********"
NEWER_IDS: Final = 1_000_000
"""The newer API's ids of records are the older one's and so much."""

ANCESTORS: Final = {"sonarr-5": "sonarr", "whisparr": "sonarr", "whisparr-3": "radarr"}
"""Whose code talks to the download client there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """In what one *arr differs, as its own users would tell it."""

    name: str
    """The kind in the bridge's settings."""
    app: str
    version: str
    api: str = "/api/v3"
    include_unknown: str
    category_field: str
    category: str
    message_api: str = ""
    """The newer API beside `api`, whose delete takes a message; empty if there is none."""
    imports: tuple[str, ...] = ("downloadFolderImported",)
    """What the history says of files that were taken, and then of a download that is whole."""


_SERIES, _MOVIES = "includeUnknownSeriesItems", "includeUnknownMovieItems"

KINDS: Final[Mapping[str, Kind]] = {
    "sonarr": Kind(
        name="sonarr",
        app="Sonarr",
        version="4.0.15",
        include_unknown=_SERIES,
        category_field="tvCategory",
        category="tv-sonarr",
    ),
    "sonarr-5": Kind(
        name="sonarr",
        app="Sonarr",
        version="5.0.0",
        message_api="/api/v5",
        include_unknown=_SERIES,
        category_field="tvCategory",
        category="tv-sonarr",
    ),
    "radarr": Kind(
        name="radarr",
        app="Radarr",
        version="6.1.0",
        include_unknown=_MOVIES,
        category_field="movieCategory",
        category="radarr",
    ),
    "lidarr": Kind(
        name="lidarr",
        app="Lidarr",
        version="2.14.5",
        api="/api/v1",
        include_unknown="includeUnknownArtistItems",
        category_field="musicCategory",
        category="lidarr",
        imports=("trackFileImported", "downloadImported"),
    ),
    "readarr": Kind(
        name="readarr",
        app="Readarr",
        version="0.4.18",
        api="/api/v1",
        include_unknown="includeUnknownAuthorItems",
        category_field="musicCategory",
        category="readarr",
        imports=("bookFileImported", "downloadImported"),
    ),
    "whisparr": Kind(
        name="whisparr",
        app="Whisparr",
        version="2.0.0",
        include_unknown=_SERIES,
        category_field="tvCategory",
        category="tv-whisparr",
    ),
    "whisparr-3": Kind(
        name="whisparr",
        app="Whisparr",
        version="3.0.0",
        include_unknown=_MOVIES,
        category_field="movieCategory",
        category="whisparr",
    ),
}


@dataclass(frozen=True, slots=True)
class Record:
    """A row of the queue."""

    id: int
    title: str
    download_id: str | None = None
    """None while the release waits for its grab."""
    matched: bool = True
    """It is known for which series, movie, artist or author it is."""

    @property
    def json(self) -> Json:
        """Write it as the API does; what it does not have is left out."""
        pending = self.download_id is None
        told = {
            "id": self.id,
            "title": self.title,
            "status": "delay" if pending else "warning",
            "protocol": "torrent",
        }
        return told if pending else {**told, "downloadId": self.download_id}


class ArrApi:
    """One *arr. Use it in an `async with`; set its fields to what a test wants."""

    def __init__(self, kind: str = "sonarr", *, url_base: str = "") -> None:
        self.kind = KINDS[kind]
        self.name = kind
        self.url = ""
        self.calls: list[str] = []
        self.queue: list[Record] = []
        self.history: list[Json] = []
        self.blocklist: list[str] = []
        """Download ids, or titles of what was not grabbed yet."""
        self.searches: list[str] = []
        self.messages: list[str] = []
        """What the history says of failures, with their default text if nothing else was sent."""
        self.commands: list[str] = []
        """The names of the commands that were sent."""
        self.clients: list[Json] = []
        self.tags: list[Json] = []
        self.mappings: list[Json] = []
        self.roots: list[Json] = [{"id": 1, "path": "/library", "accessible": True}]
        self.options: Json = {
            "enableCompletedDownloadHandling": True,
            "autoRedownloadFailed": True,
        }
        self.sees: list[str] = []
        """The directories in its own file system."""
        self.hides_passwords = True
        """Older versions do not."""
        self.tests: list[bool] = []
        """How the tests of download clients went, which it counts as good or bad calls of them."""
        self.more_complaints: list[Json] = []
        """What a test of a download client complains of besides what is so."""
        self.delete_in_client: Callable[[str], Awaitable[object]] | None = None
        """How it deletes a download in its client; raising is the client's error."""
        self.says_blocklist = "blocklist"
        """Old versions of Lidarr and Readarr say `blacklist`, and know no other word."""
        self.trouble: dict[str, list[int]] = {}
        """Statuses to answer with instead, by "METHOD /path" without the id, one after another."""
        self.before_delete: asyncio.Event | None = None
        """It begins to delete only once this is set."""
        self.before_answer: asyncio.Event | None = None
        """It answers a delete only once this is set."""
        self._url_base = url_base
        self._ids = count(100)
        self._clock = datetime(2026, 1, 1, tzinfo=UTC)
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        app = web.Application(middlewares=[self._guard])
        root = self._url_base + self.kind.api
        app.router.add_get(f"{root}/system/status", self._status)
        app.router.add_get(f"{root}/queue", self._list_queue)
        app.router.add_delete(f"{root}/queue/{{id}}", self._remove_queued)
        app.router.add_post(f"{root}/command", self._command)
        if self.kind.message_api:
            newer = self._url_base + self.kind.message_api
            app.router.add_get(f"{newer}/queue", self._list_downloads)
            app.router.add_delete(f"{newer}/queue/{{id}}", self._remove_download)
        app.router.add_get(f"{root}/history", self._list_history)
        app.router.add_post(f"{root}/history/failed/{{id}}", self._fail_grabbed)
        app.router.add_get(f"{root}/filesystem", self._filesystem)
        app.router.add_get(f"{root}/downloadclient", self._list_clients)
        app.router.add_get(f"{root}/downloadclient/schema", self._client_schemas)
        app.router.add_post(f"{root}/downloadclient", self._save_client)
        app.router.add_put(f"{root}/downloadclient/{{id}}", self._save_client)
        app.router.add_get(f"{root}/downloadclient/{{id}}", self._show_client)
        app.router.add_get(f"{root}/tag", self._shows("tags"))
        app.router.add_post(f"{root}/tag", self._make_tag)
        app.router.add_post(f"{root}/downloadclient/test", self._test_client)
        for path, field in {
            "config/downloadclient": "options",
            "remotepathmapping": "mappings",
            "rootfolder": "roots",
        }.items():
            app.router.add_get(f"{root}/{path}", self._shows(field))
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}{self._url_base}"
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    def settings(self, **more: object) -> Json:
        """Write the entry of the bridge's settings for it."""
        entry = {
            "name": self.name,
            "kind": self.kind.name,
            "url": self.url,
            "api_key": KEY,
            "categories": [self.kind.category],
        }
        return {**entry, **more}

    def grab(self, info_hash: str, *, records: int = 1, queued: bool = True) -> None:
        """Remember a grab, as after a release was sent to the client."""
        self._happened(["grabbed"] * records, info_hash)
        if queued:
            self.track(info_hash, records=records)

    def track(self, info_hash: str, *, records: int = 1, matched: bool = True) -> None:
        """See a download in the client: it is in the queue from now on."""
        for _ in range(records):
            title, download_id = f"release of {info_hash}", info_hash.upper()
            self.queue.append(Record(next(self._ids), title, download_id, matched))

    def pend(self, title: str) -> Record:
        """Let a release wait for its grab: it stands in the queue, and in no client."""
        record = Record(next(self._ids), title)
        self.queue.append(record)
        return record

    def imported(self, info_hash: str) -> None:
        """Take the files of a download into the library."""
        self._happened(self.kind.imports, info_hash)

    def use_client(self, **given: object) -> None:
        """Set up a qBittorrent, as its user does on the page of download clients."""
        fields = {
            "host": "torbox-bridge",
            "port": 8080,
            "useSsl": False,
            "urlBase": "",
            "username": "admin",
            "password": "a password",
            self.kind.category_field: self.kind.category,
        }
        fields |= given
        self.clients.append(
            {
                "id": next(self._ids),
                "name": "qBittorrent",
                "enable": True,
                "implementation": "QBittorrent",
                "configContract": "QBittorrentSettings",
                "removeCompletedDownloads": True,
                "removeFailedDownloads": True,
                "fields": [{"name": name, "value": value} for name, value in fields.items()],
            }
        )

    def _happened(self, events: Iterable[str], info_hash: str) -> None:
        """Write history. What happens together has one date: it is told in whole seconds."""
        self._clock += timedelta(seconds=1)
        date = self._clock.isoformat().replace("+00:00", "Z")
        for event in events:
            self.history.append(
                {
                    "id": next(self._ids),
                    "eventType": event,
                    "downloadId": info_hash.upper(),
                    "date": date,
                    "data": {},
                }
            )

    @web.middleware
    async def _guard(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        path = request.path.removeprefix(self._url_base).removeprefix(self.kind.api)
        if "id" in request.match_info:
            path = path.rpartition("/")[0]
        call = f"{request.method} {path}"
        self.calls.append(call)
        if request.headers.get("X-Api-Key") != KEY:
            return web.json_response({"error": "Unauthorized"}, status=401)
        if self.trouble.get(call):
            return web.json_response({"message": "trouble"}, status=self.trouble[call].pop(0))
        return await handler(request)

    async def _status(self, _request: web.Request) -> web.Response:
        return web.json_response({"appName": self.kind.app, "version": self.kind.version})

    def _shows(self, field: str) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def show(_request: web.Request) -> web.Response:
            return web.json_response(getattr(self, field))

        return show

    async def _list_clients(self, _request: web.Request) -> web.Response:
        return web.json_response([self._shown(client) for client in self.clients])

    async def _show_client(self, request: web.Request) -> web.Response:
        client = self._client(int(request.match_info["id"]))
        if client is None:
            return web.json_response({"message": "NotFound"}, status=404)
        return web.json_response(self._shown(client))

    def _client(self, number: int) -> Json | None:
        return next((client for client in self.clients if client["id"] == number), None)

    def _shown(self, client: Json) -> Json:
        if not self.hides_passwords:
            return client
        fields = [
            {**field, "value": HIDDEN} if field["name"] == "password" and field["value"] else field
            for field in client["fields"]
        ]
        return {**client, "fields": fields}

    async def _client_schemas(self, _request: web.Request) -> web.Response:
        """List the empty forms, with more than the bridge asks for."""
        names = ("host", "port", "useSsl", "urlBase", "username", "password")
        category = self.kind.category_field
        imported = category.replace("Category", "ImportedCategory")
        fields = [
            {"name": name, "label": name.title(), "value": value}
            for name, value in {
                **dict.fromkeys(names),
                category: self.kind.category,
                imported: "imported",
                "recentTvPriority": 0,
            }.items()
        ]
        schema = {"implementation": "QBittorrent", "configContract": "QBittorrentSettings"}
        empty = {"name": "", "enable": True, "tags": [], "presets": []}
        return web.json_response(
            [{"implementation": "Aria2", "fields": []}, {**schema, **empty, "fields": fields}]
        )

    async def _save_client(self, request: web.Request) -> web.Response:
        """Test it first, as an *arr does; keep it only if nothing is wrong."""
        given = await request.json()
        answer = await self._test_client(request)
        if answer.status != HTTPStatus.OK:
            return answer
        number = given.get("id") or next(self._ids)
        self.clients = [client for client in self.clients if client["id"] != number]
        self.clients.append({**given, "id": number})
        return web.json_response({**given, "id": number}, status=201)

    async def _make_tag(self, request: web.Request) -> web.Response:
        tag = {"id": next(self._ids), "label": (await request.json())["label"]}
        self.tags.append(tag)
        return web.json_response(tag, status=201)

    async def _test_client(self, request: web.Request) -> web.Response:
        given = await request.json()
        wanted = ("name", "implementation", "configContract", "fields")
        lacking = [{"propertyName": key, "errorMessage": "required"} for key in wanted
                   if not given.get(key)]  # fmt: skip
        if lacking:
            return web.json_response(lacking, status=400)
        fields = {field["name"]: field.get("value") for field in given["fields"]}
        stored = self._client(given.get("id", 0))
        if fields.get("password") == HIDDEN and stored is not None:
            fields |= {
                field["name"]: field["value"]
                for field in stored["fields"]
                if field["name"] == "password"
            }
        complaints = [_complaint(text) for text in await self._tested(fields)]
        complaints += self.more_complaints
        if stored is not None:
            self.tests.append(not complaints)
        return web.json_response(complaints or {}, status=400 if complaints else 200)

    async def _tested(self, fields: Json) -> list[str]:
        """Ask "qBittorrent" what the Test button asks it."""
        imported = self.kind.category_field.replace("Category", "ImportedCategory")
        chosen = ArrSettings(
            category=fields[self.kind.category_field],
            post_import_category=fields.get(imported, ""),
        )
        scheme = "https" if fields["useSsl"] else "http"
        base = str(fields["urlBase"]).strip("/")
        url = f"{scheme}://{fields['host']}:{fields['port']}/{base}"
        app = ANCESTORS.get(self.name, self.name)
        login = (str(fields["username"]), str(fields["password"]))
        async with Arr(app, url, *login, settings=chosen) as arr:
            return await arr.test()

    async def _list_queue(self, request: web.Request) -> web.Response:
        unknown = _flag(request, self.kind.include_unknown, default=False)
        page = _Page.asked(request)
        shown = [record.json for record in self.queue if record.matched or unknown]
        if not page.cut(shown):
            # There is no page after the last: the queue answers with an earlier one.
            page = _Page(max(len(shown) // page.size, 1), page.size)
        return page.answer(shown)

    async def _list_history(self, request: web.Request) -> web.Response:
        wanted = request.query.get("downloadId", "").strip()
        rows = [row for row in self.history if not wanted or row["downloadId"] == wanted]
        oldest_first = request.query.get("sortDirection") == "ascending"
        return _Page.asked(request).answer(rows if oldest_first else rows[::-1])

    async def _filesystem(self, request: web.Request) -> web.Response:
        inside = request.query["path"].rpartition("/")[0]
        found = [path.rpartition("/") for path in self.sees]
        listed = [
            {"type": "folder", "name": name, "path": f"{above}/{name}/"}
            for above, _, name in found
            if above == inside
        ]
        return web.json_response({"parent": "/", "directories": listed, "files": []})

    async def _list_downloads(self, request: web.Request) -> web.Response:
        """List the queue as the newer API does: one record for a download, with an id of its own."""
        first: dict[str, Record] = {}
        for record in self.queue:
            if record.matched or _flag(request, self.kind.include_unknown, default=True):
                first.setdefault(record.download_id or record.title, record)
        return _Page.asked(request).answer(
            [{**record.json, "id": record.id + NEWER_IDS} for record in first.values()]
        )

    async def _remove_download(self, request: web.Request) -> web.Response:
        return await self._remove(request, int(request.match_info["id"]) - NEWER_IDS)

    async def _command(self, request: web.Request) -> web.Response:
        name = (await request.json())["name"]
        self.commands.append(name)
        return web.json_response({"id": 1, "name": name, "status": "queued"}, status=201)

    async def _remove_queued(self, request: web.Request) -> web.Response:
        return await self._remove(request, int(request.match_info["id"]))

    async def _remove(self, request: web.Request, number: int) -> web.Response:
        if self.before_delete is not None:
            await self.before_delete.wait()
        record = self._record(number)
        if record is None:
            return _trouble(404, "NotFound")
        blocklist = _flag(request, self.says_blocklist, default=False)
        if record.download_id is None:
            self._drop_pending(record, blocklist=blocklist)
            return web.Response()
        if _flag(request, "removeFromClient", default=True):
            problem = await self._deleted_in_client(record.download_id)
            if problem:
                return _trouble(500, problem)
        if blocklist:
            search = not _flag(request, "skipRedownload", default=False)
            message = request.query.get("message", "") if self.kind.message_api else ""
            self._mark_failed(record.download_id, search=search, message=message)
        self.queue = [row for row in self.queue if row.download_id != record.download_id]
        if blocklist and self.before_answer is not None:
            await self.before_answer.wait()
        return web.Response()

    def _record(self, number: int) -> Record | None:
        return next((record for record in self.queue if record.id == number), None)

    def _drop_pending(self, record: Record, *, blocklist: bool) -> None:
        """Forget a release that waits. No client has it, and nothing is searched."""
        if blocklist:
            self.blocklist.append(record.title)
        self.queue.remove(record)

    async def _deleted_in_client(self, download_id: str) -> str:
        """Delete a download in the client; answers what the client said if it did not."""
        if self.delete_in_client is None:
            return ""
        try:
            await self.delete_in_client(download_id)
        except (ArrError, aiohttp.ClientError, TimeoutError) as error:
            return str(error) or "Failed to connect to qBittorrent"
        return ""

    async def _fail_grabbed(self, request: web.Request) -> web.Response:
        number = int(request.match_info["id"])
        row = next((row for row in self.history if row["id"] == number), None)
        if row is None:
            return _trouble(404, f"EntityHistory with ID {number} does not exist")
        if not self._mark_failed(str(row["downloadId"]), search=True):
            return _trouble(500, "Sequence contains no elements")
        return web.json_response({})

    def _mark_failed(self, download_id: str, *, search: bool, message: str = "") -> bool:
        """Fail what was grabbed; False, and nothing is done, where no grab is remembered."""
        grabs = [
            row
            for row in self.history
            if row["eventType"] == "grabbed" and row["downloadId"] == download_id
        ]
        if not grabs:
            return False
        self._happened(["downloadFailed"] * len(grabs), download_id)
        self.blocklist.append(download_id)
        self.messages.append(message or "Manually marked as failed")
        if search and self.options["autoRedownloadFailed"]:
            self.searches.append(download_id)
        return True


@dataclass(frozen=True, slots=True)
class _Page:
    """A part of a list: number, from 1, and size."""

    number: int
    size: int

    @classmethod
    def asked(cls, request: web.Request) -> Self:
        """Read which page is asked for. There is no limit to its size."""
        query = request.query
        return cls(int(query.get("page", "1")), int(query.get("pageSize", str(PAGE_SIZE))))

    def cut(self, rows: Sequence[Json]) -> Sequence[Json]:
        """Take the rows of this page."""
        start = (self.number - 1) * self.size
        return rows[start : start + self.size]

    def answer(self, rows: Sequence[Json]) -> web.Response:
        """Write the page of these rows."""
        return web.json_response(
            {
                "page": self.number,
                "pageSize": self.size,
                "totalRecords": len(rows),
                "records": self.cut(rows),
            }
        )


def _flag(request: web.Request, name: str, *, default: bool) -> bool:
    """Read a query parameter; names are not case-sensitive there, nor are `true` and `false`."""
    found = {key.lower(): value for key, value in request.query.items()}
    return found.get(name.lower(), str(default)).lower() == "true"


def _trouble(status: int, message: str) -> web.Response:
    return web.json_response({"message": message, "description": message}, status=status)


def _complaint(text: str) -> Json:
    login = "authenticate" in text
    return {
        "isWarning": False,
        "propertyName": "Username" if login else "Host",
        "errorMessage": "Authentication failure" if login else text,
        "detailedDescription": "Please verify your username and password." if login else None,
        "severity": "error",
    }


def _page(request: web.Request, rows: list[Json]) -> web.Response:
    number = int(request.query.get("page", "1"))
    size = int(request.query.get("pageSize", str(PAGE_SIZE)))
    start = (number - 1) * size
    return web.json_response(
        {
            "page": number,
            "pageSize": size,
            "totalRecords": len(rows),
            "records": rows[start : start + size],
        }
    )
