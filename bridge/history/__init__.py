"""What became of every download, for as long as a setting says.

records   one row for each time that something was asked for, in a table of its own
watcher   compares the downloads with what was seen last, and tells who wants to know
"""

from bridge.history.records import History, HistoryPage, HistoryRow, WeekFigures
from bridge.history.watcher import Change, Watcher

__all__ = ["Change", "History", "HistoryPage", "HistoryRow", "Watcher", "WeekFigures"]
