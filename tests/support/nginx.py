"""A real nginx on loopback that serves one directory."""

import asyncio
import os
import socket
from pathlib import Path
from typing import Self

from tests.support.peers import find

CONFIGURATION = """
{user}
daemon off;
worker_processes 1;
pid {top}/nginx.pid;
error_log {top}/error.log;
events {{ worker_connections 512; }}
http {{
  access_log {top}/access.log combined;
  default_type application/octet-stream;
  sendfile on;
  client_body_temp_path {top}/body;
  proxy_temp_path {top}/proxy;
  fastcgi_temp_path {top}/fastcgi;
  uwsgi_temp_path {top}/uwsgi;
  scgi_temp_path {top}/scgi;
  limit_conn_zone $server_name zone=all:1m;
  server {{
    listen 127.0.0.1:{port};
    root {root};
    {extra}
  }}
}}
"""


def free_port() -> int:
    """Find a port on loopback that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    assert isinstance(port, int)
    return port


class Nginx:
    """Serves `root`; a context manager. `extra` goes into its server block."""

    def __init__(self, root: Path, top: Path, *, extra: str = "") -> None:
        self.program = find("nginx")
        self.root = root
        self.top = top
        self.extra = extra
        self.port = free_port()
        self._process: asyncio.subprocess.Process

    @property
    def url(self) -> str:
        """Where it listens, without a trailing slash."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def requests(self) -> list[str]:
        """Its access log, line by line."""
        return (self.top / "access.log").read_text().splitlines()

    async def __aenter__(self) -> Self:
        self.top.mkdir(parents=True, exist_ok=True)
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Start it, also again after `stop`, on the same port."""
        path = self.top / "nginx.conf"
        user = "user root;" if os.geteuid() == 0 else ""
        text = CONFIGURATION.format(
            user=user, top=self.top, port=self.port, root=self.root, extra=self.extra
        )
        path.write_text(text)
        self._process = await asyncio.create_subprocess_exec(
            self.program, "-c", str(path), "-e", str(self.top / "error.log")
        )
        for _ in range(500):
            assert self._process.returncode is None, (self.top / "error.log").read_text()
            if await self._listens():
                return
            await asyncio.sleep(0.01)
        raise AssertionError("nginx does not listen")

    async def stop(self) -> None:
        """Stop it at once: whatever is being sent is cut."""
        self._process.terminate()
        await self._process.wait()

    async def _listens(self) -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            return False
        writer.close()
        return True

    async def link(self, file_id: int, *, fresh: bool) -> str:
        """Give the link to the file that is called by its number."""
        return f"{self.url}/{file_id}"
