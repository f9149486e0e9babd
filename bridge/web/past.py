"""GET /api/bridge/history: the outcomes of downloads, and figures of the last week."""

import time

from aiohttp import web

from bridge.web.guard import require_visitor
from bridge.web.web_context import CONTEXT, answer, refusal

LONGEST_TEXT = 200


async def history(request: web.Request) -> web.Response:
    """Answer a page of the history, newest first."""
    require_visitor(request)
    query = request.query
    try:
        before = float(query["before"]) if "before" in query else None
    except ValueError:
        return refusal("before is no time")
    page = await request.app[CONTEXT].history.page(
        time.time(),
        text=query.get("text", "")[:LONGEST_TEXT],
        outcome=query.get("outcome", ""),
        before=before,
    )
    return answer(page)
