"""Endpoints for what TorBox does itself or the bridge does not have.

They look at their parameters as qBittorrent does, change nothing, and answer what it would.
"""

from aiohttp import web

from bridge.qbittorrent.face import Call, Handler
from bridge.qbittorrent.http import done, json


def accept(*required: str) -> Handler:
    """Make a handler that answers 200 without data; 400 when one of `required` is missing."""

    async def handler(call: Call) -> web.Response:
        _require(call, required)
        return done()

    return handler


def show(body: bytes, *required: str) -> Handler:
    """Make a handler that answers always the same JSON; 400 when one of `required` is missing."""

    async def handler(call: Call) -> web.Response:
        _require(call, required)
        return json(body)

    return handler


def _require(call: Call, names: tuple[str, ...]) -> None:
    for name in names:
        call.params.require(name)
