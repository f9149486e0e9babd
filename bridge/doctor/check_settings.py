"""Settings that cannot work together, and whether the bridge answers where they say."""

from collections.abc import Iterator
from http import HTTPStatus
from typing import Final

import aiohttp

from bridge.config import Settings
from bridge.core.modes import STRM
from bridge.doctor.findings import Finding, ok, warning

SETTINGS: Final = "settings"
BRIDGE: Final = "bridge"
TIMEOUT: Final = aiohttp.ClientTimeout(total=8)


def check_settings(settings: Settings) -> list[Finding]:
    """Find settings that need another setting to have an effect."""
    return [ok(SETTINGS, "all settings are valid"), *_clean_up_without_arr(settings)]


def _clean_up_without_arr(settings: Settings) -> Iterator[Finding]:
    """Find categories that are cleaned up after the import, with no *arr to ask about imports."""
    known = {category for arr in settings.arr for category in arr.categories}
    for category in dict.fromkeys((*settings.categories, *known, "")):
        after_import = settings.policy_for(category).clean_up.after_import
        if after_import is None or category in known or (not category and known):
            continue
        whose = f"category {category}" if category else "all categories"
        text = (
            f"policy.clean_up.after_import ({whose}): there is no *arr to ask what it has imported"
        )
        yield warning(SETTINGS, text, "Add the *arr under arr, with this category, or use after")


async def answers(session: aiohttp.ClientSession, url: str) -> bool:
    """Return whether a healthy bridge answers below a URL."""
    try:
        async with session.get(
            f"{url}/healthz", timeout=TIMEOUT, allow_redirects=False
        ) as response:
            return response.status == HTTPStatus.OK and await response.text() == "ok\n"
    except (aiohttp.ClientError, OSError, TimeoutError, UnicodeDecodeError):
        return False


def check_bridge(settings: Settings, *, runs: bool) -> Finding:
    """Report whether the bridge runs. It need not: then some checks are skipped."""
    url = settings.server.local_url
    if runs:
        return ok(BRIDGE, f"it answers at {url}")
    return ok(BRIDGE, f"it is not running at {url}; checks that need it are skipped")


async def check_public_url(
    settings: Settings, session: aiohttp.ClientSession, *, runs: bool
) -> list[Finding]:
    """Check whether the URL in `.strm` files reaches the bridge, as far as this machine can tell."""
    url = settings.public_root
    if STRM not in settings.modes or url is None or not runs:
        return []
    if await answers(session, url):
        return [ok(BRIDGE, f"delivery.public_url reaches it ({url})")]
    text = f"delivery.public_url does not reach it from this machine ({url})"
    fix = f"Open {url}/healthz on the media server: it has to say ok"
    return [warning(BRIDGE, text, fix)]
