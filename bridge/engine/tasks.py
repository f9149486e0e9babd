"""Tasks with an owner: named, awaited at the end, and with their exceptions logged."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import structlog

from bridge.state import WriteError

log = structlog.get_logger(__name__)


class Tasks:
    """Owns background tasks. Their exceptions are logged, never lost; then `died` is called."""

    def __init__(self, died: Callable[[BaseException], None] = lambda _error: None) -> None:
        self._died = died
        self._running: set[asyncio.Task[Any]] = set()

    def spawn(self, work: Coroutine[Any, Any, Any], *, name: str) -> asyncio.Task[Any]:
        """Start `work` as a task that this owner keeps alive and awaits in `close`."""
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._running.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log_failure("task_died", error, task=task.get_name())
            self._died(error)

    async def close(self, *, within: float = 8.0) -> None:
        """Cancel all tasks and wait for them, at most `within` seconds."""
        running = tuple(self._running)
        for task in running:
            task.cancel()
        if running:
            _, left = await asyncio.wait(running, timeout=within)
            for task in left:
                log.error("task_does_not_end", task=task.get_name())


def log_failure(event: str, error: BaseException, **fields: object) -> None:
    """Log an exception: with a traceback, unless it is the database's disk that failed."""
    if isinstance(error, WriteError):
        # Everything fails then, for as long as it lasts.
        log.error("database_not_written", why=str(error), during=event, **fields)
    else:
        log.error(event, exc_info=error, **fields)
