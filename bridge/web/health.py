"""GET /healthz: alive, and able to keep what it accepts. Asks neither TorBox nor the disk."""

import asyncio
import sqlite3

from aiohttp import web

from bridge.store import Store, StoreError

CHECK_SECONDS = 5.0

STORE = web.AppKey("store", Store)


async def healthz(request: web.Request) -> web.Response:
    """Answer 200 `ok`, or 503 with what is wrong. Needs no session: it tells nothing private."""
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            await request.app[STORE].check()
    except (StoreError, sqlite3.Error, TimeoutError) as error:
        return web.Response(status=503, text=f"database: {str(error) or 'no answer in time'}\n")
    return web.Response(text="ok\n")
