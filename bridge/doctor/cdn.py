"""TorBox's CDN: does it serve a file that the account has?

Links are not free: making them over and over counts as abuse. So one is asked for, of one file, and
of the file one byte. Nobody is ever shown the link.
"""

import time
from collections.abc import Sequence
from importlib.metadata import version
from math import inf
from typing import Final
from urllib.parse import urlsplit

from bridge.config import Settings
from bridge.core.model import RemoteFile, RemoteItem
from bridge.delivery import FetchSettings, make_session
from bridge.delivery.delivery_errors import FetchTrouble, Interrupted
from bridge.delivery.fetch.cdn_connection import open_response
from bridge.delivery.fetch.cdn_response import RangeRequest, check_response
from bridge.doctor.findings import Finding, ok, problem, warning
from bridge.torbox import NeedsUser, PlanRestricted, TorBox, TorBoxError

SUBJECT = "torbox"
BY_LINK: Final = frozenset({"download", "strm"})
"""Modes that live on links which the bridge makes, and that are used from where it is, or near it."""
PATIENCE: Final = FetchSettings(connect_timeout=10.0, answer_timeout=20.0)
LATER: Final = "Look again in some minutes; if it stays so, ask TorBox's support"


async def look_at_cdn(
    settings: Settings, torbox: TorBox, items: Sequence[RemoteItem]
) -> list[Finding]:
    """Fetch one byte, if a mode of the settings needs the CDN."""
    modes = {settings.delivery_mode(name) for name in ("", *settings.categories)}
    if not modes & BY_LINK:
        return []
    sample = _sample(items)
    if sample is None:
        return [ok(SUBJECT, "the CDN could not be tried: the account has no file that is ready")]
    item, file = sample
    try:
        link = await torbox.link(item.id, file.id)
    except TorBoxError as error:
        level = problem if isinstance(error, NeedsUser | PlanRestricted) else warning
        return [level(SUBJECT, f"TorBox gives no link to a file that it has ({error})", LATER)]
    return [await _fetched(link, file)]


def _sample(items: Sequence[RemoteItem]) -> tuple[RemoteItem, RemoteFile] | None:
    """Choose the oldest: what has just come may not be known to every node of the CDN yet."""
    ready = [item for item in items if item.ready]
    for item in sorted(ready, key=lambda item: item.created_at or inf):
        for file in item.files:
            if file.size > 1 and not file.infected and not file.zipped:
                return item, file
    return None


async def _fetched(link: str, file: RemoteFile) -> Finding:
    ask = RangeRequest(name=file.name, size=file.size, start=0, end=1)
    host = urlsplit(link).hostname or "its host"
    try:
        async with (
            make_session(f"torbox-bridge/{version('torbox-bridge')}") as session,
            open_response(session, link, ask.headers, PATIENCE) as response,
        ):
            check_response(ask, response.status, response.headers, now=time.time())
            await response.content.readexactly(1)
    except Interrupted as error:
        fix = f"Can {host} be reached from here? Look for a firewall, a DNS filter or a VPN"
        return problem(SUBJECT, f"TorBox's CDN does not answer: {error}", fix)
    except FetchTrouble as error:
        return warning(SUBJECT, f"TorBox's CDN did not serve a file: {error}", LATER)
    return ok(SUBJECT, f"the CDN serves files ({host})")
