"""Categories and tags."""

from collections.abc import Iterable

from bridge.core.model import Category
from bridge.engine.ledger.memory import Memory


class Labels(Memory):
    """Their names, and where categories lie."""

    async def put_category(self, category: Category) -> None:
        """Create or change a category."""
        async with self._lock:
            async with self.store.transaction() as write:
                await write.put_category(category)
            self._categories[category.name] = category
            self.version += 1

    async def drop_category(self, name: str) -> None:
        """Delete a category; the caller moves its downloads out."""
        async with self._lock:
            async with self.store.transaction() as write:
                await write.drop_category(name)
            self._categories.pop(name, None)
            self.version += 1

    async def put_tags(self, names: Iterable[str]) -> None:
        """Create the tags that are not there yet."""
        async with self._lock:
            new = set(names) - self._tags
            if not new:
                return
            async with self.store.transaction() as write:
                for name in sorted(new):
                    await write.put_tag(name)
            self._tags |= new
            self.version += 1

    async def drop_tags(self, names: Iterable[str]) -> None:
        """Delete tags; the caller takes them off the downloads."""
        async with self._lock:
            async with self.store.transaction() as write:
                for name in names:
                    await write.drop_tag(name)
            self._tags -= set(names)
            self.version += 1
