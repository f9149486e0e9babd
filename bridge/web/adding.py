"""POST /api/bridge/add and /api/bridge/preview: add torrents on the page."""

from collections.abc import Collection
from typing import Literal

import msgspec
from aiohttp import web

from bridge.core.magnet import BadMagnet, parse_magnet
from bridge.dashboard import Preview
from bridge.downloads import (
    PAGE_CLIENT,
    Added,
    AddOptions,
    AddResult,
    Joined,
    Known,
    Pending,
    Rejected,
    View,
)
from bridge.web.page_actions import rows_of
from bridge.web.web_context import CONTEXT, WebContext, refusal

MOST_AT_ONCE = 500


class PreviewRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A magnet, or a .torrent as base64."""

    magnet: str = ""
    torrent: bytes = b""


class UploadedTorrent(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A .torrent as base64."""

    name: str
    data: bytes
    skip: tuple[int, ...] = ()
    """Indexes of unwanted files, as in the preview."""


class MagnetLink(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A magnet, an info-hash, or the URL of a .torrent."""

    link: str
    skip: tuple[int, ...] = ()


class AddRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Torrents to add, and the options for all."""

    links: tuple[MagnetLink, ...] = ()
    torrents: tuple[UploadedTorrent, ...] = ()
    category: str = ""
    tags: tuple[str, ...] = ()
    save_path: str = ""
    paused: bool = False
    force: bool = False
    to_top: bool = False
    content_layout: Literal["Original", "Subfolder", "NoSubfolder"] = "Original"


class AddedRow(msgspec.Struct, frozen=True, kw_only=True):
    """The result for a link or file of the request."""

    source: str
    """The link or the file's name."""
    result: Literal["added", "known", "pending", "refused"]
    id: int | None = None
    """The id of its row."""
    why: str = ""


async def preview(request: web.Request, wanted: PreviewRequest) -> Preview:
    """Answer the files of a torrent. For a magnet TorBox may take some seconds."""
    previews = request.app[CONTEXT].previews
    if wanted.torrent:
        found = await previews.torrent(wanted.torrent)
    else:
        found = await previews.magnet(wanted.magnet.strip())
    if isinstance(found, str):
        raise refusal(found)
    return found


async def add(request: web.Request, wanted: AddRequest) -> list[AddedRow]:
    """Add every link and file of the request; answer the result for each."""
    context = request.app[CONTEXT]
    if len(wanted.links) + len(wanted.torrents) > MOST_AT_ONCE:
        raise refusal(f"at most {MOST_AT_ONCE} at one time")
    rows = []
    # An add with a choice of files starts stopped, so nothing is fetched before the choice.
    for link in wanted.links:
        text = link.link.strip()
        options = _options(wanted, choosing=bool(link.skip))
        if isinstance(parse_magnet(text), BadMagnet) and "://" in text:
            result = await context.downloads.adds.link(text, _options(wanted, choosing=False))
        else:
            result = await context.downloads.adds.magnet(text, options)
        rows.append(await _done(context, text, result, link.skip, wanted))
    for torrent in wanted.torrents:
        options = _options(wanted, choosing=bool(torrent.skip))
        result = await context.downloads.adds.torrent(torrent.data, options)
        rows.append(await _done(context, torrent.name, result, torrent.skip, wanted))
    context.model.expire()
    return rows


def _options(wanted: AddRequest, *, choosing: bool) -> AddOptions:
    """Return the options of an add. With `choosing` it stays stopped until the files are chosen."""
    return AddOptions(
        category=wanted.category,
        tags=wanted.tags,
        save_path=wanted.save_path,
        stopped=wanted.paused or choosing,
        force_start=wanted.force,
        to_top=wanted.to_top,
        content_layout=wanted.content_layout,
        asked_by=PAGE_CLIENT,
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
            view = _row(context, info_hash, wanted.category)
            if skip and view is not None:
                start = not wanted.paused
                await _choose(context, view, skip, start=start, force=wanted.force)
            return AddedRow(source=source, result="added", id=view.grab.id if view else None)
        case Joined(info_hash):
            view = _row(context, info_hash, wanted.category)
            return AddedRow(source=source, result="added", id=view.grab.id if view else None)
        case Known(info_hash):
            view = _row(context, info_hash, wanted.category)
            row_id = view.grab.id if view else None
            return AddedRow(source=source, result="known", id=row_id, why="It is there already")
        case Pending(leads_nowhere) if leads_nowhere:
            return AddedRow(source=source, result="refused", why=leads_nowhere)
        case Pending():
            why = "The link is followed in the background, and appears when that is done"
            return AddedRow(source=source, result="pending", why=why)
        case Rejected(reason):
            return AddedRow(source=source, result="refused", why=reason)


def _row(context: WebContext, info_hash: str, category: str) -> View | None:
    """Return the newest row of a hash in a category, else in any category."""
    views = context.downloads.queries.of_hash(info_hash)
    mine = [view for view in views if view.grab.category == category]
    found = mine or views
    return found[-1] if found else None


async def _choose(
    context: WebContext, view: View, skip: Collection[int], *, start: bool, force: bool
) -> None:
    """Deselect files before anything is fetched, then start the download."""
    downloads, row = context.downloads, rows_of([view])
    if not await downloads.queries.files(view):
        context.commands.expect_files(view.hash, context.previews.files(view.hash))
    there = range(len(await downloads.queries.files(view)))
    unwanted = [index for index in skip if index in there]
    if unwanted:
        await downloads.content.set_file_priority(view.hash, unwanted, 0, row)
    if start and force:
        await downloads.commands.set_force_start([view.hash], value=True, caller=row)
    elif start:
        await downloads.commands.start([view.hash], row)
