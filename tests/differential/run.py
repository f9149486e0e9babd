"""Plays the scenario on a real qBittorrent and on the bridge, side by side."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bridge.simulator import Behaviour, Content, ContentFile, Scenario
from tests.differential.allowed import Allowed, Verdict, Why, judge
from tests.differential.compare import Compared, Kind, compare
from tests.differential.player import Place, Player
from tests.differential.real import real_qbittorrent
from tests.differential.scenario.finished import CONTENTS, write
from tests.differential.scenario.material import MAGNET_HASH, topic
from tests.differential.scenario.whole import SCENARIO
from tests.differential.table import TABLE
from tests.support.rig import PASSWORD, USERNAME, Rig

UNKNOWABLE: Final = tuple(
    Content(hash=one, name=one, files=(ContentFile("x.mkv", 1),), metadata=False)
    for one in (MAGNET_HASH, topic("5"))
)
"""What the magnets that run are of; nobody tells."""
NEVER: Final = 1e6
"""Seconds until TorBox finds anything out."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it."""

    compared: Sequence[Compared]
    verdict: Verdict

    def __str__(self) -> str:
        """Count requests."""
        everywhere = {
            id(value)
            for row, values in self.verdict.allowed.items()
            for value in values
            if row.everywhere
        }
        differing = {
            id(value.step)
            for value in self.compared
            if value.kind is not Kind.SAME and id(value) not in everywhere
        }
        unexpected = {id(value.step) for value in self.verdict.surprises}
        undecided = {
            id(value.step)
            for row, values in self.verdict.allowed.items()
            for value in values
            if row.why is Why.OPEN
        }
        return (
            f"{len(SCENARIO)} requests, {len(self.compared)} values compared: "
            f"{len(SCENARIO) - len(differing)} answers identical (but for Cache-Control), "
            f"{len(differing - undecided - unexpected)} with allowed differences, "
            f"{len(undecided - unexpected)} with open ones, {len(unexpected)} with unexpected ones"
        )


async def play_both(root: Path, table: Sequence[Allowed] = TABLE) -> Outcome:
    """Play the whole scenario on both, in new directories below `root`."""
    async with (
        real_qbittorrent(root / "qbittorrent", USERNAME, PASSWORD) as real,
        bridge_place(root / "bridge") as bridge,
    ):
        for content in CONTENTS:
            write(content, real.downloads)
        theirs, ours = await asyncio.gather(
            Player(real).play(SCENARIO), Player(bridge).play(SCENARIO)
        )
    answers = zip(SCENARIO, theirs, ours, strict=True)
    compared = [value for step, one, other in answers for value in compare(step, one, other)]
    return Outcome(compared, judge(compared, table))


@asynccontextmanager
async def bridge_place(root: Path) -> AsyncIterator[Place]:
    """Run the bridge, with a TorBox that has nothing and gets nothing."""
    root.mkdir(parents=True)
    rig = Rig(root, Scenario(behaviour=Behaviour(metadata_seconds=NEVER)))
    await rig.open()
    for content in (*CONTENTS, *UNKNOWABLE):
        rig.sim.register(content)
    try:
        yield Place(rig.url, rig.downloads, USERNAME, PASSWORD)
    finally:
        await rig.close()
