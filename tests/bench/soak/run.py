"""One run of the soak: who takes part, when the bridge is ended, and what is looked at last."""

import asyncio
import json
import random
import socket
import time
from collections import Counter
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass

from tests.arr_emulator.arr_client import Arr
from tests.arr_emulator.arr_words import ArrSettings
from tests.bench.soak import weather
from tests.bench.soak.cases import Cases, Stage
from tests.bench.soak.clients import CLIENTS, Client, config
from tests.bench.soak.database import Reasons, forget_budgets, let_minutes_pass
from tests.bench.soak.grabber import Grabber
from tests.bench.soak.leftovers import leftovers
from tests.bench.soak.load import make_load, make_tug
from tests.bench.soak.notes import Notes
from tests.bench.soak.process import Sample, Samples
from tests.bench.soak.wishes import Release
from tests.bench.soak.witness import AccountWitness, FaceWitness
from tests.support.arr_api import ArrApi
from tests.support.process import BRISK, BridgeProcess
from tests.support.rig import PASSWORD, USERNAME, Rig, pack

KILLING_SHARE = 0.6
"""Of the time; the rest is one long life."""
ADDING_SHARE = 0.85
START_SECONDS = 1.2
SHORTEST_MEAN = 0.6
"""Seconds that a bridge lives on the average before it is killed, at least."""
DRAIN_SECONDS = 300.0
"""What TorBox says has failed is believed after a minute. Where no *arr can be told it is created
once more, and fails for good after another minute.
"""
SETTLING_SECONDS = 3.0
"""Given to the last removals before the bridge is started on what is left, minutes later."""
CLEAN_LOOKS = 20
"""A second apart."""
TERM_SHARE = 0.3
FOREIGN = 5
"""Items on the account that nobody wants."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the command line says."""

    minutes: float
    releases: int
    kills: int
    seed: int
    tug: int
    calm: bool


