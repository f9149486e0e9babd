"""Several hundred downloads, random faults, random kills: nothing is lost, nothing comes twice.

    .venv/bin/python -m tests.bench.soak [--minutes 3] [--downloads 300] [--kills 50] [--seed 1]

The bridge is a process of its own, the simulated TorBox misbehaves in every way it knows, and
*arr grab, poll, import and remove. In the first part the bridge is killed again and again; in the
second it lives on, so that its memory and open files can be watched. Then the faults are lifted, the
hourly budget of adds is as if an hour had passed, and everything has to be delivered, or failed for the reason that was planted. Exit code 0 if so.
"""

import argparse
import asyncio
import json
import math
import random
import shutil
import socket
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median

from bridge.demo.arr_client import Arr
from bridge.demo.arr_words import ArrSettings
from bridge.simulator import Account, Behaviour, Cdn, Scenario
from tests.bench import soak_weather
from tests.bench.soak_arr import Case, Grabber, Notes, Stage
from tests.bench.soak_load import CATEGORIES, CONFIG, make_load
from tests.bench.soak_witness import Sample, Witness, leftovers
from tests.support.process import BRISK, BridgeProcess
from tests.support.rig import PASSWORD, USERNAME, Rig, pack

KILLING_SHARE = 0.6
"""Of the time; the rest is one long life."""
ADDING_SHARE = 0.85
START_SECONDS = 1.2
SHORTEST_MEAN = 0.6
"""Seconds that a bridge lives on the average before it is killed, at least."""
DRAIN_SECONDS = 120.0
CLEAN_LOOKS = 20
"""A second apart."""
AGAIN_SHARE = 0.08
"""Of downloads that are grabbed once more after they were removed."""
TERM_SHARE = 0.3
FOREIGN = 5
SPEED = 3.0
PROBLEMS_SHOWN = 25
TELL_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says."""

    minutes: float
    downloads: int
    kills: int
    seed: int


def say(line: str) -> None:
    """Write a line."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _options() -> Options:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--minutes", type=float, default=3.0)
    parser.add_argument("--downloads", type=int, default=300)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    return Options(args.minutes, args.downloads, args.kills, args.seed)


def _scenario(seed: int) -> Scenario:
    return Scenario(
        speed=SPEED,
        seed=seed,
        account=Account(slots=5),
        behaviour=Behaviour(
            download_bytes_per_second=400_000.0,
            metadata_seconds=1.0,
            store_seconds=1.0,
            seed_seconds=5.0,
        ),
        cdn=Cdn(bytes_per_second=2_000_000.0, latency_seconds=0.02),
    )


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


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
        self._load = make_load(options.downloads, self._dice, self.sim)
        self._foreign = self._put_foreign()
        self.process = BridgeProcess(self._environ(), BRISK)
        self.witness = Witness(self.sim, self.process, self.notes)
        self._grabbers = [self._grabber(category) for category in CATEGORIES]

    @property
    def seconds(self) -> float:
        """How long it has been running."""
        return time.monotonic() - self._began

    @property
    def creates(self) -> int:
        """How many creates TorBox carried out, needed or not."""
        done = {"ok", *(f"fault:{kind}" for kind in ("lost", "slow", "malformed", "no_data"))}
        return sum(call.outcome in done for call in self.sim.calls.to("createtorrent"))

    @property
    def _url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def _put_foreign(self) -> set[str]:
        """Put on the account what somebody else added."""
        contents = [pack(f"Foreign.{number}", episodes=1) for number in range(FOREIGN)]
        for content in contents:
            self.sim.register(content, on_account=True)
        return {content.hash for content in contents}

    def _environ(self) -> dict[str, str]:
        config = self._rig.directory / "bridge.yaml"
        config.write_text(CONFIG)
        self._key_file.write_text(self.sim.key)
        environ = self._rig.environ | {
            "BRIDGE_CONFIG": str(config),
            "BRIDGE_SERVER__PORT": str(self._port),
            "BRIDGE_TORBOX__API_KEY_FILE": str(self._key_file),
            "BRIDGE_TORBOX__TIMEOUT_SECONDS": "3",
            "BRIDGE_DELIVERY__VERIFY": "pieces",
        }
        del environ["BRIDGE_TORBOX__API_KEY"]
        return environ

    def _grabber(self, category: str) -> Grabber:
        app = "radarr" if category == "radarr" else "sonarr"
        arr = Arr(app, self._url, USERNAME, PASSWORD, settings=ArrSettings(category=category))
        cases = [
            Case(grab, lives=1 if grab.reason or self._dice.random() > AGAIN_SHARE else 2)
            for grab in self._load
            if grab.category == category
        ]
        return Grabber(arr, cases, self.notes, self._database)

    async def run(self) -> tuple[Sample, Sample]:
        """Do it all; answers how the last, long life was early and late."""
        soak_weather.brew(self.sim, self._load, self._dice)
        async with asyncio.TaskGroup() as group:
            working = [
                group.create_task(grabber.run(partial(self._due, len(grabber.cases))))
                for grabber in self._grabbers
            ]
            weather = [group.create_task(one) for one in self._weather()]
            watching = [group.create_task(one) for one in self._watchers()]
            await self._kill_again_and_again()
            await asyncio.sleep(max(0.0, self.options.minutes * 60 - self.seconds))
            found = self.witness.growth(self.process.pid or 0)
            await self._clear_up(weather)
            _, unfinished = await asyncio.wait(working, timeout=DRAIN_SECONDS)
            await self._see_it_clean()
            for task in (*watching, *unfinished):
                task.cancel()
        await self._end("SIGTERM")
        self._read_log()
        return found

    def _weather(self) -> Iterator[Coroutine[None, None, None]]:
        yield soak_weather.moods(self.sim, self._dice)
        yield soak_weather.outages(self.sim, self._dice)
        yield soak_weather.locksmith(self.sim, self._key_file, self._dice)

    def _watchers(self) -> Iterator[Coroutine[None, None, None]]:
        yield self.witness.watch_list(self._url)
        yield self.witness.watch_account()
        yield self.witness.watch_process()
        yield self._tell()

    def _due(self, grabs: int) -> int:
        """Tell how many of a category's grabs may have been begun by now."""
        share = self.seconds / (self.options.minutes * 60 * ADDING_SHARE)
        return math.ceil(grabs * min(1.0, share))

    async def _kill_again_and_again(self) -> None:
        """End and start the bridge at random moments, in order or not; then let it live."""
        await self.process.start()
        time_for_all = self.options.minutes * 60 * KILLING_SHARE
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

    async def _clear_up(self, weather: Sequence[asyncio.Task[None]]) -> None:
        """Lift all faults, and let the hour pass in which TorBox takes 60 uncached adds."""
        for task in weather:
            task.cancel()
        self.sim.faults.clear()
        self._key_file.write_text(self.sim.key)
        await self._end("SIGTERM")
        with closing(sqlite3.connect(self._database)) as database, database:
            database.execute("DELETE FROM facts WHERE name = 'budgets'")
        await self.process.start()

    async def _see_it_clean(self) -> None:
        """Everything came to its end and was removed: nothing of it is left, soon."""
        for grabber in self._grabbers:
            for case in grabber.cases.values():
                if case.stage is not Stage.REMOVED:
                    self.notes.problem(f"{case.grab.content.name}: unfinished, {case.stage}")
        for _ in range(CLEAN_LOOKS):
            await asyncio.sleep(1.0)
            self.left = self._leftovers()
            if not self.left:
                break
        for text in self.left:
            self.notes.problem(text)

    def _leftovers(self) -> list[str]:
        return list(leftovers(self.sim, self._foreign, self._rig.downloads, self._database))

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

    async def _tell(self) -> None:
        """Print how it goes."""
        while True:
            await asyncio.sleep(TELL_SECONDS)
            self.write_log()
            sample = self.witness.samples[-1]
            say(
                f"{self.seconds:5.0f} s  kills {self.kills.total():3}  added {self.notes.accepted:4}"
                f"  imported {self.notes.imported:4}  failed {self.notes.failed.total():3}"
                f"  rss {sample.rss >> 20:3} MiB  files {sample.files:3}"
                f"  problems {len(self.notes.problems)}"
            )


