"""The operator's page: GET / and the addresses of its parts.

The page is the same for every visitor and holds no data: it calls the JSON routes, and shows a
login when they refuse. So it needs no session, and a client that only probes `/` gets 200.
"""

import gzip
import hashlib
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Final

from aiohttp import web

from bridge.web.alternative_ui import to_folder

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'self'"
)
"""No resource from another origin, no inline script or style."""

ROOT_MARK: Final = b"{{root}}"
WORTH_PACKING: Final = 1000
ASSETS: Final = Path(__file__).with_name("assets")

SCRIPTS: Final = (
    "app.js",
    "lib.js",
    "store.js",
    "parts.js",
    "overview.js",
    "downloads.js",
    "actions.js",
    "add.js",
    "story.js",
    "history.js",
    "settings.js",
    "setup.js",
    "vendor/preact.js",
    "vendor/hooks.js",
    "vendor/htm.js",
)
PARTS: Final = ("history", "settings", "setup")
"""Addresses of the page, next to `/` and `downloads/<id>`."""


@dataclass(frozen=True)
class Asset:
    """A file of the page in memory, plain and compressed."""

    body: bytes = field(repr=False)
    kind: str

    @cached_property
    def tag(self) -> str:
        """The ETag: a hash of the content."""
        return hashlib.sha256(self.body).hexdigest()[:16]

    @cached_property
    def packed(self) -> bytes:
        """The body, compressed with gzip."""
        return gzip.compress(self.body, 9, mtime=0)

    def answer(self, request: web.Request) -> web.Response:
        """Answer the file, or 304 if the browser has it."""
        # no-cache: the browser revalidates every file, so it never mixes files of two versions.
        known = any(tag.value in {self.tag, "*"} for tag in request.if_none_match or ())
        pack = len(self.body) > WORTH_PACKING and "gzip" in request.headers.get(
            "Accept-Encoding", ""
        )
        body = self.packed if pack else self.body
        response = web.Response(status=304) if known else web.Response(body=body)
        response.headers["Cache-Control"] = "no-cache"
        response.headers["Content-Security-Policy"] = POLICY
        response.headers["Vary"] = "Accept-Encoding"
        response.etag = self.tag
        if not known:
            response.headers["Content-Type"] = self.kind
            if pack:
                response.headers["Content-Encoding"] = "gzip"
        return response


def _asset(name: str, kind: str) -> Asset:
    return Asset((ASSETS / name).read_bytes(), kind)


def _html(root: bytes) -> Asset:
    """Return the page with its links relative to `root`, the way back to the top."""
    page = _asset("page.html", "text/html; charset=utf-8")
    return Asset(page.body.replace(ROOT_MARK, root), page.kind)


TOP, BELOW = _html(b""), _html(b"../")
FILES: Final = {
    "page.css": _asset("page.css", "text/css; charset=utf-8"),
    **{name: _asset(name, "text/javascript; charset=utf-8") for name in SCRIPTS},
}


def add_page(app: web.Application, base: str) -> None:
    """Serve the page below `base` (`""` or `/torbox`)."""
    app.router.add_get(f"{base}/", _top)
    app.router.add_get(f"{base}/downloads/{{id}}", _below)
    for part in PARTS:
        app.router.add_get(f"{base}/{part}", _top)
    app.router.add_get(f"{base}/web/{{name:.+}}", _file)
    if base:
        app.router.add_get(base, to_folder, allow_head=False)
        app.router.add_head(base, _top)


async def _top(request: web.Request) -> web.Response:
    """Answer at `/` without a redirect: qbittorrent-api probes it first, with HEAD."""
    return TOP.answer(request)


async def _below(request: web.Request) -> web.Response:
    """Answer the page for one download, even for an unknown id: only the JSON route may tell."""
    return BELOW.answer(request)


async def _file(request: web.Request) -> web.Response:
    found = FILES.get(request.match_info["name"])
    if found is None:
        raise web.HTTPNotFound(text="Not Found")
    return found.answer(request)
