"""The commands: run, check, adopt, demo, simulator, health, version.

Exit codes: 0 all well, 1 it did not work, 2 the settings have to be mended first.
"""

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TypeAlias

import structlog

from bridge import local, logs
from bridge.app import CannotStart, Origin, bridge
from bridge.config import ConfigError, Settings, find_config, load, read_umask
from bridge.config.load import DEFAULT_CONFIG
from bridge.demo import command as demo
from bridge.doctor import command as doctor
from bridge.simulator import command as simulator
from bridge.store import StoreError

log = structlog.get_logger()

MEND_SETTINGS = 2
INTERRUPTED = 130

Command: TypeAlias = Callable[[argparse.Namespace], Awaitable[int]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; answers its exit code."""
    args = _parser().parse_args(arguments)
    try:
        return int(asyncio.run(args.command(args)))
    except KeyboardInterrupt:
        return INTERRUPTED
    except (ConfigError, CannotStart) as error:
        return _complain(error.problems)
    except StoreError as error:
        return _complain([str(error)])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="torbox-bridge",
        description="Looks like qBittorrent to Sonarr, Radarr and their kin; downloads with TorBox.",
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    def add(name: str, command: Command, help_text: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=help_text, description=help_text)
        added.set_defaults(command=command)
        return added

    _add_config(add("run", _run, "serve; without a TorBox API key the page asks for it"))
    check = add("check", doctor.run, "look whether all is set up well, and say what to mend")
    _add_config(check)
    doctor.add_arguments(check)
    adopt = add(
        "adopt", local.adopt, "list what is on TorBox's account and not here, and take it over"
    )
    _add_config(adopt)
    local.add_adopt_arguments(adopt)
    _add_config(add("health", local.health, "ask a running bridge whether it is well"))
    demo.add_arguments(
        add("demo", demo.run, "show the whole life of a download; needs no key and no network")
    )
    simulator.add_arguments(add("simulator", simulator.run, "run a simulated TorBox"))
    add("version", _version, "print the version")
    return parser


def _add_config(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help="settings; default: $BRIDGE_CONFIG, or /config/bridge.yaml if it is there",
    )


async def _version(_args: argparse.Namespace) -> int:
    _say(f"torbox-bridge {version('torbox-bridge')}")
    return 0


async def _run(args: argparse.Namespace) -> int:
    """Serve, and start anew with the settings as they are then whenever the page asks for it."""
    if (mask := read_umask(os.environ)) is not None:
        os.umask(mask)
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    while not stopped.is_set():
        path = find_config(args.config, os.environ)
        settings = load(path, os.environ)
        recent = logs.setup(settings.log.level, settings.log.format)
        logs.mask(*settings.secrets())
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stopped.set)
        await _serve(settings, recent, path or DEFAULT_CONFIG, stopped)
    return 0


async def _serve(
    settings: Settings, recent: logs.RecentLogs, path: Path, stopped: asyncio.Event
) -> None:
    """Serve until SIGINT or SIGTERM, or until a restart is wanted."""

    def reload() -> Settings:
        return load(path if path.exists() else None, os.environ)

    origin = Origin(path, os.environ, restarts=True)
    async with bridge(settings, logs=recent, reload=reload, origin=origin) as running:
        if running.new_password is not None:
            _show_password(settings, running.new_password)
        log.info("listening", url=running.url, version=version("torbox-bridge"))
        await _first_of(stopped, running.restart)
        log.info("stopping")


async def _first_of(*events: asyncio.Event) -> None:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(event.wait()) for event in events]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()


def _show_password(settings: Settings, password: str) -> None:
    """Print the first password once, and past the log: the log is kept, this is not."""
    _say(
        f"\nLogin for the *arr and the page: user {settings.server.username}, password {password}\n"
        "It is stored hashed and not shown again. To choose your own, set server.password.\n"
    )


def _complain(problems: Sequence[str]) -> int:
    for problem in problems:
        print(f"torbox-bridge: {problem}", file=sys.stderr)
    return MEND_SETTINGS


def _say(text: str) -> None:
    print(text, flush=True)
