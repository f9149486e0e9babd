"""Who the client is behind proxies, and where a page comes from."""

from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.auth.trusted_proxies import client_address, is_trusted, same_origin

TRUSTED = (ip_network("10.0.0.0/8"), ip_network("2001:db8::/32"))


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "client"),
    [
        ("192.0.2.9", [], "192.0.2.9"),
        ("192.0.2.9", ["198.51.100.1"], "192.0.2.9"),
        ("10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["203.0.113.5, 198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["203.0.113.5, 198.51.100.1, 10.0.0.2"], "198.51.100.1"),
        ("10.0.0.1", ["203.0.113.5", "198.51.100.1,10.0.0.2"], "198.51.100.1"),
        ("10.0.0.1", ["10.0.0.3"], "10.0.0.3"),
        ("10.0.0.1", ["nonsense"], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.1, nonsense"], "10.0.0.1"),
        ("10.0.0.1", [""], "10.0.0.1"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.1:4711"], "198.51.100.1"),
        ("10.0.0.1", ["[2001:4860::1]:4711"], "2001:4860::1"),
        ("10.0.0.1", ["2001:4860::1"], "2001:4860::1"),
        ("::ffff:10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("2001:db8::1", ["198.51.100.1"], "198.51.100.1"),
        ("", ["198.51.100.1"], ""),
    ],
)
def test_client_address(peer: str, forwarded_for: list[str], client: str) -> None:
    """The nearest hop that is not trusted is the client; what it says itself counts for nothing."""
    assert client_address(peer, forwarded_for, TRUSTED) == client


@given(st.lists(st.text(max_size=40), max_size=4))
def test_nobody_talks_for_another_without_trust(forwarded_for: list[str]) -> None:
    """Without trusted proxies no header moves the address, and none breaks anything."""
    assert client_address("192.0.2.9", forwarded_for, ()) == "192.0.2.9"
    client_address("10.0.0.1", forwarded_for, TRUSTED)


def test_trust() -> None:
    """Networks are trusted, what cannot be read is not."""
    assert is_trusted("10.9.9.9", TRUSTED)
    assert not is_trusted("11.0.0.1", TRUSTED)
    assert not is_trusted("", TRUSTED)


@pytest.mark.parametrize(
    ("page", "host", "same"),
    [
        ("http://bridge:8080", "bridge:8080", True),
        ("http://bridge:8080/torbox/index.html", "bridge:8080", True),
        ("http://BRIDGE:8080", "bridge:8080", True),
        ("http://bridge", "bridge", True),
        ("http://bridge", "bridge:80", True),
        ("https://bridge.example", "bridge.example", True),
        ("https://bridge.example", "bridge.example:443", True),
        ("https://bridge.example:443", "bridge.example", True),
        ("http://[::1]:8080", "[::1]:8080", True),
        ("http://bridge:8081", "bridge:8080", False),
        ("http://bridge", "bridge:8080", False),
        ("http://evil.example", "bridge:8080", False),
        ("http://evil.example/bridge:8080", "bridge:8080", False),
        ("http://bridge:8080@evil.example", "bridge:8080", False),
        ("http://bridge.evil.example:8080", "bridge:8080", False),
        ("null", "bridge:8080", False),
        ("", "", False),
        ("null", "null", False),
        ("http://bridge:port", "bridge:port", False),
        ("http://[bad", "[bad", False),
    ],
)
def test_same_origin(page: str, host: str, *, same: bool) -> None:
    """Host and port must be the same; a missing port is the scheme's."""
    assert same_origin(page, host) is same
