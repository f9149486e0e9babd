"""A store in a directory of its own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bridge.store import Store


@pytest.fixture(name="path")
def _path(tmp_path: Path) -> Path:
    return tmp_path / "config" / "bridge.db"


@pytest.fixture(name="store")
async def _store(path: Path) -> AsyncIterator[Store]:
    async with Store(path) as store:
        yield store
