"""Requests that real *arr sent, replayed: Sonarr 5.0, Radarr 5.28, Lidarr 3.1, Readarr 0.4, Prowlarr 2.3."""

import re
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

import msgspec
import pytest

from bridge.downloads import AddOptions
from tests.support.face import Face, magnet, make_torrent
from tests.support.http import Client


class Sent(msgspec.Struct):
    """A request, and the status that it was answered with. Bytes of .torrent files are made anew."""

    agent: str
    method: str
    path: str
    status: int
    form: list[tuple[str, str]] = []
    parts: list[tuple[str, str, str]] = []
    """Content-Disposition, file name and value."""


DATA: Final = Path(__file__).parent / "data" / "arr_requests.json"
REQUESTS: Final = msgspec.json.decode(DATA.read_bytes(), type=list[Sent])
APPS: Final = sorted({sent.agent.partition("/")[0] for sent in REQUESTS})
BOUNDARY: Final = "-----------------------------8df4ce279eb2751"
JSON: Final = re.compile(r"torrents/(info|categories|properties|files)|app/preferences")


def multipart(sent: Sent) -> bytes:
    """Write the body as .NET does."""
    body = b""
    for disposition, filename, value in sent.parts:
        data = make_torrent(filename)[0] if filename else value.encode()
        body += f"--{BOUNDARY}\r\nContent-Disposition: {disposition}\r\n\r\n".encode()
        body += data + b"\r\n"
    return body + f"--{BOUNDARY}--\r\n".encode()


@pytest.mark.parametrize("app", APPS)
async def test_what_an_arr_sends_is_understood(app: str, client: Client, face: Face) -> None:
    """Each request gets the status that it got then, and JSON where an *arr reads JSON."""
    for sent in (one for one in REQUESTS if one.agent.startswith(app)):
        named = re.findall(r"\b[0-9a-fA-F]{40}\b", sent.path) if "properties" in sent.path else []
        for info_hash in named if sent.status == 200 else ():
            await face.downloads.adds.magnet(magnet(info_hash.lower()), AddOptions())
        headers = {"User_Agent": sent.agent}
        body = urlencode(sent.form).encode() if sent.form else None
        if sent.form:
            headers["Content_Type"] = "application/x-www-form-urlencoded"
        if sent.parts:
            body = multipart(sent)
            headers["Content_Type"] = f"multipart/form-data; boundary={BOUNDARY}"
        if sent.path == "torrents/setCategory":
            # The category was made by an earlier request.
            names = [value for name, value in sent.form if name == "category" and value]
            for name in names:
                await face.downloads.labels.create_category(name, "")
        reply = await client.ask(sent.method, sent.path, body, **headers)
        assert reply.status == sent.status, f"{sent}: {reply.text[:200]}"
        if sent.status == 200 and JSON.match(sent.path):
            reply.json()


def test_all_five_programs_are_there() -> None:
    """Each with the request that matters most."""
    assert APPS == ["Lidarr", "Prowlarr", "Radarr", "Readarr", "Sonarr"]
    for app in APPS:
        paths = {one.path.partition("?")[0] for one in REQUESTS if one.agent.startswith(app)}
        assert {"torrents/add", "torrents/info", "app/preferences"} <= paths
