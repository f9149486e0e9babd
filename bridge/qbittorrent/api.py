"""Builds the API, and leads each request to its handler.

The checks come in qBittorrent's order: another site's page (401), session (403, also for what does not exist), endpoint (404),
method (405), parameters (400). Nothing answers with a redirect or a page.
"""

import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from types import MappingProxyType

import structlog
from aiohttp import web

from bridge.access import Access, is_cross_site, visitor_of
from bridge.downloads import DownloadService
from bridge.logs import RecentLogs
from bridge.qbittorrent.conversation import Conversations
from bridge.qbittorrent.face import Call, Face
from bridge.qbittorrent.forms import STRANGERS, Limits, read_params
from bridge.qbittorrent.http import HttpError, dress, text
from bridge.qbittorrent.listing import Listing
from bridge.qbittorrent.pictures import Pictures
from bridge.qbittorrent.profile import PROFILES, Profile
from bridge.qbittorrent.routes import ROUTES
from bridge.qbittorrent.rows import Rows

log = structlog.get_logger()

PREFIX = "/api/v2"
FACE = web.AppKey("face", Face)
NO_PREFERENCES: Mapping[str, object] = MappingProxyType({})


def create_api(
    downloads: DownloadService,
    access: Access,
    *,
    profile: Profile = PROFILES["4.6"],
    clock: Callable[[], float] = time.time,
    preferences: Mapping[str, object] = NO_PREFERENCES,
    logs: RecentLogs | None = None,
) -> web.Application:
    """Build the API as an application to mount with `add_subapp(url_base + PREFIX, …)`.

    `clock` gives unix seconds, `preferences` what differs from a fresh qBittorrent's
    (`web_ui_port`, `web_ui_username` …); the save path is filled in here. `logs` is what
    `log/main` shows.
    """
    api = web.Application()
    rows = Rows(downloads, profile)
    api[FACE] = Face(
        downloads=downloads,
        access=access,
        profile=profile,
        listing=Listing(rows),
        pictures=Pictures(downloads, rows, profile),
        conversations=Conversations(),
        logs=logs or RecentLogs(),
        clock=clock,
        started_at=clock(),
        preferences=preferences,
    )
    api.router.add_route("*", "/{endpoint:.*}", answer)
    api.on_response_prepare.append(dress)
    return api


async def answer(request: web.Request) -> web.Response:
    """Answer any request below the prefix."""
    try:
        return await _dispatch(request)
    except HttpError as refusal:
        return text(refusal.text, refusal.status)
    except web.RequestPayloadError:
        return text(HTTPStatus.BAD_REQUEST.phrase, HTTPStatus.BAD_REQUEST)
    except (web.HTTPException, ConnectionError):
        raise
    except Exception:
        # A bug must be a 500 in text here, and a line in the log; aiohttp would send a page.
        log.exception("request_failed", path=request.path)
        return text("Internal Server Error", HTTPStatus.INTERNAL_SERVER_ERROR)


async def _dispatch(request: web.Request) -> web.Response:
    face = request.app[FACE]
    route = ROUTES.get(request.match_info["endpoint"])
    public = route is not None and route.public
    if is_cross_site(request, face.access):
        raise HttpError(HTTPStatus.UNAUTHORIZED)
    visitor = visitor_of(request, face.access)
    if visitor is None and not public:
        raise HttpError(HTTPStatus.FORBIDDEN)
    if route is None:
        raise HttpError(HTTPStatus.NOT_FOUND)
    if request.method not in route.methods:
        raise HttpError(HTTPStatus.METHOD_NOT_ALLOWED)
    limits = STRANGERS if route.public else Limits()
    params = await read_params(request, limits)
    return await route.handler(Call(face, params, request, visitor))
