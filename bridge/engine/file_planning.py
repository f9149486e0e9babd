"""Chooses and names the files of each grab.

A grab waits until TorBox lists all its content: half of a pack is never delivered as the whole.
For other files (a cover, a text, subtitles) it waits only a short time.
"""

import asyncio
from collections.abc import Collection, Iterable, Sequence
from typing import TypeAlias, assert_never

import msgspec
import structlog
from msgspec.structs import replace

from bridge.config import FilePolicy
from bridge.core.completeness import missing
from bridge.core.edits import edited
from bridge.core.file_types import content_among, without_extras
from bridge.core.files import File, FileRules, NamedFile, NothingLeft, choose
from bridge.core.metainfo import Metainfo, parse_torrent
from bridge.core.model import (
    DeliveredFile,
    Download,
    DownloadPhase,
    Entry,
    Failure,
    Grab,
    GrabPhase,
    Reason,
    RemoteFile,
)
from bridge.core.modes import content_layout, deliverable, named_on_disk
from bridge.core.paths import fitted, layout
from bridge.core.patience import FILES_MISSING
from bridge.core.remote_tracking import to_phase
from bridge.engine.context import EngineContext
from bridge.engine.failing import fail_grab
from bridge.state import UnitOfWork

log = structlog.get_logger(__name__)

ZIP = ".zip"


class Planned(msgspec.Struct, frozen=True):
    """The chosen and named files of a grab."""

    content_name: str
    files: tuple[DeliveredFile, ...]
    mode: str


class Missing(msgspec.Struct, frozen=True):
    """Paths of wanted files that TorBox does not list."""

    content: Sequence[str] = ()
    beside: Sequence[str] = ()
    """Files other than the content: covers, texts, subtitles."""


class Incomplete(msgspec.Struct, frozen=True):
    """TorBox's file list lacks files that the grab wants."""

    names: Sequence[str]
    listed_bytes: int
    without_them_at: float = 0.0
    """When the grab is delivered without them (unix seconds); 0 is never."""


Plan: TypeAlias = Planned | Incomplete | Failure


async def plan_files(ctx: EngineContext, download_id: int) -> None:
    """Plan the files of every grab that waits for a finished download."""
    state = ctx.state
    download = state.downloads.get(download_id)
    item = state.snapshot.items.get(download.torrent_id or 0) if download else None
    if download is None or item is None:
        return
    metainfo = await metainfo_of(ctx, download)
    plans: dict[int, Plan] = {}
    for entry in state.entries_of(download):
        if entry.grab.phase is GrabPhase.WAITING:
            known = await state.files(entry.grab.id)
            plans[entry.grab.id] = make_plan(ctx, entry, item.files, known, metainfo)
    async with state.unit_of_work() as work:
        if work.download(download_id) is None:
            return
        why = f"TorBox has all {len(item.files)} files"
        work.update_download(
            download_id, lambda latest: to_phase(latest, DownloadPhase.READY), why=why
        )
        for grab_id, made in plans.items():
            if not isinstance(made, Failure):
                store_plan(work, grab_id, made)
    for grab_id, made in plans.items():
        if isinstance(made, Failure):
            await fail_grab(ctx, grab_id, made)


async def plan_one(ctx: EngineContext, grab_id: int) -> Plan | None:
    """Plan the files of a grab that was added to a ready download; return None when it is gone.

    The file list comes from TorBox's latest report, or from another grab of the download.
    """
    entry = ctx.state.entry(grab_id)
    if entry is None:
        return None
    listed = await _listed(ctx, entry)
    if not listed:
        return Incomplete((), -1)
    known = await ctx.state.files(grab_id)
    made = make_plan(ctx, entry, listed, known, await metainfo_of(ctx, entry.download))
    if isinstance(made, Failure):
        await fail_grab(ctx, grab_id, made)
        return made
    async with ctx.state.unit_of_work() as work:
        store_plan(work, grab_id, made)
    return made


