"""Web seeds of one download, since 5.0. TorBox asks them; here they are kept, and shown again."""

from collections.abc import Sequence
from http import HTTPStatus
from urllib.parse import unquote, urlsplit

import msgspec
from aiohttp import web

from bridge.qbittorrent.face import Call
from bridge.qbittorrent.http import HttpError, done, json


async def web_seeds(call: Call) -> web.Response:
    """List the web seeds that the magnet or the .torrent names."""
    return json(msgspec.json.encode([{"url": url} for url in _urls(call)]))


async def add(call: Call) -> web.Response:
    """Add web seeds, `|` between and escaped each. One that is no URL spoils all (400)."""
    new = _given(call)
    await _put(call, [*_urls(call), *new])
    return done()


async def edit(call: Call) -> web.Response:
    """Put another URL in a web seed's place."""
    old, new = (unquote(call.params.require(name)) for name in ("origUrl", "newUrl"))
    known = _urls(call)
    if not _is_url(new):
        raise HttpError(HTTPStatus.BAD_REQUEST, f'"{new}" is not a valid URL')
    if old not in known:
        raise HttpError(HTTPStatus.CONFLICT, f'"{old}" is not an existing URL')
    if new != old and new in known:
        raise HttpError(HTTPStatus.CONFLICT, f'"{new}" is already an existing URL')
    await _put(call, [new if url == old else url for url in known])
    return done()


async def remove(call: Call) -> web.Response:
    """Drop web seeds; unknown ones are ignored."""
    dropped = set(_given(call))
    await _put(call, [url for url in _urls(call) if url not in dropped])
    return done()


def _given(call: Call) -> list[str]:
    call.params.require("urls")
    urls = [unquote(url) for url in call.params.items("urls", "|")]
    wrong = next((url for url in urls if not _is_url(url)), None)
    if wrong is not None:
        raise HttpError(HTTPStatus.BAD_REQUEST, f'"{wrong}" is not a valid URL')
    return urls


def _urls(call: Call) -> Sequence[str]:
    return call.downloads.queries.webseeds(call.view().download)


async def _put(call: Call, urls: Sequence[str]) -> None:
    await call.downloads.commands.set_webseeds(call.view().download.hash, tuple(dict.fromkeys(urls)))


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname)
