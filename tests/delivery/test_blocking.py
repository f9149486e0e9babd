"""Threads that are not left behind, and groups that fail plainly."""

import asyncio
import threading

import pytest

from bridge.delivery.blocking import in_thread, together


async def test_a_cancelled_thread_is_waited_for() -> None:
    """Cancellation arrives only when the thread is done, however often it comes."""
    go, ended = threading.Event(), threading.Event()

    def work() -> None:
        go.wait(5)
        ended.set()

    task = asyncio.get_running_loop().create_task(in_thread(work))
    await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.sleep(0.01)
    assert not task.done()
    go.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended.is_set()


async def test_a_cancelled_thread_may_fail() -> None:
    """An error in the thread of a cancelled caller is not told twice."""
    go = threading.Event()

    def work() -> None:
        go.wait(5)
        raise LookupError

    task = asyncio.get_running_loop().create_task(in_thread(work))
    await asyncio.sleep(0.01)
    task.cancel()
    go.set()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_thread_returns_and_raises() -> None:
    """Results and errors of a thread come through."""
    assert await in_thread(sum, [1, 2], start=4) == 7
    with pytest.raises(ValueError, match="nonsense"):
        await in_thread(int, "nonsense")


async def test_the_first_failure_is_raised_as_it_is() -> None:
    """A group cancels the rest and raises no group."""
    cancelled = False

    async def wait() -> None:
        nonlocal cancelled
        try:
            await asyncio.sleep(5)
        except asyncio.CancelledError:
            cancelled = True
            raise

    async def fail() -> None:
        await asyncio.sleep(0)
        raise LookupError

    with pytest.raises(LookupError):
        await together(wait(), fail())
    assert cancelled
    await together()
