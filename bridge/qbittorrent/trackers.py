"""Endpoints for the trackers and web seeds of a download.

TorBox asks them. Here they are kept, shown again, and sent along when the torrent is submitted.
"""

from collections.abc import Sequence
from http import HTTPStatus
from urllib.parse import unquote, urlsplit

from bridge.qbittorrent import torrent_details
from bridge.qbittorrent.api_context import ApiRequest
from bridge.qbittorrent.responses import HttpError


async def trackers(request: ApiRequest) -> object:
    """List the three sticky rows that clients expect, then the download's own trackers."""
    view = request.view()
    urls = request.downloads.queries.trackers(view.download)
    metainfo = await request.downloads.queries.metainfo(view.hash)
    # A magnet has no tiers: each tracker gets its own.
    tiers = metainfo.trackers if metainfo else ()
    return torrent_details.trackers(view, urls, tiers)


async def add_trackers(request: ApiRequest) -> None:
    """Add trackers, one a line. Known ones, and what is not a URL, are ignored."""
    request.params.require("urls")
    new = [url for url in request.params.items("urls", "\n") if _is_tracker_url(url)]
    await _set_trackers(request, [*_tracker_urls(request), *new])


async def edit_tracker(request: ApiRequest) -> None:
    """Replace a tracker. 5.2 calls `origUrl` `url`."""
    old = request.params.require(
        "url" if request.params.get("origUrl") is None else "origUrl"
    ).strip()
    new = request.params.require("newUrl").strip()
    known = _tracker_urls(request)
    if not _is_tracker_url(new):
        raise HttpError(HTTPStatus.BAD_REQUEST, "New tracker URL is invalid")
    if old not in known:
        raise HttpError(HTTPStatus.CONFLICT, "Tracker not found")
    if new != old and new in known:
        raise HttpError(HTTPStatus.CONFLICT, "New tracker URL already exists")
    await _set_trackers(request, [new if url == old else url for url in known])


async def remove_trackers(request: ApiRequest) -> None:
    """Remove trackers, separated by `|`; unknown ones are ignored."""
    request.params.require("urls")
    dropped = set(request.params.items("urls", "|"))
    await _set_trackers(request, [url for url in _tracker_urls(request) if url not in dropped])


def _tracker_urls(request: ApiRequest) -> Sequence[str]:
    return request.downloads.queries.trackers(request.view().download)


async def _set_trackers(request: ApiRequest, urls: Sequence[str]) -> None:
    await request.downloads.commands.set_trackers(request.view().hash, tuple(dict.fromkeys(urls)))


def _is_tracker_url(text: str) -> bool:
    try:
        return urlsplit(text).scheme in {"http", "https", "udp", "ws", "wss"}
    except ValueError:
        return False


async def web_seeds(request: ApiRequest) -> object:
    """List the web seeds in the magnet or the .torrent."""
    return [{"url": url} for url in _web_seed_urls(request)]


async def add_web_seeds(request: ApiRequest) -> None:
    """Add web seeds, separated by `|`, each percent-encoded; 400 if any is not a URL."""
    new = _sent_web_seeds(request)
    await _set_web_seeds(request, [*_web_seed_urls(request), *new])


async def edit_web_seed(request: ApiRequest) -> None:
    """Replace a web seed."""
    old, new = (unquote(request.params.require(name)) for name in ("origUrl", "newUrl"))
    known = _web_seed_urls(request)
    if not _is_web_url(new):
        raise HttpError(HTTPStatus.BAD_REQUEST, f'"{new}" is not a valid URL')
    if old not in known:
        raise HttpError(HTTPStatus.CONFLICT, f'"{old}" is not an existing URL')
    if new != old and new in known:
        raise HttpError(HTTPStatus.CONFLICT, f'"{new}" is already an existing URL')
    await _set_web_seeds(request, [new if url == old else url for url in known])


async def remove_web_seeds(request: ApiRequest) -> None:
    """Remove web seeds; unknown ones are ignored."""
    dropped = set(_sent_web_seeds(request))
    await _set_web_seeds(request, [url for url in _web_seed_urls(request) if url not in dropped])


def _sent_web_seeds(request: ApiRequest) -> list[str]:
    request.params.require("urls")
    urls = [unquote(url) for url in request.params.items("urls", "|")]
    wrong = next((url for url in urls if not _is_web_url(url)), None)
    if wrong is not None:
        raise HttpError(HTTPStatus.BAD_REQUEST, f'"{wrong}" is not a valid URL')
    return urls


def _web_seed_urls(request: ApiRequest) -> Sequence[str]:
    return request.downloads.queries.webseeds(request.view().download)


async def _set_web_seeds(request: ApiRequest, urls: Sequence[str]) -> None:
    await request.downloads.commands.set_webseeds(request.view().hash, tuple(dict.fromkeys(urls)))


def _is_web_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname)
