"""What should never happen is logged: once, with its text and the name of the release."""

from pathlib import Path

import structlog

from bridge.core.model import Phase
from bridge.simulator import Content, ContentFile, magnet_of, make_torrent
from tests.support.rig import JumpingClock, Rig, cached


def film(name: str) -> Content:
    """Make a film that stays half-way at TorBox."""
    return cached(make_torrent(name, [ContentFile(f"{name}.mkv", 100_000)]), is_cached=False)


async def test_a_violation_is_logged_with_the_release(tmp_path: Path) -> None:
    """Two downloads that follow one remote item: both names are in the line, which comes once."""
    rig, clock = Rig(tmp_path), JumpingClock()
    rig.clock = clock
    await rig.open()
    films = [film("Film.2024.1080p"), film("Other.2023.720p")]
    async with rig.arr() as arr:
        for content in films:
            rig.sim.register(content)
            rig.sim.world.change(content.hash, stop_at=0.5)
            await arr.add_magnet(magnet_of(content))
            await rig.reaches(content.hash, Phase.REMOTE)
    first, other = (rig.followed(content.hash) for content in films)
    true_id = other.torrent_id
    await rig.alter(films[1].hash, torrent_id=first.torrent_id)
    with structlog.testing.capture_logs() as logs:
        for _ in range(4):
            lists = rig.sim.calls.count("mylist")
            clock.ahead += 61  # between two looks
            await rig.until(lambda before=lists: rig.sim.calls.count("mylist") > before)  # type: ignore[misc]  # a default binds the loop's value
    lines = [line for line in logs if line["event"] == "invariant_violated"]
    (line,) = [line for line in lines if "both have torrent" in line["what"]]
    assert line["log_level"] == "error"
    for content in films:
        assert content.name in line["what"]
        assert content.hash in line["what"]
    assert (await rig.get("/metrics"))[1].count("invariant_violations 0") == 0
    await rig.alter(films[1].hash, torrent_id=true_id)
    await rig.close()
