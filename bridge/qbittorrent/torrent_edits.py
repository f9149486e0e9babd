"""Scope torrents: names, places, files, limits and order of downloads.

Where one hash is asked for, an unknown one is 404; in lists unknown ones are skipped, as ever.
"""

from http import HTTPStatus

import msgspec
from aiohttp import web

from bridge.core.edits import PRIORITIES
from bridge.downloads import Refusal
from bridge.qbittorrent.face import Call, torrent_id
from bridge.qbittorrent.http import TEXT, HttpError, done, json

NO_METADATA = "Unable to export torrent file. Error: Missing metadata"
TORRENT = "application/x-bittorrent"


async def rename(call: Call) -> web.Response:
    """Change the name that is shown. A blank one is refused before the hash is looked at."""
    name = " ".join(call.params.require("name").split("\n")).strip()
    call.params.require("hash")
    if not name:
        raise HttpError(HTTPStatus.CONFLICT, "Incorrect torrent name")
    await call.downloads.commands.rename(call.view().hash, name, call.caller)
    return done()


async def rename_file(call: Call) -> web.Response:
    """Give a file another path."""
    old, new = call.params.require("oldPath"), call.params.require("newPath")
    _conflict(await call.downloads.content.rename_file(call.view().hash, old, new, call.caller))
    return done()


async def rename_folder(call: Call) -> web.Response:
    """Give a folder another path."""
    old, new = call.params.require("oldPath"), call.params.require("newPath")
    _conflict(await call.downloads.content.rename_folder(call.view().hash, old, new, call.caller))
    return done()


async def set_location(call: Call) -> web.Response:
    """Move downloads to another directory, within the download roots."""
    hashes, location = call.hashes(), call.params.require("location").strip()
    if not location:
        raise HttpError(HTTPStatus.BAD_REQUEST, "Save path cannot be empty")
    _refuse(await call.downloads.content.set_location(hashes, location, call.scope))
    return done()


async def set_save_path(call: Call) -> web.Response:
    """Do the same under the name of 4.4; it calls the hashes `id`."""
    given, path = call.params.require("id"), call.params.require("path").strip()
    if not path:
        raise HttpError(HTTPStatus.BAD_REQUEST, "Save path cannot be empty")
    hashes = [torrent_id(part) for part in given.split("|")]
    if given == "all":
        hashes = list(call.downloads.queries.primaries)
    refusal = await call.downloads.content.set_location(hashes, path)
    if refusal is Refusal.CANNOT_MAKE:
        raise HttpError(HTTPStatus.CONFLICT, "Cannot create target directory")
    _refuse(refusal)
    return done()


async def set_file_priority(call: Call) -> web.Response:
    """Set the priority of files, by their indexes; 0 leaves them out."""
    call.params.require("hash")
    given, priority = call.params.require("id"), call.params.require("priority")
    if call.params.integer("priority") is None:
        raise HttpError(HTTPStatus.BAD_REQUEST, "Priority must be an integer")
    if priority not in {str(known) for known in PRIORITIES}:
        raise HttpError(HTTPStatus.BAD_REQUEST, "Priority is not valid")
    indexes = _integers(given)
    view = call.view()
    await call.downloads.queries.learn_files(view)
    count = len(await call.downloads.queries.files(view))
    if not count:
        raise HttpError(HTTPStatus.CONFLICT, "Torrent's metadata has not yet downloaded")
    if not all(0 <= index < count for index in indexes):
        raise HttpError(HTTPStatus.CONFLICT, "File ID is not valid")
    await call.downloads.content.set_file_priority(view.hash, indexes, int(priority), call.caller)
    return done()


def _integers(given: str) -> frozenset[int]:
    try:
        return frozenset(int(part) for part in given.split("|"))
    except ValueError:
        raise HttpError(HTTPStatus.BAD_REQUEST, "File IDs must be integers") from None


async def recheck(call: Call) -> web.Response:
    """Look at the disk, and ask TorBox afresh."""
    await call.downloads.commands.recheck(call.hashes(), call.scope)
    return done()


