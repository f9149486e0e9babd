"""A torrent that TorBox refused for good is rejected for the rest of the day."""

import json
from pathlib import Path

import pytest

from bridge.core.model import Failure, Phase, Reason
from bridge.engine.torbox_memory import FOR_GOOD, REFUSED_SECONDS, Refusals
from bridge.simulator import Content, ContentFile, magnet_of, make_torrent
from bridge.simulator.faults import Error
from tests.arr_emulator.arr_wire import ArrError
from tests.support.arr_api import ArrApi
from tests.support.rig import Rig

NOW = 1_000_000.0
H, OTHER = f"{1:040x}", f"{2:040x}"

TOO_LARGE = Error(400, "DOWNLOAD_TOO_LARGE", "It is larger than 10 GB.")


@pytest.mark.parametrize("reason", Reason)
def test_only_what_is_for_good_is_remembered(reason: Reason) -> None:
    """A passing trouble, or what the user's own rules give up, may be tried again at once."""
    refusals = Refusals()
    refusals.remember(H, Failure(reason, "so it is"), now=NOW)
    assert bool(refusals.why(H, 0, NOW)) is (reason in FOR_GOOD)
    assert refusals.why(OTHER, 0, NOW) == ""


def test_for_a_day() -> None:
    """Plans and rules change: after a day TorBox is asked again."""
    refusals = Refusals()
    too_large = Failure(Reason.TOO_LARGE, "too large")
    refusals.remember(H, too_large, size=1000, code="DOWNLOAD_TOO_LARGE", now=NOW)
    assert "too large" in refusals.why(H, 5, NOW + REFUSED_SECONDS - 1)
    assert refusals.why(OTHER, 1000, NOW + REFUSED_SECONDS - 1)
    assert refusals.why(H, 5, NOW + REFUSED_SECONDS) == ""
    assert refusals.why(OTHER, 1000, NOW + REFUSED_SECONDS) == ""


@pytest.mark.parametrize(
    ("size", "code", "asked", "refused"),
    [
        (1000, "DOWNLOAD_TOO_LARGE", 1000, True),
        (1000, "DOWNLOAD_TOO_LARGE", 2000, True),
        (1000, "DOWNLOAD_TOO_LARGE", 999, False),
        (1000, "DOWNLOAD_TOO_LARGE", 0, False),
        (0, "DOWNLOAD_TOO_LARGE", 5000, False),
        (1000, "TOO_MUCH_DATA", 5000, False),
    ],
)
def test_sizes(size: int, code: str, asked: int, *, refused: bool) -> None:
    """Sizes from the refused size on are too large; unknown sizes are accepted."""
    refusals = Refusals()
    refusals.remember(H, Failure(Reason.TOO_LARGE, "too large"), size=size, code=code, now=NOW)
    assert bool(refusals.why(OTHER, asked, NOW)) is refused


def film(name: str, size: int) -> Content:
    """Make a film with a .torrent."""
    return make_torrent(name, [ContentFile(f"{name}.mkv", size)], trackers=["http://t.invalid/a"])


async def test_the_arr_takes_the_next_release(rig: Rig) -> None:
    """Radarr, which would pick the same again at each search, is refused at once from then on."""
    content, larger, smaller = film("One", 200_000), film("Two", 300_000), film("Three", 100_000)
    for one in (content, larger, smaller):
        rig.sim.register(one)
    rig.sim.faults.add("createtorrent", TOO_LARGE, hash=content.hash, times=None)
    async with rig.arr("radarr") as radarr:
        assert content.torrent is not None
        assert larger.torrent is not None
        assert smaller.torrent is not None
        download_id = await radarr.add_torrent(content.torrent, content.name, content.hash)
        await rig.reaches(content.hash, Phase.FAILED)
        await radarr.remove(download_id)
        with pytest.raises(ArrError):
            await radarr.add_magnet(magnet_of(content))
        with pytest.raises(ArrError):
            await radarr.add_torrent(larger.torrent, larger.name, larger.hash)
        assert await radarr.poll() == []
        download_id = await radarr.add_torrent(smaller.torrent, smaller.name, smaller.hash)
        await rig.completed(radarr, download_id)
    assert rig.sim.calls.count("createtorrent") == 2


async def test_sonarr_is_told_instead(tmp_path: Path) -> None:
    """Sonarr, which parks all torrents after a refusal, has it accepted, failed and blocklisted."""
    async with ArrApi("sonarr") as api:
        rig = Rig(tmp_path, BRIDGE_ARR=json.dumps([api.settings()]))
        await rig.open()
        try:
            content = film("One", 200_000)
            rig.sim.register(content)
            rig.sim.faults.add("createtorrent", TOO_LARGE, hash=content.hash, times=None)
            async with rig.arr("sonarr") as sonarr:
                api.delete_in_client = sonarr.remove
                for count in (1, 2):
                    api.grab(content.hash)
                    await sonarr.add_magnet(magnet_of(content))
                    await rig.until(lambda wanted=count: len(api.blocklist) == wanted)  # type: ignore[misc]  # a default binds the loop's value
                    await rig.until(lambda: rig.entry(content.hash) is None)
            assert len(api.searches) == 2
        finally:
            await rig.close()
