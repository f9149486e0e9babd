"""Pictures of everything, made anew only where something has changed."""

import pytest

from bridge.core.model import Phase
from bridge.downloads import AddOptions
from bridge.qbittorrent.pictures import Pictures
from bridge.qbittorrent.profile import PROFILES
from bridge.qbittorrent.rows import Rows
from tests.support.face import Face, magnet

ONE, TWO = "1" * 40, "2" * 40


@pytest.fixture(name="pictures")
async def _pictures(face: Face) -> Pictures:
    for info_hash in (ONE, TWO):
        await face.downloads.adds.magnet(magnet(info_hash), AddOptions(category="tv"))
    profile = PROFILES["4.6"]
    return Pictures(face.downloads, Rows(face.downloads, profile), profile)


async def test_nothing_new_is_the_same_picture(pictures: Pictures) -> None:
    """Of a thousand downloads that rest, an idle poll compares none."""
    assert await pictures.take(1.0) is await pictures.take(1000.0)


async def test_what_rests_is_the_same_entry(pictures: Pictures, face: Face) -> None:
    """Of a thousand downloads one that moves is one comparison of fields."""
    before = await pictures.take(1.0)
    await face.put(ONE, name="Renamed")
    after = await pictures.take(1.0)
    assert after is not before
    assert after.torrents[ONE] is not before.torrents[ONE]
    assert after.torrents[TWO] is before.torrents[TWO]


async def test_seeding_time_makes_another_picture(pictures: Pictures, face: Face) -> None:
    """What passes with time alone is seen after some seconds."""
    await face.put(ONE, phase=Phase.DELIVERED, completed_at=100.0)
    before = await pictures.take(110.0)
    assert await pictures.take(114.0) is before
    assert (await pictures.take(116.0)).torrents[ONE].seeding_time == 16


async def test_trackers_list_their_downloads(pictures: Pictures) -> None:
    """Each URL once, with the hashes of all that have it."""
    found = (await pictures.take(1.0)).trackers
    assert list(found.values()) == [[ONE, TWO]]