class Soak:
    """One run, below one directory. The simulated TorBox has to be running."""

    def __init__(self, options: Options, rig: Rig) -> None:
        self.options = options
        self.sim = rig.sim
        self.notes = Notes()
        self.kills: Counter[str] = Counter()
        self.adds_between_kills = 0
        self.left: list[str] = []
        self._rig = rig
        self._key_file = rig.directory / "key"
        self._database = rig.directory / "bridge.db"
        self._dice = random.Random(options.seed)
        self._port = _free_port()
        self._began = time.monotonic()
        self.releases = self._make_releases()
        self._elsewhere = self._put_foreign()
        self._elsewhere |= {one.content.hash for one in self.releases if one.elsewhere}
        self._cases = Cases()
        for release in self.releases:
            self._cases.take(release)
        self._apis = {client.category: ArrApi(client.app) for client in CLIENTS if client.told}
        self.process = BridgeProcess(self._environ(), BRISK)
        self.samples = Samples(self.process, self.notes)
        self.face = FaceWitness(self._url, self.process, self.notes, quick=bool(options.tug))
        self.account = AccountWitness(self.sim, self._elsewhere, self.notes)
        self._grabbers = [self._grabber(client) for client in CLIENTS]

    @property
    def seconds(self) -> float:
        """How long it has been running."""
        return time.monotonic() - self._began

    @property
    def _all_seconds(self) -> float:
        return self.options.minutes * 60

    @property
    def creates(self) -> int:
        """How many creates TorBox carried out, needed or not."""
        done = {"ok", *(f"fault:{kind}" for kind in ("lost", "slow", "malformed", "no_data"))}
        return sum(call.outcome in done for call in self.sim.calls.to("createtorrent"))

    @property
    def _url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def _make_releases(self) -> Sequence[Release]:
        many, tug = self.options.releases, self.options.tug
        if tug:
            return make_tug(many, tug, self._dice, self.sim)
        return make_load(many, self._dice, self.sim)

    def _put_foreign(self) -> set[str]:
        """Put on the account what somebody else added."""
        contents = [pack(f"Foreign.{number}", episodes=1) for number in range(FOREIGN)]
        for content in contents:
            self.sim.register(content, on_account=True)
        return {content.hash for content in contents}

    def _environ(self) -> dict[str, str]:
        self._key_file.write_text(self.sim.key)
        environ = self._rig.environ | {
            "BRIDGE_CONFIG": str(self._rig.directory / "bridge.yaml"),
            "BRIDGE_SERVER__PORT": str(self._port),
            "BRIDGE_TORBOX__API_KEY_FILE": str(self._key_file),
            "BRIDGE_TORBOX__TIMEOUT_SECONDS": "3",
        }
        del environ["BRIDGE_TORBOX__API_KEY"]
        return environ

    def _grabber(self, client: Client) -> Grabber:
        settings = ArrSettings(category=client.category)
        arr = Arr(client.app, self._url, USERNAME, PASSWORD, settings=settings)
        api = self._apis.get(client.category)
        if api is not None:
            api.delete_in_client = arr.remove
        return Grabber(
            arr,
            self._cases.of(client.category),
            streams=client.streams,
            bell=self._cases.bell,
            place=client.path(self._rig.downloads),
            library=self._rig.directory / "library",
            sim=self.sim,
            reasons=Reasons(self._database),
            notes=self.notes,
            dice=self._dice,
            api=api,
        )

    async def run(self) -> tuple[Sample, Sample]:
        """Do it all; answers how the last, long life was early and late."""
        async with AsyncExitStack() as stack:
            for api in self._apis.values():
                await stack.enter_async_context(api)
            self._write_config()
            return await self._run()

    def _write_config(self) -> None:
        apis = [
            api.settings(name=category, categories=[category])
            for category, api in self._apis.items()
        ]
        text = config(self._rig.downloads, apis)
        (self._rig.directory / "bridge.yaml").write_text(text)

    async def _run(self) -> tuple[Sample, Sample]:
        async with asyncio.TaskGroup() as group:
            working = [group.create_task(one.run(self._share)) for one in self._grabbers]
            storms = [group.create_task(one) for one in self._weather()]
            watching = [group.create_task(one) for one in self._watchers()]
            await self._kill_again_and_again()
            await asyncio.sleep(max(0.0, self._all_seconds - self.seconds))
            found = self.samples.growth(self.process.pid or 0)
            await self._clear_up(storms)
            _, unfinished = await asyncio.wait(working, timeout=DRAIN_SECONDS)
            await self._see_it_clean()
            for task in (*watching, *unfinished):
                task.cancel()
        await self._end("SIGTERM")
        self._read_log()
        return found

    def _weather(self) -> Iterator[Coroutine[None, None, None]]:
        if self.options.calm:
            return
        weather.brew(self.sim, self.releases, self._dice)
        yield weather.moods(self.sim, self._dice)
        yield weather.outages(self.sim, self._dice)
        yield weather.locksmith(self.sim, self._key_file, self._dice)

    def _watchers(self) -> Iterator[Coroutine[None, None, None]]:
        yield weather.midwife(self.sim, self._cases.all)
        yield self.face.watch()
        yield self.account.watch()
        yield self.samples.watch()

    def _share(self) -> float:
        """Return how much of the time in which releases come out is over."""
        return min(1.0, self.seconds / (self._all_seconds * ADDING_SHARE))

    async def _kill_again_and_again(self) -> None:
        """End and start the bridge at random moments, in order or not; then let it live."""
        await self.process.start()
        time_for_all = self._all_seconds * KILLING_SHARE
        for number in range(self.options.kills):
            left = (time_for_all - self.seconds) / (self.options.kills - number) - START_SECONDS
            await asyncio.sleep(self._dice.uniform(0.0, 2 * max(SHORTEST_MEAN, left)))
            if self.process.pid is None:
                self.notes.problem("the bridge ended by itself")
            await self._end("SIGTERM" if self._dice.random() < TERM_SHARE else "SIGKILL")
            await self.process.start()
        self.adds_between_kills = self.notes.accepted

    async def _end(self, how: str) -> None:
        self.kills[how] += 1
        if how == "SIGKILL":
            await self.process.kill()
        elif code := await self.process.terminate():
            self.notes.problem(f"after SIGTERM the exit code is {code}")

    async def _clear_up(self, storms: Sequence[asyncio.Task[None]]) -> None:
        """Lift all faults, and let the hour pass in which TorBox takes 60 uncached adds."""
        for task in storms:
            task.cancel()
        self.sim.faults.clear()
        self._key_file.write_text(self.sim.key)
        await self._end("SIGTERM")
        forget_budgets(self._database)
        await self.process.start()

    async def _see_it_clean(self) -> None:
        """Everything came to its end and was removed: nothing of it is left, soon."""
        for case in self._cases.all:
            if case.stage is not Stage.OVER:
                self.notes.problem(f"{case.name}: unfinished, {case.stage}")
        await asyncio.sleep(SETTLING_SECONDS)
        await self._end("SIGTERM")
        let_minutes_pass(self._database)
        await self.process.start()
        for _ in range(CLEAN_LOOKS):
            await asyncio.sleep(1.0)
            self.left = self._leftovers()
            if not self.left:
                break
        for text in self.left:
            self.notes.problem(text)

    def _leftovers(self) -> list[str]:
        found = leftovers(
            self.sim,
            kept=self._elsewhere | self.notes.kept,
            may_be_kept=self.notes.may_be_kept,
            downloads=self._rig.downloads,
            database=self._database,
        )
        return list(found)

    def _read_log(self) -> None:
        """Look for what the bridge itself says that should never be said."""
        for line in self.process.output:
            told = json.loads(line) if line.startswith("{") else {"event": line, "level": "error"}
            if told.get("event") == "invariant_violated":
                self.notes.problem(f"invariant: {told['what']}")
            elif "exception" in told or told["event"].startswith("Traceback"):
                self.notes.problem(f"exception: {told['event']}: {_last(told)}")

    def write_log(self) -> None:
        """Put down what the bridge has said."""
        (self._rig.directory / "bridge.log").write_text("\n".join(self.process.output))


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _last(told: dict[str, object]) -> str:
    return str(told.get("exception", "")).strip().rpartition("\n")[2]
