"""Which downloads `torrents/info` lists, and in which order. Pure."""

from collections.abc import Callable, Sequence
from http import HTTPStatus
from types import MappingProxyType
from typing import Any

import msgspec
from msgspec import UNSET

from bridge.core.status import State
from bridge.downloads import View
from bridge.qbittorrent.responses import HttpError
from bridge.qbittorrent.torrent_info import Rendered, TorrentInfo

_FIELDS = frozenset(TorrentInfo.__struct_fields__)

_ERRORED = frozenset({State.ERROR, State.MISSING_FILES})
_PAUSED = frozenset({State.PAUSED_UP, State.PAUSED_DL})
_SEEDING = frozenset(
    {State.UPLOADING, State.STALLED_UP, State.CHECKING_UP, State.QUEUED_UP, State.FORCED_UP}
)
_DOWNLOADING = frozenset(
    {State.DOWNLOADING, State.META_DL, State.STALLED_DL, State.CHECKING_DL}
    | {State.PAUSED_DL, State.QUEUED_DL, State.FORCED_DL, State.FORCED_META_DL}
)
_CHECKING = frozenset({State.CHECKING_UP, State.CHECKING_DL, State.CHECKING_RESUME_DATA})


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """The parameters of `torrents/info`. None means any; an empty category or tag means "without"."""

    filter: str = "all"
    category: str | None = None
    tag: str | None = None
    hashes: frozenset[str] | None = None
    private: bool | None = None
    sort: str = ""
    reverse: bool = False
    limit: int = 0
    """0 or less is no limit."""
    offset: int = 0
    """A negative one counts from the end; one outside the list counts as 0, as in qBittorrent."""
    with_trackers: bool = False
    """Each entry has its trackers, too."""


def matches(query: Query, view: View) -> bool:
    """Return whether a query asks for a download. An unknown filter asks for all."""
    entry = view
    if query.hashes is not None and entry.hash not in query.hashes:
        return False
    if query.private is not None and entry.download.private is not query.private:
        return False
    if query.category is not None and entry.grab.category != query.category:
        return False
    if query.tag is not None and query.tag not in (entry.grab.tags or ("",)):
        return False
    wanted = FILTERS.get(query.filter)
    return wanted is None or wanted(view)


def ordered(query: Query, found: Sequence[Rendered]) -> Sequence[Rendered]:
    """Sort by any field and return the requested page.

    Raises:
        HttpError: 400 for a sort key that is not a field, when there is something to sort.
    """
    if query.sort and found:
        if query.sort not in _FIELDS or getattr(found[0].info, query.sort) is UNSET:
            raise HttpError(HTTPStatus.BAD_REQUEST, "'sort' parameter is invalid")
        found = sorted(found, key=lambda row: _sortable(getattr(row.info, query.sort)))
    if query.reverse:
        found = found[::-1]
    return _page(query, found)


def _sortable(value: Any) -> tuple[bool, Any]:
    """Return a sort key. `private` may be None, which comes first."""
    return value is not None, value


def _page(query: Query, found: Sequence[Rendered]) -> Sequence[Rendered]:
    first = query.offset + len(found) if query.offset < 0 else query.offset
    if not 0 <= first < len(found):
        first = 0
    return found[first : first + query.limit] if query.limit > 0 else found[first:]


def _in(*states: frozenset[State]) -> Callable[[View], bool]:
    wanted = frozenset[State]().union(*states)
    return lambda view: view.status.state in wanted


def _paused(view: View) -> bool:
    return view.grab.stopped or view.status.state in _PAUSED


def _active(view: View) -> bool:
    return view.status.download_speed > 0 or view.status.upload_speed > 0


FILTERS = MappingProxyType(
    {
        "downloading": _in(_DOWNLOADING),
        "seeding": _in(_SEEDING),
        "completed": lambda view: view.complete,
        "paused": _paused,
        "stopped": _paused,
        "resumed": lambda view: not _paused(view),
        "running": lambda view: not _paused(view),
        "active": _active,
        "inactive": lambda view: not _active(view),
        "stalled": _in(frozenset({State.STALLED_UP, State.STALLED_DL})),
        "stalled_uploading": _in(frozenset({State.STALLED_UP})),
        "stalled_downloading": _in(frozenset({State.STALLED_DL})),
        "checking": _in(_CHECKING),
        "moving": _in(frozenset({State.MOVING})),
        "errored": _in(_ERRORED),
    }
)
"""By name, both those of 4.x and those of 5.x."""
