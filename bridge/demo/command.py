"""`torbox-bridge demo`: two downloads from grab to removal, on this machine, without any key.

It starts a simulated TorBox and a bridge, and plays Sonarr: the same calls in the same order as
Sonarr makes them, for a cached season pack (a .torrent) and an uncached episode (a magnet). With
`--keep` both servers go on afterwards, with a handful of downloads in different states on the page.
"""

import argparse
import asyncio
import secrets
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Final

import aiohttp
from msgspec import structs

from bridge import logs
from bridge.app import Origin, bridge
from bridge.config import load
from bridge.demo.samples import Sample, prepare, samples, slow_down
from bridge.listen import CannotStart
from bridge.simulator import (
    Behaviour,
    Cdn,
    Content,
    ContentFile,
    Scenario,
    SimulatedAccount,
    Simulator,
    magnet_of,
    make_torrent,
)
from bridge.simulator.simulator import port_number

USERNAME: Final = "admin"
CATEGORY: Final = "tv-sonarr"
IMPORTED: Final = "tv-imported"
USER_AGENT: Final = "Sonarr/4.0.16.2944 (alpine 3.22.2)"

POLL_SECONDS: Final = 0.25
REMOVAL_SECONDS: Final = 10.0
TOTAL_SECONDS: Final = 60.0
CALL_SECONDS: Final = 20.0
ESSENTIAL: Final = 1
"""The plan with three slots, so that a sample has to wait for one."""

MIB: Final = 1 << 20
TORBOX_BYTES_PER_SECOND: Final = 12_000_000.0
CDN_BYTES_PER_SECOND: Final = 24_000_000.0

IMPORTABLE: Final = frozenset({"pausedUP", "stoppedUP", "uploading", "stalledUP", "queuedUP"})
"""States that Sonarr reads as complete."""
REMOVABLE: Final = frozenset({"pausedUP", "stoppedUP"})
"""States in which Sonarr removes a download that it has imported."""
BROKEN: Final = frozenset({"error", "missingFiles", "stalledDL"})
"""States that Sonarr shows as a warning."""


class StepFailed(Exception):
    """A step of the demo did not pass; the text says what was expected."""


