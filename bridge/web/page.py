"""The page for the person who runs this at home: GET / and GET /downloads/{hash}.

The page itself is the same for everybody, and holds nothing: it asks the JSON routes, and shows a
login when they refuse. So a stranger, and a client that only probes, gets it at once.
"""

import hashlib
from dataclasses import dataclass
from importlib.resources import files
from typing import Final

from aiohttp import web

from bridge.web.alternative_ui import to_folder

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'self'"
)
"""Nothing from elsewhere, and nothing that is written into the page."""

ROOT_MARK: Final = b"{{root}}"


@dataclass(frozen=True, slots=True)
class Asset:
    """A file of the page, in memory."""

    body: bytes
    kind: str

    @property
    def tag(self) -> str:
        """Changes with the content."""
        return hashlib.sha256(self.body).hexdigest()[:16]

    def answer(self, request: web.Request) -> web.Response:
        """Send it, or 304 to who has it. Browsers ask each time, so a new version is never mixed."""
        known = any(tag.value in {self.tag, "*"} for tag in request.if_none_match or ())
        response = web.Response(status=304) if known else web.Response(body=self.body)
        response.headers["Cache-Control"] = "no-cache"
        response.headers["Content-Security-Policy"] = POLICY
        response.etag = self.tag
        if not known:
            response.headers["Content-Type"] = self.kind
        return response


def _asset(name: str, kind: str) -> Asset:
    return Asset(files("bridge.web").joinpath("assets", name).read_bytes(), kind)


def _html(root: bytes) -> Asset:
    """Take the page with links that work from where it is; `root` leads to the top."""
    page = _asset("page.html", "text/html; charset=utf-8")
    return Asset(page.body.replace(ROOT_MARK, root), page.kind)


TOP, BELOW = _html(b""), _html(b"../")
STYLE = _asset("page.css", "text/css; charset=utf-8")
SCRIPT = _asset("page.js", "text/javascript; charset=utf-8")


def add_page(app: web.Application, base: str) -> None:
    """Serve the page below `base` (`""` or `/torbox`)."""
    app.router.add_get(f"{base}/", _top)
    app.router.add_get(f"{base}/downloads/{{hash}}", _below)
    app.router.add_get(f"{base}/web/page.css", _style)
    app.router.add_get(f"{base}/web/page.js", _script)
    if base:
        app.router.add_get(base, to_folder, allow_head=False)
        app.router.add_head(base, _top)


async def _top(request: web.Request) -> web.Response:
    """Answer at `/`, where qbittorrent-api looks first (HEAD): at once, without a redirect."""
    return TOP.answer(request)


async def _below(request: web.Request) -> web.Response:
    """Answer for the story of a download. Whether there is one only who may come in is told."""
    return BELOW.answer(request)


async def _style(request: web.Request) -> web.Response:
    return STYLE.answer(request)


async def _script(request: web.Request) -> web.Response:
    return SCRIPT.answer(request)
