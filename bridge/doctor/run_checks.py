"""All checks in order, and the command `torbox-bridge check`."""

import argparse
import asyncio
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Final

import aiohttp
import structlog
from msgspec.structs import replace

from bridge import USER_AGENT, logs
from bridge.arr import Arr
from bridge.config import ConfigError, Settings, find_config, load, read_umask
from bridge.doctor.check_arr import check_arr, check_untold
from bridge.doctor.check_directories import check_local_directories, check_mount
from bridge.doctor.check_settings import answers, check_bridge, check_public_url, check_settings
from bridge.doctor.check_torbox import check_torbox
from bridge.doctor.findings import Finding, Level, as_json, healthy, line, problem
from bridge.torbox import TorBox

log = structlog.get_logger(__name__)

FAILED: Final = 1


async def examine(
    settings: Settings,
    torbox: TorBox | None = None,
    programs: Mapping[tuple[str, str], int] | None = None,
) -> Sequence[Finding]:
    """Run every check that these settings call for. Changes no setting and no file.

    `torbox` is the client of the bridge that runs in this process, if one does; `programs` is what
    that bridge knows of its clients, see `check_untold`.
    """
    found = check_settings(settings)
    found += await asyncio.to_thread(check_local_directories, settings)
    found += await check_mount(settings)
    headers = {"User-Agent": USER_AGENT}
    async with aiohttp.ClientSession(headers=headers) as session:
        runs = await answers(session, settings.server.local_url)
        found.append(check_bridge(settings, runs=runs))
        found += await check_public_url(settings, session, runs=runs)
        found += await check_torbox(settings, session, torbox)
        for entry in settings.arr:
            found += await check_arr(settings, Arr(session, entry), runs=runs)
    found += check_untold(settings, programs or {})
    return found


def log_findings(findings: Sequence[Finding]) -> None:
    """Log every problem and warning with its fix, the plan and each *arr, and one line in all cases."""
    for finding in findings:
        if finding.level is Level.OK:
            local = finding.subject in {"settings", "directories", "bridge"}
            (log.debug if local else log.info)(
                "check_ok", subject=finding.subject, text=finding.text
            )
            continue
        say = log.error if finding.level is Level.PROBLEM else log.warning
        say("check_finding", subject=finding.subject, text=finding.text, fix=finding.fix)
    log.info("check_done", healthy=healthy(findings), findings=len(findings))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `check`, in addition to `--config`."""
    parser.add_argument("--json", action="store_true", help="print JSON, with secrets masked")


async def run(args: argparse.Namespace) -> int:
    """Run all checks and print them. Return 0 when there is no problem, else 1."""
    found = [_printable(finding) for finding in await _findings(args)]
    text = as_json(found) if args.json else "\n".join(map(line, found))
    sys.stdout.write(f"{text}\n")
    return 0 if healthy(found) else FAILED


def _printable(finding: Finding) -> Finding:
    """Return the finding fit for a terminal and a bug report: it may quote what servers answered."""
    text, fix = (logs.for_terminal(logs.masked(part)) for part in (finding.text, finding.fix))
    return replace(finding, text=text, fix=fix)


async def _findings(args: argparse.Namespace) -> Sequence[Finding]:
    try:
        settings = load(find_config(args.config, os.environ), os.environ)
        umask = read_umask(os.environ)
    except ConfigError as error:
        fix = "Correct the line named here; docs/configuration.md lists all settings"
        return [problem("settings", text, fix) for text in error.problems]
    if umask is not None:
        os.umask(umask)
    logs.setup("error", settings.log.format)
    logs.mask(*settings.secrets())
    return await examine(settings)
