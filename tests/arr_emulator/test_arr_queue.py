"""How an *arr reads qBittorrent's states, paths and limits."""

import pytest

from tests.arr_emulator.arr_queue import (
    NO_DHT,
    Preferences,
    QueueItem,
    QueueStatus,
    Torrent,
    queue_item,
    status_of,
)
from tests.arr_emulator.dialects import DIALECTS, App

PREFERENCES = Preferences(save_path="/d", dht=True)
NOW = 10_000.0


def read(app: App, preferences: Preferences = PREFERENCES, /, **fields: object) -> QueueItem:
    """Read an entry that is finished unless the fields say otherwise."""
    finished = {
        "hash": "ab" * 20,
        "name": "n",
        "state": "pausedUP",
        "save_path": "/d/tv",
        "content_path": "/d/tv/n",
    }
    torrent = Torrent(**(finished | fields))  # type: ignore[arg-type]
    return queue_item(DIALECTS[app], torrent, preferences, now=NOW)


@pytest.mark.parametrize(
    ("app", "state", "status"),
    [
        (App.SONARR, "error", QueueStatus.WARNING),
        (App.SONARR, "stoppedDL", QueueStatus.PAUSED),
        (App.READARR, "stoppedDL", QueueStatus.DOWNLOADING),
        (App.RADARR, "stoppedUP", QueueStatus.COMPLETED),
        (App.READARR, "stoppedUP", QueueStatus.DOWNLOADING),
        (App.READARR, "pausedUP", QueueStatus.COMPLETED),
        (App.LIDARR, "checkingUP", QueueStatus.QUEUED),
        (App.LIDARR, "metaDL", QueueStatus.QUEUED),
        (App.READARR, "forcedMetaDL", QueueStatus.DOWNLOADING),
        (App.RADARR, "stalledUP", QueueStatus.COMPLETED),
        (App.RADARR, "allocating", QueueStatus.DOWNLOADING),
    ],
)
def test_states(app: App, state: str, status: QueueStatus) -> None:
    """Each application reads the words it knows, and takes others for downloading."""
    assert status_of(DIALECTS[app], state, PREFERENCES)[0] is status


def test_metadata_without_dht_is_a_warning() -> None:
    """Without `dht` in the preferences a magnet that looks for metadata is a warning."""
    found = status_of(DIALECTS[App.SONARR], "metaDL", Preferences(save_path="/d"))
    assert found == (QueueStatus.WARNING, NO_DHT)


def test_content_path_equal_to_save_path_is_not_imported() -> None:
    """Sonarr: the category's own directory is never taken for a download."""
    item = read(App.SONARR, content_path="/d/tv")
    assert (item.status, item.output_path) == (QueueStatus.WARNING, "")


@pytest.mark.parametrize(
    ("app", "fields", "removable"),
    [
        (App.SONARR, {}, False),
        (App.SONARR, {"ratio_limit": 0}, True),
        (App.SONARR, {"ratio_limit": -1, "ratio": 9.0}, False),
        (App.SONARR, {"ratio_limit": 1, "ratio": 0.9995}, True),
        (App.READARR, {"ratio_limit": 1, "ratio": 0.9995}, False),
        (App.SONARR, {"ratio_limit": 0, "state": "stalledUP"}, False),
        (App.READARR, {"ratio_limit": 0, "state": "stoppedUP"}, False),
        (App.SONARR, {"seeding_time_limit": 10, "seeding_time": 600}, True),
        (App.SONARR, {"seeding_time_limit": 10, "seeding_time": 599}, False),
        (App.SONARR, {"inactive_seeding_time_limit": 10, "last_activity": 9000}, True),
        (App.READARR, {"inactive_seeding_time_limit": 10, "last_activity": 9000}, False),
    ],
)
def test_removal(app: App, fields: dict[str, object], *, removable: bool) -> None:
    """Only a paused download whose own limit is reached may be removed."""
    assert read(app, **fields).can_be_removed is removable


def test_global_limits_count_where_the_torrent_has_none() -> None:
    """`-2` means the preferences' limit."""
    limited = Preferences(save_path="/d", max_ratio_enabled=True, max_ratio=2)
    assert read(App.RADARR, limited, ratio=2.0).can_be_removed
    timed = Preferences(save_path="/d", max_seeding_time_enabled=True, max_seeding_time=1)
    assert read(App.RADARR, timed, seeding_time=60).can_be_removed


@pytest.mark.parametrize(
    ("eta", "remaining"), [(60, 60), (8_640_000, None), (-1, None), (31_536_001, None)]
)
def test_remaining_time(eta: int, remaining: int | None) -> None:
    """What cannot be an eta reads as unknown."""
    assert read(App.SONARR, state="downloading", eta=eta).remaining_seconds == remaining
