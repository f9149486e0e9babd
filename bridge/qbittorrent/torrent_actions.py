"""Endpoints `torrents/*` that delete, pause, resume and limit downloads.

Unknown hashes are ignored with 200: after a 4xx an *arr repeats the same delete every minute.
"""

from http import HTTPStatus
from ipaddress import ip_address

import msgspec
from aiohttp import web

from bridge.core.model import UNLIMITED, USE_GLOBAL
from bridge.qbittorrent.api_context import ApiRequest
from bridge.qbittorrent.responses import HttpError, done, json_response

PORTS = 65536


async def delete(request: ApiRequest) -> web.Response:
    """Delete downloads. Without `deleteFiles` their files stay, as Sonarr means it.

    Where several clients have a download, only the caller's own goes; `all` means everybody's.
    """
    delete_files = request.params.flag("deleteFiles") is True
    await request.downloads.commands.remove(
        request.hashes(), delete_files=delete_files, caller=request.scope
    )
    return done()


async def stop(request: ApiRequest) -> web.Response:
    """Pause downloads."""
    await request.downloads.commands.stop(request.hashes(), request.scope)
    return done()


async def start(request: ApiRequest) -> web.Response:
    """Resume downloads."""
    await request.downloads.commands.start(request.hashes(), request.scope)
    return done()


async def set_force_start(request: ApiRequest) -> web.Response:
    """Set or clear force start."""
    request.params.require("value")
    value = request.params.flag("value") is True
    await request.downloads.commands.set_force_start(
        request.hashes(), value=value, caller=request.scope
    )
    return done()


async def set_share_limits(request: ApiRequest) -> web.Response:
    """Set when seeding is done. A limit that was not sent stays: several *arr send only some."""
    ratio = _limit(request, "ratioLimit")
    minutes = _limit(request, "seedingTimeLimit")
    inactive = _limit(request, "inactiveSeedingTimeLimit")
    await request.downloads.commands.set_share_limits(
        request.hashes(),
        ratio=ratio,
        seeding_minutes=None if minutes is None else int(minutes),
        inactive_minutes=None if inactive is None else int(inactive),
        caller=request.scope,
    )
    return done()


def _limit(request: ApiRequest, name: str) -> float | None:
    """Return a limit; None when it was not sent.

    Raises:
        HttpError: 400 for what is not a number. qBittorrent takes it for 0, which ends seeding.
    """
    if request.params.get(name) is None:
        return None
    value = request.params.number(name)
    if value is None:
        raise HttpError(HTTPStatus.BAD_REQUEST)
    return value if value >= 0 or value == UNLIMITED else USE_GLOBAL


async def toggle_sequential(request: ApiRequest) -> web.Response:
    """Toggle sequential download."""
    await request.downloads.commands.toggle_sequential(request.hashes(), request.scope)
    return done()


async def toggle_first_last(request: ApiRequest) -> web.Response:
    """Toggle "first and last pieces first"."""
    await request.downloads.commands.toggle_first_last(request.hashes(), request.scope)
    return done()


async def add_peers(request: ApiRequest) -> web.Response:
    """Accept peers (`ip:port`, separated by `|`). TorBox finds its own."""
    peers = request.params.require("peers").split("|")
    valid = sum(map(_is_peer, peers))
    if not valid:
        raise HttpError(HTTPStatus.BAD_REQUEST, "No valid peers were specified")
    count = {"added": valid, "failed": len(peers) - valid}
    known = [
        info_hash for info_hash in request.hashes() if request.downloads.queries.get(info_hash)
    ]
    return json_response(msgspec.json.encode(dict.fromkeys(known, count)))


def _is_peer(text: str) -> bool:
    address, _, port = text.strip().rpartition(":")
    try:
        ip_address(address.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    return port.isascii() and port.isdigit() and 0 < int(port) < PORTS
