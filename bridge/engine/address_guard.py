"""Decides which addresses a link may lead to: the public internet, and what the user allows.

A link comes from an indexer, so it must not reach what only this machine can reach. The check is of
the resolved address, in the connection itself: a name that resolves differently a moment later (DNS
rebinding) gains nothing.
"""

import socket
from collections.abc import Iterable, Sequence
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

SETTING = "server.fetch_allowed_hosts"

_NAT64 = ip_network("64:ff9b::/96")


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
        return all(_is_public(inner) for inner in _readings(address))


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    return address.is_global and not address.is_multicast


def _readings(address: IPv4Address | IPv6Address) -> Sequence[IPv4Address | IPv6Address]:
    """Return what an address may mean: IPv6 can carry an IPv4 address in several ways."""
    if isinstance(address, IPv4Address):
        return (address,)
    inner = [address.ipv4_mapped, address.sixtofour]
    if address in _NAT64:
        inner.append(IPv4Address(int(address) & 0xFFFFFFFF))
    carried = [found for found in inner if found is not None]
    return carried or (address,)


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
