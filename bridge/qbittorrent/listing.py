"""The bytes of `torrents/info`. A poll that finds nothing new encodes nothing."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from bridge.downloads import View
from bridge.qbittorrent.details import tracker_rows
from bridge.qbittorrent.query import Query, matches, ordered
from bridge.qbittorrent.render import Rendered
from bridge.qbittorrent.rows import Rows

MAX_ANSWERS = 64
AFTER_TRACKERS = b',"trackers_count":'


@dataclass(frozen=True, slots=True)
class _Answer:
    body: bytes
    until: float


class Listing:
    """Answers queries, and remembers the answers until a download changes."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._version = -1
        self._answers: dict[Query, _Answer] = {}

    def body(self, query: Query, now: float) -> bytes:
        """Answer a query in JSON. An entry that cannot be rendered is left out.

        Raises:
            HttpError: 400, the sort key is no field.
        """
        version = self._rows.catch_up()
        if self._version != version:
            self._version = version
            self._answers.clear()
        answer = self._answers.get(query)
        if answer is None or answer.until <= now:
            answer = self._answer(query, now)
            if len(self._answers) >= MAX_ANSWERS:
                self._answers.clear()
            self._answers[query] = answer
        return answer.body

    def _views(self, query: Query) -> Sequence[View]:
        """A client that names neither category nor tag gets each hash once."""
        every = query.category is not None or query.tag is not None
        return self._rows.each if every else self._rows.views

    def _answer(self, query: Query, now: float) -> _Answer:
        # A client that gets one hash twice would take the second for a change of the first.
        found = {
            view.hash: view for view in reversed(self._views(query)) if matches(query, view)
        }
        rows = self._rows.of(reversed(found.values()), now)
        until = min((row.until for row in rows), default=math.inf)
        page = ordered(query, rows)
        entries = (_with_trackers(row) if query.with_trackers else row.json for row in page)
        return _Answer(b"[" + b",".join(entries) + b"]", until)


def _with_trackers(row: Rendered) -> bytes:
    """Put the trackers into an entry, at their place in the alphabet."""
    shown = msgspec.json.encode(tracker_rows(row.view, row.trackers))
    # The key with its quotes cannot be inside of a text: there they would be escaped.
    return row.json.replace(AFTER_TRACKERS, b',"trackers":' + shown + AFTER_TRACKERS, 1)
