"""How soon all goes on after TorBox was away, and after a 429 with Retry-After.

    python -m tests.bench.outage [seconds of outage ...]

Prints the seconds from TorBox's first good answer to the last of five complete downloads, for each
outage, and the seconds that 20 cached adds take after one 429 with `Retry-After: 5`. The pauses are
those of a bridge that is really run.
"""

import asyncio
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

from bridge.core.model import Phase
from bridge.engine import RetryTimes
from bridge.simulator import Content, ContentFile, magnet_of, make_torrent
from bridge.simulator.faults import Html, RateLimit
from tests.support.rig import Rig, cached

OUTAGES = (20.0, 120.0)
MOST_SECONDS = 300.0


def tell(text: str) -> None:
    """Print a line."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def films(name: str, count: int) -> list[Content]:
    """Make films that TorBox has cached."""
    numbers = range(count)
    return [cached(make_torrent(f"{name}.{n}", [ContentFile("f.mkv", 100_000)])) for n in numbers]


async def add(rig: Rig, contents: list[Content]) -> None:
    """Add all of these as an *arr does."""
    async with rig.arr() as arr:
        for content in contents:
            rig.sim.register(content)
            await arr.add_magnet(magnet_of(content))


async def all_complete(rig: Rig, contents: list[Content]) -> None:
    """Wait until all of these are complete."""
    await rig.until(
        lambda: all(rig.phase(content.hash) is Phase.FINISHED for content in contents),
        within=MOST_SECONDS,
    )


async def after_an_outage(directory: Path, seconds: float) -> float:
    """Add five films during an outage; return the seconds from its end to the last of them."""
    rig = Rig(directory, None, retry=RetryTimes(), BRIDGE_TORBOX__POLL_SECONDS__ACTIVE="5")
    rig.change(BRIDGE_TORBOX__POLL_SECONDS__IDLE="60")
    directory.mkdir()
    await rig.open()
    contents = films("Film", 5)
    rig.sim.faults.add("*", Html(status=502), times=None)
    await add(rig, contents)
    await asyncio.sleep(seconds)
    rig.sim.faults.clear()
    rig.sim.calls.clear()
    ended = monotonic()
    await rig.until(lambda: rig.sim.calls.count("mylist") > 0, within=MOST_SECONDS)
    answered = monotonic()
    await all_complete(rig, contents)
    done = monotonic()
    await rig.close()
    tell(f"outage of {seconds:.0f} s: first answer {answered - ended:.1f} s after its end")
    return done - answered


async def after_a_429(directory: Path) -> float:
    """Add 20 cached films, of which the first create is answered 429; return the seconds."""
    rig = Rig(directory, None, retry=RetryTimes())
    directory.mkdir()
    await rig.open()
    contents = films("Film", 20)
    rig.sim.faults.add("createtorrent", RateLimit(retry_after=5.0))
    began = monotonic()
    await add(rig, contents)
    await all_complete(rig, contents)
    done = monotonic()
    await rig.close()
    return done - began


async def main(outages: list[float]) -> None:
    """Measure and print."""
    with TemporaryDirectory() as top:
        for seconds in outages:
            taken = await after_an_outage(Path(top) / f"outage-{seconds:.0f}", seconds)
            tell(f"the last of five {taken:.1f} s after that")
        taken = await after_a_429(Path(top) / "limited")
        tell(f"20 cached adds after one 429 with Retry-After: 5: {taken:.1f} s")


if __name__ == "__main__":
    asyncio.run(main([float(text) for text in sys.argv[1:]] or list(OUTAGES)))
