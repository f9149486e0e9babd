"""A real aria2 daemon on loopback."""

import asyncio
from pathlib import Path
from typing import Self

import aiohttp
import msgspec

from tests.support.nginx import free_port
from tests.support.peers import find

SECRET = "the-secret-of-the-daemon"


class Aria2Daemon:
    """Keeps nothing but the files; a context manager."""

    def __init__(self, top: Path, *options: str) -> None:
        self.program = find("aria2c")
        self.top = top
        self.port = free_port()
        self._options = options
        self._process: asyncio.subprocess.Process

    @property
    def url(self) -> str:
        """Of its JSON-RPC."""
        return f"http://127.0.0.1:{self.port}/jsonrpc"

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.kill()

    async def start(self) -> None:
        """Start it; it knows nothing of its former life."""
        self.top.mkdir(parents=True, exist_ok=True)
        self._process = await asyncio.create_subprocess_exec(
            self.program,
            *("--no-conf", "--quiet", "--enable-rpc", f"--rpc-secret={SECRET}"),
            *(f"--rpc-listen-port={self.port}", f"--dir={self.top}", "--disable-ipv6"),
            *("--retry-wait=0", "--max-tries=2", "--connect-timeout=2", "--timeout=1"),
            *self._options,
        )
        for _ in range(500):
            try:
                await self.ask("aria2.getVersion")
            except aiohttp.ClientError:
                await asyncio.sleep(0.01)
            else:
                return
        raise AssertionError("aria2 does not listen")

    async def kill(self) -> None:
        """End it without a chance to save anything."""
        if self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    async def ask(self, method: str, *params: object) -> object:
        """Call it directly."""
        given = [f"token:{SECRET}", *params]
        question = {"jsonrpc": "2.0", "id": "1", "method": method, "params": given}
        async with (
            aiohttp.ClientSession() as session,
            session.post(self.url, data=msgspec.json.encode(question)) as answer,
        ):
            found = msgspec.json.decode(await answer.read(), type=dict[str, object])
        return found.get("result")

    async def gids(self) -> list[str]:
        """List every transfer it knows, by gid."""
        found: list[str] = []
        for method, span in (
            ("aria2.tellActive", ()), ("aria2.tellWaiting", (0, 99)), ("aria2.tellStopped", (0, 99))
        ):  # fmt: skip
            listed = await self.ask(method, *span, ["gid"])
            assert isinstance(listed, list)
            found += [transfer["gid"] for transfer in listed]
        return found
