"""The other face: the page, health for container runtimes, metrics, the JSON API, streams."""

from aiohttp import web

from bridge.access import Access
from bridge.store import Store
from bridge.web import account, check, guard, health, metrics, routes, status, strm
from bridge.web.alternative_ui import add_alternative_ui
from bridge.web.check import Checkup, Report
from bridge.web.context import CONTEXT, WebContext
from bridge.web.page import add_page
from bridge.web.page_actions import PageActions
from bridge.web.page_model import PageModel

__all__ = [
    "Checkup",
    "PageActions",
    "PageModel",
    "Report",
    "WebContext",
    "add_alternative_ui",
    "add_page",
    "add_web",
]


def add_web(
    app: web.Application,
    base: str,
    *,
    context: WebContext,
    access: Access,
    store: Store,
    checkup: Checkup,
) -> None:
    """Add the routes of this face below `base` (`""` or `/torbox`), but for what is at `base`."""
    downloads = context.downloads
    app[CONTEXT] = context
    app[guard.ACCESS] = access
    app[health.STORE] = store
    app[health.DOWNLOADS] = downloads
    app[status.DOWNLOADS] = downloads
    app[check.CHECKUP] = checkup
    app[account.DOWNLOADS] = downloads
    app[strm.DOWNLOADS] = downloads
    app[metrics.REGISTRY] = metrics.registry(downloads)
    app[metrics.ACCESS] = access
    app.router.add_get(f"{base}/healthz", health.healthz)
    app.router.add_get(f"{base}/readyz", health.readyz)
    app.router.add_get(f"{base}/metrics", metrics.metrics)
    routes.add_routes(app, base)
    app.router.add_get(base + strm.PATH, strm.play, allow_head=False)
    app.router.add_head(base + strm.PATH, strm.describe)
