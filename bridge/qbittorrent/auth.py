"""Scope auth, and who may come in.

A missing session is 403, never 401 and never a redirect: clients log in again on 403 alone. Of
several cookies any valid one will do, whatever its name: two qBittorrents on one host share a jar.
`Authorization: Basic` is not looked at; four of five *arr send it with every call, even empty.
"""

from collections.abc import Iterator

from aiohttp import web

from bridge.access import Access
from bridge.qbittorrent.face import Call
from bridge.qbittorrent.http import done, text

COOKIE = "SID"


async def login(call: Call) -> web.Response:
    """`Ok.` and one cookie, or `Fails.`; both 200. Who is in already is not asked again."""
    if may_enter(call.request, call.face.access):
        return text("Ok.")
    session_id = await call.face.access.login(
        call.params.text("username"), call.params.text("password")
    )
    if session_id is None:
        return text("Fails.")
    response = text("Ok.")
    response.headers["Set-Cookie"] = f"{COOKIE}={session_id}; HttpOnly; path=/; SameSite=Strict"
    return response


async def logout(call: Call) -> web.Response:
    """End the sessions that the request presents."""
    for value in cookie_values(call.request):
        call.face.access.logout(value)
    response = done()
    expired = "expires=Thu, 01 Jan 1970 00:00:00 GMT"
    response.headers["Set-Cookie"] = f"{COOKIE}=; {expired}; path=/"
    return response


def may_enter(request: web.Request, access: Access) -> bool:
    """Tell whether the request brings a living session or the API key."""
    if any(access.valid(value) for value in cookie_values(request)):
        return True
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    return scheme.lower() == "bearer" and access.valid_key(key.strip())


def cookie_values(request: web.Request) -> Iterator[str]:
    """Read the values of all cookies, also of those that a strict parser would drop."""
    for header in request.headers.getall("Cookie", ()):
        for pair in header.split(";"):
            yield pair.partition("=")[2].strip().strip('"')
