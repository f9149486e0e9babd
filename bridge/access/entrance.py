"""May this request enter? Reads what a request brings; both faces ask here.

Of several cookies any valid one will do, whatever its name: two qBittorrents on one host share a
jar. `Authorization: Basic` is not looked at; four of five *arr send it with every call, even empty.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from aiohttp import web

from bridge.access.proxies import client_address, is_trusted, same_origin
from bridge.access.sessions import Access


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who may come in: by a session of its own, or by the API key that others may share."""

    name: str
    """The session's id; for a key, the same for everybody who has it."""
    by_key: bool = False


KEY_HOLDER = Visitor("key", by_key=True)


def visitor_of(request: web.Request, access: Access) -> Visitor | None:
    """Find the living session or the API key that a request brings; None when it may not enter."""
    for value in cookie_values(request):
        if access.valid(value):
            return Visitor(value)
    return KEY_HOLDER if _has_key(request, access) else None


def address_of(request: web.Request, access: Access) -> str:
    """Tell the client's address, also behind trusted proxies."""
    forwarded = request.headers.getall("X-Forwarded-For", ())
    return client_address(request.remote or "", forwarded, access.trusted_proxies)


def is_cross_site(request: web.Request, access: Access) -> bool:
    """Tell whether a page of another site made the browser send this, as qBittorrent does.

    Origin counts, else Referer; programs send neither. A key is no cookie: no page can borrow it.
    """
    page = request.headers.get("Origin") or request.headers.get("Referer")
    if not page or not access.csrf_protection or _has_key(request, access):
        return False
    return not any(same_origin(page, host) for host in _hosts(request, access))


def cookie_values(request: web.Request) -> Iterator[str]:
    """Read the values of all cookies, also of those that a strict parser would drop."""
    for header in request.headers.getall("Cookie", ()):
        for pair in header.split(";"):
            yield pair.partition("=")[2].strip().strip('"')


def _hosts(request: web.Request, access: Access) -> Iterator[str]:
    """List the names that the client may have asked for."""
    yield request.headers.get("Host", "")
    if is_trusted(request.remote or "", access.trusted_proxies):
        for header in request.headers.getall("X-Forwarded-Host", ()):
            yield from header.split(",")


def _has_key(request: web.Request, access: Access) -> bool:
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    return scheme.lower() == "bearer" and access.valid_key(key.strip())
