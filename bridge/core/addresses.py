"""Which IP addresses belong to the public internet."""

from ipaddress import IPv4Address, IPv6Address, ip_network

_NAT64 = ip_network("64:ff9b::/96")


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Return whether an address is public; if it carries an IPv4 address, whether that is."""
    return all(inner.is_global and not inner.is_multicast for inner in _carried(address))


def _carried(address: IPv4Address | IPv6Address) -> list[IPv4Address | IPv6Address]:
    """Return the IPv4 addresses that an IPv6 address stands for; without any, the address."""
    if isinstance(address, IPv4Address):
        return [address]
    nat64 = IPv4Address(int(address) & 0xFFFF_FFFF) if address in _NAT64 else None
    inner = (address.ipv4_mapped, address.sixtofour, nat64)
    return [found for found in inner if found is not None] or [address]
