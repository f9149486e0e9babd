"""`torbox-bridge run`: serve until SIGINT or SIGTERM, and again whenever the page asks for it."""

import argparse
import asyncio
import gc
import os
import signal
from pathlib import Path
from typing import Final

import structlog

from bridge import __version__, logs
from bridge.app import Origin, bridge
from bridge.config import Settings, SettingsSource, find_config, read_umask
from bridge.config.loader import DEFAULT_CONFIG

log = structlog.get_logger(__name__)

CHECK_AFTER: Final = 3.0
"""Seconds until the doctor's first look: a rejected key is reported before the first grab."""


async def run(args: argparse.Namespace) -> int:
    """Serve with the settings of the file and the environment, read again for each restart."""
    if (mask := read_umask(os.environ)) is not None:
        os.umask(mask)
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    while not stopped.is_set():
        path = find_config(args.config, os.environ)
        source = SettingsSource(path, os.environ)
        settings = source.load()
        recent = logs.setup(settings.log.level, settings.log.format)
        logs.mask(*settings.secrets())
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stopped.set)
        await _serve(settings, recent, path, source, stopped)
    return 0


async def _serve(
    settings: Settings,
    recent: logs.RecentLogs,
    path: Path | None,
    source: SettingsSource,
    stopped: asyncio.Event,
) -> None:
    """Serve until SIGINT or SIGTERM, or until a restart is wanted."""
    made = SettingsSource(DEFAULT_CONFIG, os.environ)

    def reload() -> Settings:
        # Without a file at the start, the page may have made one.
        return made.load() if path is None and DEFAULT_CONFIG.exists() else source.load()

    origin = Origin(path or DEFAULT_CONFIG, os.environ, restarts=True)
    async with bridge(
        settings, logs=recent, reload=reload, origin=origin, check_after=CHECK_AFTER
    ) as running:
        if running.new_password is not None:
            _show_password(settings, running.new_password)
        # What a start loads stays. The garbage collector need not look at it again: with tens of
        # thousands of downloads that would hold up the event loop for a fifth of a second.
        gc.freeze()
        log.info("listening", url=running.url, version=__version__, **_overview(settings, path))
        await _first_of(stopped, running.restart)
        log.info("stopping")
    gc.unfreeze()


async def _first_of(*events: asyncio.Event) -> None:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(event.wait()) for event in events]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()


def _overview(settings: Settings, path: Path | None) -> dict[str, object]:
    """Return what a person asks first: which file, which directories, which mode, which *arr."""
    return {
        "config": str(path) if path else "environment only",
        "database": str(settings.paths.database),
        "downloads": str(settings.paths.downloads),
        "delivery": settings.delivery.mode,
        "arr": [entry.name for entry in settings.arr],
    }


def _show_password(settings: Settings, password: str) -> None:
    """Print the first password once, and not to the log: logs are kept."""
    print(
        f"\nLogin for the *arr and the page: user {settings.server.username}, password {password}\n"
        "It is stored hashed and not shown again. Set server.password to choose your own, or run\n"
        "`torbox-bridge password`.\n",
        flush=True,
    )
