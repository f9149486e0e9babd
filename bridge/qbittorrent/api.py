"""Builds the API and passes each request to its handler.

The checks come in qBittorrent's order: request from another site's page (401), no session (403, for
unknown endpoints too), endpoint (404), method (405), parameters (400). Nothing answers with a
redirect or an HTML page. No body is read before the session was checked.
"""

import time
from collections.abc import Callable, Mapping
from functools import partial
from http import HTTPStatus
from types import MappingProxyType

import structlog
from aiohttp import web

from bridge.auth import Access, authenticate, is_cross_site
from bridge.downloads import DownloadService
from bridge.logs import RecentLogs
from bridge.qbittorrent.api_context import ApiContext, ApiRequest
from bridge.qbittorrent.params import ANONYMOUS_LIMITS, LIMITS, read_params
from bridge.qbittorrent.responses import (
    PROFILES,
    HttpError,
    Profile,
    reply,
    text_response,
)
from bridge.qbittorrent.routes import ROUTES, Route
from bridge.qbittorrent.sync_sessions import SnapshotTaker, SyncSessions
from bridge.qbittorrent.torrent_list import EntryCache, TorrentList

log = structlog.get_logger(__name__)

PREFIX = "/api/v2"
NO_PREFERENCES: Mapping[str, object] = MappingProxyType({})


def add_api(
    app: web.Application,
    base: str,
    downloads: DownloadService,
    access: Access,
    *,
    profile: Profile = PROFILES["4.6"],
    clock: Callable[[], float] = time.time,
    preferences: Mapping[str, object] = NO_PREFERENCES,
    logs: RecentLogs | None = None,
) -> None:
    """Serve the API below `base` (`""` or `/torbox`).

    `clock` returns unix seconds. `preferences` are the values that differ from a fresh
    qBittorrent's (`web_ui_port`, `web_ui_username`, ...); the save path is filled in here. `logs`
    is what `log/main` shows.
    """
    entries = EntryCache(downloads, profile)
    context = ApiContext(
        downloads=downloads,
        access=access,
        profile=profile,
        torrent_list=TorrentList(entries),
        snapshots=SnapshotTaker(downloads, entries, profile, started_at=clock()),
        sync_sessions=SyncSessions(entries.changed_since),
        logs=logs or RecentLogs(),
        clock=clock,
        started_at=clock(),
        preferences=preferences,
    )
    for name, route in ROUTES.items():
        app.router.add_route("*", f"{base}{PREFIX}/{name}", partial(answer, context, route))
    app.router.add_route("*", f"{base}{PREFIX}/{{endpoint:.*}}", partial(answer_other, context))


async def answer_other(context: ApiContext, request: web.Request) -> web.Response:
    """Answer a request that names no endpoint, or one with its slash encoded."""
    return await answer(context, ROUTES.get(request.match_info["endpoint"]), request)


async def answer(context: ApiContext, route: Route | None, request: web.Request) -> web.Response:
    """Answer a request below the prefix; `route` is None for an unknown endpoint."""
    try:
        return await _dispatch(context, route, request)
    except HttpError as refusal:
        return text_response(refusal.text, refusal.status)
    except web.RequestPayloadError:
        return text_response(HTTPStatus.BAD_REQUEST.phrase, HTTPStatus.BAD_REQUEST)
    except (web.HTTPException, ConnectionError):
        raise
    except Exception:
        # A bug must be a 500 in text and a line in the log; aiohttp would send an HTML page.
        log.exception("request_failed", path=request.path)
        return text_response("Internal Server Error", HTTPStatus.INTERNAL_SERVER_ERROR)


async def _dispatch(context: ApiContext, route: Route | None, request: web.Request) -> web.Response:
    public = route is not None and route.public
    if is_cross_site(request, context.access):
        raise HttpError(HTTPStatus.UNAUTHORIZED)
    principal = authenticate(request, context.access)
    if principal is None and not public:
        raise HttpError(HTTPStatus.FORBIDDEN)
    if route is None:
        raise HttpError(HTTPStatus.NOT_FOUND)
    if request.method not in route.methods:
        raise HttpError(HTTPStatus.METHOD_NOT_ALLOWED)
    if not route.public:
        await context.downloads.queries.prepare()
    params = await read_params(request, ANONYMOUS_LIMITS if route.public else LIMITS)
    return reply(await route.handler(ApiRequest(context, params, request, principal)))
