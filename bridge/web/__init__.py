"""Everything that is served except qBittorrent's API: page, JSON API, health, metrics, streams."""

from aiohttp import web

from bridge.auth import Access
from bridge.state import Database
from bridge.web import api_routes, check, health, metrics, strm
from bridge.web.alternative_ui import add_alternative_ui
from bridge.web.check import Checkup, Report
from bridge.web.counters import Counters
from bridge.web.http_server import BoundedRunner, bound_request
from bridge.web.metrics import Sources
from bridge.web.page import add_page
from bridge.web.page_actions import PageActions
from bridge.web.page_model import PageModel
from bridge.web.web_context import ACCESS, CONTEXT, WebContext

__all__ = [
    "BoundedRunner",
    "Checkup",
    "Counters",
    "PageActions",
    "PageModel",
    "Report",
    "Sources",
    "WebContext",
    "add_alternative_ui",
    "add_page",
    "add_web",
    "bound_request",
]


def add_web(
    app: web.Application,
    base: str,
    *,
    context: WebContext,
    access: Access,
    store: Database,
    checkup: Checkup,
    sources: Sources,
) -> None:
    """Add all routes below `base` (`""` or `/torbox`), except the page itself (`add_page`)."""
    app[CONTEXT] = context
    app[ACCESS] = access
    app[health.WRITABLE] = health.Writable(store)
    app[check.CHECKUP] = checkup
    app.router.add_get(f"{base}/healthz", health.healthz)
    app.router.add_get(f"{base}/readyz", health.readyz)
    metrics.add_metrics(app, base, sources)
    api_routes.add_routes(app, base)
    app.router.add_get(base + strm.PATH, strm.play, allow_head=False)
    app.router.add_head(base + strm.PATH, strm.describe)
