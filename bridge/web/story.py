"""GET /api/bridge/downloads/{id}: everything about one grab and its download.

`id` is the id of a row. It may also be an info-hash, which selects the primary grab of the hash.
"""

import time
from collections.abc import Sequence

import msgspec
from aiohttp import web
from msgspec.structs import asdict, replace

from bridge.core.edits import PRIORITIES
from bridge.core.model import Event, RemoteItem
from bridge.downloads import DownloadService, FileView, View
from bridge.history import HistoryRow
from bridge.logs import masked
from bridge.web.next_step import Outlook, given_up_after, next_step
from bridge.web.page_actions import rows_of
from bridge.web.page_model import Row
from bridge.web.waits import GIVEN_UP, in_words, span
from bridge.web.web_context import CONTEXT, WebContext, refusal

LONGEST_ID = 19
"""Digits of an id; an info-hash has 40."""


class Remote(msgspec.Struct, frozen=True, kw_only=True):
    """The item as TorBox reports it."""

    state: str
    progress: float
    download_speed: int
    upload_speed: int
    seeds: int
    peers: int
    ratio: float
    uploaded: int
    size: int
    files: int
    active: bool
    finished: bool
    cached: bool
    created_at: float | None
    expires_at: float | None
    message: str


class PageLink(msgspec.Struct, frozen=True, kw_only=True):
    """A link to a page of another program."""

    name: str
    url: str


class Story(msgspec.Struct, frozen=True, kw_only=True):
    """A download and everything that happened to it, oldest first."""

    hash: str
    name: str
    category: str
    phase: str
    state: str
    progress: float
    note: str
    failure_reason: str | None
    failure_message: str
    next_attempt_at: float
    torrent_id: int | None
    queued_id: int | None
    events: list[Event]
    id: int | None = None
    """The id of the row; null once the row is removed."""
    row: Row | None = None
    """The row as in the list; null once it is removed."""
    save_path: str = ""
    content_path: str = ""
    """Its path on disk, also before it is complete."""
    mode: str = ""
    asked_by: str = ""
    private: bool = False
    ours: bool = False
    """Whether the bridge created it at TorBox."""
    completed_at: float | None = None
    imported_at: float | None = None
    files: list[FileView] = []
    remote: Remote | None = None
    next: str = ""
    """What happens next, in words like those of the row; empty where the row says it."""
    links: list[PageLink] = []
    """The Activity page of each *arr that uses its category."""
    reportable: bool = False
    """Whether its failure can be reported to an *arr."""


