"""Views of downloads, made by hand."""

from typing import Any

from bridge.core.model import Download, Entry, Grab, RemoteItem
from bridge.core.status import State, Status
from bridge.downloads import View
from bridge.qbittorrent.profile import PROFILES
from bridge.qbittorrent.render import Rendered, render
from tests.support.entries import with_fields

ADDED_AT = 1_700_000_000.25
PLAIN = Entry(
    Download(id=1, hash="a" * 40, infohash_v1="a" * 40, name="Show S01"),
    Grab(id=1, download_id=1, save_path="/d/tv", added_at=ADDED_AT, category="tv"),
)
PROFILE = PROFILES["4.6"]


def a_view(
    state: State = State.DOWNLOADING,
    *,
    progress: float = 0.0,
    size: int = 0,
    download_speed: int = 0,
    item: RemoteItem | None = None,
    **fields: Any,
) -> View:
    """Make a view; other keywords are fields of the download."""
    status = Status(state=state, progress=progress, size=size, download_speed=download_speed)
    return View(with_fields(PLAIN, **fields), status, item)


def rendered(**fields: Any) -> Rendered:
    """Render a view of these fields."""
    return render(a_view(**fields), (), 0, ADDED_AT, PROFILE)
