"""GET /healthz: alive, and able to keep what it accepts. GET /readyz: able to do its work, too.

Neither asks TorBox or the disk: what the last calls found out is what they tell.
"""

import asyncio
import sqlite3
from collections.abc import Sequence

from aiohttp import web

from bridge.downloads import DownloadService
from bridge.state import Database, DatabaseError

CHECK_SECONDS = 5.0

STORE = web.AppKey("store", Database)
DOWNLOADS = web.AppKey("health_downloads", DownloadService)


async def healthz(request: web.Request) -> web.Response:
    """Answer 200 `ok`, or 503 with what is wrong. Needs no session: it tells nothing private."""
    return _answer(await database_troubles(request))


async def readyz(request: web.Request) -> web.Response:
    """Answer 200 `ok`, or 503 with what keeps the bridge from its work, a line each.

    The bridge takes adds and answers polls all the same: it goes on by itself when it can.
    """
    return _answer([*await database_troubles(request), *request.app[DOWNLOADS].troubles])


def _answer(wrong: Sequence[str]) -> web.Response:
    if not wrong:
        return web.Response(text="ok\n")
    return web.Response(status=503, text="".join(f"{line}\n" for line in wrong))


async def database_troubles(request: web.Request) -> list[str]:
    """Ask the database whether it can keep what is accepted; answers what is wrong."""
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            await request.app[STORE].check()
    except (DatabaseError, sqlite3.Error, TimeoutError) as error:
        return [f"database: {str(error) or 'no answer in time'}"]
    return []
