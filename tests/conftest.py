"""What all tests share."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.rig import Rig


@pytest.fixture(name="rig")
async def _rig(tmp_path: Path) -> AsyncIterator[Rig]:
    """A bridge and a simulated TorBox that has nothing cached yet."""
    rig = Rig(tmp_path)
    await rig.open()
    try:
        yield rig
    finally:
        await rig.close()
