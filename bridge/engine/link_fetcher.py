"""Follows a link to a .torrent or a magnet, as Jackett and Prowlarr hand them out.

Limited in size, time and redirects; every hop is checked. Links carry the user's keys, so only
their hosts are logged.

A link comes from an indexer, so it must not reach what only this machine can reach: it may lead to
the public internet and to what the user allows. The check is of the resolved address, in the
connection itself: a name that resolves differently a moment later (DNS rebinding) gains nothing.
"""

import asyncio
import socket
from collections.abc import Iterable
from http import HTTPStatus
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Self, TypeAlias

import aiohttp
import msgspec
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver
from yarl import URL

from bridge.core.addresses import is_public
from bridge.core.magnet import SCHEME

SETTING = "server.fetch_allowed_hosts"


class NotAllowed(OSError):
    """The link leads to a private address. The text names the setting that would allow it."""

    def __init__(self, host: str) -> None:
        super().__init__(
            f"{host} is, or resolves to, an address that is not public;"
            f" if links may lead there, add {host} to {SETTING}"
        )


class Guard:
    """Decides which hosts and addresses are allowed."""

    def __init__(self, allowed: Iterable[str]) -> None:
        self._hosts = {entry.lower().strip("[]") for entry in allowed}
        self._networks = [network for entry in allowed if (network := _network(entry))]

    def check(self, host: str) -> None:
        """Refuse a forbidden address in a link's URL. Names are checked when they are resolved.

        Raises:
            NotAllowed: it is not public and not allowed.
        """
        address = _address(host)
        if address is not None and not self.trusts(host) and not self.permits(address):
            raise NotAllowed(host)

    def trusts(self, host: str) -> bool:
        """Return whether the user allows this host by name."""
        return host.lower().rstrip(".") in self._hosts

    def permits(self, address: IPv4Address | IPv6Address) -> bool:
        """Return whether a connection to the address is allowed."""
        if any(address in network for network in self._networks):
            return True
        return is_public(address)


def _address(host: str) -> IPv4Address | IPv6Address | None:
    """Return the address in a text, also in the short and octal forms of the C library."""
    bare = host.strip("[]").partition("%")[0]
    try:
        return ip_address(bare)
    except ValueError:
        pass
    try:
        return IPv4Address(socket.inet_aton(bare)) if _looks_numeric(bare) else None
    except OSError:
        return None


def _looks_numeric(host: str) -> bool:
    return all(part and part[0].isdigit() for part in host.split("."))


def _network(entry: str) -> IPv4Network | IPv6Network | None:
    try:
        return ip_network(entry, strict=False)
    except ValueError:
        return None


class GuardedResolver(AbstractResolver):
    """Resolves names and drops the addresses that the guard does not permit."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._resolver = ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Resolve a name.

        Raises:
            NotAllowed: no address is left.
            OSError: there is no such name.
        """
        found = await self._resolver.resolve(host, port, family)
        if self._guard.trusts(host):
            return found
        allowed = [entry for entry in found if self._permits(entry["host"])]
        if not allowed:
            raise NotAllowed(host)
        return allowed

    def _permits(self, text: str) -> bool:
        address = _address(text)
        return address is not None and self._guard.permits(address)

    async def close(self) -> None:
        """Do nothing: the resolver holds no resources."""
        await self._resolver.close()


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


class FoundMagnet(msgspec.Struct, frozen=True):
    """The link led to a magnet."""

    text: str


class FoundFile(msgspec.Struct, frozen=True):
    """The link led to a file, which should be a .torrent."""

    data: bytes


class NotFetched(msgspec.Struct, frozen=True):
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

    async def __aexit__(self, *_: object) -> None:
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
