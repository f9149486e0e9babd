"""A plain client of the simulator, and contents to try it with."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import msgspec
from multidict import CIMultiDictProxy

from bridge.simulator import Content, ContentFile, Scenario, Simulator

A, B, C, D = ("a" * 40, "b" * 40, "c" * 40, "d" * 40)


class Tick:
    """Real time that stands still until a test moves it."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """The time."""
        return self.now


@dataclass(frozen=True)
class Answer:
    """Status, headers and body of a reply."""

    status: int
    headers: CIMultiDictProxy[str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, parsed."""
        return msgspec.json.decode(self.body)

    @property
    def data(self) -> Any:
        """The envelope's data."""
        return self.json["data"]

    @property
    def error(self) -> str | None:
        """The envelope's error code."""
        return str(self.json["error"]) if self.json["error"] is not None else None


@dataclass
class Api:
    """Calls one simulator with its key."""

    sim: Simulator
    http: aiohttp.ClientSession
    key: str | None = field(default="simulator-key")

    async def call(self, method: str, path: str, **options: Any) -> Answer:
        """Any request; paths are relative to the simulator."""
        headers = {} if self.key is None else {"Authorization": f"Bearer {self.key}"}
        headers |= options.pop("headers", {})
        url = path if path.startswith("http") else self.sim.url + path
        async with self.http.request(
            method, url, headers=headers, allow_redirects=False, **options
        ) as reply:
            return Answer(reply.status, reply.headers, await reply.read())

    async def get(self, path: str, **query: str | int) -> Answer:
        """GET of an endpoint."""
        return await self.call("GET", f"/v1/api{path}", params=query)

    async def post(self, path: str, json: object) -> Answer:
        """POST of JSON to an endpoint."""
        return await self.call("POST", f"/v1/api{path}", json=json)

    async def add(self, info_hash: str, **fields: str) -> Answer:
        """Add a magnet."""
        form = {"magnet": f"magnet:?xt=urn:btih:{info_hash}&dn=Film.2024.1080p-GRP", **fields}
        return await self.call("POST", "/v1/api/torrents/createtorrent", data=form)

    async def look(self, torrent_id: int) -> Any:
        """One item by id, fresh."""
        answer = await self.get("/torrents/mylist", id=torrent_id, bypass_cache="true")
        return answer.data

    async def link(self, torrent_id: int, **query: str | int) -> Answer:
        """Ask for a CDN link."""
        told: dict[str, str | int] = {"torrent_id": torrent_id, "token": self.sim.key, **query}
        return await self.get("/torrents/requestdl", **told)

    async def fetch(self, url: str, **headers: str) -> Answer:
        """GET of a CDN link."""
        return await self.call("GET", url, headers=headers)


async def until(met: Callable[[], bool]) -> None:
    """Let the loop run until something holds, two seconds at most."""
    async with asyncio.timeout(2):
        while not met():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.002)


def film(info_hash: str = A, *, size: int = 1000, cached: bool = True) -> Content:
    """A folder with a video and a subtitle."""
    files = (ContentFile("Film.mkv", size), ContentFile("Subs/en.srt", 10))
    return Content(info_hash, "Film.2024.1080p-GRP", files, cached=cached)


def single(info_hash: str = A, *, size: int = 300_000) -> Content:
    """A cached single-file torrent."""
    return Content(
        info_hash, "Movie.mkv", (ContentFile("Movie.mkv", size),), single_file=True, cached=True
    )


def scenario(contents: Iterable[Content] = (), **parts: Any) -> Scenario:
    """A scenario from parts as they would stand in a file."""
    return msgspec.convert({**parts, "contents": msgspec.to_builtins(list(contents))}, Scenario)
