"""Refreshes of the WebDAV listing: seldom, with the login, and never in the way."""

import base64
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web

from bridge.delivery.modes.symlink_mode import (
    REFRESH_SECONDS,
    REFUSED_SECONDS,
    WebdavLogin,
    WebdavRefresh,
)


class Server:
    """Counts refreshes, and answers as told."""

    def __init__(self) -> None:
        self.url = ""
        self.status = 200
        self.logins: list[str] = []
        self.now = 1000.0

    async def refresh(self, request: web.Request) -> web.Response:
        """Note who asked."""
        kind, _, login = request.headers["Authorization"].partition(" ")
        assert kind == "Basic"
        self.logins.append(base64.b64decode(login).decode())
        return web.Response(status=self.status)


@pytest.fixture(name="server")
async def _server() -> AsyncIterator[Server]:
    server, app = Server(), web.Application()
    app.router.add_get("/dav/refresh", server.refresh)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}/dav"
    yield server
    await runner.cleanup()


def asking(session: aiohttp.ClientSession, server: Server) -> WebdavRefresh:
    """Make a refresh with the server's clock."""
    return WebdavRefresh(session, WebdavLogin(server.url, "me@x", "pass:ü"), lambda: server.now)


async def test_at_most_every_two_minutes(session: aiohttp.ClientSession, server: Server) -> None:
    """However often it is asked for, the server hears of it once in a while, with the login."""
    refresh = asking(session, server)
    for _ in range(3):
        await refresh.ask()
    assert server.logins == ["me@x:pass:ü"]
    server.now += REFRESH_SECONDS
    await refresh.ask()
    assert len(server.logins) == 2


@pytest.mark.parametrize("status", [401, 429, 500])
async def test_a_refusal_is_respected(
    session: aiohttp.ClientSession, server: Server, status: int
) -> None:
    """After a refusal it is left alone for a quarter of an hour."""
    server.status, refresh = status, asking(session, server)
    await refresh.ask()
    server.now += REFRESH_SECONDS
    await refresh.ask()
    assert len(server.logins) == 1
    server.now += REFUSED_SECONDS
    await refresh.ask()
    assert len(server.logins) == 2


async def test_a_server_that_is_not_there(session: aiohttp.ClientSession) -> None:
    """No answer is no trouble for who waits for files."""
    login = WebdavLogin("http://127.0.0.1:1", "me", "secret")
    await WebdavRefresh(session, login, lambda: 0.0).ask()
    assert "secret" not in repr(login)
