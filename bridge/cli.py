"""The command line. Each command imports what it needs when it runs.

Exit codes: 0 success, 1 failure, 2 settings or arguments that must be corrected first.
"""

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from bridge import __version__

if TYPE_CHECKING:
    import argparse

BAD_SETTINGS = 2
INTERRUPTED = 130
HEALTH_ARGUMENTS = 3
"""`health --config FILE`: more is left to argparse."""

Run = Callable[["argparse.Namespace"], object]
AddArguments = Callable[["argparse.ArgumentParser"], None]


class Command(NamedTuple):
    """A command. `load` imports its module; only the command that was called is loaded."""

    name: str
    help: str
    load: Callable[[], tuple[Run, AddArguments | None]]
    takes_config: bool = True


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command. Return its exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if (config := _plain_health(given)) is not None:
        from bridge.healthcheck import health

        return health(config or None)
    return _run(given)


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
    from bridge.store import StoreError

    try:
        result = args.run(args)
        return int(asyncio.run(result) if isinstance(result, Coroutine) else result)
    except KeyboardInterrupt:
        return INTERRUPTED
    except (ConfigError, CannotStart) as error:
        return _refuse(error.problems)
    except StoreError as error:
        return _refuse([str(error)])


def _refuse(problems: Sequence[str]) -> int:
    for problem in problems:
        print(f"torbox-bridge: {problem}", file=sys.stderr)
    return BAD_SETTINGS


def _parser(called: str) -> "argparse.ArgumentParser":
    import argparse
    from pathlib import Path

    parser = argparse.ArgumentParser(
        prog="torbox-bridge",
        description="A qBittorrent for Sonarr, Radarr and other clients that downloads with TorBox.",
        epilog="`torbox-bridge COMMAND --help` lists the options of a command.",
    )
    version = f"torbox-bridge {__version__}"
    parser.add_argument("--version", action="version", version=version)
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for command in COMMANDS:
        added = commands.add_parser(
            command.name, help=command.help, description=f"{command.help.capitalize()}."
        )
        if command.takes_config:
            added.add_argument(
                "--config",
                type=Path,
                metavar="FILE",
                help="settings; default: $BRIDGE_CONFIG, or /config/bridge.yaml if it exists",
            )
        if command.name == called:
            run, add_arguments = command.load()
            added.set_defaults(run=run)
            if add_arguments is not None:
                add_arguments(added)
    return parser


def _load_run() -> tuple[Run, AddArguments | None]:
    from bridge.serve import run

    return run, None


def _load_check() -> tuple[Run, AddArguments | None]:
    from bridge.doctor import run_checks

    return run_checks.run, run_checks.add_arguments


def _load_adopt() -> tuple[Run, AddArguments | None]:
    from bridge import remote_commands

    return remote_commands.adopt, remote_commands.add_adopt_arguments


def _load_config() -> tuple[Run, AddArguments | None]:
    from bridge import settings_commands

    return settings_commands.config, settings_commands.add_config_arguments


def _load_password() -> tuple[Run, AddArguments | None]:
    from bridge import settings_commands

    return settings_commands.password, settings_commands.add_password_arguments


def _load_health() -> tuple[Run, AddArguments | None]:
    from bridge.healthcheck import health

    return lambda args: health(str(args.config) if args.config else None), None


def _load_demo() -> tuple[Run, AddArguments | None]:
    from bridge import demo

    return demo.run, demo.add_arguments


def _load_simulator() -> tuple[Run, AddArguments | None]:
    from bridge.simulator import command

    return command.run, command.add_arguments


def _load_version() -> tuple[Run, AddArguments | None]:
    def show(_args: object) -> int:
        print(f"torbox-bridge {__version__}")
        return 0

    return show, None


COMMANDS = (
    Command("run", "run the bridge (needs a TorBox API key)", _load_run),
    Command("check", "check the setup and say how to fix it", _load_check),
    Command("adopt", "list what is only on the TorBox account, and take it over", _load_adopt),
    Command("config", "show the effective settings and where they come from", _load_config),
    Command("password", "set or reset the password of the bridge", _load_password),
    Command("health", "ask a running bridge whether it is healthy", _load_health),
    Command("demo", "play two whole downloads; needs no key and no network", _load_demo, False),
    Command("simulator", "run a simulated TorBox", _load_simulator, False),
    Command("version", "print the version", _load_version, False),
)
