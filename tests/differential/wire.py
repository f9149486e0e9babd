"""HTTP as bytes, a connection for every request.

qBittorrent sends a body after a HEAD, and ends some connections without a word: no HTTP library
would show that as it is.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from tests.differential.steps import File

ANSWER_SECONDS: Final = 10.0
BOUNDARY: Final = "----boundary-of-the-scenario"


@dataclass(frozen=True, slots=True)
class Wired:
    """What came back, as it was sent. Header names are in lower case."""

    status: int
    headers: Sequence[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str:
        """Read a header; "" when it is not there."""
        return next((value for key, value in self.headers if key == name), "")


async def exchange(
    port: int, method: str, target: str, headers: Mapping[str, str], body: bytes | None
) -> Wired:
    """Send a request to a server on loopback and read the answer."""
    lines = {"Host": f"127.0.0.1:{port}", "Connection": "close"}
    if body is not None:
        lines["Content-Length"] = str(len(body))
    head = [f"{method} {target} HTTP/1.1"]
    head += [f"{name}: {value}" for name, value in (lines | dict(headers)).items()]
    async with asyncio.timeout(ANSWER_SECONDS):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write("\r\n".join([*head, "", ""]).encode() + (body or b""))
            return await _read(reader, method)
        finally:
            writer.close()
            await writer.wait_closed()


def multipart(form: Mapping[str, str], files: Sequence[File]) -> tuple[bytes, str]:
    """Write a multipart body; answers it and its content type."""
    parts = [_part(f'name="{name}"', value.encode()) for name, value in form.items()]
    for file in files:
        disposition = f'name="{file.part}"; filename="{file.filename}"'
        parts.append(_part(disposition, file.data, "Content-Type: application/x-bittorrent\r\n"))
    body = b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()
    return body, f"multipart/form-data; boundary={BOUNDARY}"


def _part(disposition: str, data: bytes, more: str = "") -> bytes:
    head = f"--{BOUNDARY}\r\nContent-Disposition: form-data; {disposition}\r\n{more}\r\n"
    return head.encode() + data + b"\r\n"


async def _read(reader: asyncio.StreamReader, method: str) -> Wired:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    pairs = [line.partition(":") for line in head[1:] if line]
    headers = [(name.strip().lower(), value.strip()) for name, _, value in pairs]
    wired = Wired(int(head[0].split()[1]), headers, b"")
    assert wired.header("transfer-encoding") == "", "none of the two sends chunks"
    length = 0 if method == "HEAD" else int(wired.header("content-length") or 0)
    return Wired(wired.status, headers, await reader.readexactly(length))
