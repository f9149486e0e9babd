"""`torbox-bridge demo`: the whole life of two downloads on this machine, without any key."""

import argparse
import asyncio
import contextlib
import secrets
import signal
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bridge import logs
from bridge.app import CannotStart, Running, bridge
from bridge.config import Settings, load
from bridge.demo.arr_client import Arr
from bridge.demo.arr_wire import ArrError
from bridge.demo.arr_words import ArrSettings
from bridge.demo.episode import ADDED, Episode, contents
from bridge.demo.script import Script, StepFailed
from bridge.simulator import Behaviour, Cdn, Scenario, Simulator

USERNAME = "admin"
CATEGORY = "tv-sonarr"
IMPORTED = "tv-imported"
PATIENCE_SECONDS = 60.0

TORBOX_BYTES_PER_SECOND = 12_000_000.0
CDN_BYTES_PER_SECOND = 24_000_000.0


@dataclass(frozen=True, slots=True)
class Stage:
    """Both servers, and how to log in."""

    simulator: Simulator
    bridge: Running
    password: str


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    parser.add_argument(
        "--keep", action="store_true", help="leave both servers running until Ctrl-C"
    )
    parser.add_argument("--verbose", action="store_true", help="show the bridge's log as well")


async def run(args: argparse.Namespace) -> int:
    """Play the demo; 0 when every step held."""
    logs.setup("info" if args.verbose else "error", "auto")
    script = Script()
    with tempfile.TemporaryDirectory(prefix="torbox-bridge-demo-") as directory:
        try:
            async with _stage(Path(directory)) as stage, asyncio.timeout(None) as deadline:
                deadline.reschedule(asyncio.get_running_loop().time() + PATIENCE_SECONDS)
                await _play(script, stage)
                deadline.reschedule(None)
                if args.keep:
                    await _keep(script, stage)
        except (StepFailed, ArrError, CannotStart, TimeoutError) as error:
            script.failed(str(error) or f"not done within {PATIENCE_SECONDS:.0f} s")
            return 1
    return 0


@asynccontextmanager
async def _stage(directory: Path) -> AsyncIterator[Stage]:
    scenario = Scenario(
        contents=contents(),
        behaviour=Behaviour(download_bytes_per_second=TORBOX_BYTES_PER_SECOND),
        cdn=Cdn(bytes_per_second=CDN_BYTES_PER_SECOND),
    )
    password = secrets.token_urlsafe(9)
    async with Simulator(scenario) as simulator:
        settings = _settings(directory, simulator, password)
        logs.mask(*settings.secrets())
        async with bridge(settings) as running:
            yield Stage(simulator, running, password)


def _settings(directory: Path, simulator: Simulator, password: str) -> Settings:
    downloads = directory / "downloads"
    downloads.mkdir()
    return load(
        None,
        {
            "BRIDGE_SERVER__HOST": "127.0.0.1",
            "BRIDGE_SERVER__PORT": "0",
            "BRIDGE_SERVER__USERNAME": USERNAME,
            "BRIDGE_SERVER__PASSWORD": password,
            "BRIDGE_TORBOX__API_KEY": simulator.key,
            "BRIDGE_TORBOX__BASE_URL": simulator.url,
            "BRIDGE_TORBOX__POLL_SECONDS__ACTIVE": "1",
            "BRIDGE_PATHS__DATABASE": str(directory / "bridge.db"),
            "BRIDGE_PATHS__DOWNLOADS": str(downloads),
            "BRIDGE_DELIVERY__MIN_FREE_BYTES": "0",
        },
    )


async def _play(script: Script, stage: Stage) -> None:
    began = time.monotonic()
    script.say(f"simulated TorBox  {stage.simulator.url}")
    script.say(f"bridge            {stage.bridge.url}")
    settings = ArrSettings(category=CATEGORY, post_import_category=IMPORTED)
    async with Arr("sonarr", stage.bridge.url, USERNAME, stage.password, settings=settings) as arr:
        episode = Episode(script, arr, stage.simulator)
        await episode.test()
        for added in ADDED:
            await episode.whole_life(added)
        await episode.nothing_left()
    _summary(script, stage.simulator, time.monotonic() - began)


def _summary(script: Script, simulator: Simulator, seconds: float) -> None:
    script.say("")
    script.say(f"All {script.steps} steps held, in {seconds:.1f} s. What TorBox saw:")
    for endpoint, count in sorted(simulator.calls.counts().items()):
        script.say(f"  {count:3d} x {endpoint}")


async def _keep(script: Script, stage: Stage) -> None:
    script.say("")
    script.say(f"Both servers stay up. The bridge's page: {stage.bridge.url}/")
    script.say("Log in there, or in Sonarr add a qBittorrent client, with")
    script.say(f"  address {stage.bridge.url}, user {USERNAME}, password {stage.password}")
    script.say(f"The simulated TorBox: {stage.simulator.url} (key {stage.simulator.key})")
    script.say("Ctrl-C ends it.")
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(number, stopped.set)
    await stopped.wait()
