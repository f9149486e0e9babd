"""Scope torrents: what changes downloads that are here.

Unknown hashes are skipped and the answer is 200: with a 4xx an *arr would try the same removal
again every minute for ever.
"""

from http import HTTPStatus

from aiohttp import web

from bridge.core.model import UNLIMITED, USE_GLOBAL
from bridge.qbittorrent.face import Call
from bridge.qbittorrent.http import HttpError, done


async def delete(call: Call) -> web.Response:
    """Remove downloads. Without `deleteFiles` their files stay, as Sonarr means it."""
    delete_files = call.params.flag("deleteFiles") is True
    await call.downloads.remove(call.hashes(), delete_files=delete_files)
    return done()


async def stop(call: Call) -> web.Response:
    """Pause downloads."""
    await call.downloads.stop(call.hashes())
    return done()


async def start(call: Call) -> web.Response:
    """Go on with downloads."""
    await call.downloads.start(call.hashes())
    return done()


async def to_top(call: Call) -> web.Response:
    """Put downloads at the head of the queue."""
    await call.downloads.to_top(call.hashes())
    return done()


async def set_force_start(call: Call) -> web.Response:
    """Force downloads, or no longer."""
    call.params.require("value")
    value = call.params.flag("value") is True
    await call.downloads.set_force_start(call.hashes(), value=value)
    return done()


async def set_share_limits(call: Call) -> web.Response:
    """Set when seeding is done. Only `hashes` is required: *arr leave out the inactive limit."""
    given = call.params.get("inactiveSeedingTimeLimit")
    await call.downloads.set_share_limits(
        call.hashes(),
        ratio=_limit(call, "ratioLimit"),
        seeding_minutes=int(_limit(call, "seedingTimeLimit")),
        inactive_minutes=None if given is None else int(_limit(call, "inactiveSeedingTimeLimit")),
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
