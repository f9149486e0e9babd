"""A bridge with downloads in every state, to be looked at in a browser."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from bridge.core.model import Download, Entry, Grab, Phase
from bridge.simulator import Content, ContentFile, magnet_of, make_torrent
from bridge.simulator.faults import Error
from bridge.state import Batch, Database
from tests.support.entries import with_fields
from tests.support.rig import Rig, cached

XSS = "<img src=x onerror=\"document.title='xss'\">'\"<script>alert(1)<b>Name"
GIB = 1024**3


def finished(number: int, **fields: Any) -> Entry:
    """Make an entry that was delivered some time ago. The number tells the ids and the hash."""
    at = time.time() - 600.0 * number - 3600
    made = Entry(
        Download(
            id=number + 1,
            hash=f"{0xF00D0000 + number:040x}",
            name=f"Old.Show.S{number % 30:02}E{number % 24:02}.1080p.WEB-DL.H264-GRP{number:05}",
        ),
        Grab(id=number + 1, download_id=number + 1, save_path="/downloads/tv", added_at=at),
    )
    delivered = {
        "phase": Phase.FINISHED,
        "phase_at": at + 300,
        "category": ("tv-sonarr", "radarr", "tv-4k")[number % 3],
        "size": (number % 50 + 1) * GIB // 10,
        "completed_at": at + 300,
        "content_name": made.download.name,
        "delivery_mode": "download",
    }
    return with_fields(made, **delivered | fields)


async def fill(database: Path, entries: Iterable[Entry]) -> None:
    """Write entries into a database before a bridge opens it."""
    async with Database(database) as opened:
        batch = Batch()
        for entry in entries:
            batch.put(entry.download)
            batch.put(entry.grab)
        await opened.write(batch)


def show(name: str, size: int = 40_000_000, files: int = 3) -> Content:
    """Make a season pack."""
    parts = [ContentFile(f"{name}.E{n:02}.mkv", size // files) for n in range(1, files + 1)]
    return make_torrent(name, parts, trackers=["http://tracker.invalid/announce"])


@asynccontextmanager
async def page_world(rig: Rig, *, old: int = 6, nasty: bool = True) -> AsyncIterator[Rig]:
    """Run a bridge that has something of everything."""
    rig.change(BRIDGE_DELIVERY__LIMIT_BYTES_PER_SECOND="4MB")
    await fill(rig.directory / "bridge.db", (finished(number) for number in range(old)))
    await rig.open()
    try:
        await _populate(rig, nasty=nasty)
        yield rig
    finally:
        await rig.close()


async def _populate(rig: Rig, *, nasty: bool) -> None:
    world, faults = rig.sim.world, rig.sim.faults
    fetching = cached(show("The.Long.Voyage.S03.2160p.WEB-DL.DV.H265-CREW", 400_000_000))
    remote = show("Harbour.Lights.2024.1080p.BluRay.x264-PORT", 900_000_000)
    stalled = show("A.Film.Nobody.Seeds.1987.720p.HDTV-OLD")
    metadata = show("Looking.For.Metadata.S01E01.1080p.WEB.H264-META")
    waiting = show("Night.Ferry.S02.1080p.WEB-DL.H264-BOAT")
    doomed = show("Broken.Torrent.S01E05.1080p.WEB.H264-BAD")
    paused = show("Paused.By.Hand.2019.1080p.BluRay.x264-STOP")
    done = cached(show("Done.And.Dusted.S01E01.1080p.WEB.H264-FIN", 300_000))
    named = cached(show(XSS if nasty else "A.Quiet.Harbour.2023.1080p.WEB.H264-SEA", 200_000, 1))
    for content in (fetching, remote, stalled, metadata, waiting, doomed, paused, done, named):
        rig.sim.register(content)
    world.change(remote.hash, download_seconds=600.0, metadata_seconds=0.1)
    world.change(stalled.hash, stop_at=0.3, download_seconds=0.3, metadata_seconds=0.1)
    world.change(metadata.hash, metadata_seconds=1e6)
    faults.add(
        "createtorrent", Error(400, "BOZO_TORRENT", "Torrent file is not valid."), hash=doomed.hash
    )
    if nasty:
        faults.add("createtorrent", Error(), hash=waiting.hash, times=None)
    async with rig.arr() as arr, rig.arr("radarr") as radarr:
        for content in (done, named, fetching, doomed, metadata):
            await arr.add_magnet(magnet_of(content))
        for content in (remote, stalled, paused):
            await radarr.add_magnet(magnet_of(content))
        for content in (metadata, remote, stalled):
            await rig.reaches(content.hash, Phase.REMOTE)
        await arr.add_magnet(magnet_of(waiting))
    await rig.service.commands.stop([paused.hash])
    await rig.service.labels.add_tags([remote.hash], ["uhd", "wanted"])
    await rig.reaches(doomed.hash, Phase.FAILED)
    await rig.reaches(done.hash, Phase.FINISHED)
    await rig.reaches(fetching.hash, Phase.DELIVERING)
    if nasty:
        await rig.until(lambda: bool(rig.note(waiting.hash)))
    await rig.put_back(stalled.hash, -7300, "idle_seconds")
    await asyncio.sleep(1)
