"""Follows a link to a .torrent or a magnet, as Jackett and Prowlarr hand them out.

Limited in size, time and redirects; every hop is checked. Links carry the user's keys, so only
their hosts are logged.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus
from types import TracebackType
from typing import Self, TypeAlias

import aiohttp
from yarl import URL

from bridge.core.magnet import SCHEME
from bridge.engine.address_guard import Guard, GuardedResolver, NotAllowed

MAX_BYTES = 32 * 1024 * 1024
"""Maximum size of a .torrent. The largest known have 10 MiB; each link holds its bytes twice."""
AT_ONCE = 2
"""Links followed at the same time; others wait."""
TIMEOUT_SECONDS = 60.0
MAX_REDIRECTS = 5
CHUNK = 64 * 1024
USER_AGENT = "qBittorrent/4.6.7"
"""Some trackers serve their files to known clients only."""

REDIRECTS = frozenset({301, 302, 303, 307, 308})
MAGNET_BYTES = 16 * 1024


@dataclass(frozen=True, slots=True)
class FoundMagnet:
    """The link led to a magnet."""

    text: str


@dataclass(frozen=True, slots=True)
class FoundFile:
    """The link led to a file, which should be a .torrent."""

    data: bytes


@dataclass(frozen=True, slots=True)
class NotFetched:
    """The link led nowhere. `reason` contains no secret."""

    reason: str
    again: bool = False
    """A later attempt may succeed: only the network failed."""
    forbidden: bool = False
    """It leads to a private address that the settings do not allow."""


Fetched: TypeAlias = FoundMagnet | FoundFile | NotFetched


class LinkFetcher:
    """Follows links. Use as `async with LinkFetcher(allowed) as links`."""

    def __init__(self, allowed_hosts: Iterable[str] = ()) -> None:
        self._guard = Guard(tuple(allowed_hosts))
        self._session: aiohttp.ClientSession | None = None
        self._slots = asyncio.Semaphore(AT_ONCE)

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                resolver=GuardedResolver(self._guard), use_dns_cache=False, force_close=True
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": USER_AGENT},
            trust_env=False,
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

    async def follow(self, link: str, cookie: str = "") -> Fetched:
        """Follow a link to its end. The cookie is sent to the link's own host only."""
        try:
            async with self._slots, asyncio.timeout(TIMEOUT_SECONDS):
                return await self._follow(link, cookie)
        except NotAllowed as refusal:
            return NotFetched(str(refusal), forbidden=True)
        except (aiohttp.InvalidURL, ValueError):
            return NotFetched("it is not a link")
        except TimeoutError:
            return NotFetched(f"no answer in {TIMEOUT_SECONDS:.0f} s", again=True)
        except (aiohttp.ClientError, OSError) as error:
            refusal_inside = _refusal(error)
            if refusal_inside is not None:
                return NotFetched(str(refusal_inside), forbidden=True)
            return NotFetched(f"the connection failed ({type(error).__name__})", again=True)

    async def _follow(self, link: str, cookie: str) -> Fetched:
        first = url = URL(link)
        for _ in range(MAX_REDIRECTS + 1):
            step = await self._hop(url, cookie if url.host == first.host else "")
            if not isinstance(step, URL):
                return step
            if first.scheme == "https" and step.scheme == "http" and step.host == first.host:
                cookie = ""
            url = step
        return NotFetched(f"more than {MAX_REDIRECTS} redirects")

    async def _hop(self, url: URL, cookie: str) -> Fetched | URL:
        if url.scheme not in {"http", "https"} or not url.host:
            return NotFetched(f"links of the kind {url.scheme!r} are not followed")
        self._guard.check(url.host)
        if self._session is None:
            raise RuntimeError("the fetcher is not open")
        headers = {"Cookie": cookie} if cookie else {}
        async with self._session.get(url, headers=headers, allow_redirects=False) as response:
            if response.status in REDIRECTS:
                return _target(url, response.headers.get("Location", ""))
            if response.status != HTTPStatus.OK:
                return NotFetched(
                    f"the server answered {response.status}", again=_passing(response.status)
                )
            return _judged(await _body(response))


def _target(url: URL, location: str) -> Fetched | URL:
    if location.startswith(SCHEME):
        return FoundMagnet(location)
    return url.join(URL(location)) if location else NotFetched("a redirect to nowhere")


def _passing(status: int) -> bool:
    return status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR


async def _body(response: aiohttp.ClientResponse) -> bytes | None:
    held = bytearray()
    async for chunk in response.content.iter_chunked(CHUNK):
        held += chunk
        if len(held) > MAX_BYTES:
            return None
    return bytes(held)


def _judged(body: bytes | None) -> Fetched:
    if body is None:
        return NotFetched(f"it is larger than {MAX_BYTES // 1024**2} MiB")
    if len(body) <= MAGNET_BYTES and body.lstrip().startswith(SCHEME.encode()):
        return FoundMagnet(body.decode("utf-8", "replace").strip())
    return FoundFile(body)


def _refusal(error: BaseException | None) -> NotAllowed | None:
    """Return the guard's refusal inside an exception of aiohttp."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        if isinstance(error, NotAllowed):
            return error
        seen.add(id(error))
        error = error.__cause__ or getattr(error, "os_error", None) or error.__context__
    return None
