"""Blocking work in threads that are never left behind, and groups of tasks with one plain error."""

import asyncio
from collections.abc import Callable, Coroutine, Generator
from functools import partial
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


async def in_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run blocking work in a thread, to its end even when the caller is cancelled.

    A cancelled `asyncio.to_thread` leaves the thread running, which could then write to a file
    descriptor that was closed and given to another file in the meantime.
    """
    loop = asyncio.get_running_loop()
    work = loop.run_in_executor(None, partial(function, *args, **kwargs))
    cancelled: asyncio.CancelledError | None = None
    # Each cancellation interrupts one wait, and a caller may be cancelled more than once.
    while not work.done():
        try:
            await asyncio.wait({work})
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        work.exception()  # retrieved, so that asyncio does not log it as lost
        raise cancelled
    return work.result()


async def in_steps(steps: Generator[None, None, T]) -> T:
    """Run a blocking generator in threads and return its value; it may be cancelled between steps.

    For work of unknown length, such as a copy: a stop waits for one step only. The generator is
    closed in a thread, too, and cleans up there.
    """

    def step() -> tuple[T] | None:
        try:
            next(steps)
        except StopIteration as end:
            return (end.value,)
        return None

    try:
        while (ended := await in_thread(step)) is None:
            pass
    except BaseException:
        await in_thread(steps.close)
        raise
    return ended[0]


async def together(*work: Coroutine[Any, Any, None]) -> None:
    """Run everything at the same time. The first failure cancels the rest and is raised as it is."""
    try:
        async with asyncio.TaskGroup() as group:
            for one in work:
                group.create_task(one)
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None
