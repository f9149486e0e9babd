"""A world for the doctor to examine."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.doctor import World, world


@pytest.fixture(name="here")
async def _here(tmp_path: Path) -> AsyncIterator[World]:
    """Directories, a TorBox that has nothing yet, and a Sonarr; no bridge runs."""
    async with world(tmp_path) as made:
        yield made
