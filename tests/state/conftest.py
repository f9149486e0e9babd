"""A database in a directory of its own, and the state on top of it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bridge.state import Database, State
from tests.support.scenes import NOW


@pytest.fixture(name="path")
def _path(tmp_path: Path) -> Path:
    return tmp_path / "config" / "bridge.db"


@pytest.fixture(name="database")
async def _database(path: Path) -> AsyncIterator[Database]:
    async with Database(path) as database:
        yield database


@pytest.fixture(name="state")
async def _state(database: Database) -> State:
    state = State(database, lambda: NOW)
    await state.load()
    return state
