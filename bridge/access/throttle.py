"""Failed logins, counted by client address as qBittorrent does."""

from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address, ip_network

MAX_FAILURES = 5
BAN_SECONDS = 3600.0
MAX_ADDRESSES = 10_000
"""How many addresses are remembered; beyond, the one that failed longest ago is forgotten."""
IPV6_PREFIX = 64
"""One IPv6 customer has as many addresses as this leaves, so they count as one."""


@dataclass(slots=True)
class _Failures:
    count: int
    at: float


class Throttle:
    """The fifth failure bans an address for an hour; a success clears its count."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._failures: dict[str, _Failures] = {}
        """By address, the one that failed last at the end."""

    def banned(self, address: str) -> bool:
        """Tell whether logins from there are refused, whatever the password."""
        found = self._current(_group(address))
        return found is not None and found.count >= MAX_FAILURES

    def failed(self, address: str) -> None:
        """Count a failure."""
        group = _group(address)
        found = self._current(group)
        self._failures.pop(group, None)
        self._failures[group] = _Failures(found.count + 1 if found else 1, self._clock())
        if len(self._failures) > MAX_ADDRESSES:
            del self._failures[next(iter(self._failures))]

    def succeeded(self, address: str) -> None:
        """Forget the failures of an address."""
        self._failures.pop(_group(address), None)

    def _current(self, group: str) -> _Failures | None:
        found = self._failures.get(group)
        if found is not None and self._clock() - found.at >= BAN_SECONDS:
            del self._failures[group]
            return None
        return found


def _group(address: str) -> str:
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is None:
        return str(ip_network((int(parsed), IPV6_PREFIX), strict=False))
    return address
