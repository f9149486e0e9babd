"""Commands on the files of a grab: rename, choose, move.

Before TorBox has the files, edits are stored and applied when the files are planned. After that
they change the plan and the files on disk.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable, Sequence
from functools import partial
from pathlib import Path

import structlog
from msgspec.structs import replace

from bridge.core.edits import EditRefused, rename_file, rename_folder, with_names, with_priority
from bridge.core.model import Entry, Grab, GrabPhase, Move
from bridge.core.paths import OutsideRoots
from bridge.downloads.client_scopes import NOBODY, Caller, ClientScopes
from bridge.downloads.labels import Labels
from bridge.downloads.queries import Queries
from bridge.downloads.results import DirectoryRefusal
from bridge.engine import Engine, EngineContext
from bridge.engine.outside import make_writable

log = structlog.get_logger(__name__)

Rule = Callable[[Sequence[str]], tuple[str, ...] | EditRefused]


class ContentCommands:
    """Writes that concern the files of a grab."""

    def __init__(
        self,
        ctx: EngineContext,
        engine: Engine,
        queries: Queries,
        scopes: ClientScopes,
        labels: Labels,
    ) -> None:
        self._state = ctx.state
        self._engine = engine
        self._queries = queries
        self._scopes = scopes
        self._labels = labels

    async def rename(
        self, info_hash: str, old: str, new: str, caller: Caller = NOBODY, *, folder: bool = False
    ) -> str | None:
        """Give a file, or a folder, another path below its save path.

        Return the reason if that is refused.
        """
        edit = rename_folder if folder else rename_file

        def rule(paths: Sequence[str]) -> tuple[str, ...] | EditRefused:
            return edit(paths, old, new)

        for entry in self._scopes.meant([info_hash], caller)[:1]:
            if await self._state.files(entry.grab.id):
                return await self._engine.content.rename(entry.grab.id, rule)
            return await self._rename_expected(entry, rule)
        return None

    async def _rename_expected(self, entry: Entry, rule: Rule) -> str | None:
        expected = self._queries.expected_files(entry)
        names = rule([file.name for file in expected])
        if isinstance(names, EditRefused):
            return names.reason
        edits = with_names(entry.grab.file_edits, [file.path for file in expected], names)
        await self._state.update_grab(
            entry.grab.id, lambda grab: replace(grab, file_edits=edits), why="files renamed"
        )
        return None

    async def set_file_priority(
        self, info_hash: str, indexes: Collection[int], priority: int, caller: Caller = NOBODY
    ) -> None:
        """Set the priority (0, 1, 6, 7) of files by their index in `files`; 0 leaves a file out."""
        for entry in self._scopes.meant([info_hash], caller)[:1]:
            if await self._state.files(entry.grab.id):
                await self._engine.content.choose(entry.grab.id, indexes, priority)
                continue
            expected = self._queries.expected_files(entry)
            paths = [expected[index].path for index in indexes]
            edits = with_priority(entry.grab.file_edits, paths, priority)
            dropped = {edit.path for edit in edits if edit.priority == 0}
            size = sum(file.size for file in expected if file.path not in dropped)
            change = partial(replace, file_edits=edits, size=size)
            await self._state.update_grab(entry.grab.id, change, why="file priorities")
        self._engine.wake()

    async def set_location(
        self, hashes: Iterable[str], location: str, caller: Caller | None = NOBODY
    ) -> DirectoryRefusal | None:
        """Move grabs and their content on disk, in the background."""
        try:
            path = self._labels.resolve(location)
        except OutsideRoots as error:
            log.info("location_refused", why=str(error))
            return DirectoryRefusal.CANNOT_MAKE
        problem = await asyncio.to_thread(make_writable, Path(path))
        if problem is not None:
            return DirectoryRefusal(problem)
        jobs = []
        async with self._state.unit_of_work() as work:
            for entry in self._scopes.meant(hashes, caller):
                after = work.update_grab(entry.grab.id, lambda grab: _sent_to(grab, path))
                if after is not None and after.moving_to:
                    jobs.append(work.add_job(Move(grab_id=after.id), entry.hash))
        self._engine.begin_jobs(jobs)
        return None


def _sent_to(grab: Grab, path: str) -> Grab:
    if grab.save_path == path:
        return replace(grab, moving_to="", auto_tmm=False)
    if grab.phase in {GrabPhase.WAITING, GrabPhase.FAILED}:
        return replace(grab, save_path=path, moving_to="", auto_tmm=False)
    return replace(grab, moving_to=path, auto_tmm=False)
