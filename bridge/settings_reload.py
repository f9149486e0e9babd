"""Takes over changed settings while the bridge runs."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import structlog
from msgspec import structs

from bridge import logs
from bridge.config import ConfigError, Settings
from bridge.listen import CannotStart

log = structlog.get_logger(__name__)

LOOK_SECONDS: Final = 5.0
"""Seconds between two looks; a look costs one stat a file while nothing has changed."""


async def watch_settings(
    settings: Settings,
    load: Callable[[], Settings],
    *,
    check: Callable[[Settings], None],
    apply: Callable[[], Awaitable[None]],
    due: Callable[[Sequence[str]], None],
) -> None:
    """Read the settings every few seconds and update `settings`. Ends by being cancelled.

    Settings with a mistake are logged and ignored, so that an edit cannot stop a running bridge.
    `check` raises CannotStart for settings that are valid but cannot be used; `apply` does what an
    update needs beyond being read; `due` is told the keys that take effect after a restart.
    """
    latest = structs.replace(settings)
    problems: Sequence[str] = ()
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        try:
            new = await asyncio.to_thread(load)
            if new != latest:
                await asyncio.to_thread(check, new)
        except (ConfigError, CannotStart) as error:
            # Said once, not at every look.
            if error.problems != problems:
                log.error("settings_not_reloaded", problems=error.problems)
            problems = error.problems
            continue
        problems = ()
        if new != latest:
            latest = structs.replace(new)
            due(await _take(settings, new, apply))


async def _take(
    settings: Settings, new: Settings, apply: Callable[[], Awaitable[None]]
) -> Sequence[str]:
    """Take over what can change now; return the keys that need a restart."""
    logs.mask(*new.secrets())
    taken, restart = settings.reload_from(new)
    if taken:
        logs.set_level(settings.log.level)
        await apply()
        log.info("settings_reloaded", keys=taken)
    if restart:
        log.warning("settings_need_a_restart", keys=restart)
    return restart
