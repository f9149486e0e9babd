"""Every difference between the bridge and qBittorrent 4.5.2 that may be, with its reason.

docs/api-compatibility.md is made from this table: `.venv/bin/python -m tests.differential page`.
"""

from typing import Final

from tests.differential.rows.program import PROGRAM, RSS, SEARCH
from tests.differential.rows.protocol import PROTOCOL
from tests.differential.rows.reads import FINISHED, LISTS
from tests.differential.rows.writes import ACTIONS, ADDING, CATEGORIES, EDITS

TABLE: Final = (
    *PROTOCOL,
    *PROGRAM,
    *RSS,
    *SEARCH,
    *ADDING,
    *CATEGORIES,
    *LISTS,
    *ACTIONS,
    *EDITS,
    *FINISHED,
)
