"""Scope torrents: reads. All of them come from memory."""

from collections.abc import Sequence
from http import HTTPStatus

import msgspec
from aiohttp import web

from bridge.core.model import Phase
from bridge.downloads import FileView
from bridge.qbittorrent import details
from bridge.qbittorrent.face import Call, torrent_id
from bridge.qbittorrent.http import HttpError, Params, json, text
from bridge.qbittorrent.query import Query


async def info(call: Call) -> web.Response:
    """List downloads. What an *arr polls every minute."""
    return json(call.face.listing.body(_query(call.params), call.face.clock()))


async def count(call: Call) -> web.Response:
    """Count all downloads."""
    return text(str(len(call.downloads.all())))


async def properties(call: Call) -> web.Response:
    """Show one download. To an *arr that has just added it, 200 says that it is there."""
    return json(msgspec.json.encode(details.properties(call.view(), call.face.clock())))


async def files(call: Call) -> web.Response:
    """List the files of a download; none while they are not known."""
    view = call.view()
    found = call.downloads.files(view.download.hash)
    return json(msgspec.json.encode(details.files(_chosen(call.params, found), view)))


async def trackers(call: Call) -> web.Response:
    """List the three sticky rows that clients expect, then the magnet's trackers."""
    view = call.view()
    urls = call.downloads.trackers(view.download.hash)
    return json(msgspec.json.encode(details.trackers(view, urls)))


async def web_seeds(call: Call) -> web.Response:
    """List web seeds: there are none to tell of."""
    call.view()
    return json(b"[]")


async def piece_states(call: Call) -> web.Response:
    """Show the download as one piece: 0 not begun, 1 on its way, 2 here."""
    download = call.view().download
    if not download.size:
        return json(b"[]")
    state = 2 if download.complete else int(download.phase is Phase.DELIVERING)
    return json(msgspec.json.encode([state]))


async def piece_hashes(call: Call) -> web.Response:
    """List piece hashes: none are kept."""
    call.view()
    return json(b"[]")


def _query(params: Params) -> Query:
    hashes = params.text("hashes")
    return Query(
        filter=params.text("filter") or "all",
        category=params.get("category"),
        tag=params.get("tag"),
        hashes=frozenset(map(torrent_id, hashes.split("|"))) if hashes else None,
        sort=params.text("sort"),
        reverse=params.flag("reverse") is True,
        limit=params.integer("limit") or 0,
        offset=params.integer("offset") or 0,
    )


def _chosen(params: Params, found: Sequence[FileView]) -> Sequence[FileView]:
    """Pick the files that `indexes` (`0|2`) names; all without it."""
    given = params.get("indexes")
    if given is None or not found:
        return found
    return tuple(found[_index(part, len(found))] for part in given.split("|"))


def _index(text: str, count: int) -> int:
    try:
        index = int(text)
    except ValueError:
        raise HttpError(HTTPStatus.CONFLICT, f'"{text}" is not a valid file index.') from None
    if not 0 <= index < count:
        raise HttpError(HTTPStatus.CONFLICT, f"Index {index} is out of bounds.")
    return index
