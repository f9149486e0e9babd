"""POST /api/bridge/add and /api/bridge/preview: adding torrents on the page."""

from collections.abc import Collection
from typing import Literal

import msgspec
from aiohttp import web

from bridge.core.magnet import BadMagnet, parse_magnet
from bridge.downloads import Added, AddResult, Joined, Known, Options, Pending, Rejected
from bridge.web.context import CONTEXT, LARGE_BODY, WebContext, answer, read_body, refusal
from bridge.web.guard import require_visitor

ASKED_BY = "torbox-bridge page"
MOST_AT_ONCE = 500


class PreviewRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A magnet or a .torrent, base64 in JSON."""

    magnet: str = ""
    torrent: bytes = b""


class TorrentFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A .torrent, base64 in JSON."""

    name: str
    data: bytes
    skip: tuple[int, ...] = ()
    """Files that are not wanted, by their index in the preview."""


class MagnetLink(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A magnet, a bare info-hash, or a URL that leads to a .torrent."""

    link: str
    skip: tuple[int, ...] = ()


class AddRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be added, and how."""

    links: tuple[MagnetLink, ...] = ()
    torrents: tuple[TorrentFile, ...] = ()
    category: str = ""
    tags: tuple[str, ...] = ()
    save_path: str = ""
    paused: bool = False
    force: bool = False
    to_top: bool = False
    content_layout: Literal["Original", "Subfolder", "NoSubfolder"] = "Original"


class AddedRow(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one of them."""

    source: str
    """The link or the file's name."""
    result: Literal["added", "known", "pending", "refused"]
    id: str = ""
    why: str = ""


async def preview(request: web.Request) -> web.Response:
    """Answer which files a torrent has. A magnet may take TorBox some seconds."""
    require_visitor(request)
    wanted = await read_body(request, PreviewRequest, limit=LARGE_BODY)
    previews = request.app[CONTEXT].previews
    if wanted.torrent:
        found = await previews.torrent(wanted.torrent)
    else:
        found = await previews.magnet(wanted.magnet.strip())
    return refusal(found) if isinstance(found, str) else answer(found)


async def add(request: web.Request) -> web.Response:
    """Add everything in the request; answers what became of each."""
    require_visitor(request)
    wanted = await read_body(request, AddRequest, limit=LARGE_BODY)
    context = request.app[CONTEXT]
    if len(wanted.links) + len(wanted.torrents) > MOST_AT_ONCE:
        return refusal(f"at most {MOST_AT_ONCE} at one time")
    rows = []
    for link in wanted.links:
        text = link.link.strip()
        options = _options(wanted, choosing=bool(link.skip))
        if isinstance(parse_magnet(text), BadMagnet) and "://" in text:
            result = await context.downloads.add_link(text, _options(wanted, choosing=False))
        else:
            result = await context.downloads.add_magnet(text, options)
        rows.append(await _done(context, text, result, link.skip, wanted))
    for torrent in wanted.torrents:
        options = _options(wanted, choosing=bool(torrent.skip))
        result = await context.downloads.add_torrent(torrent.data, options)
        rows.append(await _done(context, torrent.name, result, torrent.skip, wanted))
    context.model.expire()
    return answer(rows)


def _options(wanted: AddRequest, *, choosing: bool) -> Options:
    """Make the options; it waits until its files are chosen."""
    return Options(
        category=wanted.category,
        tags=wanted.tags,
        save_path=wanted.save_path,
        stopped=wanted.paused or choosing,
        force_start=wanted.force,
        to_top=wanted.to_top,
        content_layout=wanted.content_layout,
        asked_by=ASKED_BY,
    )


async def _done(
    context: WebContext,
    source: str,
    result: AddResult,
    skip: Collection[int],
    wanted: AddRequest,
) -> AddedRow:
    match result:
        case Added(info_hash):
            if skip:
                start = not wanted.paused
                await _choose(context, info_hash, skip, start=start, force=wanted.force)
            return AddedRow(source=source, result="added", id=info_hash)
        case Joined(info_hash):
            return AddedRow(source=source, result="added", id=info_hash)
        case Known(info_hash):
            return AddedRow(source=source, result="known", id=info_hash, why="It is there already")
        case Pending():
            why = "The link is followed in the background; the log tells if it leads to nothing"
            return AddedRow(source=source, result="pending", why=why)
        case Rejected(reason):
            return AddedRow(source=source, result="refused", why=reason)


async def _choose(
    context: WebContext, info_hash: str, skip: Collection[int], *, start: bool, force: bool
) -> None:
    """Leave out files before anything is fetched, and let it begin."""
    downloads = context.downloads
    if not downloads.files(info_hash):
        context.commands.expect_files(info_hash, context.previews.files(info_hash))
    there = range(len(downloads.files(info_hash)))
    unwanted = [index for index in skip if index in there]
    if unwanted:
        await downloads.set_file_priority(info_hash, unwanted, 0)
    if start and force:
        await downloads.set_force_start([info_hash], value=True)
    elif start:
        await downloads.start([info_hash])
