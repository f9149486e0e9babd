"""Where the bridge listens: several addresses, IPv4 and IPv6, one port."""

import socket
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from yarl import URL

from bridge.listen import CannotStart, base_url, start_sites
from tests.support.rig import Rig


def _has_ipv6() -> bool:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


IPV6 = pytest.mark.skipif(not _has_ipv6(), reason="this machine has no IPv6 loopback")


@IPV6
@pytest.mark.parametrize("hosts", ["::", "0.0.0.0,::", "127.0.0.1,::1"])
async def test_both_kinds_of_addresses_reach_the_bridge(tmp_path: Path, hosts: str) -> None:
    """`::` takes IPv4 too, and the addresses of a list share one port."""
    rig = Rig(tmp_path, BRIDGE_SERVER__HOST=hosts)
    await rig.open()
    try:
        url = URL(rig.url)
        assert url.port
        async with aiohttp.ClientSession() as session:
            for host in ("127.0.0.1", "::1"):
                async with session.get(url.with_host(host) / "healthz") as answer:
                    assert await answer.text() == "ok\n"
    finally:
        await rig.close()


@IPV6
async def test_the_printed_address_is_a_url(tmp_path: Path) -> None:
    """An IPv6 address stands in brackets."""
    rig = Rig(tmp_path, BRIDGE_SERVER__HOST="::1", BRIDGE_SERVER__URL_BASE="torbox")
    await rig.open()
    try:
        assert rig.url == f"http://[::1]:{URL(rig.url).port}/torbox"
        assert (await rig.get("/healthz"))[0] == 200
    finally:
        await rig.close()


def test_urls_of_addresses() -> None:
    """IPv4 addresses stand as they are, IPv6 addresses in brackets, without their scope."""
    assert base_url(("0.0.0.0", 80)) == "http://0.0.0.0:80"
    assert base_url(("::", 80, 0, 0)) == "http://[::]:80"


async def test_an_address_that_cannot_be_used() -> None:
    """It is told with the setting; nothing stays open."""
    runner = web.AppRunner(web.Application())
    await runner.setup()
    try:
        with pytest.raises(CannotStart) as caught:
            await start_sites(runner, ["127.0.0.1", "192.0.2.1"], 0)
        assert "server.host" in caught.value.problems[0]
        assert list(runner.sites) == []
    finally:
        await runner.cleanup()
