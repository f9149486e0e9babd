"""Does the bridge itself answer, here and where media servers are sent?"""

from http import HTTPStatus

import aiohttp

from bridge.config import Settings
from bridge.core.modes import STRM
from bridge.doctor.findings import Finding, ok, warning

SUBJECT = "bridge"
SECONDS = aiohttp.ClientTimeout(total=8)


async def answers(session: aiohttp.ClientSession, url: str) -> bool:
    """Tell whether a bridge that is well answers below a URL."""
    try:
        async with session.get(
            f"{url}/healthz", timeout=SECONDS, allow_redirects=False
        ) as response:
            return response.status == HTTPStatus.OK and await response.text() == "ok\n"
    except (aiohttp.ClientError, OSError, TimeoutError, UnicodeDecodeError):
        return False


def look_at_bridge(settings: Settings, *, runs: bool) -> Finding:
    """Tell whether it runs: what needs that is not tried otherwise, and nothing is wrong."""
    url = settings.server.local_url
    if runs:
        return ok(SUBJECT, f"it answers at {url}")
    return ok(SUBJECT, f"it does not run: nobody answers at {url}, so what needs it is not tried")


async def look_at_public_url(
    settings: Settings, session: aiohttp.ClientSession, *, runs: bool
) -> list[Finding]:
    """Look whether the URL in `.strm` files leads to the bridge, as far as that shows from here."""
    modes = {settings.delivery_mode(name) for name in ("", *settings.categories)}
    url = settings.public_root
    if STRM not in modes or url is None or not runs:
        return []
    if await answers(session, url):
        return [ok(SUBJECT, f"delivery.public_url leads to it ({url})")]
    text = f"delivery.public_url does not lead to it, as seen from here ({url})"
    fix = f"Let the media server open {url}/healthz: it has to say ok there"
    return [warning(SUBJECT, text, fix)]
