"""A simulator on a free port whose clock a test moves."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
import pytest

from bridge.simulator import Content, Simulator
from tests.simulator.support import Api, Tick, scenario

Start = Callable[..., Awaitable[Api]]


@pytest.fixture(name="start")
async def _start() -> AsyncIterator[Start]:
    """Start simulators: contents first, then scenario keys. Time stands still in them."""
    async with AsyncExitStack() as stack:

        async def start(*contents: Content, **parts: Any) -> Api:
            simulator = Simulator(scenario(contents, **parts), real=Tick())
            sim = await stack.enter_async_context(simulator)
            http = await stack.enter_async_context(aiohttp.ClientSession())
            return Api(sim, http)

        yield start
