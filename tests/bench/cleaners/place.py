"""A bridge with healthy downloads of every kind, and a dead one."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bridge.core.model import Phase
from bridge.simulator import (
    Behaviour,
    Content,
    ContentFile,
    Scenario,
    SimulatedAccount,
    magnet_of,
)
from bridge.simulator.faults import Html
from tests.support.rig import Rig

MIB = 1 << 20
SPEED = 2e6
"""Bytes/s of TorBox for what it has not cached: a film takes a quarter of an hour."""
FETCH_LIMIT = 4 * MIB
CATEGORY = "tv-sonarr"
SLOTS = 3


@dataclass(slots=True)
class Place:
    """A bridge, what it downloads, and where the tools are."""

    rig: Rig
    tools: Path
    work: Path
    healthy: Sequence[Content] = ()
    dead: Content | None = None
    parts: set[Path] = field(default_factory=set)
    """The files that were being fetched at the start."""

    @property
    def removed(self) -> int:
        """How many healthy downloads are gone."""
        return sum(self.rig.entry(one.hash) is None for one in self.healthy)

    @property
    def moved(self) -> int:
        """How many files that were being fetched are gone."""
        return len(self.parts - parts_of(self.rig))

    @property
    def dead_removed(self) -> bool:
        """Whether the dead download is gone: else the tool might do nothing at all."""
        return self.dead is not None and self.rig.entry(self.dead.hash) is None

    @property
    def orphan(self) -> Path:
        """A file that belongs to no download."""
        return self.rig.downloads / CATEGORY / "Nobody.Knows.This.mkv"

    async def fill(self) -> None:
        """Add downloads, and wait until each is where it is to stay."""
        slow = [_film(f"Slow.{number}", 2000) for number in range(2)]
        waiting = [_film(f"Waiting.{number}", 2000) for number in range(2)]
        fetched = [_film(f"Fetched.{number}", 200, is_cached=True) for number in range(6)]
        dead = _film("Dead", 2000)
        await self.rig.post("/api/v2/transfer/setDownloadLimit", limit=str(FETCH_LIMIT))
        for one in (dead, *slow, *waiting, *fetched):
            self.rig.sim.register(one)
        self.rig.sim.world.change(dead.hash, stop_at=0.001)
        for one in (dead, *slow):
            await self._add(one)
            await self.rig.reaches(one.hash, Phase.REMOTE)
        for one in (*waiting, *fetched):
            await self._add(one)
        await self.rig.until(
            lambda: any(self.rig.phase(one.hash) is Phase.DELIVERING for one in fetched)
        )
        # A torrent that TorBox gets within seconds shows the progress of the fetch alone.
        await self.rig.until(lambda: all(self._progress(one) > 0 for one in slow), within=90)
        self.healthy, self.dead = (*slow, *waiting, *fetched), dead
        self.orphan.parent.mkdir(exist_ok=True)
        self.orphan.write_bytes(b"x")
        self.parts = parts_of(self.rig)

    async def _add(self, content: Content) -> None:
        await self.rig.post("/api/v2/torrents/add", urls=magnet_of(content), category=CATEGORY)

    def _progress(self, content: Content) -> float:
        view = self.rig.service.queries.get(content.hash)
        return view.status.progress if view else 0.0

    async def break_down(self) -> None:
        """Begin an outage of TorBox."""
        self.rig.sim.faults.add("*", Html(status=502), times=None)
        await self.rig.until(lambda: self.rig.service.unreachable, within=60)


def scenario() -> Scenario:
    """A TorBox with few slots that needs long for what it does not have."""
    return Scenario(
        account=SimulatedAccount(slots=SLOTS),
        behaviour=Behaviour(
            download_bytes_per_second=SPEED, metadata_seconds=0.1, store_seconds=0.1,
            promotion_gap_seconds=0, when_full="queue",
        ),
    )  # fmt: skip


def _film(name: str, mib: int, *, is_cached: bool = False) -> Content:
    """Make a release without a .torrent: to hash its pieces would take minutes."""
    info_hash = hashlib.sha1(name.encode(), usedforsecurity=False).hexdigest()
    return Content(info_hash, name, (ContentFile(f"{name}.mkv", mib * MIB),), cached=is_cached)


def parts_of(rig: Rig) -> set[Path]:
    """List the files that are being fetched."""
    return {path for path in (rig.downloads / ".incomplete").rglob("*") if path.is_file()}