async def reannounce(call: Call) -> web.Response:
    """Let TorBox ask the trackers again."""
    await call.downloads.commands.reannounce(call.hashes())
    return done()


async def to_bottom(call: Call) -> web.Response:
    """Put downloads at the end of the queue."""
    hashes = queued(call)
    await call.downloads.commands.to_bottom(hashes)
    return done()


async def to_top(call: Call) -> web.Response:
    """Put downloads at the head of the queue."""
    await call.downloads.commands.to_top(queued(call))
    return done()


async def increase(call: Call) -> web.Response:
    """Move downloads one place towards the head of the queue."""
    await call.downloads.commands.shift(queued(call), up=True)
    return done()


async def decrease(call: Call) -> web.Response:
    """Move downloads one place towards the end of the queue."""
    await call.downloads.commands.shift(queued(call), up=False)
    return done()


def queued(call: Call) -> tuple[str, ...]:
    """Read `hashes`; places in a queue mean something only where there is one."""
    hashes = call.hashes()
    if not call.downloads.preferences.shown["queueing_enabled"]:
        raise HttpError(HTTPStatus.CONFLICT, "Torrent queueing must be enabled")
    return hashes


async def set_super_seeding(call: Call) -> web.Response:
    """Note the wish for super seeding."""
    call.params.require("value")
    value = call.params.flag("value") is True
    await call.downloads.commands.set_super_seeding(call.hashes(), value=value, caller=call.scope)
    return done()


async def set_auto_management(call: Call) -> web.Response:
    """Note the wish for automatic management."""
    call.params.require("enable")
    value = call.params.flag("enable") is True
    await call.downloads.commands.set_auto_management(call.hashes(), value=value, caller=call.scope)
    return done()


async def set_comment(call: Call) -> web.Response:
    """Write a comment to downloads."""
    await call.downloads.commands.set_comment(call.hashes(), call.params.require("comment"), call.scope)
    return done()


async def set_download_limit(call: Call) -> web.Response:
    """Limit how fast each is fetched, in bytes/s."""
    limit = _limit(call)
    await call.downloads.commands.set_download_limits(call.hashes(), limit, call.scope)
    return done()


async def set_upload_limit(call: Call) -> web.Response:
    """Note a limit for uploads, in bytes/s."""
    limit = _limit(call)
    await call.downloads.commands.set_upload_limits(call.hashes(), limit, call.scope)
    return done()


def _limit(call: Call) -> int:
    call.params.require("limit")
    return call.params.integer("limit") or 0


async def download_limits(call: Call) -> web.Response:
    """Show the limit of each download that is asked for: 0 is none, -1 an unknown hash."""
    return _limits(call, "download_limit")


async def upload_limits(call: Call) -> web.Response:
    """Show the limit of each download that is asked for: 0 is none, -1 an unknown hash."""
    return _limits(call, "upload_limit")


def _limits(call: Call, name: str) -> web.Response:
    found: dict[str, int] = {}
    for sent in call.params.require("hashes").split("|"):
        view = call.downloads.queries.get(torrent_id(sent))
        found[sent] = -1 if view is None else getattr(view.grab, name)
    return json(msgspec.json.encode(found))


async def export(call: Call) -> web.Response:
    """Give the .torrent: ours, or TorBox's."""
    info_hash = call.view().hash
    data = await call.downloads.commands.export(info_hash)
    if data is None:
        raise HttpError(HTTPStatus.CONFLICT, NO_METADATA)
    if not call.face.profile.fields_of_5:
        return web.Response(body=data, headers={"Content-Type": TEXT})
    name = f'attachment; filename="{info_hash}.torrent"'
    return web.Response(body=data, headers={"Content-Type": TORRENT, "Content-Disposition": name})


def _conflict(reason: str | None) -> None:
    if reason is not None:
        raise HttpError(HTTPStatus.CONFLICT, reason)


def _refuse(refusal: Refusal | None) -> None:
    if refusal is None:
        return
    denied = refusal is Refusal.CANNOT_WRITE
    raise HttpError(HTTPStatus.FORBIDDEN if denied else HTTPStatus.CONFLICT, refusal.value)
