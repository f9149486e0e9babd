"""Scope auth. A login answers 200 whether it is right or not; several clients know no 401."""

from http import HTTPStatus

from aiohttp import web

from bridge.access import Refusal, address_of, cookie_values, visitor_of
from bridge.qbittorrent.face import Call
from bridge.qbittorrent.http import HttpError, done, text

COOKIE = "SID"
BANNED = "Your IP address has been banned after too many failed authentication attempts."


async def login(call: Call) -> web.Response:
    """`Ok.` and one cookie, or `Fails.`; both 200. Who is in already is not asked again."""
    access = call.face.access
    if visitor_of(call.request, access):
        return text("Ok.")
    result = await access.login(
        call.params.text("username"),
        call.params.text("password"),
        address_of(call.request, access),
    )
    if result is Refusal.BANNED:
        raise HttpError(HTTPStatus.FORBIDDEN, BANNED)
    if result is Refusal.WRONG:
        return text("Fails.")
    same_site = "; SameSite=Strict" if access.csrf_protection else ""
    response = text("Ok.")
    response.headers["Set-Cookie"] = f"{COOKIE}={result}; HttpOnly; path=/{same_site}"
    return response


async def logout(call: Call) -> web.Response:
    """End the sessions that the request presents."""
    for value in cookie_values(call.request):
        call.face.access.logout(value)
    response = done()
    expired = "expires=Thu, 01 Jan 1970 00:00:00 GMT"
    response.headers["Set-Cookie"] = f"{COOKIE}=; {expired}; path=/"
    return response
