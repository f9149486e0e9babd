"""Trackers of one download. TorBox asks them; here they are kept, and shown again."""

from collections.abc import Sequence
from http import HTTPStatus
from urllib.parse import urlsplit

import msgspec
from aiohttp import web

from bridge.qbittorrent import details
from bridge.qbittorrent.face import Call
from bridge.qbittorrent.http import HttpError, done, json


async def trackers(call: Call) -> web.Response:
    """List the three sticky rows that clients expect, then the download's own trackers."""
    view = call.view()
    urls = call.downloads.queries.trackers(view.download)
    metainfo = await call.downloads.queries.metainfo(view.download.hash)
    tiers = metainfo.trackers if metainfo else ()
    return json(msgspec.json.encode(details.trackers(view, urls, tiers)))


async def add(call: Call) -> web.Response:
    """Add trackers, one a line. What is here already, or is no URL, is passed over."""
    call.params.require("urls")
    new = [url for url in call.params.items("urls", "\n") if _is_url(url)]
    await _put(call, [*_urls(call), *new])
    return done()


async def edit(call: Call) -> web.Response:
    """Put another URL in a tracker's place. 5.2 says `url` for `origUrl`."""
    old = call.params.require("url" if call.params.get("origUrl") is None else "origUrl").strip()
    new = call.params.require("newUrl").strip()
    known = _urls(call)
    if not _is_url(new):
        raise HttpError(HTTPStatus.BAD_REQUEST, "New tracker URL is invalid")
    if old not in known:
        raise HttpError(HTTPStatus.CONFLICT, "Tracker not found")
    if new != old and new in known:
        raise HttpError(HTTPStatus.CONFLICT, "New tracker URL already exists")
    await _put(call, [new if url == old else url for url in known])
    return done()


async def remove(call: Call) -> web.Response:
    """Drop trackers, `|` between; unknown ones are ignored."""
    call.params.require("urls")
    dropped = set(call.params.items("urls", "|"))
    await _put(call, [url for url in _urls(call) if url not in dropped])
    return done()


def _urls(call: Call) -> Sequence[str]:
    return call.downloads.queries.trackers(call.view().download)


async def _put(call: Call, urls: Sequence[str]) -> None:
    await call.downloads.commands.set_trackers(call.view().download.hash, tuple(dict.fromkeys(urls)))


def _is_url(text: str) -> bool:
    try:
        return urlsplit(text).scheme in {"http", "https", "udp", "ws", "wss"}
    except ValueError:
        return False
