"""Endpoints `torrents/*` that edit downloads: names, directories, files, limits, order.

Where a single hash is required, an unknown one is 404; in lists unknown ones are ignored.
"""

from http import HTTPStatus

import msgspec
from aiohttp import web

from bridge.core.edits import PRIORITIES
from bridge.core.model import LONGEST_NAME
from bridge.downloads import Caller, DirectoryRefusal
from bridge.qbittorrent.api_context import ApiRequest, torrent_id
from bridge.qbittorrent.responses import TEXT, HttpError, done, json_response

NO_METADATA = "Unable to export torrent file. Error: Missing metadata"
TORRENT = "application/x-bittorrent"


async def rename(request: ApiRequest) -> web.Response:
    """Change the name that is shown. A blank one is 409, whatever the hash."""
    # A name with line breaks would break the log and web UIs; qBittorrent joins the lines as well.
    name = " ".join(request.params.require("name").split("\n")).strip()[:LONGEST_NAME]
    request.params.require("hash")
    if not name:
        raise HttpError(HTTPStatus.CONFLICT, "Incorrect torrent name")
    await request.downloads.commands.rename(request.view().hash, name, request.caller)
    return done()


async def rename_file(request: ApiRequest) -> web.Response:
    """Give a file another path."""
    old, new = request.params.require("oldPath"), request.params.require("newPath")
    content, info_hash = request.downloads.content, request.view().hash
    _conflict(await content.rename_file(info_hash, old, new, request.caller))
    return done()


async def rename_folder(request: ApiRequest) -> web.Response:
    """Give a folder another path."""
    old, new = request.params.require("oldPath"), request.params.require("newPath")
    content, info_hash = request.downloads.content, request.view().hash
    _conflict(await content.rename_folder(info_hash, old, new, request.caller))
    return done()


async def set_location(request: ApiRequest) -> web.Response:
    """Move downloads to another directory, within the download roots."""
    hashes, location = request.hashes(), request.params.require("location").strip()
    if not location:
        raise HttpError(HTTPStatus.BAD_REQUEST, "Save path cannot be empty")
    _refuse(await request.downloads.content.set_location(hashes, location, request.scope))
    return done()


async def set_save_path(request: ApiRequest) -> web.Response:
    """Move downloads, as 4.4 names it; `id` holds the hashes."""
    given, path = request.params.require("id"), request.params.require("path").strip()
    if not path:
        raise HttpError(HTTPStatus.BAD_REQUEST, "Save path cannot be empty")
    hashes = [torrent_id(part) for part in given.split("|")]
    caller: Caller | None = request.caller
    if given == "all":
        hashes, caller = list(request.downloads.queries.primaries), None
    refusal = await request.downloads.content.set_location(hashes, path, caller)
    if refusal is DirectoryRefusal.CANNOT_MAKE:
        raise HttpError(HTTPStatus.CONFLICT, "Cannot create target directory")
    _refuse(refusal)
    return done()


async def set_file_priority(request: ApiRequest) -> web.Response:
    """Set the priority of files, by their indexes; 0 is "do not download"."""
    request.params.require("hash")
    given, priority = request.params.require("id"), request.params.require("priority")
    if request.params.integer("priority") is None:
        raise HttpError(HTTPStatus.BAD_REQUEST, "Priority must be an integer")
    if priority not in {str(known) for known in PRIORITIES}:
        raise HttpError(HTTPStatus.BAD_REQUEST, "Priority is not valid")
    indexes = _integers(given)
    view = request.view()
    await request.downloads.queries.learn_files(view)
    count = len(await request.downloads.queries.files(view))
    if not count:
        raise HttpError(HTTPStatus.CONFLICT, "Torrent's metadata has not yet downloaded")
    if not all(0 <= index < count for index in indexes):
        raise HttpError(HTTPStatus.CONFLICT, "File ID is not valid")
    await request.downloads.content.set_file_priority(
        view.hash, indexes, int(priority), request.caller
    )
    return done()


def _integers(given: str) -> frozenset[int]:
    try:
        return frozenset(int(part) for part in given.split("|"))
    except ValueError:
        raise HttpError(HTTPStatus.BAD_REQUEST, "File IDs must be integers") from None


async def recheck(request: ApiRequest) -> web.Response:
    """Check the files on disk, and refresh what TorBox reports."""
    await request.downloads.commands.recheck(request.hashes(), request.scope)
    return done()


