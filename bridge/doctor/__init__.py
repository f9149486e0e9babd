"""The doctor: looks whether the bridge can do its work as it is set up, and says what to mend.

findings  what was found, as lines and as JSON
wishes    settings that cannot do what they say
places    directories: write, rename, hard link, room, owner, umask
mount     the user's mount of TorBox, as seen from here and by an *arr
reach     whether the bridge itself answers
account   TorBox: key, plan, slots, limits, clock
cdn       one byte of a file from TorBox's CDN
arrs      each *arr: key, options, paths
clients   what it has set up as its download client, and whether that reaches us
paths     what a path of ours is called by an *arr
examine   all of it, in order
command   `torbox-bridge check`
"""

from bridge.doctor.examine import examine
from bridge.doctor.findings import Finding, Level, report

__all__ = ["Finding", "Level", "examine", "report"]
