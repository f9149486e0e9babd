"""The page's actions, carried out through the service."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Final, Literal, TypeVar

import msgspec

from bridge.core.change_log import batched
from bridge.core.model import Phase
from bridge.dashboard import OperatorCommands
from bridge.dashboard.operator_commands import GONE
from bridge.downloads import AddOptions, Caller, DownloadService, Known, Pending, Rejected, View
from bridge.downloads.client_scopes import BATCH

ActionName = Literal[
    "pause",
    "resume",
    "force",
    "unforce",
    "recheck",
    "retry",
    "top",
    "bottom",
    "up",
    "down",
    "category",
    "add_tags",
    "remove_tags",
    "remove",
    "fail",
]

T = TypeVar("T")

MOST_ROWS: Final = 25_000


class ActionRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An action and the rows to apply it to."""

    action: ActionName
    ids: tuple[int, ...]
    category: str = ""
    """For `category`; empty for none."""
    tags: tuple[str, ...] = ()
    """For `add_tags` and `remove_tags`."""
    delete_files: bool = False
    """For `remove`: also delete the files on disk."""
    at_torbox: Literal["settings", "yes", "no"] = "settings"
    """For `remove`: also delete at TorBox; `settings`: policy.remove_from_torbox decides."""


class NotDone(msgspec.Struct, frozen=True, kw_only=True):
    """A row that the action was refused for."""

    id: int
    why: str


class ActionResult(msgspec.Struct, frozen=True, kw_only=True):
    """The result of an action."""

    done: int
    refused: tuple[NotDone, ...]


Refuse = Callable[[View], str]
"""Returns why a row is refused, or nothing."""
Act = Callable[[Sequence[View], ActionRequest], Awaitable[Mapping[int, str] | None]]
"""Applies an action to rows; returns why it is refused, for each row where it is."""


