"""The other face: health for container runtimes, and the story of a download for people."""

from aiohttp import web

from bridge.access import Access
from bridge.downloads import Downloads
from bridge.store import Store
from bridge.web import health, story

__all__ = ["add_web"]


def add_web(
    app: web.Application, base: str, *, downloads: Downloads, access: Access, store: Store
) -> None:
    """Add the routes of this face below `base` (`""` or `/torbox`)."""
    app[health.STORE] = store
    app[story.DOWNLOADS] = downloads
    app[story.ACCESS] = access
    app.router.add_get(f"{base}/healthz", health.healthz)
    app.router.add_get(f"{base}/api/bridge/downloads/{{hash}}", story.story)
