"""Runs cleaners against the bridge, and counts the healthy downloads that they remove.

    .venv/bin/python -m tests.bench.cleaners [--tools DIR] [--seconds 40] [--only NAME]

The real tools are installed by pip, each into a virtual environment of its own below `--tools`.
Healthy downloads of four kinds are there: slow at TorBox, in TorBox's queue, being fetched, and
waiting for a fetch. Each tool looks again and again, in both profiles, while TorBox works and while
it is down. The limits are far below their defaults, because a run lasts seconds and not hours.

A download that stands still at TorBox, and a file of nobody, show that the tool does its work.

autoremove-torrents  strategies for idle, slow and stalled downloads
qbit_manage          `rem_orphaned` with `min_file_age_minutes: 0` on the download directory
qBitrr               `MaximumETA` of an hour, stalled and unavailable downloads
Cleanuparr's rules   metadata, stalled, slow speed and slow time: 3 strikes each
decluttarr's rules   stalled, missing metadata and slow in the queue of an *arr: 3 strikes each
"""

import argparse
import asyncio
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.bench.cleaners.place import Place, scenario
from tests.bench.cleaners.tools import LOOKS, install
from tests.support.rig import Rig

PROFILES = ("4.6", "5.1")
LOOK_SECONDS = 2.0
HEAD = (
    "| tool | profile | TorBox | looks | healthy removed | parts moved | it removes what is dead |\n"
    "| --- | --- | --- | --- | --- | --- | --- |"
)


@dataclass(slots=True)
class Count:
    """What happened in one run."""

    tool: str
    profile: str
    outage: bool
    looks: int = 0
    failed: int = 0
    """Looks that ended with an error of the tool."""
    removed: int = 0
    moved: int = 0
    works: bool = False
    """The tool removed what is dead."""

    @property
    def good(self) -> bool:
        """Whether the tool worked and left alone what is healthy.

        In an outage nothing is known to be dead but the file of nobody.
        """
        worked = self.works or (self.outage and self.tool != "qbit_manage")
        return worked and not (self.removed or self.moved or self.failed)

    @property
    def row(self) -> str:
        """A row of the table."""
        weather = "down" if self.outage else "works"
        works = "yes" if self.works else "-" if self.outage else "no"
        failed = f" ({self.failed} failed)" if self.failed else ""
        return (
            f"| {self.tool} | {self.profile} | {weather} | {self.looks}{failed} | {self.removed}"
            f" | {self.moved} | {works} |"
        )


async def measure(tool: str, profile: str, tools: Path, *, outage: bool, seconds: float) -> Count:
    """Run one tool against one bridge for so many seconds, and at least twice."""
    count = Count(tool, profile, outage)
    top = Path(tempfile.mkdtemp(prefix="cleaners-"))
    (top / "work").mkdir()
    rig = Rig(top, scenario(), BRIDGE_QBITTORRENT__PROFILE=profile)
    await rig.open()
    try:
        place = Place(rig, tools, top / "work")
        await place.fill()
        if outage:
            await place.break_down()
        look = LOOKS[tool]()
        now = asyncio.get_running_loop().time
        end = now() + seconds
        while now() < end or count.looks < 2:
            count.failed += await look(place) != 0
            count.looks += 1
            await asyncio.sleep(LOOK_SECONDS)
        count.removed, count.moved = place.removed, place.moved
        orphans = tool == "qbit_manage"
        count.works = not place.orphan.exists() if orphans else place.dead_removed
        if not count.good:
            kept = Path(tempfile.gettempdir()) / f"cleaners-{tool.split(maxsplit=1)[0]}.log"
            (top / "work" / "output").touch()
            shutil.copy(top / "work" / "output", kept)
            sys.stderr.write(f"what the tool said: {kept}\n")
    finally:
        await rig.close()
        shutil.rmtree(top, ignore_errors=True)
    return count


async def measure_all(names: list[str], tools: Path, seconds: float) -> bool:
    """Run everything, one after the other; print a row for each. Return whether all are good."""
    good = True
    sys.stdout.write(HEAD + "\n")
    for tool in names:
        for profile in PROFILES:
            for outage in (False, True):
                count = await measure(tool, profile, tools, outage=outage, seconds=seconds)
                good &= count.good
                sys.stdout.write(count.row + "\n")
                sys.stdout.flush()
    return good


def main() -> int:
    """Print one row for each run; 1 when a healthy download was removed, or a part moved."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--tools", type=Path, default=Path(tempfile.gettempdir()) / "cleaners")
    parser.add_argument("--seconds", type=float, default=40.0)
    parser.add_argument("--only", choices=list(LOOKS), action="append")
    args = parser.parse_args()
    args.tools.mkdir(parents=True, exist_ok=True)
    install(args.tools)
    good = asyncio.run(measure_all(args.only or list(LOOKS), args.tools, args.seconds))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
