"""The history: the outcome of every grab, kept for `history.keep_for`.

records   one row for each grab, in a table of its own
watcher   writes changes of entries into it
"""

from bridge.history.records import History, HistoryPage, HistoryRow, WeekFigures
from bridge.history.watcher import Watcher

__all__ = ["History", "HistoryPage", "HistoryRow", "Watcher", "WeekFigures"]
