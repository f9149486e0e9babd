"""Tags: the list of them, and which download bears which. They come as `a,b`."""

import msgspec
from aiohttp import web

from bridge.qbittorrent.face import Call
from bridge.qbittorrent.http import done, json


async def tags(call: Call) -> web.Response:
    """List the tags."""
    return json(msgspec.json.encode(list(call.downloads.labels.tags())))


async def create(call: Call) -> web.Response:
    """Create tags; known ones stay as they are."""
    await call.downloads.labels.create_tags(_names(call))
    return done()


async def delete(call: Call) -> web.Response:
    """Drop tags from the list and from every download."""
    await call.downloads.labels.delete_tags(_names(call))
    return done()


async def add(call: Call) -> web.Response:
    """Tag downloads. Sonarr does so with the tags of the series."""
    await call.downloads.labels.add_tags(call.hashes(), _names(call), call.caller)
    return done()


async def assign(call: Call) -> web.Response:
    """Give downloads these tags and no others."""
    await call.downloads.labels.set_tags(call.hashes(), _names(call), call.caller)
    return done()


async def remove(call: Call) -> web.Response:
    """Untag downloads; without `tags`, of all their tags."""
    await call.downloads.labels.remove_tags(call.hashes(), call.params.items("tags", ","), call.caller)
    return done()


def _names(call: Call) -> tuple[str, ...]:
    call.params.require("tags")
    return call.params.items("tags", ",")
