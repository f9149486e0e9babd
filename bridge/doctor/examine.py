"""All of it, in order."""

import asyncio
from collections.abc import Sequence
from importlib.metadata import version

import aiohttp

from bridge.arr import Arr
from bridge.config import Settings
from bridge.doctor.account import look_at_torbox
from bridge.doctor.arrs import look_at_arr
from bridge.doctor.findings import Finding, ok
from bridge.doctor.places import look_at_directories


async def examine(settings: Settings) -> Sequence[Finding]:
    """Look at everything that these settings are about. Changes nothing anywhere."""
    found = [ok("settings", "can be read")]
    found += await asyncio.to_thread(look_at_directories, settings)
    agent = f"torbox-bridge/{version('torbox-bridge')}"
    async with aiohttp.ClientSession(headers={"User-Agent": agent}) as session:
        found += await look_at_torbox(settings, session)
        for entry in settings.arr:
            found += await look_at_arr(settings, Arr(session, entry))
    return found
