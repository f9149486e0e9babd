"""All of it, in order."""

import asyncio
from collections.abc import Sequence
from importlib.metadata import version

import aiohttp

from bridge.arr import Arr
from bridge.config import Settings
from bridge.doctor.account import look_at_torbox
from bridge.doctor.arrs import look_at_arr
from bridge.doctor.findings import Finding
from bridge.doctor.mount import look_at_mount
from bridge.doctor.places import look_at_directories
from bridge.doctor.reach import answers, look_at_bridge, look_at_public_url
from bridge.doctor.wishes import look_at_settings
from bridge.torbox import TorBox


async def examine(settings: Settings, torbox: TorBox | None = None) -> Sequence[Finding]:
    """Look at everything that these settings are about. Changes no setting and no file anywhere.

    `torbox` is the client of the bridge that runs in this very process, if one does.
    """
    found = look_at_settings(settings)
    found += await asyncio.to_thread(look_at_directories, settings)
    found += await look_at_mount(settings)
    agent = f"torbox-bridge/{version('torbox-bridge')}"
    async with aiohttp.ClientSession(headers={"User-Agent": agent}) as session:
        runs = await answers(session, settings.server.local_url)
        found.append(look_at_bridge(settings, runs=runs))
        found += await look_at_public_url(settings, session, runs=runs)
        found += await look_at_torbox(settings, session, torbox)
        for entry in settings.arr:
            found += await look_at_arr(settings, Arr(session, entry), runs=runs)
    return found
