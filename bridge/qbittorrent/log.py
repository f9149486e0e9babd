"""Scope log: what the bridge has logged lately."""

from types import MappingProxyType

import msgspec
from aiohttp import web

from bridge import logs
from bridge.qbittorrent.face import Call
from bridge.qbittorrent.http import json

TYPES = MappingProxyType(
    {
        "normal": logs.NORMAL,
        "info": logs.INFO,
        "warning": logs.WARNING,
        "critical": logs.CRITICAL,
    }
)


class Message(msgspec.Struct, frozen=True):
    """A message as `log/main` shows it; `timestamp` in unix seconds."""

    id: int
    message: str
    timestamp: int
    type: int


async def main(call: Call) -> web.Response:
    """List the messages after `last_known_id`, oldest first, of the types that are not `false`."""
    last_known = call.params.integer("last_known_id")
    types = sum(kind for name, kind in TYPES.items() if call.params.flag(name) is not False)
    found = call.face.logs.since(-1 if last_known is None else last_known, types)
    shown = [Message(entry.id, entry.message, int(entry.timestamp), entry.type) for entry in found]
    return json(msgspec.json.encode(shown))
