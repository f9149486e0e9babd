"""Scope torrents: reads. All of them come from memory."""

from collections.abc import Sequence
from http import HTTPStatus

import msgspec
from aiohttp import web

from bridge.downloads import FileView
from bridge.qbittorrent import details, pieces
from bridge.qbittorrent.face import Call, torrent_id
from bridge.qbittorrent.http import HttpError, Params, json, text
from bridge.qbittorrent.query import Query


async def info(call: Call) -> web.Response:
    """List downloads. What an *arr polls every minute."""
    query = _query(call.params)
    if query.category is not None:
        call.downloads.scopes.saw_category(call.caller, query.category)
    for info_hash in query.hashes or ():
        view = call.downloads.queries.get(info_hash)
        if view is not None:
            call.downloads.scopes.saw_grab(call.caller, info_hash, view.grab.id)
    return json(call.face.listing.body(query, call.face.clock()))


async def count(call: Call) -> web.Response:
    """Count all downloads."""
    return text(str(len(call.downloads.queries.primaries)))


async def properties(call: Call) -> web.Response:
    """Show one download. To an *arr that has just added it, 200 says that it is there."""
    view = call.view()
    metainfo = await call.downloads.queries.metainfo(view.download.hash)
    shown = details.properties(view, call.face.clock(), metainfo)
    if call.face.profile.fields_of_5:
        shown = details.with_fields_of_5(shown, view)
    return json(msgspec.json.encode(shown))


async def files(call: Call) -> web.Response:
    """List the files of a download; none while they are not known."""
    view = call.view()
    await call.downloads.queries.learn_files(view)
    found = _chosen(call.params, await call.downloads.queries.files(view))
    metainfo = await call.downloads.queries.metainfo(view.download.hash)
    return json(msgspec.json.encode(details.files(found, view, metainfo)))


async def piece_states(call: Call) -> web.Response:
    """Show each piece by the share that is done; the whole as one while their number is unknown."""
    view = call.view()
    metainfo = await call.downloads.queries.metainfo(view.download.hash)
    return json(msgspec.json.encode(pieces.piece_states(view, metainfo)))


async def piece_hashes(call: Call) -> web.Response:
    """List piece hashes: none are kept."""
    call.view()
    return json(b"[]")


def _query(params: Params) -> Query:
    hashes = params.items("hashes", "|")
    return Query(
        filter=params.text("filter") or "all",
        category=params.get("category"),
        tag=params.get("tag"),
        hashes=frozenset(map(torrent_id, hashes)) if hashes else None,
        private=params.flag("private"),
        sort=params.text("sort"),
        reverse=params.flag("reverse") is True,
        limit=params.integer("limit") or 0,
        offset=params.integer("offset") or 0,
        with_trackers=params.flag("includeTrackers") is True,
    )


def _chosen(params: Params, found: Sequence[FileView]) -> Sequence[FileView]:
    """Pick the files that `indexes` (`0|2`) names; all without it."""
    given = params.get("indexes")
    if given is None:
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
