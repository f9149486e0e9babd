"""Small questions to the CDN: are the bytes behind a new ETag the same, and does a link still work?

The nodes of a CDN may give the same file different ETags. A few bytes that are on disk already are
fetched again and compared.
"""

import time
from http import HTTPStatus

import aiohttp
from msgspec.structs import replace

from bridge.delivery.blocking import in_thread
from bridge.delivery.delivery_errors import Interrupted, WrongContent
from bridge.delivery.disk.staging import StagedFile
from bridge.delivery.fetch.cdn_connection import RangeRequest, check_response, open_response
from bridge.delivery.fetch.fetch_settings import KIB, FetchSettings
from bridge.delivery.file_state import Validator

SAMPLE = 16 * KIB
"""Bytes at most, from the end of the known bytes."""
SAMPLES = 4
"""Each may reach another node; so many are tried until the node in question has answered."""


async def same_file(
    session: aiohttp.ClientSession, url: str, file: StagedFile, etag: str, settings: FetchSettings
) -> bool:
    """Return whether the CDN serves the bytes on disk under `etag`. Adds its validators to the file.

    Raises:
        FetchTrouble: no node gave a usable answer.
    """
    for _ in range(SAMPLES):
        found = await _sampled(session, url, file, settings)
        if found is None:
            return False
        if found not in file.others:
            file.others += (found,)
        if found.etag == etag:
            break
    return True


async def _sampled(
    session: aiohttp.ClientSession, url: str, file: StagedFile, settings: FetchSettings
) -> Validator | None:
    """Return the validator with which the bytes on disk were served; None if they differ."""
    if not file.done.spans:
        return None
    first, end = file.done.spans[-1]
    start = max(first, end - SAMPLE)
    wanted = RangeRequest(name=file.name, size=file.size, start=start, end=end)
    async with open_response(session, url, wanted.headers, settings) as response:
        body = check_response(wanted, response.status, response.headers, now=time.time())
        if (body.start, body.end) != (start, end):
            return None
        served = await response.content.readexactly(end - start)
    return body.validator if served == await in_thread(file.read, start, end) else None


PROBE_SECONDS = 5.0
ONE_BYTE = {"Range": "bytes=0-0", "Accept-Encoding": "identity"}


async def link_works(session: aiohttp.ClientSession, settings: FetchSettings, url: str) -> bool:
    """Return whether the CDN serves the first byte of a link. A busy server counts as working."""
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
