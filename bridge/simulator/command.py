"""`torbox-bridge simulator`: the simulator alone, until it is interrupted."""

import argparse
import asyncio
import signal
import sys
from pathlib import Path

from bridge.simulator.scenario import Scenario, ScenarioError, load
from bridge.simulator.simulator import Simulator

DEFAULT_PORT = 8099
FAILED = 1
BAD_SCENARIO = 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument(
        "--port", type=int, default=DEFAULT_PORT, help="port to listen on, 0 for a free one"
    )
    parser.add_argument(
        "--scenario", type=Path, metavar="FILE", help="YAML or JSON: account, contents, faults"
    )


async def run(args: argparse.Namespace) -> int:
    """Serve until SIGINT or SIGTERM; return the exit code."""
    try:
        scenario = Scenario() if args.scenario is None else load(args.scenario)
    except ScenarioError as error:
        _say(str(error), error=True)
        return BAD_SCENARIO
    return await serve(args.host, args.port, scenario)


async def serve(
    host: str, port: int, scenario: Scenario, *, until: asyncio.Event | None = None
) -> int:
    """Serve until the event is set or a signal arrives; return the exit code."""
    stopped = until or asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    try:
        async with Simulator(scenario, host=host, port=port) as simulator:
            _say(f"A simulated TorBox listens on {simulator.url}, API key {simulator.key}")
            await stopped.wait()
    except OSError as error:
        _say(f"cannot listen on {host}:{port}: {error}", error=True)
        return FAILED
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
    return 0


def _say(text: str, *, error: bool = False) -> None:
    print(text, file=sys.stderr if error else sys.stdout, flush=True)
