"""What each *arr makes of a download that seeds: importable always, removable when it is done.

TorBox uploads a tenth of it a minute for ten minutes, and then finds nobody to upload to.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from bridge.core.model import UNLIMITED, Entry, Grab, GrabPhase, Phase, RemoteItem
from bridge.core.preferences import Preferences, with_global_limits
from bridge.core.remote_tracking import record_item_seen
from bridge.core.seeding import SeedMode, SeedPolicy, seed_mode, seeding_done
from bridge.core.status import status_of
from bridge.downloads import View
from bridge.qbittorrent.torrent_info import torrent_info
from tests.arr_emulator import arr_queue
from tests.arr_emulator.arr_queue import QueueItem, QueueStatus, Torrent, queue_item
from tests.arr_emulator.dialects import DIALECTS, App
from tests.support.scenes import NOW, delivered, ready, whole
from tests.support.views import AROUND

SIZE = 1000
BUSY_MINUTES = 10
LAST_MINUTE = 60
APPS = (App.SONARR, App.RADARR, App.LIDARR, App.READARR)
GLOBAL_RATIO = Preferences(max_ratio_enabled=True, max_ratio=0.5)
GLOBAL_TIME = Preferences(max_seeding_time_enabled=True, max_seeding_time=20)
GLOBAL_INACTIVE = Preferences(max_inactive_seeding_time_enabled=True, max_inactive_seeding_time=10)


@dataclass(frozen=True, slots=True)
class Case:
    """Limits, and the minute after which the *arr may remove the download; None is never."""

    name: str
    removable_at: int | None
    limits: dict[str, Any] = field(default_factory=dict)
    preferences: Preferences = field(default_factory=Preferences)
    policy: SeedPolicy = SeedPolicy.AUTO
    stops_at: int | None = None
    """The minute at which TorBox stops seeding by itself."""


def limits(
    ratio: float | None = None, minutes: int | None = None, inactive: int | None = None
) -> dict[str, Any]:
    """Name the limits of a download; None leaves one to the preferences."""
    found = {
        "ratio_limit": ratio,
        "seeding_time_limit": minutes,
        "inactive_seeding_time_limit": inactive,
    }
    return {name: value for name, value in found.items() if value is not None}


ALWAYS, NEVER = SeedPolicy.ALWAYS, SeedPolicy.NEVER
CASES = [
    Case("no limits", 0),
    Case("no limits, always", 0, policy=ALWAYS),
    Case("no limits, never", 0, policy=NEVER),
    Case("ratio", 5, limits(0.5)),
    Case("ratio, always", 5, limits(0.5), policy=ALWAYS),
    Case("ratio, never", 0, limits(0.5), policy=NEVER),
    Case("ratio 0", 0, limits(0)),
    Case("ratio out of reach", None, limits(2)),
    Case("ratio out of reach, TorBox stops", 30, limits(2), stops_at=30),
    Case("time", 20, limits(minutes=20)),
    Case("time, never", 0, limits(minutes=20), policy=NEVER),
    Case("time, TorBox stops", 7, limits(minutes=20), stops_at=7),
    Case("inactive", 20, limits(inactive=10)),
    Case("inactive, TorBox stops", 15, limits(inactive=10), stops_at=15),
    Case("ratio before time", 3, limits(0.3, 20)),
    Case("time before ratio", 20, limits(2, 20)),
    Case("inactive before time and ratio", 12, limits(2, 20, 2)),
    Case("unlimited ratio", None, limits(UNLIMITED)),
    Case("unlimited", None, limits(UNLIMITED, UNLIMITED, UNLIMITED)),
    Case("unlimited, TorBox stops", 30, limits(UNLIMITED, UNLIMITED), stops_at=30),
    Case("unlimited time, TorBox stops", 30, limits(minutes=UNLIMITED), stops_at=30),
    Case("unlimited ratio and a time", 20, limits(UNLIMITED, 20)),
    Case("unlimited ratio and a time, TorBox stops", 7, limits(UNLIMITED, 20), stops_at=7),
    Case("unlimited ratio and inactive", 20, limits(UNLIMITED, UNLIMITED, 10)),
    Case("global ratio", 5, preferences=GLOBAL_RATIO),
    Case("global ratio, never", 0, preferences=GLOBAL_RATIO, policy=NEVER),
    Case("global time", 20, preferences=GLOBAL_TIME),
    Case("global inactive", 20, preferences=GLOBAL_INACTIVE),
    Case("own ratio before the global one", 8, limits(0.8), GLOBAL_RATIO),
    Case("own ratio out of reach, and a global one", None, limits(2), GLOBAL_RATIO),
    Case("own ratio and a global time", 20, limits(2), GLOBAL_TIME),
    Case("unlimited ratio and a global one", None, limits(UNLIMITED), GLOBAL_RATIO),
    Case("unlimited ratio and a global time", 20, limits(UNLIMITED), GLOBAL_TIME),
    Case("global ratio, TorBox stops", 3, preferences=GLOBAL_RATIO, stops_at=3),
]


def said(case: Case, grab: Grab, minute: int) -> RemoteItem:
    """What TorBox says at that minute: it seeds if it was told to, until it stops by itself."""
    told = seed_mode(case.policy, with_global_limits(grab, case.preferences))
    until = LAST_MINUTE if case.stops_at is None else case.stops_at
    active = told is SeedMode.SEED and minute <= until and minute != case.stops_at
    tenths = min(minute, BUSY_MINUTES, until) if told is SeedMode.SEED else 0
    return whole(
        size=SIZE,
        active=active,
        ratio=tenths / 10,
        uploaded=tenths * SIZE // 10,
        upload_speed=SIZE // 600 if active and minute < BUSY_MINUTES else 0,
    )


def life(case: Case) -> Iterator[tuple[float, View]]:
    """Look each minute, as the bridge does, and tell what it shows."""
    download = ready(size=SIZE)
    grab = delivered(completed_at=NOW, size=SIZE, **case.limits)
    for minute in range(LAST_MINUTE + 1):
        now = NOW + 60 * minute
        item = said(case, grab, minute)
        if grab.phase is GrabPhase.DELIVERED:
            download = record_item_seen(download, item, now)
            limited = Entry(download, with_global_limits(grab, case.preferences))
            if seeding_done(case.policy, limited, active=item.active, now=now):
                grab = replace(grab, phase=GrabPhase.FINISHED, phase_at=now)
        entry = Entry(download, grab)
        yield now, View(download, grab, status_of(entry, item, None), item)


def shown(view: View, now: float) -> Torrent:
    """Read the entry as an *arr does."""
    info = torrent_info(view, (), 0, now, AROUND)
    return msgspec.json.decode(msgspec.json.encode(info), type=Torrent)


def seen(app: App, torrent: Torrent, preferences: Preferences, now: float) -> QueueItem:
    """Put the entry into the *arr's queue."""
    told = {"save_path": "/d", "dht": True, **preferences.shown()}
    read = msgspec.convert(told, arr_queue.Preferences)
    return queue_item(DIALECTS[app], torrent, read, now=now)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
@pytest.mark.parametrize("app", APPS)
def test_removable_when_it_is_done(app: App, case: Case) -> None:
    """Not a minute earlier or later may it be removed, and it may be imported all the time."""
    for minute, (now, view) in enumerate(life(case)):
        may_go = case.removable_at is not None and minute >= case.removable_at
        for later in (0, 30):
            item = seen(app, shown(view, now + later), case.preferences, now + later)
            assert item.can_be_removed is may_go, minute
            assert item.status is QueueStatus.COMPLETED
            assert item.output_path == "/downloads/tv/Show"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_is_shown_is_true(case: Case) -> None:
    """State, ratio and last activity are those of TorBox; the seeding time goes on."""
    for minute, (now, view) in enumerate(life(case)):
        torrent, seeds = shown(view, now), view.phase is Phase.DELIVERED
        assert view.item is not None
        if seeds:
            busy = view.item.upload_speed > 0
            assert torrent.state == ("uploading" if busy else "stalledUP")
            assert (torrent.ratio, torrent.seeding_time) == (view.item.ratio, 60 * minute)
            assert torrent.last_activity == NOW + 60 * min(minute, BUSY_MINUTES)
        else:
            assert torrent.state == "pausedUP"
            assert torrent.seeding_time == 60 * minute
