"""The page's actions, carried out through the service."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Literal

import msgspec

from bridge.core.model import Phase
from bridge.dashboard import OperatorCommands
from bridge.downloads import AddOptions, Caller, DownloadService, Known, Pending, Rejected, View

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


Act = Callable[[View, ActionRequest], Awaitable[str]]


class PageActions:
    """Applies an action to many rows. A refused row does not stop the others."""

    def __init__(self, downloads: DownloadService, commands: OperatorCommands) -> None:
        self._downloads = downloads
        self._commands = commands
        self._acts: dict[str, Act] = {
            "pause": self._pause,
            "resume": self._resume,
            "force": self._force,
            "unforce": self._unforce,
            "recheck": self._recheck,
            "retry": self._retry,
            "category": self._category,
            "add_tags": self._add_tags,
            "remove_tags": self._remove_tags,
            "remove": self._remove,
            "fail": self._fail,
        }

    async def do(self, request: ActionRequest) -> ActionResult:
        """Apply the action; return the count of rows done and each refusal."""
        ids = tuple(dict.fromkeys(request.ids))[:MOST_ROWS]
        if request.action in {"top", "bottom", "up", "down"}:
            return await self._reorder(request.action, ids)
        act = self._acts[request.action]
        refused = []
        for row_id in ids:
            view = self._downloads.queries.by_id(row_id)
            why = await act(view, request) if view is not None else "It is gone already"
            if why:
                refused.append(NotDone(id=row_id, why=why))
        return ActionResult(done=len(ids) - len(refused), refused=tuple(refused))

    async def _reorder(self, action: str, ids: Sequence[int]) -> ActionResult:
        views = (self._downloads.queries.by_id(row_id) for row_id in ids)
        hashes = [view.hash for view in views if view is not None]
        commands = self._downloads.commands
        if action == "top":
            await commands.to_top(hashes)
        elif action == "bottom":
            await commands.to_bottom(hashes)
        else:
            await commands.shift(hashes, up=action == "up")
        return ActionResult(done=len(ids), refused=())

    async def _pause(self, view: View, _request: ActionRequest) -> str:
        if view.complete or view.phase is Phase.FAILED:
            return "Only what is not complete can be paused"
        await self._downloads.commands.stop([view.hash], row_of(view))
        return ""

    async def _resume(self, view: View, _request: ActionRequest) -> str:
        if view.phase is Phase.FAILED:
            return "It has failed: use Retry"
        await self._downloads.commands.start([view.hash], row_of(view))
        return ""

    async def _force(self, view: View, _request: ActionRequest) -> str:
        if view.complete or view.phase is Phase.FAILED:
            return "Only what is not complete can be forced"
        await self._downloads.commands.set_force_start([view.hash], value=True, caller=row_of(view))
        return ""

    async def _unforce(self, view: View, _request: ActionRequest) -> str:
        await self._downloads.commands.set_force_start(
            [view.hash], value=False, caller=row_of(view)
        )
        return ""

    async def _recheck(self, view: View, _request: ActionRequest) -> str:
        if not view.complete and view.phase is not Phase.REMOTE:
            return "There is nothing to check yet"
        await self._downloads.commands.recheck([view.hash], row_of(view))
        return ""

    async def _retry(self, view: View, _request: ActionRequest) -> str:
        """Retry a waiting row at once; add a failed row again."""
        grab, download = view.grab, view.download
        if view.complete and not grab.missing_files:
            return "It is complete"
        if view.phase is not Phase.FAILED:
            await self._downloads.commands.start([view.hash], row_of(view))
            return ""
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

    async def _category(self, view: View, request: ActionRequest) -> str:
        labels = self._downloads.labels
        known = {category.name for category in labels.categories()}
        if request.category and request.category not in known:
            problem = await labels.create_category(request.category, "")
            if problem:
                return problem
        return await labels.set_category([view.hash], request.category, row_of(view)) or ""

    async def _add_tags(self, view: View, request: ActionRequest) -> str:
        await self._downloads.labels.add_tags([view.hash], request.tags, row_of(view))
        return ""

    async def _remove_tags(self, view: View, request: ActionRequest) -> str:
        await self._downloads.labels.remove_tags([view.hash], request.tags, row_of(view))
        return ""

    async def _remove(self, view: View, request: ActionRequest) -> str:
        return await self._commands.remove(
            view.grab.id,
            delete_files=request.delete_files,
            delete_remote={"settings": None, "yes": True, "no": False}[request.at_torbox],
        )

    async def _fail(self, view: View, _request: ActionRequest) -> str:
        return await self._commands.report_failure(view.grab.id)


def row_of(view: View) -> Caller:
    """Return a caller that selects exactly this row."""
    return Caller(grab_id=view.grab.id)
