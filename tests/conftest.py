"""Fixtures that all tests share."""

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


@pytest.fixture(name="set_up")
async def _set_up(tmp_path: Path) -> AsyncIterator[Rig]:
    """Settings and a simulated TorBox; the bridge is not started."""
    rig = Rig(tmp_path)
    rig.downloads.mkdir()
    await rig.sim.start()
    try:
        yield rig
    finally:
        await rig.sim.stop()
