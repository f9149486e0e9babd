"""Scope search: TorBox's search, as the one plugin `torbox`.

What it finds are magnet links, which `torrents/add` takes.
"""

from http import HTTPStatus

import msgspec
from aiohttp import web

from bridge.core.model import UNLIMITED
from bridge.downloads import SearchJob, SearchResult
from bridge.qbittorrent.face import Call
from bridge.qbittorrent.http import HttpError, done, json

NAME = "torbox"
SITE = "https://torbox.app"
EVERYTHING = frozenset({"all", "enabled", "multi"})


class Plugin(msgspec.Struct, kw_only=True, frozen=True, rename="camel"):
    """What `search/plugins` shows."""

    enabled: bool = True
    full_name: str = "TorBox"
    name: str = NAME
    supported_categories: tuple[dict[str, str], ...] = ({"id": "all", "name": "All categories"},)
    url: str = SITE
    version: str = "1.0"


class Found(msgspec.Struct, kw_only=True, frozen=True, rename="camel"):
    """A result. Sizes in bytes; -1 is "not known"."""

    descr_link: str = SITE
    engine_name: str = NAME
    file_name: str
    file_size: int
    file_url: str
    nb_leechers: int
    nb_seeders: int
    pub_date: int = UNLIMITED
    site_url: str = SITE


async def plugins(_call: Call) -> web.Response:
    """List the one plugin."""
    return json(msgspec.json.encode([Plugin()]))


async def start(call: Call) -> web.Response:
    """Begin a search. `plugins` may name ours or all; for others there is nothing to find."""
    pattern = call.params.require("pattern")
    call.params.require("category")
    wanted = set(call.params.require("plugins").split("|"))
    job = call.downloads.searches.start(pattern if wanted & {NAME, *EVERYTHING} else "")
    if job is None:
        raise HttpError(HTTPStatus.CONFLICT, "Unable to create more than 5 concurrent searches.")
    return json(msgspec.json.encode({"id": job.id}))


async def status(call: Call) -> web.Response:
    """Tell how far one search, or every search, is."""
    jobs = call.downloads.searches.all()
    if call.params.integer("id"):
        jobs = (_job(call),)
    shown = [{"id": job.id, "status": _word(job), "total": len(job.results)} for job in jobs]
    return json(msgspec.json.encode(shown))


async def results(call: Call) -> web.Response:
    """Show what a search has found so far, or a page of it. A negative offset is from the end."""
    job = _job(call)
    total, limit = len(job.results), call.params.integer("limit") or 0
    offset = call.params.integer("offset") or 0
    offset = offset + total if offset < 0 else offset
    if not 0 <= offset <= total:
        raise HttpError(HTTPStatus.CONFLICT, "Offset is out of range")
    page = job.results[offset : offset + limit if limit > 0 else total]
    shown = {"results": [_found(result) for result in page], "status": _word(job), "total": total}
    return json(msgspec.json.encode(shown))


async def stop(call: Call) -> web.Response:
    """End a search; its results stay."""
    call.downloads.searches.stop(_job(call))
    return done()


async def delete(call: Call) -> web.Response:
    """Forget a search."""
    call.downloads.searches.delete(_job(call))
    return done()


def _job(call: Call) -> SearchJob:
    call.params.require("id")
    job = call.downloads.searches.get(call.params.integer("id") or 0)
    if job is None:
        raise HttpError(HTTPStatus.NOT_FOUND)
    return job


def _word(job: SearchJob) -> str:
    return "Running" if job.running else "Stopped"


def _found(result: SearchResult) -> Found:
    magnet = result.magnet or f"magnet:?xt=urn:btih:{result.hash}"
    return Found(
        file_name=result.title,
        file_size=result.size,
        file_url=magnet,
        nb_leechers=result.peers,
        nb_seeders=result.seeds,
    )
