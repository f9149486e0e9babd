"""Counting failures by address."""

import pytest

from bridge.access.throttle import MAX_ADDRESSES, Throttle


def banned_after(times: int, *addresses: str, asked: str) -> bool:
    """Tell whether `asked` is banned after so many failures of each address."""
    throttle = Throttle(lambda: 0.0)
    for address in addresses:
        for _ in range(times):
            throttle.failed(address)
    return throttle.banned(asked)


@pytest.mark.parametrize(
    ("failing", "asked", "banned"),
    [
        ("192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("2001:db8:0:1::1", "2001:db8:0:1:ffff::2", True),
        ("2001:db8:0:1::1", "2001:db8:0:2::1", False),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", False),
        ("", "", True),
    ],
)
def test_addresses_that_count_as_one(failing: str, asked: str, *, banned: bool) -> None:
    """One IPv6 network is one client, as it has addresses without end."""
    assert banned_after(5, failing, asked=asked) is banned
    assert not banned_after(4, failing, asked=asked)


def test_old_failures_are_forgotten() -> None:
    """A typing error a day makes no ban."""
    times = iter(range(0, 10**9, 4000))
    throttle = Throttle(lambda: float(next(times)))
    for _ in range(20):
        throttle.failed("192.0.2.1")
    assert not throttle.banned("192.0.2.1")


def test_memory_is_bounded() -> None:
    """Beyond ten thousand addresses the one that failed longest ago is forgotten."""
    throttle = Throttle(lambda: 0.0)
    for _ in range(5):
        throttle.failed("192.0.2.1")
    for number in range(MAX_ADDRESSES):
        throttle.failed(f"name-{number}")
    assert not throttle.banned("192.0.2.1")
