"""Scope torrents: what changes downloads that are here.

Unknown hashes are skipped and the answer is 200: with a 4xx an *arr would try the same removal
again every minute for ever.
"""

from http import HTTPStatus
from ipaddress import ip_address

import msgspec
from aiohttp import web

from bridge.core.model import UNLIMITED, USE_GLOBAL
from bridge.qbittorrent.face import Call
from bridge.qbittorrent.http import HttpError, done, json

PORTS = 65536


async def delete(call: Call) -> web.Response:
    """Remove downloads. Without `deleteFiles` their files stay, as Sonarr means it.

    What several *arr have goes for the one that asks; `all` is meant as it is said.
    """
    delete_files = call.params.flag("deleteFiles") is True
    await call.downloads.commands.remove(call.hashes(), delete_files=delete_files, caller=call.scope)
    return done()


async def stop(call: Call) -> web.Response:
    """Pause downloads."""
    await call.downloads.commands.stop(call.hashes(), call.scope)
    return done()


async def start(call: Call) -> web.Response:
    """Go on with downloads."""
    await call.downloads.commands.start(call.hashes(), call.scope)
    return done()


async def set_force_start(call: Call) -> web.Response:
    """Force downloads, or no longer."""
    call.params.require("value")
    value = call.params.flag("value") is True
    await call.downloads.commands.set_force_start(call.hashes(), value=value, caller=call.scope)
    return done()


async def set_share_limits(call: Call) -> web.Response:
    """Set when seeding is done. Only `hashes` is required: *arr leave out the inactive limit."""
    given = call.params.get("inactiveSeedingTimeLimit")
    await call.downloads.commands.set_share_limits(
        call.hashes(),
        ratio=_limit(call, "ratioLimit"),
        seeding_minutes=int(_limit(call, "seedingTimeLimit")),
        inactive_minutes=None if given is None else int(_limit(call, "inactiveSeedingTimeLimit")),
        caller=call.scope,
    )
    return done()


def _limit(call: Call, name: str) -> float:
    """Read a limit. Qbittorrent reads nonsense as 0, which would end seeding: refused here."""
    if call.params.get(name) is None:
        return USE_GLOBAL
    value = call.params.number(name)
    if value is None:
        raise HttpError(HTTPStatus.BAD_REQUEST)
    return value if value >= 0 or value == UNLIMITED else USE_GLOBAL


async def toggle_sequential(call: Call) -> web.Response:
    """Turn over the wish for pieces in their order."""
    await call.downloads.commands.toggle_sequential(call.hashes(), call.scope)
    return done()


async def toggle_first_last(call: Call) -> web.Response:
    """Turn over the wish for the first and last pieces first."""
    await call.downloads.commands.toggle_first_last(call.hashes(), call.scope)
    return done()


async def add_peers(call: Call) -> web.Response:
    """Take peers (`ip:port`, `|` between) for downloads. TorBox finds its own."""
    peers = call.params.require("peers").split("|")
    valid = sum(map(_is_peer, peers))
    if not valid:
        raise HttpError(HTTPStatus.BAD_REQUEST, "No valid peers were specified")
    count = {"added": valid, "failed": len(peers) - valid}
    known = [info_hash for info_hash in call.hashes() if call.downloads.queries.get(info_hash)]
    return json(msgspec.json.encode(dict.fromkeys(known, count)))


def _is_peer(text: str) -> bool:
    address, _, port = text.strip().rpartition(":")
    try:
        ip_address(address.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    return port.isascii() and port.isdigit() and 0 < int(port) < PORTS
