"""Decides from its headers whether a request may enter. The API and the web page both use it.

Any valid session cookie counts, whatever its name: two qBittorrents on one host share a cookie jar.
`Authorization: Basic` is ignored, because four of the five *arr send it with every request, even
empty.
"""

from collections.abc import Iterator
from ipaddress import ip_address

import msgspec
from aiohttp import web

from bridge.auth.sessions import Access
from bridge.auth.trusted_proxies import (
    client_address,
    is_trusted,
    parse_address,
    same_origin,
    within,
)

LOCAL_SUFFIXES = (
    *(".local", ".lan", ".home", ".internal", ".localdomain", ".localhost", ".home.arpa"),
)
"""Names that no public DNS server answers for."""


class Principal(msgspec.Struct, frozen=True):
    """The sender of a request: a session, the API key, or a client in an exempt network."""

    name: str
    """The session id; for shared principals the same name for all of them."""
    shared: bool = False
    """Several clients may use it, so program and address have to tell them apart."""


API_KEY_PRINCIPAL = Principal("key", shared=True)
EXEMPT_PRINCIPAL = Principal("exempt", shared=True)


def authenticate(request: web.Request, access: Access) -> Principal | None:
    """Return who sent the request; None when it may not enter."""
    for value in cookie_values(request):
        if access.valid(value):
            return Principal(value)
    if _has_key(request, access):
        return API_KEY_PRINCIPAL
    return EXEMPT_PRINCIPAL if _is_exempt(request, access) else None


def address_of(request: web.Request, access: Access) -> str:
    """Return the client's address, also behind trusted proxies."""
    forwarded = request.headers.getall("X-Forwarded-For", ())
    return client_address(request.remote or "", forwarded, access.trusted_proxies)


def is_encrypted(request: web.Request, access: Access) -> bool:
    """Return whether the client's own connection uses TLS, as a trusted proxy reports it."""
    if not is_trusted(request.remote or "", access.trusted_proxies):
        return request.secure
    # The proxy next to the client wrote the first value.
    schemes = request.headers.get("X-Forwarded-Proto", "").split(",")
    return schemes[0].strip().lower() == "https"


def is_cross_site(request: web.Request, access: Access) -> bool:
    """Return whether a page of another site made the browser send this, as qBittorrent checks it.

    `Origin` counts, else `Referer`; programs send neither. A request with the API key passes: no
    page can make a browser send a key.
    """
    page = request.headers.get("Origin") or request.headers.get("Referer")
    if not page or not access.csrf_protection or _has_key(request, access):
        return False
    return not any(same_origin(page, host) for host in _hosts(request, access))


def cookie_values(request: web.Request) -> Iterator[str]:
    """Yield the values of all cookies, also malformed ones that a strict parser would drop."""
    for header in request.headers.getall("Cookie", ()):
        for pair in header.split(";"):
            yield pair.partition("=")[2].strip().strip('"')


def _hosts(request: web.Request, access: Access) -> Iterator[str]:
    """Yield the host names that the client may have used."""
    yield request.headers.get("Host", "")
    if is_trusted(request.remote or "", access.trusted_proxies):
        for header in request.headers.getall("X-Forwarded-Host", ()):
            yield from header.split(",")


def _has_key(request: web.Request, access: Access) -> bool:
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    return scheme.lower() == "bearer" and access.valid_key(key.strip())


def _is_exempt(request: web.Request, access: Access) -> bool:
    if not access.exempt_networks:
        return False
    address = parse_address(address_of(request, access))
    if address is None or not within(address, access.exempt_networks):
        return False
    # Without a cookie, DNS rebinding would let any web page act as the user: its own domain,
    # pointed at this server, is the same origin to the browser. So public names need a login.
    return all(_is_local_name(host) for host in _hosts(request, access))


def _is_local_name(host: str) -> bool:
    """Return whether a `Host` is an address or a name that only the local network resolves."""
    name = host.strip().lower()
    name = name.rpartition("]")[0].lstrip("[") if name.startswith("[") else name.partition(":")[0]
    try:
        ip_address(name)
    except ValueError:
        return "." not in name or name.rstrip(".").endswith(LOCAL_SUFFIXES)
    return True
