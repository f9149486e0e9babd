"""Endpoints `auth/*`. A wrong login is 200 `Fails.`: several clients do not understand 401."""

from http import HTTPStatus

from aiohttp import web

from bridge.auth import LoginRefusal, address_of, authenticate, cookie_values, is_encrypted
from bridge.qbittorrent.api_context import ApiRequest
from bridge.qbittorrent.responses import HttpError, text_response

COOKIE = "SID"
BANNED = "Your IP address has been banned after too many failed authentication attempts."
BUSY = "Too many logins at once. Try again in a minute."


async def login(request: ApiRequest) -> web.Response | str:
    """Reply `Ok.` with one cookie, or `Fails.`. A client that is logged in gets `Ok.` alone."""
    access = request.context.access
    # As in qBittorrent: no new cookie, whatever name and password were sent.
    if authenticate(request.http, access):
        return "Ok."
    result = await access.login(
        request.params.text("username"),
        request.params.text("password"),
        address_of(request.http, access),
    )
    match result:
        case LoginRefusal.LOCKED:
            raise HttpError(HTTPStatus.FORBIDDEN, BANNED)
        case LoginRefusal.BUSY:
            raise HttpError(HTTPStatus.SERVICE_UNAVAILABLE, BUSY)
        case LoginRefusal.WRONG:
            return "Fails."
    flags = "HttpOnly; path=/"
    flags += "; SameSite=Strict" if access.csrf_protection else ""
    flags += "; Secure" if is_encrypted(request.http, access) else ""
    response = text_response("Ok.")
    response.headers["Set-Cookie"] = f"{COOKIE}={result}; {flags}"
    return response


async def logout(request: ApiRequest) -> web.Response:
    """End the sessions of the request's cookies."""
    for value in cookie_values(request.http):
        request.context.access.logout(value)
    response = text_response("")
    expired = "expires=Thu, 01 Jan 1970 00:00:00 GMT"
    response.headers["Set-Cookie"] = f"{COOKIE}=; {expired}; path=/"
    return response
