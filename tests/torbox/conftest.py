"""A client of TorBox, and a server that says what a test wants it to say."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from bridge.torbox.budgets import Budgets
from bridge.torbox.client import TorBox
from tests.torbox.scripted import KEY, Scripted, scripted_server


@pytest.fixture(name="session")
async def _session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture(name="script")
async def _script() -> AsyncIterator[Scripted]:
    async with scripted_server() as script:
        yield script


@pytest.fixture(name="torbox")
async def _torbox(session: aiohttp.ClientSession, script: Scripted) -> TorBox:
    return TorBox(
        session, base_url=script.url, api_key=KEY, timeout=5.0, budgets=Budgets(), clock=lambda: 1e9
    )
