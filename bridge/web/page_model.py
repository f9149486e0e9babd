"""Rows of the page: made of what the service gives, and sent as what changed since.

This module and `page_actions` are all of the page that knows the service. A row is named by an
opaque id.
"""

import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import msgspec

from bridge.core.model import Download, Phase
from bridge.core.status import ETA_UNKNOWN
from bridge.core.submitting import submit_order
from bridge.dashboard import BlockerView, OverviewSource
from bridge.downloads import Downloads, View
from bridge.web.waits import Facts, explain

STOPS_EVERYTHING: Final = frozenset({"torbox", "key"})
GONE_KEPT: Final = 5000
"""Rows that are gone and can still be told of one by one; beyond that a page gets all rows anew."""
IDLE_SECONDS: Final = 600.0
"""Without progress at TorBox for so long, a download needs attention."""
CALM: Final = 40
"""The rows are read again after so many times the time that reading them took."""


class Row(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A row of the list. Times are unix seconds, sizes bytes, speeds bytes/s."""

    id: str
    hash: str
    name: str
    group: str
    """`fetching`, `torbox`, `waiting`, `failed`, `paused`, `seeding`, `completed`."""
    doing: str
    """One sentence; see `bridge.web.waits` for the moments in it."""
    state: str
    """qBittorrent's word."""
    added: int
    size: int = 0
    progress: float = 0.0
    speed: int = 0
    eta: int | None = None
    category: str = ""
    tags: tuple[str, ...] = ()
    completed: int | None = None
    attention: bool = False
    """It failed, or something stands in its way."""
    forced: bool = False
    order: int = 0
    """Place in the submit queue; the smallest goes first."""


def row_id(info_hash: str, number: int) -> str:
    """Name a row."""
    return f"{info_hash}.{number}" if number else info_hash


def parse_id(text: str) -> tuple[str, int]:
    """Return the info-hash and the number of a row; a number of -1 names nothing."""
    info_hash, _, number = text.lower().partition(".")
    if not number:
        return info_hash, 0
    return info_hash, int(number) if number.isdecimal() and len(number) < 10 else -1  # noqa: PLR2004 - digits


def group_of(download: Download) -> str:
    """Return the part of the list that a download belongs to."""
    if download.phase is Phase.FAILED or download.missing_files:
        return "failed"
    if download.phase is Phase.FINISHED:
        return "completed"
    if download.phase is Phase.DELIVERED:
        return "seeding"
    if download.stopped:
        return "paused"
    if download.phase is Phase.DELIVERING:
        return "fetching"
    return "torbox" if download.phase is Phase.REMOTE else "waiting"


def _waits_long(download: Download) -> bool:
    """Return whether something stands in its way, or nothing has moved at TorBox for long."""
    if download.complete or download.stopped:
        return False
    idle = download.phase is Phase.REMOTE and download.idle_seconds >= IDLE_SECONDS
    return bool(download.note) or idle


class _Context(NamedTuple):
    """What the sentence of a row depends on beside its view."""

    place: int = 0
    slots: int | None = None
    no_slot: bool = False
    blocker: str = ""
    blocker_until: float | None = None


_NONE: Final = _Context()


@dataclass(slots=True)
class _Kept:
    view: View
    context: _Context
    seq: int
    json: bytes


class PageModel:
    """The rows as of now, and what changed since any version of the last minutes."""

    def __init__(
        self,
        downloads: Downloads,
        overview: OverviewSource,
        *,
        pause: float = 1.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._downloads = downloads
        self._overview = overview
        self._pause = pause
        self._monotonic = monotonic
        self._epoch = f"{time.time_ns():x}"
        self._encoder = msgspec.json.Encoder()
        self._rows: dict[str, _Kept] = {}
        """By id, the one that changed last at the end."""
        self._gone: deque[tuple[int, str]] = deque(maxlen=GONE_KEPT)
        self._floor = 0
        """Of what is gone since an older version not everything is known."""
        self._seq = 0
        self._read_at = -1e9
        self._read_seconds = 0.0
        self._head_at = -1e9
        self._head_json = b""
        self._version = -1
        self._blockers: tuple[BlockerView, ...] = ()

    # --- reading ----------------------------------------------------------------------------

    def _refresh(self) -> None:
        now = self._monotonic()
        if now - self._read_at < max(self._pause, CALM * self._read_seconds):
            return
        version, blockers = self._downloads.version, self._overview.blockers()
        if (version, blockers) != (self._version, self._blockers):
            self._version, self._blockers = version, blockers
            self._read()
        self._read_at = self._monotonic()
        self._read_seconds = self._read_at - now

    def expire(self) -> None:
        """Read the rows again at the next sync, however lately they were read."""
        self._read_at = self._head_at = -1e9

    def _read(self) -> None:
        views = self._downloads.each()
        contexts = self._contexts(views)
        seq = self._seq + 1
        left = len(self._rows)
        for view in views:
            name = row_id(view.download.hash, view.number)
            context = contexts.get(name, _NONE)
            kept = self._rows.get(name)
            if kept is not None:
                left -= 1
                if kept.view is view and kept.context == context:
                    continue
            encoded = self._encoder.encode(self.row(view, context))
            if kept is None or kept.json != encoded:
                self._rows.pop(name, None)
                self._rows[name] = _Kept(view, context, seq, encoded)
                self._seq = seq
            else:
                kept.view, kept.context = view, context
        if left:
            there = {row_id(view.download.hash, view.number) for view in views}
            for name in [name for name in self._rows if name not in there]:
                del self._rows[name]
                if len(self._gone) == GONE_KEPT:
                    self._floor = self._gone[0][0]
                self._gone.append((seq, name))
                self._seq = seq

    def _contexts(self, views: Sequence[View]) -> dict[str, _Context]:
        """Tell each unfinished download its place in line, and what blocks it."""
        stop = next((one for one in self._blockers if one.kind in STOPS_EVERYTHING), None)
        base = _Context(
            slots=self._overview.slots_total,
            no_slot=any(one.kind == "slots" for one in self._blockers),
            blocker=stop.text if stop else "",
            blocker_until=stop.next_attempt_at if stop else None,
        )
        live = [view for view in views if not view.download.complete]
        going = [view.download for view in live if view.number == 0 and not view.download.stopped]
        submits = submit_order(one for one in going if one.phase is Phase.ACCEPTED)
        fetches = sorted(
            (one for one in going if one.phase is Phase.READY),
            key=lambda one: (not one.force_start, one.priority, one.added_at, one.hash),
        )
        places = {
            one.hash: place for line in (submits, fetches) for place, one in enumerate(line, 1)
        }
        return {
            row_id(view.download.hash, view.number): base._replace(
                place=places.get(view.download.hash, 0)
            )
            for view in live
        }

    def row(self, view: View, context: _Context = _NONE) -> Row:
        """Make the row of a view."""
        download, status = view.download, view.status
        group = group_of(download)
        eta = status.eta if 0 <= status.eta < ETA_UNKNOWN else None
        return Row(
            id=row_id(download.hash, view.number),
            hash=download.hash,
            name=download.name,
            group=group,
            doing=self.doing(view, context),
            state=status.state.value,
            added=int(download.added_at),
            size=status.size,
            progress=round(status.progress, 4),
            speed=status.download_speed,
            eta=eta if group in {"fetching", "torbox"} else None,
            category=download.category,
            tags=download.tags,
            completed=int(download.completed_at) if download.completed_at else None,
            attention=group == "failed" or _waits_long(download),
            forced=download.force_start,
            order=download.priority,
        )

    def doing(self, view: View, context: _Context | None = None) -> str:
        """Say what a download is doing."""
        if context is None:
            name = row_id(view.download.hash, view.number)
            kept = self._rows.get(name)
            context = kept.context if kept else _NONE
        download = view.download
        policy = self._downloads.policy(download.category)
        return explain(
            download,
            Facts(
                item=view.item,
                place=context.place,
                slots=context.slots,
                no_slot=context.no_slot,
                blocker=context.blocker,
                blocker_until=context.blocker_until,
                checking=view.status.state.value == "checkingDL",
                stalled_after=policy.stalled_after,
                metadata_after=policy.metadata_after,
                stored_after=policy.stored_after,
                mode=self._downloads.mode_of(download),
            ),
        )

    # --- sending ----------------------------------------------------------------------------

    def sync(self, since: str, overview_tag: str) -> bytes:
        """Return JSON (`bridge.web.routes.SyncAnswer`): what changed since a version, all rows if that is not known."""
        self._refresh()
        version = f"{self._epoch}.{self._seq}"
        epoch, _, text = since.partition(".")
        known = int(text) if text.isdecimal() and len(text) < 16 else -1  # noqa: PLR2004 - digits
        full = epoch != self._epoch or not self._floor <= known <= self._seq
        rows = list(self._since(-1 if full else known))
        gone = [] if full else [name for seq, name in self._gone if seq > known]
        gone = [name for name in gone if name not in self._rows]
        overview = self._head()
        tag = f"{hash(overview) & 0xFFFFFFFFFFFF:x}"
        parts = (
            b'{"version":"' + version.encode() + b'","full":' + (b"true" if full else b"false"),
            b',"rows":[' + b",".join(rows) + b"]",
            b',"gone":' + self._encoder.encode(gone),
            b',"overview":' + (b"null" if tag == overview_tag else overview),
            b',"overview_tag":"' + tag.encode() + b'"}',
        )
        return b"".join(parts)

    def _head(self) -> bytes:
        """Return the overview as JSON, read as seldom as the rows."""
        now = self._monotonic()
        if now - self._head_at >= self._pause:
            self._head_at, self._head_json = now, self._encoder.encode(self._overview.read())
        return self._head_json

    def _since(self, seq: int) -> Iterable[bytes]:
        for kept in reversed(self._rows.values()):
            if kept.seq <= seq:
                return
            yield kept.json
