"""The client's address behind reverse proxies, and the origin of a web page. Pure.

Anybody can send `X-Forwarded-*` headers. They count only as far as each hop that wrote them is a
proxy in `server.trusted_proxies`.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from types import MappingProxyType
from typing import NamedTuple, TypeAlias
from urllib.parse import urlsplit

from bridge.config import Network

Address: TypeAlias = IPv4Address | IPv6Address

LONGEST_ADDRESS = 100
"""Characters; an IPv6 address with zone and port has fewer."""

_PORTS = MappingProxyType({"http": 80, "https": 443})


def client_address(peer: str, forwarded_for: Iterable[str], trusted: Sequence[Network]) -> str:
    """Return the client's address: the nearest address that is not a trusted proxy's.

    `forwarded_for` are the values of `X-Forwarded-For` in order. Each proxy appends the address of
    the connection it received.
    """
    nearest = _parse(peer)
    if nearest is None:
        return peer
    hops = [hop for value in forwarded_for for hop in value.split(",")]
    for hop in reversed(hops):
        farther = _parse(hop)
        if farther is None or not within(nearest.address, trusted):
            break
        nearest = farther
    return nearest.text


def is_trusted(peer: str, trusted: Sequence[Network]) -> bool:
    """Return whether the peer is a proxy whose `X-Forwarded-*` headers count."""
    address = parse_address(peer)
    return address is not None and within(address, trusted)


def within(address: Address, networks: Sequence[Network]) -> bool:
    """Return whether an address is in any of the networks."""
    return any(address in network for network in networks)


def same_origin(page: str, host: str) -> bool:
    """Return whether a page (an Origin or a Referer) belongs to the server reached as `host`.

    Host and port must be equal. Behind a proxy that ends TLS our own scheme is unknown, so a
    missing port on either side is the default port of the page's scheme.
    """
    try:
        origin, target = urlsplit(page), urlsplit(f"//{host.strip()}")
        port = _PORTS.get(origin.scheme)
        ports_fit = (origin.port or port) == (target.port or port)
    except ValueError:
        return False
    return bool(origin.hostname) and origin.hostname == target.hostname and ports_fit


def parse_address(text: str) -> Address | None:
    """Parse `192.0.2.1`, `192.0.2.1:1234`, `2001:db8::1` or `[2001:db8::1]:1234`.

    An IPv4 address inside of an IPv6 address is returned as IPv4. None when it is no address.
    """
    parsed = _parse(text)
    return parsed.address if parsed is not None else None


class _Parsed(NamedTuple):
    address: Address
    text: str


def _parse(text: str) -> _Parsed | None:
    bare = text.strip()
    return _parse_bare(bare) if len(bare) <= LONGEST_ADDRESS else None


@lru_cache(maxsize=1024)
def _parse_bare(bare: str) -> _Parsed | None:
    # Cached: every poll asks, and parsing costs as much as many a reply.
    if bare.startswith("["):
        bare = bare[1:].partition("]")[0]
    elif bare.count(":") == 1:
        bare = bare.partition(":")[0]
    try:
        address = ip_address(bare)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return _Parsed(mapped or address, str(mapped or address))
