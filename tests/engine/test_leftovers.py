"""Unfinished files on disk that belong to no download, searched for at the start."""

import json

from bridge.core.model import Phase
from bridge.simulator import magnet_of
from tests.support.rig import Rig, pack

LOST, STRANGE = "a" * 40, "b" * 40


async def test_half_fetched_files_of_a_lost_database(set_up: Rig) -> None:
    """Leftovers of the bridge are deleted; other files are listed on the page and kept."""
    incomplete = set_up.downloads / ".incomplete"
    for name, file in ((LOST, "content"), (STRANGE, "notes.txt")):
        (incomplete / name).mkdir(parents=True)
        (incomplete / name / file).write_text("x")
    hidden = set_up.downloads / "tv-sonarr" / f".torbox-bridge-{LOST}"
    (hidden / "content").mkdir(parents=True)
    set_up.change(BRIDGE_CATEGORIES='{"tv-sonarr": {}}')
    await set_up.start()
    await set_up.until(lambda: bool(set_up.service.cleanup.left_alone()))
    assert not (incomplete / LOST).exists()
    assert not hidden.exists()
    assert (incomplete / STRANGE / "notes.txt").exists()
    (told,) = json.loads((await set_up.get("/api/bridge/status"))[1])["orphaned"]
    assert told["name"] == str(incomplete / STRANGE)
    assert "left alone" in told["why"]


async def test_what_is_being_fetched_is_somebodys(rig: Rig) -> None:
    """A download that a restart interrupts goes on with the bytes that it had."""
    content = pack(size=400_000)
    rig.sim.register(content)
    await rig.service.preferences.set_download_limit(300_000)
    async with rig.arr() as arr:
        await arr.add_magnet(magnet_of(content))
        await rig.until(lambda: rig.phase(content.hash) is Phase.DELIVERING)
        await rig.until(lambda: any(one.bytes_done > 100_000 for one in rig.state.meters.values()))
    await rig.restart()
    await rig.service.preferences.set_download_limit(0)
    await rig.reaches(content.hash, Phase.FINISHED)
    assert rig.service.cleanup.left_alone() == []
    assert sum(call.bytes for call in rig.sim.calls.to("cdn")) < 2 * content.size
