"""Whether a link to the CDN still works, for whoever is to be sent there and cannot be watched."""

from dataclasses import replace
from http import HTTPStatus

import aiohttp

from bridge.delivery.delivery_errors import Interrupted, WrongContent
from bridge.delivery.fetch.cdn_connection import open_response
from bridge.delivery.fetch.fetch_settings import FetchSettings

PROBE_SECONDS = 5.0
ONE_BYTE = {"Range": "bytes=0-0", "Accept-Encoding": "identity"}


async def link_works(session: aiohttp.ClientSession, settings: FetchSettings, url: str) -> bool:
    """Return whether the CDN serves the first byte behind a link; one that is busy works."""
    brief = replace(settings, connect_timeout=PROBE_SECONDS, answer_timeout=PROBE_SECONDS)
    try:
        async with open_response(session, url, ONE_BYTE, brief) as response:
            # The body is not read: a server without ranges would send the whole file.
            response.close()
            return response.status < HTTPStatus.BAD_REQUEST or response.status in {
                HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE,
                HTTPStatus.TOO_MANY_REQUESTS,
            }
    except (Interrupted, WrongContent):
        return False
