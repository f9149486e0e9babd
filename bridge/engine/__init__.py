"""A loop that performs what the planner decides. The only package with tasks and timers."""

from bridge.engine.blockers import Blocker
from bridge.engine.context import EngineContext
from bridge.engine.engine import Engine
from bridge.engine.retry_times import RetryTimes
from bridge.engine.stored_budgets import BUDGETS
from bridge.engine.torbox_memory import LinkBooks
from bridge.torbox import Operation, SearchResult

__all__ = [
    "BUDGETS",
    "Blocker",
    "Engine",
    "EngineContext",
    "LinkBooks",
    "Operation",
    "RetryTimes",
    "SearchResult",
]