class PageActions:
    """Applies an action to many rows. A refused row does not stop the others."""

    def __init__(self, downloads: DownloadService, commands: OperatorCommands) -> None:
        self._downloads = downloads
        self._commands = commands
        self._acts: dict[str, tuple[Refuse, Act]] = {
            "pause": (partial(_unless_incomplete, "paused"), self._pause),
            "resume": (_if_failed, self._resume),
            "force": (partial(_unless_incomplete, "forced"), self._force),
            "unforce": (_never, self._force),
            "recheck": (_unless_there, self._recheck),
            "retry": (_if_complete, self._retry),
            "category": (_never, self._category),
            "add_tags": (_never, self._add_tags),
            "remove_tags": (_never, self._remove_tags),
            "remove": (_never, self._remove),
            "fail": (_never, self._fail),
            "top": (_never, self._reorder),
            "bottom": (_never, self._reorder),
            "up": (_never, self._reorder),
            "down": (_never, self._reorder),
        }

    async def do(self, request: ActionRequest) -> ActionResult:
        """Apply the action; return the count of rows done and each refusal."""
        ids = tuple(dict.fromkeys(request.ids))[:MOST_ROWS]
        refuse, act = self._acts[request.action]
        accepted, refused = list[View](), dict[int, str]()
        await self._downloads.queries.prepare()
        async for some in batches(ids):
            views = self._downloads.queries.views
            for row_id in some:
                view = views.get(row_id)
                why = refuse(view) if view is not None else GONE
                if why:
                    refused[row_id] = why
                elif view is not None:
                    accepted.append(view)
        if accepted:
            refused |= await act(accepted, request) or {}
        return ActionResult(
            done=len(ids) - len(refused),
            refused=tuple(NotDone(id=row_id, why=why) for row_id, why in refused.items()),
        )

    async def _reorder(self, views: Sequence[View], request: ActionRequest) -> None:
        commands, hashes = self._downloads.commands, hashes_of(views)
        match request.action:
            case "top":
                await commands.to_top(hashes)
            case "bottom":
                await commands.to_bottom(hashes)
            case action:
                await commands.shift(hashes, up=action == "up")

    async def _pause(self, views: Sequence[View], _request: ActionRequest) -> None:
        await self._downloads.commands.stop(hashes_of(views), rows_of(views))

    async def _resume(self, views: Sequence[View], _request: ActionRequest) -> None:
        await self._downloads.commands.start(hashes_of(views), rows_of(views))

    async def _force(self, views: Sequence[View], request: ActionRequest) -> None:
        await self._downloads.commands.set_force_start(
            hashes_of(views), value=request.action == "force", caller=rows_of(views)
        )

    async def _recheck(self, views: Sequence[View], _request: ActionRequest) -> None:
        await self._downloads.commands.recheck(hashes_of(views), rows_of(views))

    async def _retry(self, views: Sequence[View], request: ActionRequest) -> Mapping[int, str]:
        """Retry waiting rows at once; add failed rows again."""
        failed = [view for view in views if view.phase is Phase.FAILED]
        waiting = [view for view in views if view.phase is not Phase.FAILED]
        if waiting:
            await self._resume(waiting, request)
        return {view.grab.id: why for view in failed if (why := await self._add_again(view))}

    async def _add_again(self, view: View) -> str:
        """Add a failed row again; return why that is refused, or nothing."""
        grab, download = view.grab, view.download
        options = AddOptions(
            category=grab.category,
            tags=grab.tags,
            name=grab.name,
            save_path=grab.save_path,
            content_layout=grab.content_layout,
            ratio_limit=grab.ratio_limit,
            seeding_time_limit=grab.seeding_time_limit,
            inactive_seeding_time_limit=grab.inactive_seeding_time_limit,
            insist=True,
            asked_by=grab.client,
        )
        commands = self._downloads.commands
        torrent = await commands.export(view.hash) if download.has_torrent else None
        if torrent is not None:
            result = await self._downloads.adds.torrent(torrent, options)
        else:
            result = await self._downloads.adds.magnet(download.magnet or view.hash, options)
        match result:
            case Rejected(reason):
                return reason
            case Known() | Pending():
                return "It is there already"
            case _:
                return ""

    async def _category(self, views: Sequence[View], request: ActionRequest) -> Mapping[int, str]:
        labels, name = self._downloads.labels, request.category
        problem = None
        if name and name not in {category.name for category in labels.categories()}:
            problem = await labels.create_category(name, "")
        if problem is None:
            problem = await labels.set_category(hashes_of(views), name, rows_of(views))
        return {view.grab.id: problem for view in views} if problem else {}

    async def _add_tags(self, views: Sequence[View], request: ActionRequest) -> None:
        await self._downloads.labels.add_tags(hashes_of(views), request.tags, rows_of(views))

    async def _remove_tags(self, views: Sequence[View], request: ActionRequest) -> None:
        await self._downloads.labels.remove_tags(hashes_of(views), request.tags, rows_of(views))

    async def _remove(self, views: Sequence[View], request: ActionRequest) -> None:
        async for some in batches(views):
            await self._commands.remove(
                [view.grab.id for view in some],
                delete_files=request.delete_files,
                delete_remote={"settings": None, "yes": True, "no": False}[request.at_torbox],
            )

    async def _fail(self, views: Sequence[View], _request: ActionRequest) -> Mapping[int, str]:
        refused: dict[int, str] = {}
        async for some in batches(views):
            refused |= await self._commands.report_failures([view.grab.id for view in some])
        return refused


async def batches(items: Iterable[T]) -> AsyncIterator[list[T]]:
    """Yield some of the items, and the next after other requests had their turn."""
    for some in batched(items, BATCH):
        yield some
        await asyncio.sleep(0)


def _never(_view: View) -> str:
    return ""


def _unless_incomplete(verb: str, view: View) -> str:
    over = view.complete or view.phase is Phase.FAILED
    return f"Only what is not complete can be {verb}" if over else ""


def _if_failed(view: View) -> str:
    return "It has failed: use Retry" if view.phase is Phase.FAILED else ""


def _unless_there(view: View) -> str:
    there = view.complete or view.phase is Phase.REMOTE
    return "" if there else "There is nothing to check yet"


def _if_complete(view: View) -> str:
    return "It is complete" if view.complete and not view.grab.missing_files else ""


def hashes_of(views: Iterable[View]) -> list[str]:
    """Return the hashes of rows."""
    return [view.hash for view in views]


def rows_of(views: Iterable[View]) -> Caller:
    """Return a caller that selects exactly these rows."""
    return Caller(grab_ids=frozenset(view.grab.id for view in views))
