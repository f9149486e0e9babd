"""What the person who runs the bridge sees and does beyond qBittorrent's API.

overview   TorBox, its plan, slots and rate budgets, free disk, the *arr, blockers
speeds     speeds of the last hour
commands   remove with a say about TorBox, report a failure now, retry
preview    the files of a torrent before it is added
"""

from bridge.dashboard.operator_commands import OperatorCommands
from bridge.dashboard.overview import (
    ArrHealth,
    BlockerView,
    BudgetView,
    DiskView,
    Overview,
    OverviewSource,
    SlotsView,
    TorBoxHealth,
)
from bridge.dashboard.preview import Preview, PreviewedFile, Previews

__all__ = [
    "ArrHealth",
    "BlockerView",
    "BudgetView",
    "DiskView",
    "OperatorCommands",
    "Overview",
    "OverviewSource",
    "Preview",
    "PreviewedFile",
    "Previews",
    "SlotsView",
    "TorBoxHealth",
]
