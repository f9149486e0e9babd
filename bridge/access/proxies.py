"""What reverse proxies say of the client, and where a page comes from. Pure.

Headers that begin with `X-Forwarded` are anybody's to write: they count only as far as each hop
that wrote them is a proxy that the settings trust.
"""

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address
from types import MappingProxyType
from typing import TypeAlias
from urllib.parse import urlsplit

from bridge.config import Network

Address: TypeAlias = IPv4Address | IPv6Address

_PORTS = MappingProxyType({"http": 80, "https": 443})


def client_address(peer: str, forwarded_for: Iterable[str], trusted: Sequence[Network]) -> str:
    """Tell who the client is: the nearest address that is no trusted proxy.

    `forwarded_for` are the values of `X-Forwarded-For`, in their order; each proxy appends the
    address that it was asked from.
    """
    address = _parsed(peer)
    if address is None:
        return peer
    hops = [hop for value in forwarded_for for hop in value.split(",")]
    for hop in reversed(hops):
        farther = _parsed(hop)
        if farther is None or not within(address, trusted):
            break
        address = farther
    return str(address)


def is_trusted(peer: str, trusted: Sequence[Network]) -> bool:
    """Tell whether the peer is a proxy whose `X-Forwarded` headers count."""
    address = _parsed(peer)
    return address is not None and within(address, trusted)


def within(address: Address, networks: Sequence[Network]) -> bool:
    """Tell whether an address lies in any of the networks."""
    return any(address in network for network in networks)


def same_origin(page: str, host: str) -> bool:
    """Tell whether a page (an Origin or a Referer) is of the server that is reached as `host`.

    Host and port must be the same. The scheme is not known behind a proxy that ends TLS, so a
    missing port on either side is that of the page's scheme.
    """
    try:
        origin, target = urlsplit(page), urlsplit(f"//{host.strip()}")
        port = _PORTS.get(origin.scheme)
        ports_fit = (origin.port or port) == (target.port or port)
    except ValueError:
        return False
    return bool(origin.hostname) and origin.hostname == target.hostname and ports_fit


def _parsed(text: str) -> Address | None:
    """Read `192.0.2.1`, `192.0.2.1:1234`, `2001:db8::1` or `[2001:db8::1]:1234`."""
    bare = text.strip()
    if bare.startswith("["):
        bare = bare[1:].partition("]")[0]
    elif bare.count(":") == 1:
        bare = bare.partition(":")[0]
    try:
        address = ip_address(bare)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
