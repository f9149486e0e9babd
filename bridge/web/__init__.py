"""The other face: the page, health for container runtimes, figures, stories, the doctor, streams."""

from aiohttp import web
from prometheus_client import CollectorRegistry

from bridge.access import Access
from bridge.downloads import DownloadService
from bridge.state import Database
from bridge.web import account, check, guard, health, metrics, status, story, strm
from bridge.web.alternative_ui import add_alternative_ui
from bridge.web.check import Checkup, Report
from bridge.web.counters import Counters
from bridge.web.metrics import Sources
from bridge.web.page import add_page

__all__ = ["Checkup", "Counters", "Report", "Sources", "add_alternative_ui", "add_page", "add_web"]


def add_web(
    app: web.Application,
    base: str,
    *,
    downloads: DownloadService,
    access: Access,
    store: Database,
    checkup: Checkup,
    registry: CollectorRegistry,
    sources: Sources,
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
    app.router.add_get(f"{base}/healthz", health.healthz)
    app.router.add_get(f"{base}/readyz", health.readyz)
    metrics.add_metrics(
        app, base, downloads=downloads, access=access, registry=registry, sources=sources
    )
    app.router.add_get(f"{base}/api/bridge/status", status.status)
    app.router.add_get(f"{base}/api/bridge/check", check.show)
    app.router.add_post(f"{base}/api/bridge/check", check.ask)
    app.router.add_get(f"{base}/api/bridge/account", account.show)
    app.router.add_post(f"{base}/api/bridge/account", account.adopt)
    app.router.add_get(f"{base}/api/bridge/downloads/{{hash}}", story.story)
    app.router.add_get(base + strm.PATH, strm.play, allow_head=False)
    app.router.add_head(base + strm.PATH, strm.describe)
