"""The disk under the database is full: work waits, the log stays short, and nothing is lost."""

import asyncio
from collections import Counter
from pathlib import Path

import structlog

from bridge.core.model import Phase
from bridge.simulator import magnet_of
from tests.support.mounts import fill, tmpfs
from tests.support.rig import Rig, pack


async def test_a_full_disk_is_no_storm(tmp_path: Path) -> None:
    """What cannot be stored is not tried again at once, and is done when there is room again."""
    with tmpfs(tmp_path / "config", mib=2) as config:
        rig = Rig(tmp_path, BRIDGE_PATHS__DATABASE=str(config / "bridge.db"))
        await rig.open()
        contents = [pack(f"Show.S{number:02}") for number in range(6)]
        for content in contents:
            rig.sim.register(content)
        async with rig.arr() as arr:
            for content in contents:
                await arr.add_magnet(magnet_of(content))
            filler = fill(config)
            # On a quick machine some are there already.
            finished = {
                content.hash for content in contents if rig.phase(content.hash) is Phase.FINISHED
            }
            assert len(finished) < len(contents)
            with structlog.testing.capture_logs() as logs:
                await asyncio.sleep(6)
            events = Counter(line["event"] for line in logs)
            assert 0 < events["database_not_written"] <= 4 * len(contents) + 4
            assert sum(events.values()) < 100, events
            done = {
                content.hash for content in contents if rig.phase(content.hash) is Phase.FINISHED
            }
            # SQLite had room for a few more pages in its files; that is all there was.
            assert finished <= done
            assert len(done) < len(contents)
            filler.unlink()
            for content in contents:
                await rig.reaches(content.hash, Phase.FINISHED, within=25)
        assert rig.sim.calls.count("createtorrent") == len(contents)
        await rig.close()
