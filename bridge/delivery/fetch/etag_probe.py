"""Whether a file that changed its ETag changed its bytes.

The nodes of a CDN may name one file differently. A few bytes that are on disk already, fetched
again, tell whether it is the same file.
"""

import time

import aiohttp

from bridge.delivery.blocking import in_thread
from bridge.delivery.disk.staging import StagedFile
from bridge.delivery.fetch.cdn_connection import open_response
from bridge.delivery.fetch.cdn_response import RangeRequest, check_response
from bridge.delivery.fetch.fetch_settings import KIB, FetchSettings
from bridge.delivery.file_state import Validator

SAMPLE = 16 * KIB
"""Bytes at most, from the end of what is known."""
SAMPLES = 4
"""Each may meet another node; so many, until the one that is in question has answered."""


async def same_file(
    session: aiohttp.ClientSession, url: str, file: StagedFile, etag: str, settings: FetchSettings
) -> bool:
    """Whether the CDN serves under `etag` what is on disk. Notes every name that it does so under.

    Raises:
        FetchTrouble: it could not be found out.
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
    """Return the validator under which the bytes on disk were served; None if others were."""
    if not file.done.spans:
        return None
    first, end = file.done.spans[-1]
    start = max(first, end - SAMPLE)
    ask = RangeRequest(name=file.name, size=file.size, start=start, end=end)
    async with open_response(session, url, ask.headers, settings) as response:
        body = check_response(ask, response.status, response.headers, now=time.time())
        if (body.start, body.end) != (start, end):
            return None
        served = await response.content.readexactly(end - start)
    return body.validator if served == await in_thread(file.read, start, end) else None