class Script:
    """Prints the steps as they happen and counts those that passed."""

    def __init__(self) -> None:
        self.steps = 0

    def say(self, text: str) -> None:
        """Print a line."""
        print(text, flush=True)

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Print the title of a step, and how long it took once it has passed."""
        self.say(f"{self.steps + 1:3d}. {title}")
        began = time.monotonic()
        yield
        self.steps += 1
        self.say(f"     passed, {time.monotonic() - began:.2f} s")


def expect(passed: bool, otherwise: str) -> None:
    """Raise StepFailed with the text unless the check passed."""
    if not passed:
        raise StepFailed(otherwise)


def season_pack() -> Content:
    """Make four files in a directory, as a .torrent, which TorBox has cached."""
    files = [ContentFile(f"Demo.Show.S01E0{number}.mkv", 4 * MIB) for number in (1, 2, 3)]
    files.append(ContentFile("Demo.Show.S01E01.en.srt", 30_000))
    name = "Demo.Show.S01.1080p.WEB-DL-GRP"
    made = make_torrent(name, files, trackers=["http://tracker.invalid/announce"])
    return structs.replace(made, cached=True)


def episode() -> Content:
    """Make a single file, known by its magnet, which TorBox has to download first."""
    name = "Demo.Show.S02E01.1080p.WEB-DL-GRP.mkv"
    made = make_torrent(name, [ContentFile(name, 36 * MIB)], single_file=True)
    return structs.replace(made, torrent=None, trackers=("udp://tracker.invalid:6969/announce",))


class Sonarr:
    """Sonarr as qBittorrent sees it: the calls that it makes, in its order."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def log_in(self, password: str) -> None:
        """Log in; the session cookie is sent with every later call."""
        form = {"username": USERNAME, "password": password}
        answer = await self._call("POST", "auth/login", form)
        expect(answer == b"Ok.", "the login was refused")

    async def test(self) -> str:
        """Do what the Test button does. Return the directory that downloads go to."""
        version = (await self._call("GET", "app/webapiVersion")).decode()
        expect(version.startswith("2."), f"unexpected API version {version}")
        preferences = await self._json("app/preferences")
        for name in (CATEGORY, IMPORTED):
            if name not in await self._json("torrents/categories"):
                await self._call("POST", "torrents/createCategory", {"category": name})
        await self.queue()
        return str(preferences["save_path"])

    async def grab(
        self, content: Content, category: str = CATEGORY, *, paused: bool = False
    ) -> None:
        """Add a .torrent if there is one, else a magnet."""
        form = aiohttp.FormData()
        form.add_field("category", category)
        form.add_field("paused", str(paused).lower())
        if content.torrent is not None:
            name = f"{content.name}.torrent"
            form.add_field("torrents", content.torrent, filename=name)
        else:
            form.add_field("urls", magnet_of(content))
        answer = await self._call("POST", "torrents/add", form)
        expect(answer == b"Ok.", f"the add was refused: {answer!r}")

    async def queue(self, category: str = CATEGORY) -> dict[str, dict[str, Any]]:
        """List the downloads of a category, by info-hash."""
        rows = await self._json("torrents/info", category=category)
        return {row["hash"]: row for row in rows}

    async def importable(self, content: Content, category: str) -> bool:
        """Ask whether a download is complete."""
        row = (await self.queue(category)).get(content.hash)
        return row is not None and row["state"] in IMPORTABLE

    async def mark_imported(self, info_hash: str) -> None:
        """Move a download to the post-import category."""
        form = {"hashes": info_hash, "category": IMPORTED}
        await self._call("POST", "torrents/setCategory", form)

    async def remove(self, info_hash: str) -> None:
        """Remove a download with its data."""
        form = {"hashes": info_hash, "deleteFiles": "true"}
        await self._call("POST", "torrents/delete", form)

    async def _json(self, path: str, **query: str) -> Any:
        async with self._session.get(f"api/v2/{path}", params=query) as answer:
            answer.raise_for_status()
            return await answer.json()

    async def _call(self, method: str, path: str, data: object = None) -> bytes:
        async with self._session.request(method, f"api/v2/{path}", data=data) as answer:
            answer.raise_for_status()
            return await answer.read()


