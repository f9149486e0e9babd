"""Another web UI for the qBittorrent API, such as VueTorrent, served as qBittorrent does.

Its folder has `public/` for everybody (at least the login page) and `private/` for visitors with a
session, where files are looked up first. Files outside these two folders are never served, not even
through `..` or a symlink.
"""

import asyncio
import mimetypes
from collections.abc import Iterator
from pathlib import Path

import msgspec
from aiohttp import web

from bridge.auth import Access, authenticate

PUBLIC, PRIVATE = "public", "private"
INDEX = "index.html"
DAY = 24 * 3600


class AlternativeUi(msgspec.Struct, frozen=True):
    """A folder that holds a web UI."""

    folder: Path
    access: Access

    def find(self, path: str, *, inside: bool) -> Path | None:
        """Return the file for a URL path. `inside`: the visitor has a session. Reads the disk."""
        names = [name for name in path.split("/") if name] or [INDEX]
        if any(name in {".", ".."} or "\\" in name or "\0" in name for name in names):
            return None
        areas = (PRIVATE, PUBLIC) if inside else (PUBLIC,)
        return next(self._existing(areas, names), None)

    def _existing(self, areas: tuple[str, ...], names: list[str]) -> Iterator[Path]:
        for area in areas:
            root = self.folder / area
            try:
                found = root.joinpath(*names).resolve(strict=True)
                if found.is_file() and found.is_relative_to(root.resolve()):
                    yield found
            except (OSError, RuntimeError):  # not there, not readable, a name too long, a loop
                continue


UI = web.AppKey("alternative_ui", AlternativeUi)


def add_alternative_ui(app: web.Application, base: str, folder: Path, access: Access) -> None:
    """Serve the folder below `base`. Call it last: it handles every path without a route."""
    app[UI] = AlternativeUi(folder, access)
    app.router.add_get(f"{base}/{{path:.*}}", serve)
    if base:
        app.router.add_get(base, to_folder)


async def serve(request: web.Request) -> web.StreamResponse:
    """Answer a file of the UI, or 404. Unknown API paths are always 404."""
    ui = request.app[UI]
    path = request.match_info["path"]
    inside = authenticate(request, ui.access) is not None
    if path.partition("/")[0] == "api":
        raise web.HTTPNotFound(text="Not Found")
    found = await asyncio.to_thread(ui.find, path, inside=inside)
    if found is None:
        raise web.HTTPNotFound(text="Not Found")
    return web.FileResponse(found, headers={"Cache-Control": cache_rule(found.name)})


def cache_rule(name: str) -> str:
    """Return the Cache-Control of a file. HTML is revalidated every time."""
    kind = mimetypes.guess_type(name)[0] or ""
    if kind.startswith("image/"):
        return f"private, max-age={7 * DAY}"
    if kind in {"text/css", "text/javascript", "application/javascript"}:
        return f"private, max-age={DAY // 2}"
    return "no-cache"


async def to_folder(request: web.Request) -> web.StreamResponse:
    """Redirect to the path with a trailing slash, where relative links work."""
    raise web.HTTPFound(f"{request.path}/")
