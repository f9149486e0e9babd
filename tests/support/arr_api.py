"""The API of an *arr, as a real server: small, and true in what the bridge depends on.

The queue comes in pages and hides what it could not match unless asked. Failing a queue record
first deletes the download in the client, and only if that went well blocklists it and searches.
Passwords are shown as `********`; whoever sends that back for a known id means the stored one. A
directory is listed up to the last slash of the path, so one without a slash at its end is not.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from types import TracebackType
from typing import Any, Final, Self, TypeAlias

import aiohttp
from aiohttp import web

from bridge.demo.arr_client import Arr
from bridge.demo.arr_wire import ArrError
from bridge.demo.arr_words import ArrSettings

Json: TypeAlias = dict[str, Any]

KEY: Final = "0123456789abcdef0123456789abcdef"
PAGE_SIZE: Final = 10
HIDDEN: Final = "********"


@dataclass(frozen=True, slots=True)
class Kind:
    """In what one *arr differs, as its own users would tell it."""

    app: str
    version: str
    api: str
    include_unknown: str
    category_field: str
    category: str


KINDS: Final[Mapping[str, Kind]] = {
    "sonarr": Kind(
        "Sonarr", "4.0.15", "/api/v3", "includeUnknownSeriesItems", "tvCategory", "tv-sonarr"
    ),
    "radarr": Kind(
        "Radarr", "6.1.0", "/api/v3", "includeUnknownMovieItems", "movieCategory", "radarr"
    ),
    "lidarr": Kind(
        "Lidarr", "2.14.5", "/api/v1", "includeUnknownArtistItems", "musicCategory", "lidarr"
    ),
    "readarr": Kind(
        "Readarr", "0.3.22", "/api/v1", "includeUnknownAuthorItems", "musicCategory", "readarr"
    ),
    "whisparr": Kind(
        "Whisparr", "2.0.0", "/api/v3", "includeUnknownSeriesItems", "tvCategory", "whisparr"
    ),
}


class ArrApi:
    """One *arr. Use it in an `async with`; set its fields to what a test wants."""

    def __init__(self, kind: str = "sonarr", *, url_base: str = "") -> None:
        self.kind = KINDS[kind]
        self.name = kind
        self.url = ""
        self.calls: list[str] = []
        self.queue: list[Json] = []
        self.history: list[Json] = []
        self.blocklist: list[str] = []
        self.searches: list[str] = []
        self.clients: list[Json] = []
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
        app.router.add_delete(f"{root}/queue/{{id}}", self._fail_queued)
        app.router.add_get(f"{root}/history", self._list_history)
        app.router.add_post(f"{root}/history/failed/{{id}}", self._fail_grabbed)
        app.router.add_get(f"{root}/filesystem", self._filesystem)
        app.router.add_get(f"{root}/downloadclient", self._list_clients)
        app.router.add_get(f"{root}/downloadclient/{{id}}", self._show_client)
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
            "kind": self.name,
            "url": self.url,
            "api_key": KEY,
            "categories": [self.kind.category],
        }
        return {**entry, **more}

    def grab(self, info_hash: str, *, records: int = 1, queued: bool = True) -> None:
        """Remember a grab, as after a release was sent to the client."""
        for _ in range(records):
            self._happened("grabbed", info_hash)
        if queued:
            self.track(info_hash, records=records)

    def track(self, info_hash: str, *, records: int = 1, matched: bool = True) -> None:
        """See a download in the client: it is in the queue from now on."""
        for _ in range(records):
            self.queue.append(
                {
                    "id": next(self._ids),
                    "downloadId": info_hash.upper(),
                    "title": f"release of {info_hash}",
                    "status": "warning",
                    "protocol": "torrent",
                    "matched": matched,
                }
            )

    def imported(self, info_hash: str) -> None:
        """Take the files of a download into the library."""
        self._happened("downloadFolderImported", info_hash)

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

    def _happened(self, event: str, info_hash: str) -> None:
        self._clock += timedelta(seconds=1)
        self.history.append(
            {
                "id": next(self._ids),
                "eventType": event,
                "downloadId": info_hash.upper(),
                "date": self._clock.isoformat().replace("+00:00", "Z"),
                "data": {},
            }
        )

    @web.middleware
    async def _guard(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        path = request.path.removeprefix(self._url_base + self.kind.api)
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
        app = "sonarr" if self.name == "whisparr" else self.name
        login = (str(fields["username"]), str(fields["password"]))
        async with Arr(app, url, *login, settings=chosen) as arr:
            return await arr.test()

    async def _list_queue(self, request: web.Request) -> web.Response:
        unknown = request.query.get(self.kind.include_unknown, "false") == "true"
        return _page(request, [row for row in self.queue if row["matched"] or unknown])

    async def _list_history(self, request: web.Request) -> web.Response:
        wanted = request.query.get("downloadId")
        rows = [row for row in self.history if wanted is None or row["downloadId"] == wanted]
        newest_first = request.query.get("sortDirection") == "descending"
        return _page(request, rows[::-1] if newest_first else rows)

    async def _filesystem(self, request: web.Request) -> web.Response:
        inside = request.query["path"].rpartition("/")[0]
        found = [path.rpartition("/") for path in self.sees]
        listed = [
            {"type": "folder", "name": name, "path": f"{above}/{name}/"}
            for above, _, name in found
            if above == inside
        ]
        return web.json_response({"parent": "/", "directories": listed, "files": []})

    async def _fail_queued(self, request: web.Request) -> web.Response:
        if self.before_delete is not None:
            await self.before_delete.wait()
        number = int(request.match_info["id"])
        row = next((row for row in self.queue if row["id"] == number), None)
        if row is None:
            return web.json_response({"message": "NotFound"}, status=404)
        info_hash = str(row["downloadId"])
        if request.query.get("removeFromClient") == "true" and self.delete_in_client is not None:
            try:
                await self.delete_in_client(info_hash)
            except (ArrError, aiohttp.ClientError, TimeoutError) as error:
                return web.json_response({"message": str(error)}, status=500)
        self.queue = [row for row in self.queue if row["downloadId"] != info_hash]
        if request.query.get("blocklist") == "true":
            search = request.query.get("skipRedownload") == "false"
            answer = self._marked_failed(info_hash, search=search)
            if self.before_answer is not None:
                await self.before_answer.wait()
            return answer
        return web.json_response({})

    async def _fail_grabbed(self, request: web.Request) -> web.Response:
        number = int(request.match_info["id"])
        row = next((row for row in self.history if row["id"] == number), None)
        if row is None:
            return web.json_response({"message": "NotFound"}, status=404)
        return self._marked_failed(str(row["downloadId"]), search=True)

    def _marked_failed(self, info_hash: str, *, search: bool) -> web.Response:
        grabbed = [
            row
            for row in self.history
            if row["eventType"] == "grabbed" and row["downloadId"] == info_hash
        ]
        if not grabbed:
            return web.json_response({"message": "no grab in the history"}, status=500)
        self._happened("downloadFailed", info_hash)
        self.blocklist.append(info_hash)
        if search:
            self.searches.append(info_hash)
        return web.json_response({})


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
