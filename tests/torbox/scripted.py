"""A server on a real socket that sends back exactly the bytes it was given, one answer a call."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final, NamedTuple
from urllib.parse import parse_qsl, urlsplit

import msgspec

KEY: Final = "11111111-2222-3333-4444-555555555555"
"""An API key of the form that TorBox gives out."""
HANG: Final = b"<hang>"
"""An answer that never comes."""


class Held(NamedTuple):
    """An answer that is sent once the test says so."""

    answer: bytes
    go_on: asyncio.Event


@dataclass(frozen=True, slots=True)
class Seen:
    """A request as it arrived."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def path(self) -> str:
        """The path without the query."""
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        """The query's parameters."""
        return dict(parse_qsl(urlsplit(self.target).query))


@dataclass(slots=True)
class Scripted:
    """What the server will answer, and what it was asked."""

    url: str
    answers: list[bytes | Held] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the first request has arrived."""


@asynccontextmanager
async def scripted_server() -> AsyncIterator[Scripted]:
    """Run a scripted server on a port of its own."""
    script = Scripted("")
    closing = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            script.seen.append(await _read(reader))
            script.asked.set()
            answer = script.answers.pop(0)
            if isinstance(answer, Held):
                await answer.go_on.wait()
                answer = answer.answer
            if answer is HANG:
                await closing.wait()
            else:
                writer.write(answer)
                await writer.drain()
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    script.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield script
        closing.set()


async def _read(reader: asyncio.StreamReader) -> Seen:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    method, target, _version = head[0].split(" ")
    headers = {
        name.strip().lower(): value.strip()
        for name, _colon, value in (line.partition(":") for line in head[1:] if line)
    }
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Seen(method, target, headers, body)


def http(body: bytes, *, status: int = 200, **headers: str) -> bytes:
    """Write an HTTP answer; `_` in the names of headers stands for `-`."""
    lines = [f"HTTP/1.1 {status} Scripted", f"Content-Length: {len(body)}", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


def envelope(
    data: object = None,
    *,
    status: int = 200,
    success: object = True,
    error: object = None,
    detail: object = "",
    **headers: str,
) -> bytes:
    """Write an answer in TorBox's envelope."""
    body = msgspec.json.encode({"success": success, "error": error, "detail": detail, "data": data})
    return http(body, status=status, Content_Type="application/json", **headers)


EMPTY: Final = envelope(status=404, error="ITEM_NOT_FOUND", detail="No torrents found.")
"""How TorBox says that a list is empty."""
