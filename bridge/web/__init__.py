"""The other face: health for container runtimes, figures, the story of a download, streams."""

from aiohttp import web

from bridge.access import Access
from bridge.downloads import Downloads
from bridge.store import Store
from bridge.web import health, metrics, story, strm
from bridge.web.alternative_ui import add_alternative_ui

__all__ = ["add_alternative_ui", "add_web"]


def add_web(
    app: web.Application, base: str, *, downloads: Downloads, access: Access, store: Store
) -> None:
    """Add the routes of this face below `base` (`""` or `/torbox`)."""
    app[health.STORE] = store
    app[health.DOWNLOADS] = downloads
    app[story.DOWNLOADS] = downloads
    app[story.ACCESS] = access
    app[strm.DOWNLOADS] = downloads
    app[metrics.REGISTRY] = metrics.registry(downloads)
    app[metrics.ACCESS] = access
    app.router.add_get(f"{base}/healthz", health.healthz)
    app.router.add_get(f"{base}/readyz", health.readyz)
    app.router.add_get(f"{base}/metrics", metrics.metrics)
    app.router.add_get(f"{base}/api/bridge/downloads/{{hash}}", story.story)
    app.router.add_get(base + strm.PATH, strm.play, allow_head=False)
    app.router.add_head(base + strm.PATH, strm.describe)
