"""Several hundred downloads, random faults, random kills: nothing is lost, nothing comes twice.

    .venv/bin/python -m tests.bench.soak [--minutes 3] [--releases 300] [--kills 50] [--seed 1]
    .venv/bin/python -m tests.bench.soak --tug 40 --releases 6 [--calm]

The bridge is a process of its own, the simulated TorBox misbehaves in every way it knows, and seven
*arr grab, poll, import and remove. Many releases are wanted by several of them, at every moment of
the others' downloads. In the first part the bridge is killed again and again; in the second it
lives on, so that its memory and open files can be watched. Then the faults are lifted, the hourly
budget of adds is as if an hour had passed, and everything has to be imported, or failed for the
reason that was planted, and nothing is left. Exit code 0 if so.

With `--tug` a few releases are grabbed and removed so many times by four *arr each.
"""

import argparse
import asyncio
import shutil
import sys
import tempfile
from pathlib import Path

from bridge.simulator import Behaviour, Cdn, Scenario, SimulatedAccount
from tests.bench.soak.process import Sample
from tests.bench.soak.report import say, tell, tell_the_end
from tests.bench.soak.run import Options, Soak
from tests.support.rig import Rig


def _options() -> Options:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--minutes", type=float, default=3.0)
    parser.add_argument("--releases", type=int, default=300)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--tug", type=int, default=0, help="grabs of each release by each *arr")
    parser.add_argument("--calm", action="store_true", help="TorBox misbehaves in nothing")
    return Options(**vars(parser.parse_args()))


def _scenario(seed: int) -> Scenario:
    return Scenario(
        seed=seed,
        account=SimulatedAccount(slots=5),
        behaviour=Behaviour(
            download_bytes_per_second=1_200_000.0,
            metadata_seconds=0.3,
            store_seconds=0.3,
            seed_seconds=2.0,
        ),
        cdn=Cdn(bytes_per_second=2_000_000.0, latency_seconds=0.02),
    )


async def _soak(options: Options, directory: Path) -> bool:
    rig = Rig(directory, _scenario(options.seed))
    rig.downloads.mkdir()
    async with rig.sim:
        soak = Soak(options, rig)
        early, late = await _watched(soak)
    tell_the_end(soak, early, late)
    return not soak.notes.problems


async def _watched(soak: Soak) -> tuple[Sample, Sample]:
    async with asyncio.TaskGroup() as group:
        telling = group.create_task(tell(soak))
        try:
            return await soak.run()
        finally:
            telling.cancel()
            if soak.process.pid is not None:
                await soak.process.kill()
            soak.write_log()


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
