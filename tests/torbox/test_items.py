"""Torrents and queued downloads out of TorBox's lists."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.core.model import QueuedItem, RemoteFile, RemoteItem
from bridge.torbox import items
from bridge.torbox.envelope import Answer
from bridge.torbox.errors import ServerError

HASH = "ab" * 20
OTHER = "cd" * 32
FILE = {
    "id": 0,
    "md5": None,
    "name": "Show/show.mkv",
    "size": 4_699_990_000,
    "zipped": False,
    "infected": False,
    "short_name": "show.mkv",
}
WHOLE = {
    "id": 123456,
    "auth_id": "0b1c",
    "hash": HASH.upper(),
    "name": "Show",
    "magnet": None,
    "size": 4_700_000_000,
    "active": True,
    "created_at": "2026-06-22T10:00:00Z",
    "download_state": " Stalled (No Seeds) ",
    "seeds": 3,
    "peers": 2,
    "ratio": 1,
    "progress": 0.5,
    "download_speed": 1000,
    "upload_speed": 10,
    "eta": 8640000,
    "expires_at": "2026-07-22T10:05:00.250000+00:00",
    "download_present": True,
    "download_finished": True,
    "files": [FILE],
    "total_uploaded": 7,
    "cached": True,
    "private": True,
    "tracker_message": "see https://tracker.example/announce?passkey=secret",
    "alternative_hashes": [OTHER, "d" * 32, HASH],
    "tags": [],
}


def raw(value: object) -> msgspec.Raw:
    """Write a value as TorBox would."""
    return msgspec.Raw(msgspec.json.encode(value))


def read(value: object) -> tuple[list[RemoteItem], list[str]]:
    """Read one entry of the list, and the warnings."""
    warnings: list[str] = []
    found = items.readable([raw(value)], items.remote_item, warnings.append)
    return found, warnings


def test_a_whole_item() -> None:
    """Every field of TorBox's item arrives in ours, in our units."""
    (found,), warnings = read(WHOLE)
    assert warnings == []
    assert found == RemoteItem(
        id=123456,
        hash=HASH,
        name="Show",
        size=4_700_000_000,
        state="stalled (no seeds)",
        progress=0.5,
        download_speed=1000,
        upload_speed=10,
        eta=8640000,
        seeds=3,
        peers=2,
        ratio=1.0,
        uploaded=7,
        active=True,
        finished=True,
        present=True,
        cached=True,
        private=True,
        files=(RemoteFile(id=0, name="Show/show.mkv", size=4_699_990_000),),
        other_hashes=(OTHER, OTHER[:40]),
        created_at=1782122400.0,
        expires_at=1784714700.25,
        message="see https://tracker.example/***",
    )


@pytest.mark.parametrize(
    "stranger",
    [
        {"id": "123456"},
        {"id": 123456.0},
        {"seeds": 3.0, "peers": "2", "eta": 8640000.0, "size": 4.7e9},
        {"progress": 50, "ratio": "1.0"},
        {"active": 1, "cached": "true"},
        {"a_new_field": {"nested": [1]}},
        {"files": [FILE | {"id": 0.0, "size": "4699990000"}]},
    ],
    ids=str,
)
def test_notations_do_not_matter(stranger: dict[str, object]) -> None:
    """The same item in other JSON types is the same item."""
    assert read(WHOLE | stranger) == read(WHOLE)


@pytest.mark.parametrize("name", [name for name in WHOLE if name != "id"])
def test_null_may_stand_for_anything(name: str) -> None:
    """An item with a null in any field but its id is still an item."""
    (found,), warnings = read(WHOLE | {name: None})
    assert found.id == 123456
    assert warnings == []


@pytest.mark.parametrize("listed", [None, [], {}, "files", 0])
def test_no_files_yet(listed: object) -> None:
    """Before its metadata are known an item has no files and is not ready."""
    (found,), warnings = read(WHOLE | {"files": listed})
    assert found.files == ()
    assert not found.ready
    assert warnings == []


