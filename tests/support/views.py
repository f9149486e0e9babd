"""Views of entries, made by hand."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from msgspec.structs import replace

from bridge.core.model import Download, Entry, Grab, RemoteItem
from bridge.core.status import State, Status
from bridge.downloads import View
from bridge.qbittorrent.responses import PROFILES
from bridge.qbittorrent.torrent_info import Rendered, Surroundings, render
from tests.support.entries import with_fields

ADDED_AT = 1_700_000_000.25
PLAIN = Entry(
    Download(id=1, hash="a" * 40, infohash_v1="a" * 40, name="Show S01"),
    Grab(id=1, download_id=1, save_path="/d/tv", added_at=ADDED_AT, category="tv"),
)
AROUND = Surroundings(profile=PROFILES["4.6"], incomplete_directory="/d/.incomplete")
AROUND_5 = replace(AROUND, profile=PROFILES["5.1"])


def a_view(
    state: State = State.DOWNLOADING,
    *,
    progress: float = 0.0,
    size: int = 0,
    download_speed: int = 0,
    item: RemoteItem | None = None,
    shown: Mapping[str, Any] = MappingProxyType({}),
    **fields: Any,
) -> View:
    """Make a view. `shown` are more fields of its status; other keywords are the entry's."""
    status = Status(
        state=state, progress=progress, size=size, download_speed=download_speed, **shown
    )
    entry = with_fields(PLAIN, **fields)
    return View(entry.download, entry.grab, status, item)


def rendered(**fields: Any) -> Rendered:
    """Render a view of these fields."""
    return render(a_view(**fields), (), 0, ADDED_AT, AROUND)
