"""Categories, tags, and the save paths of a category's grabs."""

import re
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial
from itertools import islice
from pathlib import Path

import structlog
from msgspec.structs import replace

from bridge.core.model import LONGEST_NAME, Category, Entry, Grab
from bridge.core.paths import OutsideRoots, Roots
from bridge.downloads.client_scopes import BATCH, NOBODY, Caller, ClientScopes
from bridge.engine import Engine, EngineContext
from bridge.state import UnitOfWork

log = structlog.get_logger(__name__)


class Labels:
    """Named groups of grabs, and their directories."""

    def __init__(self, ctx: EngineContext, engine: Engine, scopes: ClientScopes) -> None:
        self._ctx = ctx
        self._state = ctx.state
        self._engine = engine
        self._scopes = scopes

    # Directories

    @property
    def roots(self) -> Roots:
        """The allowed directories. A client may have moved the default, within what was allowed."""
        settings = self._ctx.settings
        given = (category.save_path for category in settings.categories.values())
        default = str(settings.paths.downloads)
        return Roots(
            default=self._state.preferences.save_path or default,
            others=(default, *(path for path in given if path)),
            reserved=(str(settings.paths.incomplete_directory),),
        )

    @property
    def default_save_path(self) -> Path:
        """Where grabs without a category go."""
        return Path(self.roots.default)

    def resolve(self, path: str) -> str:
        """Return an absolute path; a relative one is below the default save path.

        Raises:
            OutsideRoots: the path is outside the download roots.
        """
        roots = self.roots
        return roots.resolve(path, roots.default)

    def save_path(self, category: str, asked: str) -> str:
        """Return the save path of a category's grab if the client asks for `asked`.

        Raises:
            OutsideRoots: the path is outside the download roots.
        """
        known = self._state.categories.get(category)
        roots = self.roots
        base = roots.default
        if category:
            base = roots.category_path(category, known.save_path if known else "")
        return roots.resolve(asked, base) if asked else base

    # Categories

    def categories(self) -> Sequence[Category]:
        """Return the categories by name."""
        return [category for _, category in sorted(self._state.categories.items())]

    def category_path(self, category: Category) -> Path:
        """Return the directory of a category's grabs.

        Raises:
            OutsideRoots: the path is outside the download roots.
        """
        return Path(self.roots.category_path(category.name, category.save_path))

    def category_paths(self) -> Sequence[Path]:
        """Return the directories of all categories that have a usable one."""
        found = []
        for category in self._state.categories.values():
            with suppress(OutsideRoots):
                found.append(self.category_path(category))
        return found

    async def ensure_category(self, name: str) -> None:
        """Create a category with its directory if it does not exist."""
        if name and name not in self._state.categories:
            await self.create_category(name, "")

    async def create_category(self, name: str, save_path: str) -> str | None:
        """Create a category with its directory. Return the reason if that is refused."""
        if name in self._state.categories:
            return "Unable to create category"
        return await self._put_category(name, save_path)

    async def edit_category(self, name: str, save_path: str) -> str | None:
        """Change the save path of later grabs. Return the reason if that is refused."""
        known = self._state.categories.get(name)
        if known is None or known.save_path == save_path:
            return "Unable to edit category"
        return await self._put_category(name, save_path)

    async def _put_category(self, name: str, save_path: str) -> str | None:
        if not name or not valid_category(name):
            return "Incorrect category name"
        category = Category(name=name, save_path=save_path)
        try:
            path = self.category_path(category)
        except OutsideRoots as error:
            return f"Incorrect save path: {error}"
        problem = await self._engine.outside.make_directory(path)
        if problem:
            # The *arr show a missing directory as a health error, but everything else works.
            log.warning("category_directory", category=name, error=problem)
        async with self._state.unit_of_work() as work:
            work.put_category(category)
        return None

    async def remove_categories(self, names: Iterable[str]) -> None:
        """Delete categories; their grabs become uncategorised and stay where they are."""
        dropped = set(names) & self._state.categories.keys()

        def delete(work: UnitOfWork) -> None:
            for name in dropped:
                work.delete_category(name)

        await self._change_all(
            lambda grab: grab.category in dropped,
            lambda grab: replace(grab, category=""),
            delete,
            why="category removed",
        )

    async def set_category(
        self, hashes: Iterable[str], name: str, caller: Caller = NOBODY
    ) -> str | None:
        """Move grabs to a category ("" for none); files stay where they are.

        Return the reason if the category does not exist and a hash matched.
        """
        found = False
        async for entries in self._scopes.batches(hashes, caller):
            if entries and name and name not in self._state.categories:
                return "Incorrect category name"
            found |= bool(entries)
            change = partial(replace, category=name)
            await self._change(entries, f"category {name!r}", change)
        if found:
            self._scopes.saw_category(caller, name)
        return None

    # Tags

    def tags(self) -> Sequence[str]:
        """Return the tags by name."""
        return sorted(self._state.tags)

    async def create_tags(self, names: Iterable[str]) -> None:
        """Create tags that are not there yet."""
        async with self._state.unit_of_work() as work:
            work.put_tags(names)

    async def delete_tags(self, names: Iterable[str]) -> None:
        """Delete tags from the list and from every grab."""
        dropped = set(names)

        def without(grab: Grab) -> Grab:
            return replace(grab, tags=tuple(tag for tag in grab.tags if tag not in dropped))

        await self._change_all(
            lambda grab: not dropped.isdisjoint(grab.tags),
            without,
            lambda work: work.delete_tags(dropped & self._state.tags),
        )

    async def add_tags(
        self, hashes: Iterable[str], names: Iterable[str], caller: Caller = NOBODY
    ) -> None:
        """Tag grabs; unknown tags are created when a hash matches."""
        new = tuple(names)
        await self._tag(hashes, new, caller, lambda tags: tuple(dict.fromkeys(tags + new)))

    async def set_tags(
        self, hashes: Iterable[str], names: Iterable[str], caller: Caller = NOBODY
    ) -> None:
        """Give grabs these tags and no others; unknown tags are created when a hash matches."""
        new = tuple(dict.fromkeys(names))
        await self._tag(hashes, new, caller, lambda _: new)

    async def remove_tags(
        self, hashes: Iterable[str], names: Iterable[str], caller: Caller = NOBODY
    ) -> None:
        """Remove tags from grabs; without names, all tags."""
        dropped = set(names)
        await self._tag(
            hashes,
            (),
            caller,
            lambda tags: tuple(tag for tag in tags if dropped and tag not in dropped),
        )

    async def _tag(
        self,
        hashes: Iterable[str],
        new: tuple[str, ...],
        caller: Caller,
        change: Callable[[tuple[str, ...]], tuple[str, ...]],
    ) -> None:
        async for entries in self._scopes.batches(hashes, caller):
            if entries and new:
                await self.create_tags(new)
            await self._change(entries, "tags", lambda one: replace(one, tags=change(one.tags)))

    async def _change(
        self, entries: Sequence[Entry], why: str, change: Callable[[Grab], Grab]
    ) -> None:
        async with self._state.unit_of_work() as work:
            for entry in entries:
                work.update_grab(entry.grab.id, change, why=why)

    async def _change_all(
        self,
        concerns: Callable[[Grab], bool],
        change: Callable[[Grab], Grab],
        finish: Callable[[UnitOfWork], None],
        why: str = "",
    ) -> None:
        """Change every grab that this concerns, and with the last of them do what finishes it.

        In batches: there may be tens of thousands, and other requests are answered in between.
        """
        over = False
        while not over:
            async with self._state.unit_of_work() as work:
                concerned = (one.id for one in self._state.grabs.values() if concerns(one))
                found = list(islice(concerned, BATCH))
                for grab_id in found:
                    work.update_grab(grab_id, change, why=why)
                if over := len(found) < BATCH:
                    finish(work)


_CATEGORY = re.compile(r"[^\\/]|[^\\/](?:[^\\/]|/(?=[^/]))*[^\\/]")


def valid_category(name: str) -> bool:
    """Return whether a category may have the name.

    As in qBittorrent, no backslash and no empty part between slashes; and no longer than a path.
    """
    return not name or (len(name) <= LONGEST_NAME and _CATEGORY.fullmatch(name) is not None)
