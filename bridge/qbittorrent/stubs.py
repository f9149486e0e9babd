"""Handlers for features of qBittorrent that TorBox or the bridge does not need.

They check their parameters, change nothing, and answer as qBittorrent does.
"""

from aiohttp import web

from bridge.qbittorrent.api_context import ApiRequest, Handler
from bridge.qbittorrent.responses import done, json_response


def ignored(*required: str) -> Handler:
    """Return a handler that answers 200 without data; 400 when one of `required` is missing."""

    async def handler(request: ApiRequest) -> web.Response:
        _require(request, required)
        return done()

    return handler


def constant(body: bytes, *required: str) -> Handler:
    """Return a handler that always answers this JSON; 400 when one of `required` is missing."""

    async def handler(request: ApiRequest) -> web.Response:
        _require(request, required)
        return json_response(body)

    return handler


def _require(request: ApiRequest, names: tuple[str, ...]) -> None:
    for name in names:
        request.params.require(name)