async def reannounce(request: ApiRequest) -> web.Response:
    """Make TorBox reannounce downloads to their trackers."""
    await request.downloads.commands.reannounce(request.hashes())
    return done()


async def to_bottom(request: ApiRequest) -> web.Response:
    """Put downloads at the end of the queue."""
    hashes = queued(request)
    await request.downloads.commands.to_bottom(hashes)
    return done()


async def to_top(request: ApiRequest) -> web.Response:
    """Put downloads at the head of the queue."""
    await request.downloads.commands.to_top(queued(request))
    return done()


async def increase(request: ApiRequest) -> web.Response:
    """Move downloads one place towards the head of the queue."""
    await request.downloads.commands.shift(queued(request), up=True)
    return done()


async def decrease(request: ApiRequest) -> web.Response:
    """Move downloads one place towards the end of the queue."""
    await request.downloads.commands.shift(queued(request), up=False)
    return done()


def queued(request: ApiRequest) -> tuple[str, ...]:
    """Return `hashes`; 409 while the preference `queueing_enabled` is off."""
    hashes = request.hashes()
    if not request.downloads.preferences.shown["queueing_enabled"]:
        raise HttpError(HTTPStatus.CONFLICT, "Torrent queueing must be enabled")
    return hashes


async def set_super_seeding(request: ApiRequest) -> web.Response:
    """Set super seeding, to be shown. TorBox seeds as it likes."""
    request.params.require("value")
    value = request.params.flag("value") is True
    await request.downloads.commands.set_super_seeding(
        request.hashes(), value=value, caller=request.scope
    )
    return done()


async def set_auto_management(request: ApiRequest) -> web.Response:
    """Set automatic management, to be shown. Files stay where they are."""
    request.params.require("enable")
    value = request.params.flag("enable") is True
    await request.downloads.commands.set_auto_management(
        request.hashes(), value=value, caller=request.scope
    )
    return done()


async def set_comment(request: ApiRequest) -> web.Response:
    """Set the comment of downloads."""
    comment = request.params.require("comment")
    await request.downloads.commands.set_comment(request.hashes(), comment, request.scope)
    return done()


async def set_download_limit(request: ApiRequest) -> web.Response:
    """Limit how fast each download is fetched, in bytes/s."""
    limit = _limit(request)
    await request.downloads.commands.set_download_limits(request.hashes(), limit, request.scope)
    return done()


async def set_upload_limit(request: ApiRequest) -> web.Response:
    """Set a limit for uploads in bytes/s, to be shown. TorBox uploads as it likes."""
    limit = _limit(request)
    await request.downloads.commands.set_upload_limits(request.hashes(), limit, request.scope)
    return done()


def _limit(request: ApiRequest) -> int:
    request.params.require("limit")
    return request.params.integer("limit") or 0


async def download_limits(request: ApiRequest) -> web.Response:
    """Return the limit of each hash in `hashes`: 0 is none, -1 an unknown hash."""
    return _limits(request, "download_limit")


async def upload_limits(request: ApiRequest) -> web.Response:
    """Return the limit of each hash in `hashes`: 0 is none, -1 an unknown hash."""
    return _limits(request, "upload_limit")


def _limits(request: ApiRequest, name: str) -> web.Response:
    found: dict[str, int] = {}
    for sent in request.params.require("hashes").split("|"):
        view = request.downloads.queries.get(torrent_id(sent))
        found[sent] = -1 if view is None else getattr(view.grab, name)
    return json_response(msgspec.json.encode(found))


async def export(request: ApiRequest) -> web.Response:
    """Return the .torrent file that was added, or TorBox's."""
    info_hash = request.view().hash
    data = await request.downloads.commands.export(info_hash)
    if data is None:
        raise HttpError(HTTPStatus.CONFLICT, NO_METADATA)
    if not request.context.profile.fields_of_5:
        return web.Response(body=data, headers={"Content-Type": TEXT})
    name = f'attachment; filename="{info_hash}.torrent"'
    return web.Response(body=data, headers={"Content-Type": TORRENT, "Content-Disposition": name})


def _conflict(reason: str | None) -> None:
    if reason is not None:
        raise HttpError(HTTPStatus.CONFLICT, reason)


def _refuse(refusal: DirectoryRefusal | None) -> None:
    if refusal is None:
        return
    # qBittorrent: 403 for a directory without write permission, 409 for one that cannot be made.
    denied = refusal is DirectoryRefusal.CANNOT_WRITE
    raise HttpError(HTTPStatus.FORBIDDEN if denied else HTTPStatus.CONFLICT, refusal.value)
