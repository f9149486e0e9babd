"""GET and HEAD /strm/{token}/{name}: play the file of a `.strm`.

Media servers have no session, so the token in the URL is the permission, for this file only.
"""

from http import HTTPStatus
from mimetypes import guess_type
from typing import assert_never

from aiohttp import web

from bridge.core.streams import NoStream, Stream, StreamLater
from bridge.web.web_context import CONTEXT

PATH = "/strm/{token}/{name}"

RETRY_SECONDS = 10
PRIVATE = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}


async def play(request: web.Request) -> web.Response:
    """Redirect the player to TorBox's CDN, where it repeats its Range request."""
    link = await _link(request)
    return web.Response(status=HTTPStatus.FOUND, headers={"Location": link, **PRIVATE})


async def describe(request: web.Request) -> web.Response:
    """Answer the size and media type of the file, since TorBox's CDN does not answer HEAD.

    Fails wherever GET fails.
    """
    await _link(request)
    size = request.app[CONTEXT].downloads.strm.size(request.match_info["token"])
    headers = {"Accept-Ranges": "bytes", "Content-Length": str(size or 0), **PRIVATE}
    kind, _ = guess_type(request.match_info["name"])
    return web.Response(headers=headers, content_type=kind or "application/octet-stream")


async def _link(request: web.Request) -> str:
    """Return the CDN link of the token's file.

    Raises:
        HTTPNotFound: the token has no stream.
        HTTPServiceUnavailable: TorBox gives no link now; Retry-After says when to try again.
    """
    found = await request.app[CONTEXT].downloads.strm.open(request.match_info["token"])
    match found:
        case Stream(link):
            return link
        case NoStream():
            raise web.HTTPNotFound(text="no such stream, or not any more\n")
        case StreamLater():
            headers = {"Retry-After": str(RETRY_SECONDS), **PRIVATE}
            raise web.HTTPServiceUnavailable(headers=headers, text="TorBox cannot now\n")
        case _:
            assert_never(found)
