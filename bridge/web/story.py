"""GET /api/bridge/downloads/{hash}: the whole story of one download, for people and scripts."""

import msgspec
from aiohttp import web

from bridge.core.model import Event
from bridge.downloads import Downloads
from bridge.web.guard import private_json, require_visitor

DOWNLOADS = web.AppKey("downloads", Downloads)


class Story(msgspec.Struct, frozen=True, kw_only=True):
    """A download and everything that happened to it, oldest first."""

    hash: str
    name: str
    category: str
    phase: str
    state: str
    progress: float
    note: str
    failure_reason: str | None
    failure_message: str
    next_attempt_at: float
    torrent_id: int | None
    queued_id: int | None
    events: list[Event]


async def story(request: web.Request) -> web.Response:
    """Answer the story; 404 for a hash that was never seen, even after it is gone otherwise.

    It names what somebody downloads, so it takes a session or the API key like the other face.
    """
    require_visitor(request)
    downloads = request.app[DOWNLOADS]
    info_hash = request.match_info["hash"].lower()
    view, events = downloads.get(info_hash), await downloads.events(info_hash)
    if view is None and not events:
        raise web.HTTPNotFound(text="no such download")
    download = view.download if view else None
    told = Story(
        hash=info_hash,
        name=download.name if download else "",
        category=download.category if download else "",
        phase=download.phase if download else "gone",
        state=view.status.state if view else "",
        progress=view.status.progress if view else 0.0,
        note=download.note if download else "",
        failure_reason=download.failure_reason if download else None,
        failure_message=download.failure_message if download else "",
        next_attempt_at=download.next_attempt_at if download else 0.0,
        torrent_id=download.torrent_id if download else None,
        queued_id=download.queued_id if download else None,
        events=list(events),
    )
    return private_json(msgspec.json.encode(told))
