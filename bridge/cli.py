"""The command line. Each command imports what it needs when it runs.

Exit codes: 0 success, 1 failure, 2 settings or arguments that must be corrected first.
"""

import os
import sys
from collections.abc import Sequence

from bridge import __version__

# What `typing` offers costs `health` half of its time: the name is enough for type checkers.
TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

FAILED = 1
BAD_SETTINGS = 2
INTERRUPTED = 130
HEALTH_ARGUMENTS = 3
"""`health --config FILE`: more is left to argparse."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command. Return its exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        if (config := _plain_health(given)) is not None:
            from bridge.healthcheck import health

            return health(config or None)
        return _run(given)
    except KeyboardInterrupt:  # also while the modules of the command are imported
        return INTERRUPTED


def _plain_health(given: list[str]) -> str | None:
    """Return the file of `health [--config FILE]`, "" without one; None for anything else."""
    if given == ["health"]:
        return ""
    if given[:2] == ["health", "--config"] and len(given) == HEALTH_ARGUMENTS:
        return given[2]
    return None


def _run(given: list[str]) -> int:
    import asyncio
    from collections.abc import Coroutine

    parser = _parser(given[0] if given else "")
    if not given:
        parser.print_help()
        return 0
    args = parser.parse_args(given)
    from bridge.config import ConfigError
    from bridge.listen import CannotStart
    from bridge.state import DatabaseError

    try:
        result = args.run(args)
        return int(asyncio.run(result) if isinstance(result, Coroutine) else result)
    except BrokenPipeError:
        # The reader, such as `head`, has had enough. Python would complain again when it flushes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except (ConfigError, CannotStart) as error:
        return _refuse(error.problems)
    except DatabaseError as error:
        return _refuse([str(error)])


def _refuse(problems: Sequence[str]) -> int:
    for problem in problems:
        print(f"torbox-bridge: {problem}", file=sys.stderr)
    return BAD_SETTINGS


def _parser(called: str) -> "argparse.ArgumentParser":
    import argparse
    import gc
    from importlib import import_module
    from pathlib import Path

    parser = argparse.ArgumentParser(
        prog="torbox-bridge",
        description="A qBittorrent for Sonarr, Radarr and other clients that downloads with TorBox.",
        epilog="`torbox-bridge COMMAND --help` lists the options of a command.",
    )
    version = f"torbox-bridge {__version__}"
    parser.add_argument("--version", action="version", version=version)
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for name, (help_text, where) in COMMANDS.items():
        added = commands.add_parser(
            name, help=help_text, description=f"{help_text[0].upper()}{help_text[1:]}."
        )
        if name not in WITHOUT_CONFIG:
            added.add_argument(
                "--config",
                type=Path,
                metavar="FILE",
                help="settings; default: $BRIDGE_CONFIG, or /config/bridge.yaml if it exists",
            )
        if name == called:
            module, run, *add_arguments = where.split(":")
            # Imports make next to no garbage, and looking for it took a tenth of their time.
            gc.disable()
            loaded = import_module(module)
            gc.enable()
            added.set_defaults(run=getattr(loaded, run))
            for function in add_arguments:
                getattr(loaded, function)(added)
    return parser


def show_health(args: "argparse.Namespace") -> int:
    """Print whether a running bridge is healthy."""
    from bridge.healthcheck import health

    return health(str(args.config) if args.config else None)


def show_version(_args: object) -> int:
    """Print the version."""
    print(f"torbox-bridge {__version__}")
    return 0


COMMANDS = {
    "run": (
        "run the bridge; without a TorBox API key its page asks for it",
        "bridge.serve:run",
    ),
    "check": (
        "check the setup and say how to fix it",
        "bridge.doctor.run_checks:run:add_arguments",
    ),
    "adopt": (
        "list what is only on the TorBox account, and take it over",
        "bridge.remote_commands:adopt:add_adopt_arguments",
    ),
    "config": (
        "show the effective settings and where they come from",
        "bridge.settings_commands:config:add_config_arguments",
    ),
    "password": (
        "set or reset the password of the bridge",
        "bridge.settings_commands:password:add_password_arguments",
    ),
    "health": ("ask a running bridge whether it is healthy", "bridge.cli:show_health"),
    "demo": (
        "play two whole downloads; needs no key and no network",
        "bridge.demo:run:add_arguments",
    ),
    "simulator": ("run a simulated TorBox", "bridge.simulator.simulator:run:add_arguments"),
    "version": ("print the version", "bridge.cli:show_version"),
}
"""The help of each command, and its module, its function and the function that adds its arguments. Only
the module of the command that is called is imported."""
WITHOUT_CONFIG = frozenset({"demo", "simulator", "version"})
