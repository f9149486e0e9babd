"""`torbox-bridge check`: one line for each thing that was looked at, and what to do about it."""

import argparse
import os
import sys
from collections.abc import Sequence

from bridge import logs
from bridge.config import ConfigError, find_config, load, read_umask
from bridge.doctor.examine import examine
from bridge.doctor.findings import Finding, as_json, healthy, line, problem

PROBLEMS = 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `check` understands beside `--config`."""
    parser.add_argument("--json", action="store_true", help="write JSON for scripts")


async def run(args: argparse.Namespace) -> int:
    """Examine and report; 0 when nothing is wrong, 1 otherwise."""
    found = await _found(args)
    text = as_json(found) if args.json else "\n".join(map(line, found))
    sys.stdout.write(f"{text}\n")
    return 0 if healthy(found) else PROBLEMS


async def _found(args: argparse.Namespace) -> Sequence[Finding]:
    try:
        settings = load(find_config(args.config, os.environ), os.environ)
        umask = read_umask(os.environ)
    except ConfigError as error:
        fix = "Mend the line that is named; docs/configuration.md lists all settings"
        return [problem("settings", text, fix) for text in error.problems]
    if umask is not None:
        os.umask(umask)
    logs.setup("error", settings.log.format)
    logs.mask(*settings.secrets())
    return await examine(settings)