class Play:
    """The steps of the demo. Each passes or raises StepFailed."""

    def __init__(self, script: Script, sonarr: Sonarr, simulator: Simulator) -> None:
        self._script = script
        self._sonarr = sonarr
        self._simulator = simulator

    async def test(self) -> None:
        """Press Test; the directory for downloads must exist."""
        with self._script.step("Press Test under Download Clients"):
            directory = Path(await self._sonarr.test())
            there = await asyncio.to_thread(directory.is_dir)
            expect(there, f"{directory} does not exist")

    async def whole_life(self, content: Content, words: str) -> None:
        """Grab, poll, import, mark as imported, remove."""
        with self._script.step(f"Grab {words}"):
            await self._sonarr.grab(content)
            expect(content.hash in await self._sonarr.queue(), "it is not in the queue at once")
        with self._script.step("Poll the queue until it is complete"):
            row = await self._completed(content)
        path = Path(row["content_path"])
        with self._script.step("Import: read every file and compare every byte"):
            await asyncio.to_thread(_compare, content, path)
            size = sum(file.size for file in content.files)
            count = "1 file" if len(content.files) == 1 else f"{len(content.files)} files"
            self._script.say(f"     {count}, {size:,} bytes, as TorBox has them")
        with self._script.step("Move it to the post-import category"):
            await self._sonarr.mark_imported(content.hash)
            queue = await self._sonarr.queue()
            expect(content.hash not in queue, "it is still in the first category")
        with self._script.step("Remove it with its data"):
            await self._removable(content)
            await self._sonarr.remove(content.hash)
            await self._removed(content, path)

    def nothing_left(self) -> None:
        """Check that TorBox holds nothing that would still take a slot."""
        with self._script.step("Look for leftovers at TorBox"):
            left = self._hashes()
            expect(not left, f"TorBox still holds {sorted(left)}")

    async def _completed(self, content: Content) -> dict[str, Any]:
        quarters = -1
        while True:
            row = (await self._sonarr.queue()).get(content.hash)
            if row is None:
                raise StepFailed("it vanished from the queue")
            expect(row["state"] not in BROKEN, f"its state is {row['state']}")
            if row["state"] in IMPORTABLE:
                return row
            if int(row["progress"] * 4) > quarters:
                quarters = int(row["progress"] * 4)
                self._script.say(f"     {row['state']}, {row['progress']:.0%} of {row['size']:,}")
            await asyncio.sleep(POLL_SECONDS)

    async def _removable(self, content: Content) -> None:
        """Wait as Sonarr does: it removes what is no longer to be seeded, at one of its next polls."""
        deadline = time.monotonic() + REMOVAL_SECONDS
        while True:
            row = (await self._sonarr.queue(IMPORTED)).get(content.hash)
            if row is not None and row["state"] in REMOVABLE:
                return
            state = row["state"] if row else "gone"
            expect(time.monotonic() < deadline, f"the state {state} does not allow it")
            await asyncio.sleep(POLL_SECONDS)

    async def _removed(self, content: Content, path: Path) -> None:
        deadline = time.monotonic() + REMOVAL_SECONDS
        while await asyncio.to_thread(path.exists) or content.hash in self._hashes():
            expect(time.monotonic() < deadline, "it is still on disk or at TorBox")
            await asyncio.sleep(POLL_SECONDS / 5)

    def _hashes(self) -> set[str]:
        return {torrent.hash for torrent in self._simulator.world.torrents()}


