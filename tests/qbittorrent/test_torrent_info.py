"""One download as qBittorrent's fields."""

import math

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from bridge.core.model import Phase
from bridge.core.status import ETA_UNKNOWN, State
from bridge.qbittorrent.responses import PROFILES
from bridge.qbittorrent.torrent_info import TorrentInfo, number, render, root_path, torrent_info
from tests.arr_emulator.arr_queue import Preferences, Torrent, queue_item
from tests.arr_emulator.dialects import DIALECTS, App
from tests.support.entries import with_fields
from tests.support.views import ADDED_AT, AROUND, AROUND_5, PLAIN, a_view, rendered

DONE_AT = ADDED_AT + 100
SEEDED_UNTIL = DONE_AT + 600.5
FIELDS_OF_4_5 = [
    "added_on",
    "amount_left",
    "auto_tmm",
    "availability",
    "category",
    "completed",
    "completion_on",
    "content_path",
    "dl_limit",
    "dlspeed",
    "download_path",
    "downloaded",
    "downloaded_session",
    "eta",
    "f_l_piece_prio",
    "force_start",
    "hash",
    "infohash_v1",
    "infohash_v2",
    "last_activity",
    "magnet_uri",
    "max_ratio",
    "max_seeding_time",
    "name",
    "num_complete",
    "num_incomplete",
    "num_leechs",
    "num_seeds",
    "priority",
    "progress",
    "ratio",
    "ratio_limit",
    "save_path",
    "seeding_time",
    "seeding_time_limit",
    "seen_complete",
    "seq_dl",
    "size",
    "state",
    "super_seeding",
    "tags",
    "time_active",
    "total_size",
    "tracker",
    "trackers_count",
    "up_limit",
    "uploaded",
    "uploaded_session",
    "upspeed",
]


def info(now: float = ADDED_AT, **fields: object) -> TorrentInfo:
    """Translate a download of these fields."""
    return torrent_info(a_view(**fields), (), 1, now, AROUND)  # type: ignore[arg-type]


def finished(**fields: object) -> TorrentInfo:
    """Translate a download that was complete at DONE_AT and finished at SEEDED_UNTIL."""
    done = {
        "state": State.PAUSED_UP,
        "progress": 1.0,
        "phase": Phase.FINISHED,
        "phase_at": SEEDED_UNTIL,
        "completed_at": DONE_AT,
        "content_name": "Show.S01",
    }
    return info(SEEDED_UNTIL + 9000, **(done | fields))


def test_fields_are_those_of_4_6_in_alphabetical_order() -> None:
    """Every field of 4.5 and the two that came with 4.6, sorted as qBittorrent sorts them."""
    added = ["inactive_seeding_time_limit", "max_inactive_seeding_time"]
    shown = msgspec.json.decode(rendered().json)
    assert list(shown) == sorted(FIELDS_OF_4_5 + added)


def test_fields_of_5_1_are_those_and_more_in_alphabetical_order() -> None:
    """What 5.x added is there, between the others."""
    shown = msgspec.json.decode(render(a_view(), (), 0, ADDED_AT, AROUND_5).json)
    assert list(shown) == sorted(shown)
    assert set(shown) - set(msgspec.json.decode(rendered().json)) == {
        "comment",
        "has_metadata",
        "popularity",
        "private",
        "reannounce",
        "root_path",
    }


@pytest.mark.parametrize(
    ("size", "private", "shown"), [(0, True, None), (10, True, True), (10, False, False)]
)
def test_private_is_null_before_the_metadata(
    size: int, *, private: bool, shown: bool | None
) -> None:
    """Nobody knows it before; clients of 5.x read null."""
    row = render(a_view(size=size, private=private), (), 0, ADDED_AT, AROUND_5)
    assert (row.info.private, row.info.has_metadata) == (shown, size > 0)


@pytest.mark.parametrize(
    ("name", "is_folder", "root"),
    [("", False, ""), ("e01.mkv", False, ""), ("Show", True, "/d/tv/Show")],
)
def test_root_path_is_the_one_folder(name: str, *, is_folder: bool, root: str) -> None:
    """A single file has none, nor what is not planned yet."""
    assert root_path(with_fields(PLAIN, content_name=name, content_is_folder=is_folder)) == root


def test_a_fresh_magnet() -> None:
    """Before anything is known, sizes are 0 and -1 and there is no content path."""
    found = info(state=State.QUEUED_DL)
    assert (found.size, found.total_size, found.amount_left, found.progress) == (0, -1, 0, 0)
    assert (found.content_path, found.save_path) == ("", "/d/tv")
    assert (found.eta, found.ratio_limit, found.max_ratio) == (ETA_UNKNOWN, -2, -1)
    assert (found.added_on, found.completion_on, found.seeding_time) == (1_700_000_000, 0, 0)
    assert found.magnet_uri == f"magnet:?xt=urn:btih:{'a' * 40}&dn=Show%20S01"


def test_half_way() -> None:
    """What is wanted is what is there and what is left."""
    found = info(progress=0.25, size=1001, download_speed=7)
    assert (found.completed, found.amount_left, found.total_size) == (250, 751, 1001)
    assert (found.dlspeed, found.progress) == (7, 0.25)


