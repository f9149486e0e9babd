"""Starting and stopping the simulator: in a test, for the demo, as the command `torbox-bridge simulator`."""

import argparse
import asyncio
import errno
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

from aiohttp import web

from bridge.simulator.api_server import build_app
from bridge.simulator.backend import Backend
from bridge.simulator.content import Content, ContentFile
from bridge.simulator.lifecycle import Torrent
from bridge.simulator.scenario import Scenario, ScenarioError, load

SHUTDOWN_SECONDS = 0.2


class Simulator:
    """A TorBox on a local port while the `async with` lasts. Port 0 takes a free one.

    `real` is the clock behind the simulated clock. A test that wants time to stand still passes a
    clock that never moves, and calls `clock.advance`.
    """

    def __init__(
        self,
        scenario: Scenario | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        real: Callable[[], float] = time.monotonic,
    ) -> None:
        self.backend = Backend(scenario or Scenario(), real=real)
        self.world = self.backend.world
        self.faults = self.backend.faults
        self.calls = self.backend.calls
        self.links = self.backend.links
        self.clock = self.backend.clock
        self._host = host
        self._port = port
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        """The base URL without a trailing slash, for `torbox.base_url`."""
        return f"http://{self._host}:{self._port}"

    @property
    def key(self) -> str:
        """The valid API key."""
        return self.backend.key

    def register(self, content: Content, *, on_account: bool = False) -> Torrent | None:
        """Register a content; with `on_account`, put it on the account and return the item."""
        self.world.catalogue.add(content)
        return self.world.put(content) if on_account else None

    def content_bytes(
        self, info_hash: str, file: int | str, offset: int = 0, length: int | None = None
    ) -> bytes:
        """Return what the CDN serves for a file, by its id or its path within the torrent.

        Raises KeyError for a hash or path that nobody registered or added.
        """
        content = self.world.catalogue.get(info_hash)
        if content is None:
            raise KeyError(info_hash)
        found = content.files[file] if isinstance(file, int) else _by_path(content, file)
        return content.read(found, offset, found.size if length is None else length)

    async def start(self) -> None:
        """Listen.

        Raises:
            OSError: the port is in use.
        """
        runner = web.AppRunner(
            build_app(self.backend),
            access_log=None,  # it would hold the key and the links' tokens; `calls` does not
            handler_cancellation=True,
            shutdown_timeout=SHUTDOWN_SECONDS,
        )
        await runner.setup()
        self._runner = runner
        try:
            await web.TCPSite(runner, self._host, self._port).start()
        except OSError:
            await self.stop()
            raise
        self._port = int(runner.addresses[0][1])

    async def stop(self) -> None:
        """Close the port and every connection."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()


def _by_path(content: Content, path: str) -> ContentFile:
    found = next((file for file in content.files if file.path == path), None)
    if found is None:
        raise KeyError(path)
    return found


DEFAULT_PORT = 8099
FAILED = 1
BAD_SCENARIO = 2
HIGHEST_PORT = 65535


def port_number(text: str) -> int:
    """Return the port that an argument names.

    Raises:
        ArgumentTypeError: it names none.
    """
    if not text.isdecimal() or int(text) > HIGHEST_PORT:
        raise argparse.ArgumentTypeError(f"expected 0 to {HIGHEST_PORT}, got {text!r}")
    return int(text)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument(
        "--port",
        type=port_number,
        default=DEFAULT_PORT,
        help="port to listen on, 0 for a free one",
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
        _say(f"cannot listen on {host}:{port}: {_why(error)}", error=True)
        return FAILED
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
    return 0


def _why(error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return "another program listens there"
    return error.strerror or str(error)


def _say(text: str, *, error: bool = False) -> None:
    print(text, file=sys.stderr if error else sys.stdout, flush=True)
