"""Takes over changed settings while the bridge runs."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import structlog

from bridge import logs
from bridge.config import ConfigError, Settings

log = structlog.get_logger()

EVERY: Final = 5.0
"""Seconds between two looks at the files; a look costs one stat a file."""

Problems = Sequence[str]


async def watch_settings(
    settings: Settings,
    load: Callable[[], Settings],
    *,
    check: Callable[[Settings], None],
    apply: Callable[[], Awaitable[None]],
    every: float = EVERY,
) -> None:
    """Read the settings again and again, and update `settings`. Ends by being cancelled.

    Settings with a mistake are logged and ignored, so an edit cannot stop a running bridge. `check`
    raises for settings that are valid but cannot be used; `apply` is called after an update.
    """
    seen: object = None
    while True:
        await asyncio.sleep(every)
        try:
            new = await asyncio.to_thread(load)
            if new is seen:
                continue
            await asyncio.to_thread(check, new)
        except Exception as error:
            problems = getattr(error, "problems", None)
            if not isinstance(error, ConfigError) and problems is None:
                raise
            if seen != problems:
                log.error("settings_not_reloaded", problems=problems)
            seen = problems
            continue
        seen = new
        await _take(settings, new, apply)


async def _take(settings: Settings, new: Settings, apply: Callable[[], Awaitable[None]]) -> None:
    logs.mask(*new.secrets())
    taken, restart = settings.reload_from(new)
    if taken:
        logs.set_level(settings.log.level)
        await apply()
        log.info("settings_reloaded", keys=taken)
    if restart:
        log.warning("settings_need_a_restart", keys=restart)