@pytest.mark.parametrize(
    ("save_path", "name", "content"),
    [
        ("/d/tv", "Show", "/d/tv/Show"),
        ("/d/tv/", "Show.mkv", "/d/tv/Show.mkv"),
        ("/", "Show", "/Show"),
        ("/d/tv/", "", ""),
    ],
)
def test_content_path_is_a_strict_child(save_path: str, name: str, content: str) -> None:
    """Sonarr: content_path equal to save_path is refused, and a slash at the end fools it."""
    found = finished(save_path=save_path, content_name=name)
    assert found.content_path == content
    assert found.save_path == (save_path.rstrip("/") or "/")


@pytest.mark.parametrize(
    ("fields", "shown"),
    [
        ({}, 0),
        ({"ratio_limit": 1.5, "ratio": 1.5}, 1.5),
        ({"ratio_limit": 1.5, "ratio": 1.4999}, 0),
        ({"ratio_limit": 1.5, "seeding_time_limit": 10}, 1.5),
        ({"ratio_limit": 1.5, "seeding_time_limit": 200}, 0),
        ({"seeding_time_limit": 10}, -2),
        ({"inactive_seeding_time_limit": 1}, 0),
        ({"ratio_limit": -1}, 0),
        ({"ratio_limit": -1, "seeding_time_limit": -1}, 0),
    ],
)
def test_ratio_limit_of_what_is_finished(fields: dict[str, object], shown: float) -> None:
    """Own limits are shown if an *arr will find them reached; if not, 0 stands for them."""
    assert finished(**fields).ratio_limit == shown


@pytest.mark.parametrize("limit", [-2, -1, 0, 1.5])
def test_ratio_limit_of_what_is_not_finished(limit: float) -> None:
    """Until then the limit is shown as it was sent."""
    for phase in (Phase.REMOTE, Phase.DELIVERED, Phase.FAILED):
        assert info(phase=phase, ratio_limit=limit).ratio_limit == limit


@given(
    app=st.sampled_from([App.SONARR, App.RADARR, App.LIDARR, App.READARR]),
    ratio=st.floats(0, 5),
    ratio_limit=st.sampled_from([-2, -1, 0, 0.5, 1, 2.5]),
    minutes=st.sampled_from([-2, -1, 0, 10, 11]),
    idle=st.sampled_from([-2, -1, 0, 10]),
    seeded=st.floats(0, 3600),
)
@settings(max_examples=150)
def test_what_is_finished_may_be_removed(
    app: App, ratio: float, ratio_limit: float, minutes: int, idle: int, seeded: float
) -> None:
    """Whatever limits were sent, every *arr may remove what has nothing left to seed."""
    found = finished(
        ratio=ratio,
        ratio_limit=ratio_limit,
        seeding_time_limit=minutes,
        inactive_seeding_time_limit=idle,
        phase_at=DONE_AT + seeded,
    )
    torrent = msgspec.json.decode(msgspec.json.encode(found), type=Torrent)
    preferences = Preferences(save_path="/d", dht=True)
    item = queue_item(DIALECTS[app], torrent, preferences, now=SEEDED_UNTIL + 9000)
    assert item.can_be_removed
    assert item.output_path == "/d/tv/Show.S01"


def test_seeding_time_goes_on() -> None:
    """Cleaners with a minimum of seeding time must come to an end of what is finished."""
    seeding = info(DONE_AT + 42.9, phase=Phase.DELIVERED, completed_at=DONE_AT)
    assert (seeding.seeding_time, seeding.time_active) == (42, 142)
    assert finished().seeding_time == 9600


def test_how_long_entries_are_true() -> None:
    """A time that grows is a minute old at most, or a twentieth too short."""
    assert rendered(phase=Phase.REMOTE).until == math.inf
    assert rendered(phase=Phase.DELIVERED).until == ADDED_AT + 5
    for age, longest in ((0.0, 60), (3600.0, 180), (86400.0 * 30, 3600)):
        done = {"phase": Phase.FINISHED, "completed_at": ADDED_AT - age}
        times = {rendered(**done, hash=f"{n:02x}" * 20).until for n in range(24)}
        assert len(times) == 24  # they are not all rendered again at once
        assert all(longest / 2 <= until - ADDED_AT <= longest for until in times)


@pytest.mark.parametrize(
    ("state", "word"), [(State.PAUSED_UP, "stoppedUP"), (State.PAUSED_DL, "stoppedDL")]
)
def test_profile_5_says_stopped(state: State, word: str) -> None:
    """The words follow the version; other states are the same in both."""
    for profile, shown in (("4.6", state.value), ("5.1", word)):
        found = torrent_info(
            a_view(state), (), 1, ADDED_AT, replace(AROUND, profile=PROFILES[profile])
        )
        assert found.state == shown
    assert PROFILES["5.1"].state(State.STALLED_UP) == "stalledUP"


