"""A bridge to be killed: the settings of the environment, retries in tenths of seconds.

Runs like `torbox-bridge run`, and says when something does not hold that should at every moment.
"""

import asyncio
import os
import signal

import structlog

from bridge import logs
from bridge.app import Running, bridge
from bridge.config import Settings, find_config, load
from bridge.engine import RetryTimes

log = structlog.get_logger()

RETRY = RetryTimes(
    first=0.2,
    longest=2.0,
    no_slot=0.5,
    bad_key=0.3,
    plan_limit=1.0,
    disk_full=0.5,
    metadata=0.5,
    lookup=0.3,
    unclear=1.5,
    id_pending=3.0,
    failover_recheck=0.5,
)
CHECK_SECONDS = 0.5


def _settings() -> Settings:
    return load(find_config(None, os.environ), os.environ)


async def _main() -> None:
    settings = _settings()
    recent = logs.setup(settings.log.level, settings.log.format)
    logs.mask(*settings.secrets())
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with bridge(settings, retry=RETRY, reload=_settings, logs=recent) as running:
        log.info("listening", url=running.url)
        await _check_until(stopped, running)


async def _check_until(stopped: asyncio.Event, running: Running) -> None:
    """Look again and again whether all holds; say each thing that does not once."""
    said: set[str] = set()
    while not stopped.is_set():
        for text in set(running.downloads.violations) - said:
            said.add(text)
            log.error("invariant_violated", what=text)
        try:
            await asyncio.wait_for(stopped.wait(), CHECK_SECONDS)
        except TimeoutError:
            continue


if __name__ == "__main__":
    asyncio.run(_main())
