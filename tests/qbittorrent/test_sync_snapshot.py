"""The difference of two snapshots."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from bridge.qbittorrent.sync_snapshot import (
    PART_DIGITS,
    MainData,
    SyncSnapshot,
    Torrents,
    Totals,
    TrackerLists,
    TrafficCounter,
    difference,
    encoded,
    full_update,
    server_state,
)
from tests.support.views import a_view, rendered

ONE, TWO = "1" * 40, "2" * 40
STATE = server_state(Totals(), 5000, fields_of_5=False)
PLAIN = SyncSnapshot(
    torrents={ONE: rendered(hash=ONE).info},
    categories={"tv": {"name": "tv", "savePath": "/d/tv"}},
    tags=("a",),
    trackers={"http://t/": [ONE]},
    server_state=STATE,
)


URLS = ("http://a/", "http://b/", "http://c/")
PUTS = st.tuples(st.sampled_from("1234"), st.lists(st.sampled_from(URLS), unique=True))


@given(st.lists(st.lists(PUTS, max_size=5), max_size=5))
def test_a_tracker_lists_the_hashes_that_have_it(
    batches: list[list[tuple[str, list[str]]]],
) -> None:
    """However often a hash changes its trackers before the lists are renewed, it is there once."""
    lists, trackers_of = TrackerLists(), dict[str, list[str]]()
    for batch in batches:
        for info_hash, trackers in batch:
            lists.put(info_hash, tuple(trackers))
            trackers_of[info_hash] = trackers
        lists.renew_lists()
        having = {url: [key for key, of in trackers_of.items() if url in of] for url in URLS}
        listed = {url: sorted(hashes) for url, hashes in lists.lists.items()}
        assert listed == {url: sorted(hashes) for url, hashes in having.items() if hashes}


def shown(answer: MainData) -> dict[str, Any]:
    """Read an answer as a client does."""
    found: dict[str, Any] = msgspec.json.decode(b"".join(encoded(answer)))
    return found


def test_a_full_update_has_all_sections() -> None:
    """Also those that are empty, as 4.x has it; the hash of a download is its key and no field."""
    found = shown(full_update(PLAIN, 1))
    assert list(found) == sorted(found)
    assert found["full_update"] is True
    assert (found["rid"], found["tags"], found["trackers"]) == (1, ["a"], {"http://t/": [ONE]})
    assert "hash" not in found["torrents"][ONE]
    assert len(found["torrents"][ONE]) == 50
    empty = SyncSnapshot(torrents={}, categories={}, tags=(), trackers={}, server_state=STATE)
    assert {"categories", "tags", "torrents", "trackers"} <= shown(full_update(empty, 1)).keys()


def test_no_news_is_a_number_and_nothing_else() -> None:
    """Sections without news are left out, also when everything was made anew."""
    same = replace(PLAIN, torrents={ONE: rendered(hash=ONE).info})
    assert shown(difference(PLAIN, PLAIN, 2)) == {"rid": 2}
    assert shown(difference(PLAIN, same, 3)) == {"rid": 3}


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        (
            {"torrents": {ONE: rendered(hash=ONE, category="x").info}},
            {"torrents": {ONE: {"category": "x"}}},
        ),
        ({"torrents": {}}, {"torrents_removed": [ONE]}),
        (
            {"categories": {"tv": {"name": "tv", "savePath": "/n"}}},
            {"categories": {"tv": {"savePath": "/n"}}},
        ),
        (
            {"categories": {"x": {"name": "x", "savePath": ""}}},
            {"categories": {"x": {"name": "x", "savePath": ""}}, "categories_removed": ["tv"]},
        ),
        ({"tags": ("a", "b")}, {"tags": ["b"]}),
        ({"tags": ()}, {"tags_removed": ["a"]}),
        ({"trackers": {"http://t/": [ONE, TWO]}}, {"trackers": {"http://t/": [ONE, TWO]}}),
        ({"trackers": {}}, {"trackers_removed": ["http://t/"]}),
        (
            {"server_state": server_state(Totals(), 4000, fields_of_5=False)},
            {"server_state": {"free_space_on_disk": 4000}},
        ),
    ],
)
def test_only_what_changed_is_told(fields: dict[str, Any], told: dict[str, Any]) -> None:
    """Of a changed thing its changed fields, of a removed one its name."""
    assert shown(difference(PLAIN, replace(PLAIN, **fields), 2)) == {"rid": 2, **told}


def test_a_new_download_is_told_whole() -> None:
    """With every field but the hash."""
    more = {**PLAIN.torrents, TWO: rendered(hash=TWO, name="Two").info}
    found = shown(difference(PLAIN, replace(PLAIN, torrents=more), 2))
    assert list(found["torrents"]) == [TWO]
    assert found["torrents"][TWO]["name"] == "Two"
    assert len(found["torrents"][TWO]) == 50


def test_some_numbers_are_texts() -> None:
    """Go clients decode strictly: these four are texts, as in qBittorrent."""
    found = shown(full_update(PLAIN, 1))["server_state"]
    texts = {"global_ratio", "read_cache_hits", "read_cache_overload", "write_cache_overload"}
    assert {name for name in texts if isinstance(found[name], str)} == texts
    assert found["global_ratio"] == "-"
    moved = Totals(present_downloaded=1250, present_uploaded=7)
    assert server_state(moved, 0, fields_of_5=False).global_ratio == "0.01"
    assert list(found) == sorted(found)
    newer = msgspec.to_builtins(server_state(Totals(), 0, fields_of_5=True))
    assert newer.keys() - found.keys() == {"last_external_address_v4", "last_external_address_v6"}


def test_totals_never_fall() -> None:
    """Neither when a download is removed, nor when it is delivered once more."""
    counter = TrafficCounter()
    counter.update(ONE, a_view(hash=ONE, size=1000, progress=1.0, uploaded=7, download_speed=5))
    counter.update(TWO, a_view(hash=TWO, size=500, progress=0.5, download_speed=3))
    assert (counter.totals.downloaded, counter.totals.download_speed) == (1250, 8)
    counter.update(ONE, None)
    assert (counter.totals.downloaded, counter.totals.download_speed) == (1250, 3)
    counter.update(TWO, a_view(hash=TWO, size=500, progress=0.1))
    totals = counter.totals
    assert (totals.downloaded, totals.uploaded) == (1250, 7)
    counter.update(ONE, a_view(hash=ONE, size=1000, progress=0.5, added_at=9.0))
    assert counter.totals.downloaded == 1750


def test_a_changed_copy_shares_what_has_not_changed() -> None:
    """And the entries that it was made of stay as they were."""
    one, two, other = (rendered(hash=key).info for key in (ONE, TWO, ONE))
    before = Torrents().with_changes({ONE: one, TWO: two})
    after = before.with_changes({ONE: other, TWO: None, "3" * 40: None})
    assert (dict(before), len(before)) == ({ONE: one, TWO: two}, 2)
    assert (dict(after), len(after), TWO in after) == ({ONE: other}, 1, False)
    assert after[ONE] is other
    same = before.with_changes({ONE: other})
    assert same._parts[TWO[:PART_DIGITS]] is before._parts[TWO[:PART_DIGITS]]
