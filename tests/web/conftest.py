"""The API on a real socket."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.face import Face, serve_face


@pytest.fixture(name="face")
async def _face(tmp_path: Path) -> AsyncIterator[Face]:
    async with serve_face(tmp_path) as face:
        yield face
