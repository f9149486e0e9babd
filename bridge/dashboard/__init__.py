"""The operator's view of the bridge, beyond qBittorrent's API.

overview           TorBox, its plan, slots and rate budgets, free disk, the *arr, speeds, blockers
operator_commands  remove (with a choice about TorBox's item), report a failure now
preview            the files of a torrent before it is added
"""

from bridge.dashboard.operator_commands import OperatorCommands
from bridge.dashboard.overview import BlockerView, Overview, OverviewSource
from bridge.dashboard.preview import Preview, Previews

__all__ = ["BlockerView", "OperatorCommands", "Overview", "OverviewSource", "Preview", "Previews"]
