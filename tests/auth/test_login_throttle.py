"""Failed logins are counted by network, and by all public networks together."""

import pytest

from bridge.auth.login_throttle import (
    MAX_FAILURES_IN_ALL,
    MAX_NETWORKS,
    LoginThrottle,
    network_of,
)


def fail(throttle: LoginThrottle, address: str, times: int = 1) -> None:
    """Fail so often from an address."""
    for _ in range(times):
        throttle.failed(network_of(address))


@pytest.mark.parametrize(
    ("failing", "asked", "locked"),
    [
        ("192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("2001:db8:0:1::1", "2001:db8:0:1:ffff::2", True),
        ("2001:db8:0:1::1", "2001:db8:0:2::1", False),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("", "", True),
    ],
)
def test_addresses_that_count_as_one(failing: str, asked: str, *, locked: bool) -> None:
    """One IPv6 network is one client, as it has addresses without end."""
    throttle = LoginThrottle(lambda: 0.0)
    fail(throttle, failing, 4)
    assert not throttle.locked(network_of(asked))
    fail(throttle, failing)
    assert throttle.locked(network_of(asked)) is locked


def test_old_failures_are_forgotten() -> None:
    """One typing error a day locks no network."""
    times = iter(range(0, 10**9, 4000))
    throttle = LoginThrottle(lambda: float(next(times)))
    fail(throttle, "192.0.2.1", 20)
    assert not throttle.locked("192.0.2.1")


def test_memory_is_bounded() -> None:
    """Beyond ten thousand networks the one that failed longest ago is forgotten."""
    throttle = LoginThrottle(lambda: 0.0)
    fail(throttle, "192.0.2.1", 5)
    for number in range(MAX_NETWORKS):
        fail(throttle, f"name-{number}")
    assert "192.0.2.1" not in throttle._failures


def test_many_networks_together_get_no_more_than_a_hundred_guesses() -> None:
    """An attacker with a thousand addresses is locked out; the household and known clients are not."""
    now = 0.0
    throttle = LoginThrottle(lambda: now)
    throttle.succeeded("8.8.4.4")
    guesses = 0
    for number in range(1000):
        address = f"8.{number // 250}.{number % 250}.9"
        if not throttle.locked(address):
            fail(throttle, address)
            guesses += 1
    assert guesses == MAX_FAILURES_IN_ALL
    assert throttle.locked("9.9.9.9")
    assert not throttle.locked("192.168.1.7")
    assert not throttle.locked("8.8.4.4")
    assert any("100 failed logins" in alert for alert in throttle.alerts())
    now = 3600.0
    assert not throttle.locked("9.9.9.9")
    assert throttle.alerts() == []


def test_the_owner_is_told() -> None:
    """The alerts name the locked network and the duration."""
    throttle = LoginThrottle(lambda: 60.0)
    fail(throttle, "192.0.2.1", 4)
    assert throttle.alerts() == []
    fail(throttle, "192.0.2.1")
    assert throttle.alerts() == [
        "5 failed logins from 192.0.2.1: logins from there are refused for another 60 min"
    ]
