"""The API on a socket, and clients of it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.face import API_KEY, Face, serve_face
from tests.support.http import Client, client_of


@pytest.fixture(name="face")
async def _face(tmp_path: Path) -> AsyncIterator[Face]:
    async with serve_face(tmp_path) as face:
        yield face


@pytest.fixture(name="stranger")
async def _stranger(face: Face) -> AsyncIterator[Client]:
    """A client without a session."""
    async with client_of(face.url) as client:
        yield client


@pytest.fixture(name="client")
async def _client(face: Face) -> AsyncIterator[Client]:
    """A client that may come in."""
    async with client_of(face.url) as client:
        client.headers["Authorization"] = f"Bearer {API_KEY}"
        yield client