class FilePriority(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Files by their index, and qBittorrent's priority: 0 not wanted, 1 normal, 6 high, 7 highest."""

    indexes: tuple[int, ...]
    priority: int


async def story(request: web.Request) -> Story:
    """Answer the story, also of a removed download; 404 for an id that was never seen."""
    told = await _story(request.app[CONTEXT], request.match_info["id"])
    if told is None:
        raise web.HTTPNotFound(text="no such download")
    return told


async def report(request: web.Request) -> str:
    """Answer the story as text for a bug report. Keys, links and passwords are masked."""
    version = request.app[CONTEXT].overview.read().version
    return masked(as_text(await story(request), version, time.time()))


async def set_files(request: web.Request, wanted: FilePriority) -> dict[str, str]:
    """Set the priority of files of a download."""
    downloads = request.app[CONTEXT].downloads
    view = _view(downloads, request.match_info["id"])
    if view is None:
        raise web.HTTPNotFound(text="no such download")
    there = await downloads.queries.files(view)
    if not there:
        raise refusal("its files are not known yet")
    if wanted.priority not in PRIORITIES or not set(wanted.indexes) <= {one.index for one in there}:
        raise refusal("no such file or priority")
    await downloads.content.set_file_priority(
        view.hash, wanted.indexes, wanted.priority, rows_of([view])
    )
    return {}


def grab_id_of(text: str) -> int | None:
    """Return the id of a row; None if the text is an info-hash or not valid."""
    return int(text) if text.isdecimal() and len(text) < LONGEST_ID else None


def _view(downloads: DownloadService, text: str) -> View | None:
    grab_id = grab_id_of(text)
    return downloads.queries.get(text) if grab_id is None else downloads.queries.by_id(grab_id)


async def _story(context: WebContext, text: str) -> Story | None:
    queries = context.downloads.queries
    view = _view(context.downloads, text)
    if view is not None:
        await queries.learn_files(view)
        events = await queries.events(view.hash)
        return await _of(context, view, _about(events, grab_id_of(text)))
    grab_id = grab_id_of(text)
    row = await context.history.row(grab_id) if grab_id is not None else None
    past = row or HistoryRow(
        id=0, hash=text.lower(), added_at=0.0, name="", category="", asked_by="", size=0, outcome=""
    )
    events = await queries.events(past.hash)
    if not events:
        return None
    return Story(
        hash=past.hash,
        name=past.name,
        category=past.category,
        phase="gone",
        state="",
        progress=0.0,
        note="",
        failure_reason=past.reason or None,
        failure_message=past.message,
        next_attempt_at=0.0,
        torrent_id=None,
        queued_id=None,
        events=_about(events, grab_id),
        asked_by=past.asked_by,
        completed_at=past.completed_at,
        imported_at=past.imported_at,
    )


def _about(events: Sequence[Event], grab_id: int | None) -> list[Event]:
    """Return the events of a grab and its download; without a grab id, all events."""
    # Grab id 0 marks an event of the download, which all its grabs share.
    return [event for event in events if grab_id is None or event.grab_id in {0, grab_id}]


async def _of(context: WebContext, view: View, events: Sequence[Event]) -> Story:
    entry, download, grab, failure = view, view.download, view.grab, view.failure
    files = await context.downloads.queries.files(view)
    top = grab.content_name or (files[0].name.split("/", 1)[0] if files else "")
    arrs = [arr for arr in context.overview.arr_urls if grab.category in arr[2]]
    page = "history" if entry.complete else "queue"
    doing = context.model.doing(view)
    patience = given_up_after(view.item, context.downloads.policy(grab.category))
    return Story(
        hash=entry.hash,
        name=entry.name,
        category=grab.category,
        phase=entry.phase,
        state=view.status.state,
        progress=view.status.progress,
        note=entry.note,
        failure_reason=failure.reason if failure else None,
        failure_message=failure.message if failure else "",
        next_attempt_at=max(grab.next_attempt_at, download.next_attempt_at),
        torrent_id=download.torrent_id,
        queued_id=download.queued_id,
        events=list(events),
        id=grab.id,
        row=replace(context.model.row(view), doing=doing),
        save_path=grab.save_path,
        content_path=f"{grab.save_path}/{top}" if top else grab.save_path,
        mode=context.downloads.mode_of(grab),
        asked_by=grab.client,
        private=download.private,
        ours=download.ours,
        completed_at=grab.completed_at,
        imported_at=grab.imported_at,
        files=[replace(file, progress=round(file.progress, 4)) for file in files],
        remote=_remote(view.item) if view.item else None,
        next=next_step(
            entry,
            Outlook(
                mode=context.downloads.mode_of(grab),
                arrs=[name for name, _, _ in arrs],
                given_up_after=None if GIVEN_UP in doing else patience,
                removal_at=context.downloads.cleanup.removal_at(entry),
            ),
        ),
        links=[
            PageLink(name=f"{name}: Activity", url=f"{url}/activity/{page}")
            for name, url, _ in arrs
        ],
        reportable=bool(arrs) and not entry.complete,
    )


def _remote(item: RemoteItem) -> Remote:
    return msgspec.convert({**asdict(item), "files": len(item.files)}, Remote)


def as_text(told: Story, version: str, now: float) -> str:
    """Write a story for a bug report. Times are UTC."""
    doing = in_words(told.row.doing, now, _clock) if told.row else "gone"
    ours = "added by the bridge" if told.ours else "not known to be added by the bridge"
    lines = [
        f"torbox-bridge {version}, {_clock(now)}",
        f"name        {told.name}",
        f"hash        {told.hash}",
        f"category    {told.category or '-'}, asked for by {told.asked_by or '-'}",
        f"phase       {told.phase}, shown as {told.state or '-'}, {told.progress:.1%}",
        f"doing       {doing}",
        f"next        {in_words(told.next, now, _clock) or '-'}",
        f"failure     {told.failure_reason or '-'} {told.failure_message}".rstrip(),
        f"delivery    {told.mode or '-'}, files: {len(told.files)}",
        f"torbox      torrent {told.torrent_id or '-'}, queued {told.queued_id or '-'}, {ours}",
    ]
    if told.remote is not None:
        remote = told.remote
        lines.append(
            f"            {remote.state}, {remote.progress:.1%}, seeds {remote.seeds},"
            f" peers {remote.peers}, cached {remote.cached}, {remote.message}".rstrip(", ")
        )
    lines.append("")
    previous = None
    for event in told.events:
        after = f" (+{span(event.at - previous)})" if previous is not None else ""
        what = f"{event.kind} {event.before} {event.after}".strip().replace("  ", " ")
        lines.append(f"{_clock(event.at)}{after}  {what}  {event.why}".rstrip())
        previous = event.at
    return "\n".join(lines) + "\n"


def _clock(moment: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(moment))
