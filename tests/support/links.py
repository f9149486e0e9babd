"""A server that hands out what links lead to, as Jackett and Prowlarr do."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web


@dataclass(slots=True)
class LinkServer:
    """What is served, by path: bytes, a place to go to, or a status."""

    url: str = ""
    pages: dict[str, bytes | str | int] = field(default_factory=dict)
    cookies: list[str] = field(default_factory=list)
    """The Cookie header of each request."""
    delay: float = 0.0
    """Seconds before each answer."""
    waiting: int = 0
    most: int = 0
    """Requests that waited at one time."""

    async def answer(self, request: web.Request) -> web.Response:
        """Serve a page."""
        self.cookies.append(request.headers.get("Cookie", ""))
        self.waiting += 1
        self.most = max(self.most, self.waiting)
        await asyncio.sleep(self.delay)
        self.waiting -= 1
        match self.pages.get(request.path, 404):
            case bytes(body):
                return web.Response(body=body)
            case str(place):
                return web.Response(status=302, headers={"Location": place})
            case int(status):
                return web.Response(status=status)


@asynccontextmanager
async def link_server() -> AsyncIterator[LinkServer]:
    """Serve on a free port."""
    server = LinkServer()
    app = web.Application()
    app.router.add_get("/{path:.*}", server.answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield server
    finally:
        await runner.cleanup()
