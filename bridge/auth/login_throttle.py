"""Counts failed logins by network, as qBittorrent counts them by address."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network

MAX_FAILURES = 5
LOCK_SECONDS = 3600.0
MAX_FAILURES_IN_ALL = 100
"""Failures in an hour from all public networks together. An attacker who rents many addresses gets
no more guesses than this; networks that logged in before, and private ones, are not affected.
"""
MAX_NETWORKS = 10_000
"""How many networks are remembered; beyond, the one that failed longest ago is forgotten."""
IPV6_PREFIX = 64
"""One IPv6 customer has as many addresses as this prefix leaves, so they count as one."""


@dataclass(slots=True)
class _Failures:
    count: int
    at: float


class LoginThrottle:
    """Locks a network for an hour after its fifth failure; a success clears its count."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._failures: dict[str, _Failures] = {}
        """By network, the one that failed last at the end."""
        self._succeeded: dict[str, None] = {}
        """Networks of successful logins, the latest at the end."""
        self._recent: deque[float] = deque(maxlen=MAX_FAILURES_IN_ALL)
        """Times of the latest failures from public networks."""

    def locked(self, network: str) -> bool:
        """Return whether logins from there are refused, whatever the password."""
        found = self._current(network)
        if found is not None and found.count >= MAX_FAILURES:
            return True
        return self._attacked() and not self.trusts(network)

    def trusts(self, network: str) -> bool:
        """Return whether the network is private, or a login from it succeeded since the start."""
        return network in self._succeeded or _is_private(network)

    def failed(self, network: str) -> bool:
        """Count a failure; return whether it locks the network."""
        found = self._current(network)
        self._failures.pop(network, None)
        count = found.count + 1 if found else 1
        self._failures[network] = _Failures(count, self._clock())
        if len(self._failures) > MAX_NETWORKS:
            del self._failures[next(iter(self._failures))]
        if not _is_private(network):
            self._recent.append(self._clock())
        return count == MAX_FAILURES

    def succeeded(self, network: str) -> None:
        """Forget the failures of a network."""
        self._failures.pop(network, None)
        self._succeeded.pop(network, None)
        self._succeeded[network] = None
        if len(self._succeeded) > MAX_NETWORKS:
            del self._succeeded[next(iter(self._succeeded))]

    def alerts(self) -> list[str]:
        """Return what the owner should know of failed logins, a sentence each."""
        found = [
            f"{failures.count} failed logins from {network}: logins from there are refused for"
            f" another {self._minutes_left(failures)} min"
            for network, failures in self._failures.items()
            if self._current(network, drop=False) and failures.count >= MAX_FAILURES
        ]
        if self._attacked():
            found.append(
                f"at least {MAX_FAILURES_IN_ALL} failed logins in an hour: only networks that"
                " logged in before, and private ones, may log in for now"
            )
        return found

    def _minutes_left(self, failures: _Failures) -> int:
        return max(round((failures.at + LOCK_SECONDS - self._clock()) / 60), 1)

    def _attacked(self) -> bool:
        full = len(self._recent) == MAX_FAILURES_IN_ALL
        return full and self._clock() - self._recent[0] < LOCK_SECONDS

    def _current(self, network: str, *, drop: bool = True) -> _Failures | None:
        found = self._failures.get(network)
        if found is not None and self._clock() - found.at >= LOCK_SECONDS:
            if drop:
                del self._failures[network]
            return None
        return found


@lru_cache(maxsize=1024)
def network_of(address: str) -> str:
    """Return what failures are counted by: an IPv4 address, or the /64 of an IPv6 address."""
    # Cached: an *arr makes a connection for each request.
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ip_network((int(parsed), IPV6_PREFIX), strict=False))


def _is_private(network: str) -> bool:
    try:
        return ip_network(network).is_private
    except ValueError:
        return False
