"""The other face: the page, health for container runtimes, figures, stories, the doctor, streams."""

from aiohttp import web

from bridge.auth import Access
from bridge.downloads import Downloads
from bridge.store import Store
from bridge.web import account, check, guard, health, metrics, status, story, strm
from bridge.web.alternative_ui import add_alternative_ui
from bridge.web.check import Checkup, Report
from bridge.web.http_server import BACKLOG, BoundedRunner, bound_request
from bridge.web.page import add_page

__all__ = [
    "BACKLOG",
    "BoundedRunner",
    "Checkup",
    "Report",
    "add_alternative_ui",
    "add_page",
    "add_web",
    "bound_request",
]


def add_web(
    app: web.Application,
    base: str,
    *,
    downloads: Downloads,
    access: Access,
    store: Store,
    checkup: Checkup,
) -> None:
    """Add the routes of this face below `base` (`""` or `/torbox`), but for what is at `base`."""
    app[guard.ACCESS] = access
    app[health.STORE] = store
    app[health.DOWNLOADS] = downloads
    app[status.DOWNLOADS] = downloads
    app[check.CHECKUP] = checkup
    app[account.DOWNLOADS] = downloads
    app[story.DOWNLOADS] = downloads
    app[strm.DOWNLOADS] = downloads
    app[metrics.REGISTRY] = metrics.registry(downloads)
    app[metrics.ACCESS] = access
    app.router.add_get(f"{base}/healthz", health.healthz)
    app.router.add_get(f"{base}/readyz", health.readyz)
    app.router.add_get(f"{base}/metrics", metrics.metrics)
    app.router.add_get(f"{base}/api/bridge/status", status.status)
    app.router.add_get(f"{base}/api/bridge/check", check.show)
    app.router.add_post(f"{base}/api/bridge/check", check.ask)
    app.router.add_get(f"{base}/api/bridge/account", account.show)
    app.router.add_post(f"{base}/api/bridge/account", account.adopt)
    app.router.add_get(f"{base}/api/bridge/downloads/{{hash}}", story.story)
    app.router.add_get(base + strm.PATH, strm.play, allow_head=False)
    app.router.add_head(base + strm.PATH, strm.describe)