async def _listed(ctx: EngineContext, entry: Entry) -> tuple[RemoteFile, ...]:
    item = ctx.state.snapshot.items.get(entry.download.torrent_id or 0)
    if item is not None and item.files:
        return item.files
    # After a restart TorBox's report is unknown, but the files of another grab have the same ids.
    for sibling in ctx.state.grabs_of(entry.download.id):
        files = await ctx.state.files(sibling.id)
        if files:
            return tuple(
                RemoteFile(id=file.file_id, name=file.remote_name, size=file.size) for file in files
            )
    return ()


def store_plan(work: UnitOfWork, grab_id: int, made: Planned | Incomplete) -> None:
    """Store the plan of a grab, or the reason why it waits."""
    match made:
        case Planned(content_name, files, mode):
            chosen = [file for file in files if file.chosen]

            def plan(latest: Grab) -> Grab:
                return replace(
                    latest,
                    content_name=content_name,
                    content_is_folder=any("/" in file.path for file in files),
                    delivery_mode=mode,
                    size=sum(file.size for file in chosen),
                    incomplete_list_bytes=-1,
                    next_attempt_at=0.0,
                    note="",
                )

            if work.update_grab(grab_id, plan, why=f"{len(chosen)} of {len(files)} files chosen"):
                work.put_files(grab_id, files)
        case Incomplete(names, listed_bytes, without_them_at):
            note = f"{FILES_MISSING}: {len(names)} missing, {names[0]} first" if names else ""
            now = work.now
            work.update_grab(
                grab_id,
                lambda latest: replace(
                    latest,
                    incomplete_list_bytes=listed_bytes,
                    incomplete_list_at=_began(latest, listed_bytes, now),
                    next_attempt_at=without_them_at,
                    note=note,
                ),
            )
        case _:
            assert_never(made)


def _began(grab: Grab, listed_bytes: int, now: float) -> float:
    """Return when wanted files were first found missing in this very list."""
    known = grab.incomplete_list_at
    return now if known is None or grab.incomplete_list_bytes != listed_bytes else known


def make_plan(
    ctx: EngineContext,
    entry: Entry,
    listed: tuple[RemoteFile, ...],
    known: Sequence[DeliveredFile],
    metainfo: Metainfo | None,
) -> Plan:
    """Return the files and names of a grab by the rules of its category."""
    mode = ctx.mode_of(entry.grab)
    policy = ctx.settings.policy_for(entry.grab.category).files
    excluded = ctx.state.preferences.excluded_globs()
    zipped = _zipped(listed, entry, metainfo)
    if zipped is not None:
        return zipped
    lost = missing_files(policy, mode, listed, metainfo, excluded)
    incomplete = _incomplete(ctx, entry, listed, lost)
    if incomplete is not None:
        return incomplete
    if _same_files(known, listed):
        # Delivered once more, under the names of the first time.
        return Planned(entry.grab.content_name, tuple(known), mode)
    laid = layout(
        named_on_disk(mode, listed),
        entry.name,
        single_file=metainfo is not None and metainfo.single_file,
        content_layout=content_layout(mode, entry.grab.content_layout),
    )
    named = edited(laid.paths, entry.grab.file_edits)
    dropped = frozenset(key for key, (_, priority) in named.items() if priority == 0)
    choice = wanted_files(policy, mode, listed, dropped, excluded)
    if isinstance(choice, NothingLeft):
        return Failure(Reason.NOTHING_CHOSEN, choice.reason)
    unfit = _unfit(choice)
    if unfit is not None:
        return unfit
    chosen = {file.id for file in choice}
    files = tuple(
        _planned(entry.grab.id, file, named[file.id], chosen=file.id in chosen) for file in listed
    )
    if ctx.settings.delivery.windows_safe_names:
        files = fitted(files)
    return Planned(files[0].path.split("/", 1)[0], files, mode)


def wanted_files(
    policy: FilePolicy,
    mode: str,
    files: tuple[File, ...],
    dropped: Collection[int],
    excluded: Sequence[str] = (),
) -> tuple[File, ...] | NothingLeft:
    """Return the files that the category's rules choose. Without rules, extras are left out.

    `excluded` are wildcards of names that the user excludes in every category.
    """
    possible = deliverable(mode, files)
    if isinstance(possible, NothingLeft):
        return possible
    # A user who configures rules decides about samples and extras as well.
    if policy == FilePolicy():
        possible = without_extras(possible)
    rules = FileRules(
        min_size=policy.min_size, include=policy.include, exclude=(*policy.exclude, *excluded)
    )
    return choose(possible, rules, dropped)


