"""Which addresses a link may lead to."""

import pytest

from bridge.engine.link_fetcher import SETTING, Guard, GuardedResolver, NotAllowed

PRIVATE = [
    "127.0.0.1", "127.1", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254",
    "100.64.0.1", "224.0.0.1", "255.255.255.255", "::1", "[::1]", "::", "fe80::1", "fe80::1%eth0",
    "fd00::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "ff02::1", "0x7f.0.0.1",
]  # fmt: skip


@pytest.mark.parametrize("host", PRIVATE)
def test_private_addresses_are_refused(host: str) -> None:
    """However it is written, an address that is not public is refused, and the setting named."""
    with pytest.raises(NotAllowed, match=SETTING):
        Guard(()).check(host)


@pytest.mark.parametrize("host", ["1.1.1.1", "2606:4700:4700::1111", "64:ff9b::101:101", "x.org"])
def test_public_ones_and_names_pass(host: str) -> None:
    """Public addresses pass; names are looked at when they are resolved."""
    Guard(()).check(host)


@pytest.mark.parametrize(
    ("allowed", "host"),
    [("192.168.1.20", "192.168.1.20"), ("10.0.0.0/8", "10.9.8.7"), ("::1", "[::1]")],
)
def test_what_the_user_lists_passes(allowed: str, host: str) -> None:
    """An address or a network of the settings is allowed, its neighbours are not."""
    guard = Guard((allowed,))
    guard.check(host)
    with pytest.raises(NotAllowed):
        guard.check("172.16.0.1")


async def test_names_are_judged_by_what_they_resolve_to() -> None:
    """A name for this machine is refused unless it is listed."""
    with pytest.raises(NotAllowed, match="localhost"):
        await GuardedResolver(Guard(())).resolve("localhost", 80)
    assert await GuardedResolver(Guard(("LOCALHOST",))).resolve("localhost", 80)
    assert await GuardedResolver(Guard(("127.0.0.0/8",))).resolve("localhost", 80)