def _compare(content: Content, root: Path) -> None:
    for file in content.files:
        path = root if root.is_file() else root / file.path
        expect(path.is_file(), f"{path} is missing")
        wanted = content.read(file, 0, file.size)
        expect(path.read_bytes() == wanted, f"{path} differs from what TorBox has")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument(
        "--keep",
        action="store_true",
        help="keep both servers until Ctrl-C, with downloads in different states",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address that the bridge listens on")
    parser.add_argument(
        "--port", type=port_number, default=0, help="port of the bridge, by default a free one"
    )
    parser.add_argument("--verbose", action="store_true", help="show the bridge's log as well")


async def run(args: argparse.Namespace) -> int:
    """Play the demo. Return 0 when every step passed, else 1."""
    logs.setup("info" if args.verbose else "error", "auto")
    script, password = Script(), secrets.token_urlsafe(9)
    with tempfile.TemporaryDirectory(prefix="torbox-bridge-demo-") as directory:
        try:
            contents = await asyncio.to_thread(lambda: [season_pack(), episode()])
            async with Simulator(_scenario(contents)) as simulator:
                environ = _environ(Path(directory), simulator, password, args)
                settings = load(None, environ)
                logs.mask(*settings.secrets())
                origin = Origin(Path(directory, "bridge.yaml"), environ)
                async with bridge(settings, origin=origin) as running:
                    script.say(f"simulated TorBox  {simulator.url}")
                    script.say(f"bridge            {running.url}")
                    async with asyncio.timeout(TOTAL_SECONDS), _sonarr(running.url) as sonarr:
                        await sonarr.log_in(password)
                        await _play(script, simulator, sonarr, contents)
                        if args.keep:
                            await _leave_samples(simulator, sonarr)
                    if args.keep:
                        await _keep(script, simulator, running.url, password)
        except (StepFailed, CannotStart, aiohttp.ClientError, TimeoutError) as error:
            why = str(error) or f"not finished within {TOTAL_SECONDS:.0f} s"
            print(f"\nFAILED after {script.steps} steps: {why}", file=sys.stderr, flush=True)
            return 1
    return 0


def _scenario(contents: list[Content]) -> Scenario:
    return Scenario(
        contents=contents,
        account=SimulatedAccount(plan=ESSENTIAL),
        behaviour=Behaviour(download_bytes_per_second=TORBOX_BYTES_PER_SECOND),
        cdn=Cdn(bytes_per_second=CDN_BYTES_PER_SECOND),
    )


def _environ(
    directory: Path, simulator: Simulator, password: str, args: argparse.Namespace
) -> dict[str, str]:
    downloads = directory / "downloads"
    downloads.mkdir()
    return {
        "BRIDGE_SERVER__HOST": args.host,
        "BRIDGE_SERVER__PORT": str(args.port),
        "BRIDGE_SERVER__USERNAME": USERNAME,
        "BRIDGE_SERVER__PASSWORD": password,
        "BRIDGE_TORBOX__API_KEY": simulator.key,
        "BRIDGE_TORBOX__BASE_URL": simulator.url,
        "BRIDGE_TORBOX__POLL_SECONDS__ACTIVE": "1",
        "BRIDGE_PATHS__DATABASE": str(directory / "bridge.db"),
        "BRIDGE_PATHS__DOWNLOADS": str(downloads),
        "BRIDGE_DELIVERY__MIN_FREE_BYTES": "0",
    }


@asynccontextmanager
async def _sonarr(url: str) -> AsyncIterator[Sonarr]:
    # Without unsafe=True aiohttp drops the cookies of a host that is an IP address.
    async with aiohttp.ClientSession(
        f"{url}/",
        headers={"User-Agent": USER_AGENT},
        cookie_jar=aiohttp.CookieJar(unsafe=True),
        timeout=aiohttp.ClientTimeout(total=CALL_SECONDS),
    ) as session:
        yield Sonarr(session)


async def _play(
    script: Script, simulator: Simulator, sonarr: Sonarr, contents: list[Content]
) -> None:
    began = time.monotonic()
    pack, single = contents
    play = Play(script, sonarr, simulator)
    await play.test()
    await play.whole_life(pack, "a .torrent with 4 files that TorBox has cached")
    await play.whole_life(single, "a magnet that TorBox has not cached")
    play.nothing_left()
    seconds = time.monotonic() - began
    script.say(f"\nAll {script.steps} steps passed in {seconds:.1f} s. TorBox saw:")
    for endpoint, count in sorted(simulator.calls.counts().items()):
        script.say(f"  {count:3d} x {endpoint}")


async def _leave_samples(simulator: Simulator, sonarr: Sonarr) -> None:
    """Add the samples, each when the world is as it has to be for it."""
    made = samples()
    prepare(simulator, made)

    async def add(*chosen: Sample) -> None:
        for sample in chosen:
            await sonarr.grab(sample.content, sample.category, paused=sample.paused)

    complete = [sample for sample in made if sample.completes]
    await add(*complete)
    for sample in complete:
        while not await sonarr.importable(sample.content, sample.category):  # noqa: ASYNC110
            await asyncio.sleep(POLL_SECONDS)
    slow_down(simulator)
    await add(*(sample for sample in made if sample.holds_slot))
    while simulator.world.active < simulator.world.slots:  # noqa: ASYNC110 - TorBox has no event
        await asyncio.sleep(POLL_SECONDS)
    await add(*(one for one in made if not one.completes and not one.holds_slot))


async def _keep(script: Script, simulator: Simulator, url: str, password: str) -> None:
    url = url.replace("//0.0.0.0:", "//localhost:").replace("//[::]:", "//localhost:")
    script.say(f"\nBoth servers keep running. The bridge's page: {url}/")
    script.say("Log in there, or add a qBittorrent client in Sonarr, with")
    script.say(f"  address {url}, user {USERNAME}, password {password}")
    script.say(f"The simulated TorBox: {simulator.url} (key {simulator.key})")
    script.say("Press Ctrl-C to stop.")
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    await stopped.wait()