def missing_files(
    policy: FilePolicy,
    mode: str,
    listed: Sequence[RemoteFile],
    metainfo: Metainfo | None,
    excluded: Sequence[str] = (),
) -> Missing:
    """Return the wanted files of the torrent that TorBox does not list, as far as that is known."""
    lost = missing(metainfo.files, listed) if metainfo else ()
    if metainfo is None or not lost:
        return Missing()
    named = tuple(
        NamedFile(number, file.path, file.size) for number, file in enumerate(metainfo.files)
    )
    wanted = wanted_files(policy, mode, named, frozenset(), excluded)
    if isinstance(wanted, NothingLeft):
        return Missing()
    names = {file.name for file in wanted}
    content = content_among(names)
    absent = [file.path for file in lost if file.path in names]
    return Missing(
        content=[path for path in absent if path in content],
        beside=[path for path in absent if path not in content],
    )


def _incomplete(
    ctx: EngineContext, entry: Entry, listed: Sequence[RemoteFile], lost: Missing
) -> Incomplete | None:
    """Return what the grab waits for. Where all content is listed it does not wait for long.

    Then the time begins with the first look at the list as it is; a clock that was put back since
    then ends it.
    """
    if not (lost.content or lost.beside):
        return None
    names = lost.content or lost.beside
    listed_bytes = sum(file.size for file in listed)
    log.warning("files_missing", release=entry.name, hash=entry.hash, missing=len(names))
    if lost.content:
        return Incomplete(names, listed_bytes)
    now = ctx.clock()
    began = _began(entry.grab, listed_bytes, now)
    until = began + ctx.retry.beside_content
    return Incomplete(names, listed_bytes, until) if began <= now < until else None


async def metainfo_of(ctx: EngineContext, download: Download) -> Metainfo | None:
    """Return the metadata of a download's .torrent, if a client sent one."""
    if not download.has_torrent:
        return None
    torrent = await ctx.state.database.torrent(download.id)
    metainfo = await asyncio.to_thread(parse_torrent, torrent) if torrent else None
    return metainfo if isinstance(metainfo, Metainfo) else None


def _unfit(choice: Iterable[RemoteFile]) -> Failure | None:
    """Return the failure if a chosen file cannot be given to an *arr."""
    for file in choice:
        # TorBox scans files; an infected one would be imported by the *arr like any other.
        if file.infected:
            return Failure(Reason.INFECTED, f"TorBox says that it is infected: {file.name}")
        if file.zipped:
            return _packed(file)
    return None


def _zipped(
    listed: Sequence[RemoteFile], entry: Entry, metainfo: Metainfo | None
) -> Failure | None:
    """Return the failure of a release that TorBox has only as one .zip, whether marked or not.

    A lone .zip is the release itself where the torrent says so, or is called so.
    """
    if len(listed) != 1 or not listed[0].name.lower().endswith(ZIP):
        return None
    file = listed[0]
    if metainfo is None:
        itself = entry.download.name.lower().endswith(ZIP)
    else:
        itself = any(known.path.lower().endswith(ZIP) for known in metainfo.files)
    return None if itself and not file.zipped else _packed(file)


def _packed(file: RemoteFile) -> Failure:
    why = f"TorBox has it only packed in a zip, which no *arr can import: {file.name}"
    return Failure(Reason.ZIPPED, why)


def _same_files(known: Sequence[DeliveredFile], listed: Sequence[RemoteFile]) -> bool:
    files = {(file.id, file.size) for file in listed}
    return bool(known) and {(file.file_id, file.size) for file in known} == files


def _planned(
    grab_id: int, file: RemoteFile, named: tuple[str, int], *, chosen: bool
) -> DeliveredFile:
    path, priority = named
    return DeliveredFile(
        grab_id=grab_id,
        file_id=file.id,
        remote_name=file.name,
        size=file.size,
        path=path,
        chosen=chosen,
        priority=priority,
    )
