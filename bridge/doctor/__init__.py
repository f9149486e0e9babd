"""The doctor: looks whether the bridge can do its work as it is set up, and says what to mend.

findings  what was found, as lines and as JSON
places    directories: write, rename, hard link, room, owner
account   TorBox: key, plan, slots, clock
arrs      each *arr: key, its download client, paths, options
paths     what a path of ours is called by an *arr
examine   all of it, in order
command   `torbox-bridge check`
"""

from bridge.doctor.examine import examine
from bridge.doctor.findings import Finding, Level

__all__ = ["Finding", "Level", "examine"]
