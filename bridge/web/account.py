"""GET and POST /api/bridge/account: list and adopt torrents that are only on the TorBox account."""

from http import HTTPStatus

import msgspec
from aiohttp import web

from bridge.downloads import Added, AddResult, DownloadService, Joined, Known, NoAnswer, Rejected
from bridge.web.guard import private_json, require_visitor
from bridge.web.web_context import CONTEXT

DOWNLOADS = web.AppKey("account_downloads", DownloadService)


class Stranger(msgspec.Struct, frozen=True, kw_only=True):
    """A torrent on the TorBox account that is not a download of the bridge."""

    hash: str
    name: str
    size: int
    state: str
    """TorBox's own state."""
    progress: float
    ready: bool
    """TorBox has all its files."""


class Wish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Hashes to adopt into a category. Without hashes: every listed torrent."""

    category: str = ""
    hashes: tuple[str, ...] | None = None


async def show(request: web.Request) -> web.Response:
    """List the torrents that are only on the account, newest first. Makes one TorBox call."""
    require_visitor(request)
    items = await request.app[DOWNLOADS].account.unmanaged_items()
    if isinstance(items, NoAnswer):
        return _no_answer(items)
    listed = [
        Stranger(
            hash=item.hash,
            name=item.name,
            size=item.size,
            state=item.state,
            progress=item.progress,
            ready=item.ready,
        )
        for item in items
    ]
    return private_json(msgspec.json.encode(listed))


async def adopt(request: web.Request) -> web.Response:
    """Adopt torrents; answer the result for each hash, with the reason of a refusal."""
    require_visitor(request)
    try:
        wish = msgspec.json.decode(await request.read(), type=Wish)
    except msgspec.DecodeError as error:
        return _refused(str(error), HTTPStatus.BAD_REQUEST)
    results = await request.app[DOWNLOADS].account.adopt(wish.hashes, wish.category)
    if isinstance(results, NoAnswer):
        return _no_answer(results)
    request.app[CONTEXT].model.expire()  # the page syncs right afterwards and must see them
    told = {info_hash: _words(result) for info_hash, result in results.items()}
    return private_json(msgspec.json.encode(told))


def _words(result: AddResult) -> dict[str, str]:
    match result:
        case Added():
            return {"result": "adopted"}
        case Joined() | Known():
            return {"result": "known"}
        case Rejected(reason):
            return {"result": "refused", "why": reason}
        case _:
            return {"result": "refused", "why": "it has to be waited for"}


def _no_answer(why: NoAnswer) -> web.Response:
    return _refused(f"TorBox cannot be asked: {why.reason}", HTTPStatus.BAD_GATEWAY)


def _refused(why: str, status: HTTPStatus) -> web.Response:
    return private_json(msgspec.json.encode({"error": why}), status)
