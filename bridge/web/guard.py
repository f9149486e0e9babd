"""Access control for routes that show downloads."""

from aiohttp import web

from bridge.auth import Access, authenticate, is_cross_site

ACCESS = web.AppKey("web_access", Access)
PRIVATE = {"Cache-Control": "no-store"}


def require_visitor(request: web.Request) -> None:
    """Require a session or the API key, with the same rules as qBittorrent's API.

    Raises:
        HTTPUnauthorized: the request comes from the page of another site.
        HTTPForbidden: it has neither a session nor the API key.
    """
    access = request.app[ACCESS]
    if is_cross_site(request, access):
        raise web.HTTPUnauthorized
    if authenticate(request, access) is None:
        raise web.HTTPForbidden


async def session(request: web.Request) -> web.Response:
    """Answer whether the request has a session or the API key. Open to everybody."""
    inside = authenticate(request, request.app[ACCESS]) is not None
    return private_json(b'{"inside":true}' if inside else b'{"inside":false}')


def private_json(body: bytes, status: int = 200) -> web.Response:
    """Answer JSON that caches must not store."""
    return web.Response(body=body, status=status, content_type="application/json", headers=PRIVATE)
