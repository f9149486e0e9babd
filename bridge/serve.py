"""`torbox-bridge run`: serve until SIGINT or SIGTERM."""

import argparse
import asyncio
import os
import signal
from pathlib import Path
from typing import Final

import structlog

from bridge import __version__, logs
from bridge.app import bridge
from bridge.config import Settings, SettingsSource, find_config, read_umask

log = structlog.get_logger()

CHECK_AFTER: Final = 3.0
"""Seconds until the doctor's first look: a rejected key is reported before the first grab."""


async def run(args: argparse.Namespace) -> int:
    """Serve with the settings of the file and the environment."""
    path = find_config(args.config, os.environ)
    source = SettingsSource(path, os.environ)
    settings = source.load()
    if (mask := read_umask(os.environ)) is not None:
        os.umask(mask)
    recent = logs.setup(settings.log.level, settings.log.format)
    logs.mask(*settings.secrets())
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    async with bridge(
        settings, logs=recent, reload=source.load, check_after=CHECK_AFTER
    ) as running:
        if running.new_password is not None:
            _show_password(settings, running.new_password)
        log.info("listening", url=running.url, version=__version__, **_overview(settings, path))
        await stopped.wait()
        log.info("stopping")
    return 0


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
