"""GET /api/bridge/downloads/{hash}: the whole story of one download, for people and scripts."""

import msgspec
from aiohttp import web

from bridge.core.model import Event
from bridge.downloads import DownloadService
from bridge.web.guard import private_json, require_visitor

DOWNLOADS = web.AppKey("downloads", DownloadService)


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
    view = downloads.queries.get(info_hash)
    events = await downloads.queries.events(info_hash)
    if view is None and not events:
        raise web.HTTPNotFound(text="no such download")
    entry = view.entry if view else None
    failure = entry.failure if entry else None
    told = Story(
        hash=info_hash,
        name=entry.name if entry else "",
        category=entry.grab.category if entry else "",
        phase=entry.phase if entry else "gone",
        state=view.status.state if view else "",
        progress=view.status.progress if view else 0.0,
        note=entry.note if entry else "",
        failure_reason=failure.reason if failure else None,
        failure_message=failure.message if failure else "",
        next_attempt_at=(
            max(entry.grab.next_attempt_at, entry.download.next_attempt_at) if entry else 0.0
        ),
        torrent_id=entry.download.torrent_id if entry else None,
        queued_id=entry.download.queued_id if entry else None,
        events=list(events),
    )
    return private_json(msgspec.json.encode(told))
