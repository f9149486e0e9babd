"""A bridge and its TorBox, and an *arr that grabs through it and may be told of failures."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from bridge.engine import RetryTimes
from bridge.simulator import Content, ContentFile, magnet_of, make_torrent
from bridge.simulator.faults import Error
from tests.arr_emulator.arr_client import Arr
from tests.arr_emulator.arr_words import ArrSettings
from tests.support.arr_api import ANCESTORS, ArrApi
from tests.support.rig import BRISK, Rig

SWIFT = replace(BRISK, first=0.02, longest=0.2, failover_recheck=0.1)

TOLD = "DELETE /queue"
TOLD_WITH_REASON = "DELETE /api/v5/queue"
TOLD_BY_HISTORY = "POST /history/failed"


@dataclass(frozen=True, slots=True)
class World:
    """A bridge, and an *arr whose API it may use and which has it as its client."""

    rig: Rig
    api: ArrApi
    arr: Arr

    async def fails(self, number: int = 1, *, grabbed: bool = True, queued: bool = True) -> str:
        """Let the *arr grab what TorBox refuses; answers the info-hash."""
        content = refused(self.rig, number)
        await self.arr.add_magnet(magnet_of(content))
        if grabbed:
            self.api.grab(content.hash, queued=queued)
        return content.hash

    async def settled(self, info_hash: str) -> None:
        """Wait until the job of this hash is over."""

        def over() -> bool:
            jobs = self.rig.failovers
            mine = [job for job in jobs if job.subject == info_hash]
            return bool(mine) and all(job.finished_at is not None for job in mine)

        await self.rig.until(over)

    async def says(self, words: str, info_hash: str) -> None:
        """Wait until the note of a download says so."""
        await self.rig.until(lambda: words in self.rig.note(info_hash))


def refused(rig: Rig, number: int = 1) -> Content:
    """Make something that TorBox will not take."""
    content = make_torrent(f"Show.{number}", [ContentFile(f"show.{number}.mkv", 100_000)])
    rig.sim.register(content)
    too_large = Error(400, "DOWNLOAD_TOO_LARGE", "too large")
    rig.sim.faults.add("createtorrent", too_large, hash=content.hash)
    return content


@asynccontextmanager
async def world(
    directory: Path, kind: str = "sonarr", *, retry: RetryTimes = SWIFT, **environ: Any
) -> AsyncIterator[World]:
    """Run both."""
    async with ArrApi(kind) as api:
        rig = Rig(directory, retry=retry, BRIDGE_ARR=json.dumps([api.settings()]), **environ)
        await rig.open()
        try:
            app = ANCESTORS.get(kind, kind)
            async with rig.arr(app, ArrSettings(category=api.kind.category)) as arr:
                api.delete_in_client = arr.remove
                yield World(rig, api, arr)
        finally:
            await rig.close()
