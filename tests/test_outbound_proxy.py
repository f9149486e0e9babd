"""Which proxy a call to TorBox goes through."""

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.config.outbound_proxy import DIRECT, Proxies, proxy_url
from bridge.config.secret import Secret
from bridge.simulator import magnet_of
from bridge.torbox import Budgets, TorBox, TorBoxError
from tests.support.rig import Rig, pack

API, CDN = "https://api.torbox.app/v1/api/x", "https://tb-cdn.example/dld/1"
PLAIN = "http://sim.example/x"


@pytest.mark.parametrize(
    ("setting", "environ", "expected"),
    [
        (None, {}, ("", "")),
        (None, {"HTTPS_PROXY": "http://p:1"}, ("http://p:1", "")),
        (None, {"HTTP_PROXY": "http://p:1"}, ("", "http://p:1")),
        (None, {"https_proxy": "http://low:1", "HTTPS_PROXY": "http://up:1"}, ("http://low:1", "")),
        (None, {"HTTPS_PROXY": "p:1", "http_proxy": "q:2"}, ("http://p:1", "http://q:2")),
        (None, {"HTTPS_PROXY": "socks5://p:1"}, ("", "")),
        (None, {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "*"}, ("", "")),
        (None, {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "torbox.app"}, ("", "")),
        (None, {"HTTPS_PROXY": "http://p:1", "no_proxy": "x, .torbox.app"}, ("", "")),
        (None, {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "box.app,,"}, ("http://p:1", "")),
        ("http://own:9", {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "*"}, ("http://own:9",) * 2),
        (DIRECT, {"HTTPS_PROXY": "http://p:1", "HTTP_PROXY": "http://p:1"}, ("", "")),
    ],
)
def test_the_setting_decides_then_the_environment(
    setting: str | None, environ: dict[str, str], expected: tuple[str, str]
) -> None:
    """`torbox.proxy` wins; without it the usual variables count, lower case first."""
    proxies = Proxies(Secret(setting) if setting else None, environ)
    assert tuple(proxies.options(url).get("proxy", "") for url in (API, PLAIN)) == expected


@pytest.mark.parametrize(
    ("host", "direct"),
    [("10.1.2.3", True), ("11.1.2.3", False), ("[fd00::1]", True), ("127.0.0.1", True)],
)
def test_no_proxy_knows_networks(host: str, direct: bool) -> None:
    """Addresses and networks may be listed as well as names."""
    environ = {"HTTP_PROXY": "p:1", "NO_PROXY": "10.0.0.0/8,fd00::/8,127.0.0.1"}
    assert (Proxies(None, environ).options(f"http://{host}/") == {}) is direct


@pytest.mark.parametrize(
    "text", ["", "p", "ftp://p:1", "socks5://p", "http://", "http://p:99999", "a b"]
)
def test_a_setting_that_is_no_proxy(text: str) -> None:
    """Only an HTTP proxy's URL and `direct` are allowed; a bare host is taken for a host."""
    if text == "p":
        assert proxy_url(text) == Secret("http://p")
    else:
        with pytest.raises(ValueError, match="not the URL"):
            proxy_url(text)


def test_credentials_are_not_shown() -> None:
    """Neither the setting nor the choice shows user or password."""
    proxies = Proxies(proxy_url("http://user:hunter2@p:1"))
    assert "hunter2" not in repr(proxies) + repr(proxy_url("http://user:hunter2@p:1"))
    assert "p:1" in repr(proxies)


@given(st.text(max_size=30), st.text(max_size=30))
def test_any_environment_is_borne(value: str, url: str) -> None:
    """No text of the environment or in a URL raises."""
    proxies = Proxies(None, {"HTTPS_PROXY": value, "HTTP_PROXY": value, "NO_PROXY": value})
    for asked in (url, f"http://{url}", API, CDN):
        proxies.options(asked)


async def test_calls_go_through_the_proxy() -> None:
    """The proxy gets the request with its own credentials, and no error shows them."""
    heads: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append((await reader.readuntil(b"\r\n\r\n")).decode())
        writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    proxies = Proxies(proxy_url(f"http://user:hunter2@127.0.0.1:{port}"))
    async with server, aiohttp.ClientSession() as session:
        for base_url in ("http://torbox.invalid", "https://torbox.invalid"):
            torbox = TorBox(
                session,
                base_url=base_url,
                api_key="key",
                timeout=5.0,
                budgets=Budgets(),
                proxies=proxies,
            )
            with pytest.raises(TorBoxError) as caught:
                await torbox.list_items()
            assert "hunter2" not in repr(caught.value) + str(caught.value)
    assert heads[0].startswith("GET http://torbox.invalid/v1/api/torrents/mylist")
    assert heads[1].startswith("CONNECT torbox.invalid:443")
    expected = base64.b64encode(b"user:hunter2").decode()
    assert all(f"Proxy-Authorization: Basic {expected}" in head for head in heads)


@asynccontextmanager
async def forwarding_proxy() -> AsyncIterator[tuple[int, list[str]]]:
    """Run a proxy for plain HTTP; yield its port and the targets that it was asked for."""
    targets: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        method, target, version = head.split(b"\r\n", 1)[0].split(b" ")
        targets.append(target.decode())
        url = urlsplit(target.decode())
        path = f"{url.path}?{url.query}".encode()
        rest = head.split(b"\r\n", 1)[1].replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
        there, to_there = await asyncio.open_connection(url.hostname, url.port)
        to_there.write(b" ".join([method, path, version]) + b"\r\n" + rest)

        async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
            try:
                while data := await source.read(65536):
                    sink.write(data)
                    await sink.drain()
            except ConnectionError:
                pass

        async with asyncio.TaskGroup() as tasks:
            sending = tasks.create_task(pump(reader, to_there))
            await pump(there, writer)
            sending.cancel()
        to_there.close()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], targets


async def test_a_whole_download_goes_through_the_proxy(tmp_path: Path) -> None:
    """Every call to TorBox's API and every byte from its CDN take the proxy that is set."""
    content = pack()
    async with forwarding_proxy() as (port, targets):
        rig = Rig(tmp_path, BRIDGE_TORBOX__PROXY=f"http://user:hunter2@127.0.0.1:{port}")
        await rig.open()
        try:
            rig.sim.register(content)
            async with rig.arr() as arr:
                download_id = await arr.add_magnet(magnet_of(content))
                rig.compare(content, (await rig.completed(arr, download_id)).output_path)
            assert any("/torrents/createtorrent" in target for target in targets)
            assert sum("/dld/" in target for target in targets) >= len(content.files)
            assert len(targets) >= len(rig.sim.calls)
        finally:
            await rig.close()
