"""The last step before the socket: sending a reply, or cutting the connection."""

from aiohttp import web

from bridge.simulator.faults import Effect
from bridge.simulator.replies import Reply


def send(reply: Reply) -> web.Response:
    """A reply as aiohttp sends it."""
    return web.Response(
        status=reply.status,
        body=reply.encoded(),
        content_type=reply.content_type,
        headers=dict(reply.headers),
    )


def cut(request: web.Request) -> web.Response:
    """End the connection without an answer. What is returned reaches nobody."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


def kind_of(effect: Effect | None) -> str | None:
    """The effect's tag."""
    return None if effect is None else str(effect.__struct_config__.tag)
