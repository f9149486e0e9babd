"""Who may ask the routes that name what somebody downloads."""

from aiohttp import web

from bridge.auth import Access, authenticate, is_cross_site

ACCESS = web.AppKey("web_access", Access)
PRIVATE = {"Cache-Control": "no-store"}


def require_visitor(request: web.Request) -> None:
    """Let in who has a session or the API key, as the other face does.

    Raises:
        HTTPUnauthorized: another site's page made the browser ask.
        HTTPForbidden: neither session nor key.
    """
    access = request.app[ACCESS]
    if is_cross_site(request, access):
        raise web.HTTPUnauthorized
    if authenticate(request, access) is None:
        raise web.HTTPForbidden


async def session(request: web.Request) -> web.Response:
    """Tell whether the request may come in. Needs no session, and tells nothing else."""
    inside = authenticate(request, request.app[ACCESS]) is not None
    return private_json(b'{"inside":true}' if inside else b'{"inside":false}')


def private_json(body: bytes, status: int = 200) -> web.Response:
    """Answer JSON that no cache keeps."""
    return web.Response(body=body, status=status, content_type="application/json", headers=PRIVATE)
