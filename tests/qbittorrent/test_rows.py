"""Entries are rendered anew only when they have changed."""

import pytest

from bridge.core.model import Phase
from bridge.downloads import AddOptions
from bridge.qbittorrent.profile import PROFILES
from bridge.qbittorrent.rows import Rows, queue_positions
from tests.support.face import Face, magnet
from tests.support.views import a_view

ONE, TWO = "1" * 40, "2" * 40


@pytest.fixture(name="rows")
async def _rows(face: Face) -> Rows:
    for info_hash in (ONE, TWO):
        await face.downloads.adds.magnet(magnet(info_hash), AddOptions())
    return Rows(face.downloads, PROFILES["4.6"])


async def test_only_what_changed_is_another_object(rows: Rows, face: Face) -> None:
    """Of a thousand downloads one that moves costs one rendering."""
    rows.catch_up()
    one, two = rows.of(rows.views, 1.0)
    await face.put(ONE, name="Renamed")
    assert rows.catch_up() != -1
    new_one, same_two = rows.of(rows.views, 1.0)
    assert new_one.info.name == "Renamed"
    assert new_one is not one
    assert same_two is two


async def test_a_place_in_the_queue_is_part_of_an_entry(rows: Rows, face: Face) -> None:
    """Who is overtaken shows it."""
    rows.catch_up()
    assert [row.info.priority for row in rows.of(rows.views, 1.0)] == [1, 2]
    await face.downloads.commands.to_top([TWO])
    rows.catch_up()
    assert [row.info.priority for row in rows.of(rows.views, 1.0)] == [2, 1]


def test_nothing_new_is_the_same_number(rows: Rows) -> None:
    """Whoever keeps answers asks this number."""
    assert rows.catch_up() == rows.catch_up()


def test_queue_positions_count_what_is_not_complete() -> None:
    """1 is the head of the queue; what is complete has no place in it."""
    views = [
        a_view(hash="a", priority=0),
        a_view(hash="b", priority=-1),
        a_view(hash="c", phase=Phase.FINISHED),
        a_view(hash="d", priority=0, added_at=0.0),
    ]
    assert queue_positions(views) == {"b": 1, "d": 2, "a": 3}
