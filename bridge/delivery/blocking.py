"""Threads that are not left behind, and groups of tasks that fail with one plain error."""

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


async def in_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run blocking work in a thread, to its end even when the caller is cancelled.

    A cancelled `asyncio.to_thread` leaves the thread running, which could then write to a file
    descriptor that was closed and given to another file meanwhile.
    """
    loop = asyncio.get_running_loop()
    work = loop.run_in_executor(None, partial(function, *args, **kwargs))
    cancelled: asyncio.CancelledError | None = None
    while not work.done():
        try:
            await asyncio.wait({work})
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        work.exception()  # looked at, so that asyncio does not complain that nobody did
        raise cancelled
    return work.result()


async def together(*work: Coroutine[Any, Any, None]) -> None:
    """Run everything at once. The first failure cancels the rest and is raised as it is."""
    try:
        async with asyncio.TaskGroup() as group:
            for one in work:
                group.create_task(one)
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None
