"""Endpoints `torrents/*` that change downloads: delete, pause, names, directories, files, limits, order.

Where a single hash is required, an unknown one is 404. In lists unknown ones are ignored with 200: after
a 4xx an *arr repeats the same delete every minute.
"""

from collections.abc import Awaitable, Callable, Iterable
from http import HTTPStatus
from ipaddress import ip_address

from aiohttp import web

from bridge.core.edits import PRIORITIES
from bridge.core.model import LONGEST_NAME, UNLIMITED, USE_GLOBAL
from bridge.downloads import Caller, Commands, DirectoryRefusal
from bridge.qbittorrent.api_context import ApiRequest, Handler, torrent_id
from bridge.qbittorrent.responses import TEXT, HttpError, raise_conflict

NO_METADATA = "Unable to export torrent file. Error: Missing metadata"
TORRENT = "application/x-bittorrent"
PORTS = 65536


def on_hashes(
    command: Callable[..., Awaitable[object]], *read: Callable[[ApiRequest], object]
) -> Handler:
    """Return a handler that calls a method of `Commands` for `hashes`, with what `read` returns."""

    async def handler(request: ApiRequest) -> None:
        values = [read_one(request) for read_one in read]
        await command(request.downloads.commands, request.hashes(), *values, request.scope)

    return handler


def flag(name: str) -> Callable[[ApiRequest], bool]:
    """Return a reader of a flag that must be sent."""

    def read(request: ApiRequest) -> bool:
        request.params.require(name)
        return request.params.flag(name) is True

    return read


def limit(request: ApiRequest) -> int:
    """Return `limit`, in bytes/s; 0 for what is not a number."""
    request.params.require("limit")
    return request.params.integer("limit") or 0


def in_queue(move: Callable[[Commands, Iterable[str]], Awaitable[None]]) -> Handler:
    """Return a handler that moves `hashes` in the queue; 409 while `queueing_enabled` is off."""

    async def handler(request: ApiRequest) -> None:
        hashes = request.hashes()
        if not request.downloads.preferences.shown["queueing_enabled"]:
            raise HttpError(HTTPStatus.CONFLICT, "Torrent queueing must be enabled")
        await move(request.downloads.commands, hashes)

    return handler


def own_limits(field: str) -> Handler:
    """Return a handler that shows a limit of each hash in `hashes`: 0 is none, -1 an unknown hash."""

    async def handler(request: ApiRequest) -> dict[str, int]:
        found: dict[str, int] = {}
        for sent in request.params.require("hashes").split("|"):
            view = request.downloads.queries.get(torrent_id(sent))
            found[sent] = -1 if view is None else getattr(view.grab, field)
        return found

    return handler


async def delete(request: ApiRequest) -> None:
    """Delete downloads. Without `deleteFiles` their files stay, as Sonarr means it.

    Where several clients have a download, only the caller's own goes; `all` means everybody's.
    """
    delete_files = request.params.flag("deleteFiles") is True
    await request.downloads.commands.remove(
        request.hashes(), delete_files=delete_files, caller=request.scope
    )


async def set_share_limits(request: ApiRequest) -> None:
    """Set when seeding is done. A limit that was not sent stays: several *arr send only some."""
    ratio = _seed_limit(request, "ratioLimit")
    minutes = _seed_limit(request, "seedingTimeLimit")
    inactive = _seed_limit(request, "inactiveSeedingTimeLimit")
    await request.downloads.commands.set_share_limits(
        request.hashes(),
        ratio=ratio,
        seeding_minutes=None if minutes is None else int(minutes),
        inactive_minutes=None if inactive is None else int(inactive),
        caller=request.scope,
    )


def _seed_limit(request: ApiRequest, name: str) -> float | None:
    """Return a limit; None when it was not sent.

    Raises:
        HttpError: 400 for what is not a number. qBittorrent takes it for 0, which ends seeding.
    """
    if request.params.get(name) is None:
        return None
    value = request.params.number(name)
    if value is None:
        raise HttpError(HTTPStatus.BAD_REQUEST)
    return value if value >= 0 or value == UNLIMITED else USE_GLOBAL


async def add_peers(request: ApiRequest) -> object:
    """Accept peers (`ip:port`, separated by `|`). TorBox finds its own."""
    peers = request.params.require("peers").split("|")
    valid = sum(map(_is_peer, peers))
    if not valid:
        raise HttpError(HTTPStatus.BAD_REQUEST, "No valid peers were specified")
    count = {"added": valid, "failed": len(peers) - valid}
    known = [
        info_hash for info_hash in request.hashes() if request.downloads.queries.get(info_hash)
    ]
    return dict.fromkeys(known, count)


def _is_peer(text: str) -> bool:
    address, _, port = text.strip().rpartition(":")
    try:
        ip_address(address.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    return port.isascii() and port.isdigit() and 0 < int(port) < PORTS


async def rename(request: ApiRequest) -> None:
    """Change the name that is shown. A blank one is 409, whatever the hash."""
    # A name with line breaks would break the log and web UIs; qBittorrent joins the lines as well.
    name = " ".join(request.params.require("name").split("\n")).strip()[:LONGEST_NAME]
    request.params.require("hash")
    if not name:
        raise HttpError(HTTPStatus.CONFLICT, "Incorrect torrent name")
    await request.downloads.commands.rename(request.view().hash, name, request.caller)


async def rename_path(request: ApiRequest, *, folder: bool) -> None:
    """Give a file, or a folder, another path."""
    old, new = request.params.require("oldPath"), request.params.require("newPath")
    rename = request.downloads.content.rename
    raise_conflict(await rename(request.view().hash, old, new, request.caller, folder=folder))


async def set_location(request: ApiRequest) -> None:
    """Move downloads to another directory, within the download roots."""
    hashes, location = request.hashes(), request.params.require("location").strip()
    if not location:
        raise HttpError(HTTPStatus.BAD_REQUEST, "Save path cannot be empty")
    _refuse(await request.downloads.content.set_location(hashes, location, request.scope))


async def set_save_path(request: ApiRequest) -> None:
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


async def set_file_priority(request: ApiRequest) -> None:
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


def _integers(given: str) -> frozenset[int]:
    try:
        return frozenset(int(part) for part in given.split("|"))
    except ValueError:
        raise HttpError(HTTPStatus.BAD_REQUEST, "File IDs must be integers") from None


async def reannounce(request: ApiRequest) -> None:
    """Make TorBox reannounce downloads to their trackers."""
    await request.downloads.commands.reannounce(request.hashes())


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


def _refuse(refusal: DirectoryRefusal | None) -> None:
    if refusal is None:
        return
    # qBittorrent: 403 for a directory without write permission, 409 for one that cannot be made.
    denied = refusal is DirectoryRefusal.CANNOT_WRITE
    raise HttpError(HTTPStatus.FORBIDDEN if denied else HTTPStatus.CONFLICT, refusal.value)
