"""The reverse proxy recipes, in a real nginx and a real Caddy, as an *arr and a browser use them."""

import asyncio
import io
import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from bridge.core.model import Phase
from bridge.simulator import ContentFile, magnet_of, make_torrent
from tests.support.nginx import Nginx, free_port
from tests.support.peers import find
from tests.support.rig import PASSWORD, USERNAME, Rig, pack

PROXIES = Path(__file__).parents[2] / "deploy" / "proxies"
TARGET = "torbox-bridge:8080"


@pytest.fixture
async def behind(tmp_path: Path) -> AsyncIterator[Rig]:
    """A bridge with the settings that the recipes ask for."""
    rig = Rig(
        tmp_path,
        BRIDGE_SERVER__URL_BASE="/torbox",
        BRIDGE_SERVER__TRUSTED_PROXIES="127.0.0.1",
    )
    await rig.open()
    yield rig
    await rig.close()


@asynccontextmanager
async def nginx(rig: Rig, top: Path) -> AsyncIterator[str]:
    """Serve with the recipe for nginx; gives the address of the proxy."""
    recipe = (PROXIES / "nginx.conf").read_text(encoding="utf-8")
    assert TARGET in recipe
    extra = recipe.replace(TARGET, _address(rig))
    async with Nginx(top / "root", top / "nginx", extra=extra) as server:
        yield server.url


@asynccontextmanager
async def caddy(rig: Rig, top: Path) -> AsyncIterator[str]:
    """Serve with the recipe for Caddy, without TLS; gives the address of the proxy."""
    recipe = (PROXIES / "Caddyfile").read_text(encoding="utf-8")
    assert TARGET in recipe
    url = f"http://127.0.0.1:{free_port()}"
    recipe = recipe.replace(TARGET, _address(rig)).replace("example.com {", f"{url} {{")
    file = top / "Caddyfile"
    file.write_text(f"{{\n\tadmin off\n}}\n{recipe}", encoding="utf-8")
    process = await asyncio.create_subprocess_exec(
        find("caddy"), "run", "--config", str(file), "--adapter", "caddyfile",
        env={**os.environ, "HOME": str(top), "XDG_DATA_HOME": str(top)},
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        await _answers(url)
        yield url
    finally:
        process.terminate()
        await process.wait()


def _address(rig: Rig) -> str:
    return rig.url.removeprefix("http://").removesuffix("/torbox")


async def _answers(url: str) -> None:
    async with aiohttp.ClientSession() as session:
        for _ in range(100):
            try:
                async with session.get(f"{url}/torbox/healthz"):
                    return
            except aiohttp.ClientConnectorError:
                await asyncio.sleep(0.1)
    raise AssertionError("the proxy does not listen")


async def use(rig: Rig, proxy: str) -> None:
    """Go through the proxy as Sonarr and as a browser do."""
    content = pack()
    rig.sim.register(content)
    async with rig.arr_at(f"{proxy}/torbox", PASSWORD) as arr:
        await arr.test()
        await arr.add_magnet(magnet_of(content))
        await rig.reaches(content.hash, Phase.FINISHED)
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as browser:
        async with browser.get(f"{proxy}/torbox") as page:
            assert page.status == 200
            assert page.url.path == "/torbox/"
            html = await page.text()
        for asset in re.findall(r'(?:href|src)="([^"]+\.(?:css|js))"', html):
            async with browser.get(
                page.url.join(page.url.with_path(f"/torbox/{asset.lstrip('./')}"))
            ) as found:
                assert found.status == 200, asset
        # What a browser sends with a form of the bridge's own page.
        headers = {"Origin": proxy, "Referer": f"{proxy}/torbox/"}
        login = {"username": USERNAME, "password": PASSWORD}
        url = f"{proxy}/torbox/api/v2/auth/login"
        async with browser.post(url, data=login, headers=headers) as answer:
            assert await answer.text() == "Ok."
        await _large_torrent(browser, f"{proxy}/torbox")


async def _large_torrent(browser: aiohttp.ClientSession, base: str) -> None:
    """A .torrent of 2 MB passes: nginx's own limit is 1 MB."""
    files = [ContentFile(f"{number:06}-{'x' * 200}.mkv", 1000) for number in range(8000)]
    torrent = make_torrent("Large.Show.S01", files).torrent
    assert torrent is not None
    assert len(torrent) > 1.5e6
    form = aiohttp.FormData()
    form.add_field("torrents", io.BytesIO(torrent), filename="large.torrent")
    async with browser.post(f"{base}/api/v2/torrents/add", data=form) as answer:
        assert (answer.status, await answer.text()) == (200, "Ok.")


async def banned_alone(proxy: str) -> None:
    """Five wrong passwords from one address ban that address, and nobody else."""
    async with aiohttp.ClientSession() as session:
        wrong = {"username": USERNAME, "password": "wrong"}
        right = {"username": USERNAME, "password": PASSWORD}
        url = f"{proxy}/torbox/api/v2/auth/login"
        attacker = {"X-Forwarded-For": "203.0.113.9"}
        for _ in range(5):
            async with session.post(url, data=wrong, headers=attacker) as answer:
                assert await answer.text() == "Fails."
        async with session.post(url, data=right, headers=attacker) as answer:
            assert answer.status == 403
        async with session.post(url, data=right) as answer:
            assert await answer.text() == "Ok."


async def test_nginx(behind: Rig, tmp_path: Path) -> None:
    """An *arr, the page, a login with CSRF protection and a large .torrent pass nginx."""
    async with nginx(behind, tmp_path) as proxy:
        await use(behind, proxy)


async def test_caddy(behind: Rig, tmp_path: Path) -> None:
    """The same with Caddy."""
    async with caddy(behind, tmp_path) as proxy:
        await use(behind, proxy)


async def test_a_ban_behind_nginx(behind: Rig, tmp_path: Path) -> None:
    """Nginx adds its peer to X-Forwarded-For, so a ban hits the peer of the proxy that is trusted."""
    async with nginx(behind, tmp_path) as proxy:
        await banned_alone(proxy)
