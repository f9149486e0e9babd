"""The page's actions, carried out through the service."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Literal

import msgspec

from bridge.core.model import Phase
from bridge.dashboard import Commands
from bridge.downloads import NOBODY, Caller, Downloads, Known, Options, Pending, Rejected, View
from bridge.web.page_model import parse_id

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
    """What is to be done to which rows."""

    action: ActionName
    ids: tuple[str, ...]
    category: str = ""
    """For `category`; empty for none."""
    tags: tuple[str, ...] = ()
    """For `add_tags` and `remove_tags`."""
    delete_files: bool = False
    """For `remove`: also what is on disk."""
    at_torbox: Literal["settings", "yes", "no"] = "settings"
    """For `remove`: also at TorBox; `settings`: as policy.remove_from_torbox says."""


class NotDone(msgspec.Struct, frozen=True, kw_only=True):
    """A row that the action was not done to."""

    id: str
    why: str


class ActionResult(msgspec.Struct, frozen=True, kw_only=True):
    """What became of an action."""

    done: int
    refused: tuple[NotDone, ...]


Act = Callable[[View, ActionRequest], Awaitable[str]]


class PageActions:
    """Does one action to many rows. One that is refused holds up none of the others."""

    def __init__(self, downloads: Downloads, commands: Commands) -> None:
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

    def view(self, row_id: str) -> View | None:
        """Find a row."""
        info_hash, number = parse_id(row_id)
        if number == 0:
            return self._downloads.get(info_hash)
        found = (one for one in self._downloads.each() if one.download.hash == info_hash)
        return next((one for one in found if one.number == number), None)

    async def do(self, request: ActionRequest) -> ActionResult:
        """Carry the action out."""
        ids = tuple(dict.fromkeys(request.ids))[:MOST_ROWS]
        if request.action in {"top", "bottom", "up", "down"}:
            return await self._reorder(request.action, ids)
        act = self._acts[request.action]
        refused = []
        for row_id in ids:
            view = self.view(row_id)
            why = await act(view, request) if view is not None else "It is gone already"
            if why:
                refused.append(NotDone(id=row_id, why=why))
        return ActionResult(done=len(ids) - len(refused), refused=tuple(refused))

    async def _reorder(self, action: str, ids: Sequence[str]) -> ActionResult:
        hashes = [parse_id(row_id)[0] for row_id in ids]
        if action == "top":
            await self._downloads.to_top(hashes)
        elif action == "bottom":
            await self._downloads.to_bottom(hashes)
        else:
            await self._downloads.shift(hashes, up=action == "up")
        return ActionResult(done=len(ids), refused=())

    async def _pause(self, view: View, _request: ActionRequest) -> str:
        if view.download.complete or view.download.phase is Phase.FAILED:
            return "Only what is not complete can be paused"
        await self._downloads.stop([view.download.hash])
        return ""

    async def _resume(self, view: View, _request: ActionRequest) -> str:
        if view.download.phase is Phase.FAILED:
            return "It has failed: use Retry"
        await self._downloads.start([view.download.hash])
        return ""

    async def _force(self, view: View, _request: ActionRequest) -> str:
        if view.download.complete or view.download.phase is Phase.FAILED:
            return "Only what is not complete can be forced"
        await self._downloads.set_force_start([view.download.hash], value=True)
        return ""

    async def _unforce(self, view: View, _request: ActionRequest) -> str:
        await self._downloads.set_force_start([view.download.hash], value=False)
        return ""

    async def _recheck(self, view: View, _request: ActionRequest) -> str:
        if not view.download.complete and view.download.phase is not Phase.REMOTE:
            return "There is nothing to check yet"
        await self._downloads.recheck([view.download.hash])
        return ""

    async def _retry(self, view: View, _request: ActionRequest) -> str:
        """Try at once what waits; add anew what has failed."""
        download = view.download
        if download.complete and not download.missing_files:
            return "It is complete"
        if download.phase is not Phase.FAILED:
            await self._downloads.start([download.hash])
            return ""
        options = Options(
            category=download.category,
            tags=download.tags,
            name=download.name,
            save_path=download.save_path,
            content_layout=download.content_layout,
            ratio_limit=download.ratio_limit,
            seeding_time_limit=download.seeding_time_limit,
            inactive_seeding_time_limit=download.inactive_seeding_time_limit,
            insist=True,
            asked_by=download.asked_by,
        )
        torrent = await self._downloads.export(download.hash) if download.has_torrent else None
        if torrent is not None:
            result = await self._downloads.add_torrent(torrent, options)
        else:
            result = await self._downloads.add_magnet(download.magnet or download.hash, options)
        match result:
            case Rejected(reason):
                return reason
            case Known() | Pending():
                return "It is there already"
            case _:
                return ""

    def _caller(self, view: View) -> Caller:
        """Make the service take exactly this row: it tells those of one hash apart by category."""
        if not view.download.category:
            return NOBODY
        caller = Caller(id=f"page {view.download.category!r}")
        self._downloads.callers.named(caller, view.download.category)
        return caller

    async def _category(self, view: View, request: ActionRequest) -> str:
        known = {category.name for category in self._downloads.categories()}
        if request.category and request.category not in known:
            problem = await self._downloads.create_category(request.category, "")
            if problem:
                return problem
        caller = self._caller(view)
        return (
            await self._downloads.set_category([view.download.hash], request.category, caller) or ""
        )

    async def _add_tags(self, view: View, request: ActionRequest) -> str:
        await self._downloads.add_tags([view.download.hash], request.tags, self._caller(view))
        return ""

    async def _remove_tags(self, view: View, request: ActionRequest) -> str:
        await self._downloads.remove_tags([view.download.hash], request.tags, self._caller(view))
        return ""

    async def _remove(self, view: View, request: ActionRequest) -> str:
        remote = {"settings": None, "yes": True, "no": False}[request.at_torbox]
        return await self._commands.remove(
            view.download.hash,
            view.number,
            delete_files=request.delete_files,
            delete_remote=remote,
        )

    async def _fail(self, view: View, _request: ActionRequest) -> str:
        return await self._commands.report_failure(view.download.hash, view.number)
