"""Access control, the services, and JSON bodies: shared by all routes of the page."""

from collections.abc import Callable
from http import HTTPStatus
from typing import TypeVar

import msgspec
from aiohttp import web

from bridge.auth import Access, authenticate, is_cross_site
from bridge.dashboard import OperatorCommands, OverviewSource, Previews
from bridge.downloads import DownloadService
from bridge.history import History
from bridge.notify import Notifier
from bridge.setup import SettingsEditor, Setup
from bridge.web.page_actions import PageActions
from bridge.web.page_model import PageModel

T = TypeVar("T")

SMALL_BODY = 1024**2
LARGE_BODY = 32 * 1024**2
"""For .torrent files as base64."""


class WebContext(msgspec.Struct, frozen=True, kw_only=True):
    """The services behind the page."""

    downloads: DownloadService
    model: PageModel
    actions: PageActions
    commands: OperatorCommands
    previews: Previews
    overview: OverviewSource
    history: History
    settings: SettingsEditor
    setup: Setup
    notifier: Notifier
    restart: Callable[[], bool]
    """Begin a restart; False if the process would not be started again."""


CONTEXT = web.AppKey("web_context", WebContext)
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


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """The reason of a refusal."""

    error: str


def refusal(why: str, status: HTTPStatus = HTTPStatus.BAD_REQUEST) -> web.Response:
    """Answer a refusal with its reason."""
    return private_json(msgspec.json.encode(Problem(error=why)), status)


def answer(value: object, status: HTTPStatus = HTTPStatus.OK) -> web.Response:
    """Answer a value as JSON that caches must not store."""
    return private_json(msgspec.json.encode(value), status)


async def read_body(request: web.Request, kind: type[T], *, limit: int = SMALL_BODY) -> T:
    """Read the JSON body of a request.

    Raises:
        HTTPBadRequest: it is not valid JSON of this type.
        HTTPRequestEntityTooLarge: it has more than `limit` bytes.
    """
    # Read in chunks: Content-Length may be missing or wrong, and memory must stay bounded.
    body = bytearray()
    async for chunk in request.content.iter_any():
        body += chunk
        if len(body) > limit:
            raise web.HTTPRequestEntityTooLarge(max_size=limit, actual_size=len(body))
    try:
        return msgspec.json.decode(bytes(body), type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        problem = msgspec.json.encode(Problem(error=str(error))).decode()
        raise web.HTTPBadRequest(text=problem, content_type="application/json") from error
