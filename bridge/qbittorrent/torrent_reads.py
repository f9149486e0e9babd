"""Endpoints `torrents/*` that read. All answer from memory, but for what a .torrent says."""

from collections.abc import Iterable, Sequence
from http import HTTPStatus
from typing import Final

from bridge.downloads import FileView
from bridge.qbittorrent import torrent_details
from bridge.qbittorrent.api_context import ApiRequest, torrent_id
from bridge.qbittorrent.params import Params
from bridge.qbittorrent.responses import HttpError
from bridge.qbittorrent.torrent_filters import Query
from bridge.qbittorrent.torrent_info import download_path

CATEGORY_ALONE: Final = frozenset({"category"})
"""The parameters of `torrents/info` that every *arr sends, once a minute."""


async def info(request: ApiRequest) -> object:
    """List downloads. Every *arr polls this once a minute."""
    query = _query(request.params)
    # A client that lists one category means the downloads in it when it names a hash later.
    if query.category:
        request.downloads.scopes.saw_category(request.caller, query.category)
    if query.hashes is not None:
        _note_shown(request, query.hashes)
    return await request.context.torrent_list.body(query, request.context.clock())


def _note_shown(request: ApiRequest, hashes: Iterable[str]) -> None:
    caller, primaries = request.caller, request.downloads.queries.primaries
    for info_hash in hashes:
        view = primaries.get(info_hash)
        if view is not None:
            request.downloads.scopes.saw_grab(caller, info_hash, view.grab.id)


async def count(request: ApiRequest) -> str:
    """Return the number of downloads."""
    return str(len(request.downloads.queries.primaries))


async def properties(request: ApiRequest) -> object:
    """Show one download. An *arr that has just added it asks until this is not 404."""
    view = request.view()
    metainfo = await request.downloads.queries.metainfo(view.hash)
    parts = download_path(view, str(request.downloads.incomplete_directory))
    shown = torrent_details.properties(view, request.context.clock(), metainfo, parts)
    if request.context.profile.fields_of_5:
        shown = torrent_details.with_fields_of_5(shown, view)
    return shown


async def files(request: ApiRequest) -> object:
    """List the files of a download; `[]` while they are not known."""
    view = request.view()
    # Only a .torrent may know the files so far, and reading it is left until a client asks.
    await request.downloads.queries.learn_files(view)
    found = _chosen(request.params, await request.downloads.queries.files(view))
    metainfo = await request.downloads.queries.metainfo(view.hash)
    return torrent_details.files(found, view, metainfo)


async def piece_states(request: ApiRequest) -> object:
    """Return a state for each piece."""
    view = request.view()
    metainfo = await request.downloads.queries.metainfo(view.hash)
    return torrent_details.piece_states(view, metainfo)


async def piece_hashes(request: ApiRequest) -> object:
    """List piece hashes: they are not kept."""
    request.view()
    return b"[]"


def _query(params: Params) -> Query:
    if params.fields.keys() <= CATEGORY_ALONE:
        return Query(category=params.get("category"))
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
    """Return the files in `indexes` (`0|2`); all without it."""
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
