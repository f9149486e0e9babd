"""The HTTP of an *arr: forms, cookies, the login, and the one retry after 403.

Every request has a connection of its own, no redirect is followed, and nothing is sent that .NET's
client would not send: no Accept, no Referer, no Origin.
"""

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from types import TracebackType
from typing import Final, Self
from urllib.parse import quote, quote_plus

import aiohttp
from yarl import URL

from tests.arr_emulator.dialects import Dialect

TIMEOUT: Final = aiohttp.ClientTimeout(total=100)
MULTIPART_ABOVE: Final = 1024
"""A form becomes multipart when one field has more bytes than this."""
BOUNDARY: Final = "-----------------------------8ddbf4c26e5c5c3"

Pairs = Sequence[tuple[str, str]]


class ArrError(Exception):
    """What an *arr shows to its user. `status` is the HTTP status that led to it, if one did."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: its status and its text."""

    status: int
    text: str
    set_cookies: tuple[str, ...] = ()

    @property
    def failed(self) -> bool:
        """Return whether it counts as an error; a redirect does not."""
        return self.status >= HTTPStatus.BAD_REQUEST


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A request, before it is encoded."""

    method: str
    path: str
    """Below /api/v2, or from the root when it begins with a slash."""
    query: Pairs = ()
    form: Pairs | None = None
    files: Sequence[tuple[str, bytes]] = field(default=(), repr=False)
    """File names and contents."""


class Wire:
    """A connection to "qBittorrent" as one *arr keeps it."""

    def __init__(
        self,
        dialect: Dialect,
        url: str,
        *,
        username: str,
        password: str,
        api_key: str | None,
        foreign_cookies: Mapping[str, str],
    ) -> None:
        self._dialect = dialect
        self._url = url.rstrip("/")
        self._username = username
        self._password = password
        self._api_key = api_key if dialect.speaks_bearer else None
        self._cookies: dict[str, str] | None = None
        self._jar = dict(foreign_cookies)
        self._session: aiohttp.ClientSession | None = None
        self.log: list[tuple[str, str, int]] = []
        """Every exchange so far: method, path, status."""

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(force_close=True),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=TIMEOUT,
            skip_auto_headers=("Accept", "Accept-Encoding", "User-Agent", "Content-Type"),
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def call(self, ask: Ask) -> str:
        """Make a call with a login before it if there was none, and one retry after a 403.

        Raises:
            ArrError: it did not work.
        """
        if self._api_key:
            return _checked(await self.send(ask), "ApiKey: authentication failure")
        await self._authenticate(again=False)
        reply = await self.send(ask)
        if reply.status == HTTPStatus.FORBIDDEN:
            await self._authenticate(again=True)
            reply = await self.send(ask)
        return _checked(reply, "Failed to connect to qBittorrent")

    async def send(self, ask: Ask) -> Reply:
        """Make a request with whatever cookies there are, and no judgement of the answer."""
        if self._session is None:
            raise RuntimeError("use it in an async with")
        headers, body = self._headers(), None
        if ask.form is not None:
            headers["Content-Type"], encoded = encode(self._dialect, ask.form, ask.files)
            body = io.BytesIO(encoded)
        try:
            async with self._session.request(
                ask.method, self._address(ask), data=body, headers=headers, allow_redirects=False
            ) as response:
                set_cookies = tuple(response.headers.getall("Set-Cookie", ()))
                reply = Reply(response.status, await response.text("utf-8"), set_cookies)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise ArrError("Unable to connect to qBittorrent") from error
        self.log.append((ask.method, ask.path, reply.status))
        return reply

    def _address(self, ask: Ask) -> URL:
        path = ask.path if ask.path.startswith("/") else f"/api/v2/{ask.path}"
        query = "&".join(f"{name}={quote(value, safe='')}" for name, value in ask.query)
        return URL(f"{self._url}{path}" + (f"?{query}" if query else ""), encoded=True)

    def _headers(self) -> dict[str, str]:
        headers = {
            "User-Agent": self._dialect.user_agent,
            "Accept-Encoding": "gzip, br",
            "Connection": "close",
        }
        if self._api_key:
            headers["Authorization"] = f"Bearer {self._api_key}"
        elif self._dialect.basic_always or self._username or self._password:
            pair = f"{self._username}:{self._password}".encode("latin-1", "replace")
            headers["Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
        if cookies := self._jar | (self._cookies or {}):
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in cookies.items())
        return headers

    async def _authenticate(self, *, again: bool) -> None:
        if not self._username or not self._password:
            if again:
                raise ArrError("Failed to authenticate with qBittorrent", 403)
            return
        if self._cookies is not None and not again:
            return
        self._cookies = None
        form = (("username", self._username), ("password", self._password))
        reply = await self.send(Ask(method="POST", path="auth/login", form=form))
        if reply.status in self._dialect.bad_credentials:
            raise ArrError("Failed to authenticate with qBittorrent", reply.status)
        _checked(reply, "Failed to connect to qBittorrent")
        fine = reply.text == "Ok." or (self._dialect.empty_login_is_fine and not reply.text.strip())
        if not fine:
            raise ArrError("Failed to authenticate with qBittorrent", reply.status)
        self._keep(reply.set_cookies)

    def _keep(self, set_cookies: Sequence[str]) -> None:
        found = [_cookie(text) for text in set_cookies if not self._dropped(text)]
        self._cookies = dict(found if self._dialect.cookie_container else found[:1])
        if self._dialect.shares_cookies:
            self._jar |= self._cookies

    def _dropped(self, set_cookie: str) -> bool:
        secure = "; secure" in set_cookie.lower()
        return self._dialect.cookie_container and secure and self._url.startswith("http:")


def encode(dialect: Dialect, form: Pairs, files: Sequence[tuple[str, bytes]]) -> tuple[str, bytes]:
    """Encode a form as an *arr does; answers its Content-Type and its body."""
    long = any(len(value.encode()) > MULTIPART_ABOVE for _, value in form)
    if files or long:
        return f"multipart/form-data; boundary={BOUNDARY}", _multipart(form, files)
    if dialect.plus_for_space:
        text = "&".join(f"{name}={quote_plus(value)}" for name, value in form)
    else:
        text = "&".join(f"{name}={quote(value, safe='')}" for name, value in form)
    return "application/x-www-form-urlencoded", text.encode()


def _multipart(form: Pairs, files: Sequence[tuple[str, bytes]]) -> bytes:
    """Files first, then fields without a Content-Type; names raw UTF-8."""
    parts = [
        f'Content-Disposition: form-data; name="torrents"; filename="{name}"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n".encode()
        + data
        for name, data in files
    ]
    parts += [
        f'Content-Disposition: form-data; name="{name}"\r\n\r\n{value}'.encode()
        for name, value in form
    ]
    line = f"--{BOUNDARY}".encode()
    return b"".join(line + b"\r\n" + part + b"\r\n" for part in parts) + line + b"--\r\n"


def _cookie(set_cookie: str) -> tuple[str, str]:
    name, _, value = set_cookie.partition(";")[0].partition("=")
    return name.strip(), value.strip()


def _checked(reply: Reply, message: str) -> str:
    if reply.failed:
        raise ArrError(f"{message} ({reply.status})", reply.status)
    return reply.text
