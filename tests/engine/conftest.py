"""Fixtures that the tests of the engine share."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.support.rig import BRISK, Rig


@pytest.fixture(name="impatient")
async def _impatient(tmp_path: Path) -> AsyncIterator[Rig]:
    """A bridge that waits a second for an answer of TorBox."""
    rig = Rig(tmp_path, BRIDGE_TORBOX__TIMEOUT_SECONDS="1")
    await rig.open()
    try:
        yield rig
    finally:
        await rig.close()


@pytest.fixture(name="patient")
async def _patient(tmp_path: Path) -> AsyncIterator[Rig]:
    """A bridge that asks for a slot once an hour, unless it sees that one got free."""
    rig = Rig(tmp_path, retry=replace(BRISK, no_slot=3600, longest=3600))
    await rig.open()
    try:
        yield rig
    finally:
        await rig.close()
