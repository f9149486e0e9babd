"""A plain HTTP client of the API, which shows answers as they are."""

import io
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import msgspec
from multidict import CIMultiDictProxy
from yarl import URL


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer."""

    status: int
    text: str
    headers: CIMultiDictProxy[str]

    def json(self) -> Any:
        """Read it as JSON."""
        return msgspec.json.decode(self.text)

    @property
    def short(self) -> tuple[int, str]:
        """Status and text, to compare at once."""
        return self.status, self.text


class Client:
    """Sends requests below /api/v2 (or from the root, with a leading slash)."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self.url = url
        self.headers: dict[str, str] = {}

    async def ask(
        self,
        method: str,
        path: str,
        data: bytes | str | Mapping[str, str] | aiohttp.FormData | None = None,
        **headers: str,
    ) -> Reply:
        """Send a request; `Content_Type="…"` becomes a header."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        full = path if path.startswith("/") else f"/api/v2/{path}"
        async with self._session.request(
            method,
            URL(self.url + full, encoded=True),
            data=io.BytesIO(data) if isinstance(data, bytes) else data,
            headers=self.headers | named,
            allow_redirects=False,
        ) as response:
            return Reply(response.status, await response.text("utf-8"), response.headers)

    async def get(self, path: str) -> Reply:
        """Send a GET."""
        return await self.ask("GET", path)

    async def post(self, path: str, /, **form: str) -> Reply:
        """Send a POST with an urlencoded form."""
        return await self.ask("POST", path, form)

    async def login(self, username: str, password: str) -> Reply:
        """Log in, and keep the session."""
        reply = await self.post("auth/login", username=username, password=password)
        if cookie := reply.headers.get("Set-Cookie"):
            self.headers["Cookie"] = cookie.partition(";")[0]
        return reply


@asynccontextmanager
async def client_of(url: str) -> AsyncIterator[Client]:
    """Make a client that keeps no cookies by itself."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        yield Client(session, url)
