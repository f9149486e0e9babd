"""A hostile CDN, a session, and a download delivery in front of it."""

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from bridge.delivery.fetch.fetcher import make_session
from tests.support.cdn import Cdn
from tests.support.delivery import Room


@pytest.fixture(name="cdn")
async def _cdn() -> AsyncIterator[Cdn]:
    async with Cdn() as cdn:
        yield cdn


@pytest.fixture(name="session")
async def _session() -> AsyncIterator[aiohttp.ClientSession]:
    async with make_session("torbox-bridge/test") as session:
        yield session


@pytest.fixture(name="room")
def _room(tmp_path: Path, cdn: Cdn, session: aiohttp.ClientSession) -> Room:
    return Room(tmp_path, cdn, session)