def _last(told: dict[str, object]) -> str:
    return str(told.get("exception", "")).strip().rpartition("\n")[2]


def _table(soak: Soak, early: Sample, late: Sample) -> Iterator[tuple[str, str]]:
    notes, sim = soak.notes, soak.sim
    taken = notes.taken_seconds or [0.0]
    polls = sorted(soak.witness.poll_seconds) or [0.0]
    struck = sum(call.fault is not None for call in sim.calls)
    planted = ", ".join(f"{reason} {many}" for reason, many in sorted(notes.failed.items()))
    yield "time", f"{soak.seconds:.0f} s, seed {soak.options.seed}"
    yield "kills", ", ".join(f"{how} {many}" for how, many in sorted(soak.kills.items()))
    yield "adds accepted", f"{notes.accepted}, {soak.adds_between_kills} of them between kills"
    yield "adds without an answer", f"{notes.lost_answers}, sent again"
    yield "imported", f"{notes.imported}, every byte compared"
    yield "failed as planted", f"{notes.failed.total()}: {planted}"
    yield "duplicates at TorBox", str(soak.witness.duplicates)
    yield "creates carried out", str(soak.creates)
    yield "left behind", str(len(soak.left))
    yield "add to import", f"median {median(taken):.1f} s, longest {max(taken):.1f} s"
    yield "calls struck by faults", f"{struck} of {len(sim.calls)}"
    yield "polls", f"{len(polls)}, median {median(polls) * 1000:.0f} ms, longest {polls[-1]:.2f} s"
    yield "memory", f"{early.rss / 2**20:.1f} MiB early, {late.rss / 2**20:.1f} MiB late"
    yield "open files", f"{early.files} early, {late.files} late"
    yield "problems", str(len(notes.problems))


async def _soak(options: Options, directory: Path) -> bool:
    rig = Rig(directory, _scenario(options.seed))
    rig.downloads.mkdir()
    async with rig.sim:
        soak = Soak(options, rig)
        try:
            early, late = await soak.run()
        finally:
            if soak.process.pid is not None:
                await soak.process.kill()
            soak.write_log()
    say("")
    for name, value in _table(soak, early, late):
        say(f"{name:24} {value}")
    for text in soak.notes.problems[:PROBLEMS_SHOWN]:
        say(f"PROBLEM {text}")
    return not soak.notes.problems


def main() -> int:
    """Soak; keep the files and the log of a run that found something."""
    options = _options()
    directory = Path(tempfile.mkdtemp(prefix="soak-"))
    if asyncio.run(_soak(options, directory)):
        shutil.rmtree(directory)
        return 0
    say(f"see {directory}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
