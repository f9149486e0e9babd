"""Entries are rendered anew only when they have changed."""

import pytest

from bridge.downloads import AddOptions
from bridge.qbittorrent.responses import PROFILES
from bridge.qbittorrent.torrent_list import EntryCache, queue_positions
from tests.support.face import Face, magnet

ONE, TWO = "1" * 40, "2" * 40


@pytest.fixture(name="entries")
async def _entries(face: Face) -> EntryCache:
    for info_hash in (ONE, TWO):
        await face.downloads.adds.magnet(magnet(info_hash), AddOptions())
    return EntryCache(face.downloads, PROFILES["4.6"])


async def test_only_what_changed_is_another_object(entries: EntryCache, face: Face) -> None:
    """Of a thousand downloads one that moves costs one rendering."""
    await entries.refresh(1.0)
    one, two = await entries.entries(entries.views, 1.0)
    await face.put(ONE, name="Renamed")
    assert await entries.refresh(1.0) != -1
    new_one, same_two = await entries.entries(entries.views, 1.0)
    assert new_one.info.name == "Renamed"
    assert new_one is not one
    assert same_two is two


async def test_a_place_in_the_queue_is_part_of_an_entry(entries: EntryCache, face: Face) -> None:
    """Who is overtaken shows it."""
    await entries.refresh(1.0)
    assert [row.info.priority for row in await entries.entries(entries.views, 1.0)] == [1, 2]
    await face.downloads.commands.to_top([TWO])
    await entries.refresh(1.0)
    assert [row.info.priority for row in await entries.entries(entries.views, 1.0)] == [2, 1]


async def test_nothing_new_is_the_same_number(entries: EntryCache) -> None:
    """Whoever keeps answers asks this number."""
    assert await entries.refresh(1.0) == await entries.refresh(1.0)


def test_queue_positions_follow_priority_and_age() -> None:
    """1 is the head of the queue."""
    assert queue_positions({"a": (0, 4), "b": (-1, 3), "d": (0, 1)}) == {"b": 1, "d": 2, "a": 3}
