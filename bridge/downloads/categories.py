"""Categories and tags."""

import asyncio
import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

import structlog

from bridge.core.model import Category, Download
from bridge.core.roots import OutsideRoots
from bridge.downloads.base import Base
from bridge.downloads.callers import NOBODY, Caller

log = structlog.get_logger()


class Categories(Base):
    """Named groups of downloads."""

    def categories(self) -> Sequence[Category]:
        """List the categories by name."""
        return [category for _, category in sorted(self._ledger.categories.items())]

    def category_path(self, category: Category) -> Path:
        """Tell the directory that the category's downloads go to."""
        return Path(self._roots.category_path(category.name, category.save_path))

    def category_paths(self) -> Sequence[Path]:
        """List the directories of all categories that have a usable one."""
        found = []
        for category in self._ledger.categories.values():
            with suppress(OutsideRoots):
                found.append(self.category_path(category))
        return found

    async def create_category(self, name: str, save_path: str) -> str | None:
        """Create it, and its directory. Answers why not, when not."""
        if name in self._ledger.categories:
            return "Unable to create category"
        return await self._put_category(name, save_path)

    async def edit_category(self, name: str, save_path: str) -> str | None:
        """Change where its later downloads go. Answers why not, when not."""
        known = self._ledger.categories.get(name)
        if known is None or known.save_path == save_path:
            return "Unable to edit category"
        return await self._put_category(name, save_path)

    async def _put_category(self, name: str, save_path: str) -> str | None:
        if not name or not valid_category(name):
            return "Incorrect category name"
        category = Category(name=name, save_path=save_path)
        try:
            path = self.category_path(category)
            await asyncio.to_thread(path.mkdir, parents=True, exist_ok=True)
        except OutsideRoots as error:
            return f"Incorrect save path: {error}"
        except OSError as error:
            # *arr see a missing directory as a red health message, but work all the same.
            log.warning("category_directory", category=name, error=str(error))
        await self._ledger.put_category(category)
        return None

    async def remove_categories(self, names: Iterable[str]) -> None:
        """Drop categories; their downloads become uncategorised and stay where they are."""
        dropped = set(names) & set(self._ledger.categories)
        for download in tuple(self._ledger.downloads.values()):
            for seen in self._services.everyone(download).values():
                if seen.category in dropped:
                    await self._ledger.change_own(seen, "category removed", category="")
        for name in dropped:
            await self._ledger.drop_category(name)

    async def set_category(
        self, hashes: Iterable[str], name: str, caller: Caller = NOBODY
    ) -> str | None:
        """Move downloads to a category ("" for none); files stay where they are.

        Answers why not when the category does not exist and a hash matched.
        """
        matched = self._known(hashes)
        if matched and name and name not in self._ledger.categories:
            return "Incorrect category name"
        for download in matched:
            for seen in self._concerned(download, caller):
                await self._ledger.change_own(seen, f"category {name!r}", category=name)
            self.callers.named(caller, name)
        return None

    def tags(self) -> Sequence[str]:
        """List the tags by name."""
        return sorted(self._ledger.tags)

    async def create_tags(self, names: Iterable[str]) -> None:
        """Create tags that are not there yet."""
        await self._ledger.put_tags(names)

    async def delete_tags(self, names: Iterable[str]) -> None:
        """Drop tags from the list and from every download."""
        dropped = set(names)
        for download in tuple(self._ledger.downloads.values()):
            for seen in self._services.everyone(download).values():
                kept = tuple(tag for tag in seen.tags if tag not in dropped)
                await self._set_tags(seen, kept)
        await self._ledger.drop_tags(dropped & self._ledger.tags)

    async def add_tags(
        self, hashes: Iterable[str], names: Iterable[str], caller: Caller = NOBODY
    ) -> None:
        """Tag downloads; unknown tags are created when a hash matches."""
        matched, new = self._known(hashes), tuple(names)
        if matched:
            await self._ledger.put_tags(new)
        for download in matched:
            for seen in self._concerned(download, caller):
                both = tuple(dict.fromkeys(seen.tags + new))
                await self._set_tags(seen, both)

    async def set_tags(
        self, hashes: Iterable[str], names: Iterable[str], caller: Caller = NOBODY
    ) -> None:
        """Give downloads these tags and no others; unknown tags are created when a hash matches."""
        matched, new = self._known(hashes), tuple(dict.fromkeys(names))
        if matched:
            await self._ledger.put_tags(new)
        for download in matched:
            for seen in self._concerned(download, caller):
                await self._set_tags(seen, new)

    async def remove_tags(
        self, hashes: Iterable[str], names: Iterable[str], caller: Caller = NOBODY
    ) -> None:
        """Untag downloads; no names means all of their tags."""
        dropped = set(names)
        for download in self._known(hashes):
            for seen in self._concerned(download, caller):
                kept = tuple(tag for tag in seen.tags if dropped and tag not in dropped)
                await self._set_tags(seen, kept)

    async def _set_tags(self, seen: Download, tags: tuple[str, ...]) -> None:
        if tags != seen.tags:
            await self._ledger.change_own(seen, "tags", tags=tags)


_CATEGORY = re.compile(r"[^\\/]|[^\\/](?:[^\\/]|/(?=[^/]))*[^\\/]")


def valid_category(name: str) -> bool:
    """Tell whether qBittorrent would take the name: no backslash, no empty part between slashes."""
    return not name or _CATEGORY.fullmatch(name) is not None
