"""GET and HEAD /strm/{token}/{name}: plays one file, for whoever holds its `.strm`.

There is no session: a media server has none. The token is the permission, and for this file only.
"""

from http import HTTPStatus
from mimetypes import guess_type
from typing import assert_never

from aiohttp import web

from bridge.core.streams import NoStream, Stream, StreamLater
from bridge.downloads import DownloadService

PATH = "/strm/{token}/{name}"
DOWNLOADS = web.AppKey("strm_downloads", DownloadService)

RETRY_SECONDS = 10
PRIVATE = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}


async def play(request: web.Request) -> web.Response:
    """Send the player to TorBox's CDN; it repeats its Range there."""
    link = await _link(request)
    return web.Response(status=HTTPStatus.FOUND, headers={"Location": link, **PRIVATE})


async def describe(request: web.Request) -> web.Response:
    """Tell size and kind of what GET would play, since TorBox's CDN answers no HEAD.

    Where GET would fail this fails alike.
    """
    await _link(request)
    size = request.app[DOWNLOADS].strm.size(request.match_info["token"])
    headers = {"Accept-Ranges": "bytes", "Content-Length": str(size or 0), **PRIVATE}
    kind, _ = guess_type(request.match_info["name"])
    return web.Response(headers=headers, content_type=kind or "application/octet-stream")


async def _link(request: web.Request) -> str:
    """Return where the token's file is to be fetched; otherwise raise the answer that says why not."""
    found = await request.app[DOWNLOADS].strm.open(request.match_info["token"])
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