@given(
    progress=st.floats(allow_nan=True),
    ratio=st.floats(allow_nan=True),
    limit=st.floats(allow_nan=True),
    name=st.text(st.characters(exclude_categories=["Cs"])),
)
@settings(max_examples=100)
def test_any_numbers_make_json_that_is_typed(
    progress: float, ratio: float, limit: float, name: str
) -> None:
    """No NaN, no infinity, and integers are integers, whatever was measured."""
    view = a_view(progress=progress, size=1000, ratio=ratio, ratio_limit=limit, name=name)
    row = render(view, (), 1, ADDED_AT, AROUND)
    read = msgspec.json.decode(row.json, type=TorrentInfo)
    assert 0 <= read.progress <= 1
    assert read.amount_left + read.completed == 1000


@pytest.mark.parametrize(
    ("given_number", "written"), [(1.0, "1"), (0.5, "0.5"), (-2.0, "-2"), (math.nan, "0")]
)
def test_whole_numbers_are_written_without_a_point(given_number: float, written: str) -> None:
    """Qt writes 1 for 1.0."""
    assert msgspec.json.encode(number(given_number)).decode() == written


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("x" * 240, "x" * 240),
        ("x" * 300, "x" * 240),
        ("é" * 200, "é" * 120),
        ("x" * 239 + "é", "x" * 239),
        ("x" * 300 + ".mkv", "x" * 240 + ".mkv"),
        ("x" * 300 + ".averylongextension", "x" * 240),
        ("x" * 238 + ".mkv", "x" * 238 + ".m"),
    ],
)
def test_long_names_are_cut_as_libtorrent_cuts_them(name: str, shown: str) -> None:
    """Radarr names the library file after it, and no file system takes more than 255 bytes."""
    assert info(name=name).name == shown


def test_global_limits_are_shown_where_a_download_uses_them() -> None:
    """`max_ratio` is the limit in force; -1 is none."""
    around = replace(AROUND, max_ratio=2.5, max_seeding_time=60, max_inactive_seeding_time=30)

    def limits(**fields: object) -> tuple[float, int, int]:
        found = torrent_info(a_view(**fields), (), 1, ADDED_AT, around)  # type: ignore[arg-type]
        return found.max_ratio, found.max_seeding_time, found.max_inactive_seeding_time

    assert limits() == (2.5, 60, 30)
    own = {"ratio_limit": 1.0, "seeding_time_limit": 5, "inactive_seeding_time_limit": -1}
    assert limits(**own) == (1.0, 5, -1)


def test_never_is_minus_one_in_5() -> None:
    """What was never complete: 0 in 4.x, -1 in 5.x."""
    four, five = rendered().info, render(a_view(), (), 0, ADDED_AT, AROUND_5).info
    assert (four.completion_on, four.seen_complete) == (0, 0)
    assert (five.completion_on, five.seen_complete) == (-1, -1)


@pytest.mark.parametrize(
    ("phase", "mode", "path"),
    [
        (Phase.REMOTE, "", ""),
        (Phase.DELIVERING, "download", f"/d/.incomplete/{'a' * 40}"),
        (Phase.DELIVERING, "aria2", f"/d/.incomplete/{'a' * 40}"),
        (Phase.DELIVERING, "symlink", ""),
        (Phase.FINISHED, "download", ""),
    ],
)
def test_download_path_is_where_the_parts_are(phase: Phase, mode: str, path: str) -> None:
    """A cleaner that looks for orphans finds whose parts these are."""
    assert info(phase=phase, delivery_mode=mode).download_path == path


def test_last_activity_follows_the_bytes() -> None:
    """At TorBox and here; autoremove-torrents and the *arr count idleness from it."""
    assert info(ADDED_AT + 99, shown={"moving": True}).last_activity == int(ADDED_AT + 99)
    moved = {"remote_progress": 0.5, "seen_at": ADDED_AT + 500, "idle_seconds": 60.0}
    assert info(ADDED_AT + 999, **moved).last_activity == int(ADDED_AT + 440)
    assert info(ADDED_AT + 999).last_activity == int(ADDED_AT)
    assert finished(uploaded_at=DONE_AT + 5).last_activity == int(DONE_AT + 5)


def test_last_activity_never_goes_back() -> None:
    """The last byte of a fetch that waits again was moved when it was moved."""
    row = render(a_view(), (), 0, ADDED_AT, AROUND, active_since=int(ADDED_AT) + 50)
    assert row.info.last_activity == int(ADDED_AT) + 50


def test_trackers_and_tags() -> None:
    """The first tracker is shown, all are counted; tags are joined by a comma and a space."""
    view = a_view(tags=("a", "b"))
    found = torrent_info(view, ("http://one", "udp://two"), 3, ADDED_AT, AROUND)
    assert (found.tracker, found.trackers_count, found.tags) == ("http://one", 2, "a, b")
    assert found.priority == 3


def test_magnet_of_v2_only() -> None:
    """A torrent that has no v1 hash is named by its v2 hash."""
    found = info(infohash_v1="", infohash_v2="b" * 64)
    assert found.magnet_uri.startswith(f"magnet:?xt=urn:btmh:1220{'b' * 64}&")