def test_a_file_without_a_name_goes_by_its_short_one() -> None:
    """The base name is enough where the path is missing."""
    (found,), _ = read(WHOLE | {"files": [FILE | {"name": None, "infected": 1}]})
    assert found.files == (RemoteFile(id=0, name="show.mkv", size=4_699_990_000, infected=True),)


@pytest.mark.parametrize(
    "broken",
    [None, 7, {}, FILE | {"id": None}, FILE | {"size": None}, FILE | {"size": -1}],
    ids=str,
)
def test_a_broken_file_hides_all(broken: object) -> None:
    """An item with a gap in its files is not ready, so that it is not delivered with the gap."""
    (found,), warnings = read(WHOLE | {"files": [FILE, broken]})
    assert not found.ready
    assert len(warnings) == 1
    assert "123456" in warnings[0]


@pytest.mark.parametrize("broken", [None, 7, [], "x", {}, {"id": None}, {"id": "x"}, {"id": True}])
def test_one_broken_item_costs_only_itself(broken: object) -> None:
    """The other items of the list are read, and there is a warning for the broken one."""
    warnings: list[str] = []
    raws = [raw(broken), raw({"id": 1}), msgspec.Raw(b'{"id": 2, "size": 1e999}'), raw(WHOLE)]
    found = items.readable(raws, items.remote_item, warnings.append)
    assert [item.id for item in found] == [1, 2, 123456]
    assert len(warnings) == 1


@settings(max_examples=100)
@given(
    st.dictionaries(
        st.sampled_from(sorted(WHOLE)),
        st.none() | st.booleans() | st.floats() | st.integers() | st.text("0a-.Z") | st.just([{}]),
    )
)
def test_any_types_are_parsed_or_warned_about(changes: dict[str, object]) -> None:
    """No type in any field breaks the list."""
    found, warnings = read(WHOLE | changes)
    assert found or warnings


def answer(data: object) -> Answer:
    """Make an answer that brings `data`."""
    return Answer(status=200, json=True, success=True, data=raw(data))


def test_a_list_is_a_list_or_null() -> None:
    """What is neither is trouble, never an empty list: nothing may look gone by mistake."""
    assert items.entries(answer(None)) == []
    assert len(items.entries(answer([1, None]))) == 2
    wrong: list[object] = [{}, "x", 7, True]
    for data in wrong:
        with pytest.raises(ServerError) as caught:
            items.entries(answer(data))
        assert caught.value.unclear


@pytest.mark.parametrize("data", [{"id": 5}, [{"id": 5}], [{"id": 4}, {"id": "5"}]], ids=str)
def test_one_item_comes_in_two_forms(data: object) -> None:
    """The item that was asked for is found in an object and in an array."""
    found = items.one(answer(data), 5)
    assert found is not None
    assert items.remote_item(found, pytest.fail).id == 5


def test_another_item_is_not_the_one() -> None:
    """Nothing at all means that there is none; another item means that TorBox is confused."""
    assert items.one(answer(None), 5) is None
    assert items.one(answer([]), 5) is None
    for data in ({"id": 4}, [{"id": 4}], {"name": "no id"}):
        with pytest.raises(ServerError):
            items.one(answer(data), 5)


def test_the_queue() -> None:
    """Queued downloads are read by id, lower-case hash and the name that the user sees."""
    warnings: list[str] = []
    raws = [
        raw({"id": "9", "hash": HASH.upper(), "name": "Show", "name_override": None}),
        raw({"id": 10, "hash": None, "name": "Show", "name_override": "Mine"}),
        raw({"hash": HASH}),
    ]
    assert items.readable(raws, items.queued_item, warnings.append) == [
        QueuedItem(id=9, hash=HASH, name="Show"),
        QueuedItem(id=10, hash="", name="Mine"),
    ]
    assert warnings == ["a queued download has no usable id"]


def test_only_torrents_are_torrents() -> None:
    """Usenet downloads in the same queue are passed over."""
    kinds: list[object] = ["torrent", None, "", "usenet", "webdl", []]
    assert [items.is_torrent(raw({"type": kind})) for kind in kinds] == [
        *[True] * 3,
        *[False] * 2,
        True,
    ]
