"""Routes of the page below /api/bridge: rows, actions, choices, clean-up, history, account."""

import asyncio
import gzip
import time

import msgspec
from aiohttp import web

from bridge.downloads import Added, AddResult, CleanupEntry, Joined, Known, NoAnswer, Rejected
from bridge.history import HistoryPage
from bridge.web.page_actions import ActionRequest, ActionResult
from bridge.web.web_context import CONTEXT, PRIVATE, refusal

WORTH_PACKING = 1400
"""Bytes. A smaller body fits into one packet, so compression gains nothing."""
LONGEST_PACKED_AT_ONCE = 512 * 1024
"""Bytes. A larger body is compressed in a thread, because it would delay other requests."""


async def sync(request: web.Request) -> web.Response:
    """Answer the changes since the version that the page names."""
    context = request.app[CONTEXT]
    context.overview.watched()
    query = request.query
    body = await context.model.sync(query.get("since", ""), query.get("overview", ""))
    headers = dict(PRIVATE)
    if len(body) > WORTH_PACKING and "gzip" in request.headers.get("Accept-Encoding", ""):
        if len(body) > LONGEST_PACKED_AT_ONCE:
            body = await asyncio.to_thread(gzip.compress, body, 1)
        else:
            body = gzip.compress(body, 1)
        headers["Content-Encoding"] = "gzip"
    return web.Response(body=body, content_type="application/json", headers=headers)


async def act(request: web.Request, wanted: ActionRequest) -> ActionResult:
    """Apply an action to rows; answer the count of rows done and each refusal."""
    context = request.app[CONTEXT]
    result = await context.actions.do(wanted)
    context.model.expire()  # the page syncs right after an action and must see its effect
    return result


class CategoryChoice(msgspec.Struct, frozen=True, kw_only=True):
    """A category and the directory of its downloads."""

    name: str
    path: str


class Choices(msgspec.Struct, frozen=True, kw_only=True):
    """Categories and tags."""

    categories: list[CategoryChoice]
    tags: list[str]
    save_path: str
    """The directory of downloads without a category."""


class CleanUpAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The automatic clean-up."""

    clean_up: list[CleanupEntry]
    """Scheduled removals that no *arr asked for; `at` is when, null in a dry run."""
    orphaned: list[CleanupEntry]
    """Files on disk and items at TorBox that belong to no download and are left alone."""


async def clean_up(request: web.Request) -> CleanUpAnswer:
    """Answer the scheduled removals, and the files and items that are left alone."""
    downloads = request.app[CONTEXT].downloads
    return CleanUpAnswer(
        clean_up=list(downloads.cleanup.scheduled()),
        orphaned=list(downloads.cleanup.left_alone()),
    )


async def choices(request: web.Request) -> Choices:
    """Answer the categories, their directories and the tags."""
    labels = request.app[CONTEXT].downloads.labels
    paths = {}
    for category in labels.categories():
        try:
            paths[category.name] = str(labels.category_path(category))
        except ValueError:  # the settings changed, and its path is now outside the roots
            paths[category.name] = ""
    return Choices(
        categories=[CategoryChoice(name=name, path=path) for name, path in paths.items()],
        tags=list(labels.tags()),
        save_path=str(labels.default_save_path),
    )


LONGEST_TEXT = 200


async def history(request: web.Request) -> HistoryPage:
    """Answer a page of the history, newest first."""
    query = request.query
    try:
        before = float(query["before"]) if "before" in query else None
    except ValueError as error:
        raise refusal("before is no time") from error
    return await request.app[CONTEXT].history.page(
        time.time(),
        text=query.get("text", "")[:LONGEST_TEXT],
        outcome=query.get("outcome", ""),
        before=before,
    )


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


async def account(request: web.Request) -> list[Stranger]:
    """List the torrents that are only on the account, newest first. Makes one TorBox call."""
    items = await request.app[CONTEXT].downloads.account.unmanaged_items()
    if isinstance(items, NoAnswer):
        raise _no_answer(items)
    return msgspec.convert(items, list[Stranger], from_attributes=True)


async def adopt(request: web.Request, wanted: Wish) -> dict[str, dict[str, str]]:
    """Adopt torrents; answer the result for each hash, with the reason of a refusal."""
    results = await request.app[CONTEXT].downloads.account.adopt(wanted.hashes, wanted.category)
    if isinstance(results, NoAnswer):
        raise _no_answer(results)
    request.app[CONTEXT].model.expire()  # the page syncs right afterwards and must see them
    return {info_hash: _words(result) for info_hash, result in results.items()}


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


def _no_answer(why: NoAnswer) -> web.HTTPError:
    return refusal(f"TorBox cannot be asked: {why.reason}", web.HTTPBadGateway)
