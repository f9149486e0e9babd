"""GET /api/bridge/sync: the rows of the page or their changes. POST /api/bridge/actions."""

import asyncio
import gzip

from aiohttp import web

from bridge.web.guard import PRIVATE, require_visitor
from bridge.web.page_actions import ActionRequest
from bridge.web.web_context import CONTEXT, answer, read_body

WORTH_PACKING = 1400
"""Bytes. A smaller body fits into one packet, so compression gains nothing."""
LONGEST_PACKED_AT_ONCE = 512 * 1024
"""Bytes. A larger body is compressed in a thread, because it would delay other requests."""


async def sync(request: web.Request) -> web.Response:
    """Answer the changes since the version that the page names."""
    require_visitor(request)
    context = request.app[CONTEXT]
    context.overview.watched()
    query = request.query
    body = context.model.sync(query.get("since", ""), query.get("overview", ""))
    headers = dict(PRIVATE)
    if len(body) > WORTH_PACKING and "gzip" in request.headers.get("Accept-Encoding", ""):
        if len(body) > LONGEST_PACKED_AT_ONCE:
            body = await asyncio.to_thread(gzip.compress, body, 1)
        else:
            body = gzip.compress(body, 1)
        headers["Content-Encoding"] = "gzip"
    return web.Response(body=body, content_type="application/json", headers=headers)


async def act(request: web.Request) -> web.Response:
    """Apply an action to rows; answer the count of rows done and each refusal."""
    require_visitor(request)
    wanted = await read_body(request, ActionRequest, limit=4 * 1024**2)
    context = request.app[CONTEXT]
    result = await context.actions.do(wanted)
    context.model.expire()  # the page syncs right after an action and must see its effect
    return answer(result)
