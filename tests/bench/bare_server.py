"""A bare aiohttp server for `bare.py`: it answers the files of a directory from memory.

    python tests/bench/bare_server.py DIRECTORY

Run as a script and not as a module of `tests`, so that it imports nothing of the bridge.
"""

import asyncio
import sys
from pathlib import Path

import aiosqlite  # noqa: F401 - its memory and its time to import are measured
import msgspec  # noqa: F401
import structlog  # noqa: F401
import yaml  # noqa: F401
from aiohttp import web


async def serve(directory: Path) -> None:
    """Print the port, and answer each file by the last part of the path."""
    bodies = {path.name: path.read_bytes() for path in directory.iterdir()}

    async def answer(request: web.Request) -> web.Response:
        body = bodies[request.path.rpartition("/")[2]]
        return web.Response(body=body, headers={"Content-Type": "application/json"})

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    sys.stdout.write(f"{runner.addresses[0][1]}\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1])))
