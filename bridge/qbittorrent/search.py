"""Endpoints `search/*`: TorBox's search, as the only plugin, `torbox`.

Results are magnet links for `torrents/add`.
"""

from http import HTTPStatus

import msgspec

from bridge.core.model import UNLIMITED
from bridge.downloads import SearchJob, SearchResult
from bridge.qbittorrent.api_context import ApiRequest
from bridge.qbittorrent.responses import HttpError

NAME = "torbox"
SITE = "https://torbox.app"
EVERYTHING = frozenset({"all", "enabled", "multi"})


class Plugin(msgspec.Struct, kw_only=True, frozen=True, rename="camel"):
    """A plugin of `search/plugins`."""

    enabled: bool = True
    full_name: str = "TorBox"
    name: str = NAME
    supported_categories: tuple[dict[str, str], ...] = ({"id": "all", "name": "All categories"},)
    url: str = SITE
    version: str = "1.0"


class Found(msgspec.Struct, kw_only=True, frozen=True, rename="camel"):
    """A search result. Sizes in bytes; -1 is unknown."""

    descr_link: str = SITE
    engine_name: str = NAME
    file_name: str
    file_size: int
    file_url: str
    nb_leechers: int
    nb_seeders: int
    pub_date: int = UNLIMITED
    site_url: str = SITE


async def plugins(request: ApiRequest) -> object:
    """List the only plugin. It reads as disabled while TorBox's search refuses the account."""
    plugin = Plugin(enabled=not request.downloads.searches.refused)
    return [plugin]


async def start(request: ApiRequest) -> object:
    """Start a search. With other plugins than `torbox` or all it finds nothing."""
    pattern = request.params.require("pattern")
    request.params.require("category")
    wanted = set(request.params.require("plugins").split("|"))
    job = request.downloads.searches.start(pattern if wanted & {NAME, *EVERYTHING} else "")
    if job is None:
        raise HttpError(HTTPStatus.CONFLICT, "Unable to create more than 5 concurrent searches.")
    return {"id": job.id}


async def status(request: ApiRequest) -> object:
    """Return the state of one search, or of all."""
    jobs = request.downloads.searches.all()
    # No id, or 0, means all searches, as in qBittorrent.
    if request.params.integer("id"):
        jobs = (_job(request),)
    return [{"id": job.id, "status": _word(job), "total": len(job.results)} for job in jobs]


async def results(request: ApiRequest) -> object:
    """Return all results so far, or a page. A negative offset counts from the end."""
    job = _job(request)
    total, limit = len(job.results), request.params.integer("limit") or 0
    offset = request.params.integer("offset") or 0
    offset = offset + total if offset < 0 else offset
    if not 0 <= offset <= total:
        raise HttpError(HTTPStatus.CONFLICT, "Offset is out of range")
    page = job.results[offset : offset + limit if limit > 0 else total]
    return {"results": [_found(result) for result in page], "status": _word(job), "total": total}


async def stop(request: ApiRequest) -> None:
    """Stop a search; its results stay."""
    request.downloads.searches.stop(_job(request))


async def delete(request: ApiRequest) -> None:
    """Delete a search and its results."""
    request.downloads.searches.delete(_job(request))


def _job(request: ApiRequest) -> SearchJob:
    request.params.require("id")
    job = request.downloads.searches.get(request.params.integer("id") or 0)
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
