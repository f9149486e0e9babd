"""The doctor: checks whether this setup can work, and says how to fix what cannot.

run_checks         all checks in order, and `torbox-bridge check`
findings           one result, as a line and as JSON
check_settings     settings that cannot work together, and whether the bridge answers
check_directories  write, rename, hard link, free space, owner, umask, the mount of TorBox
check_torbox       API key, plan, slots, limits, clock, and one byte from the CDN
check_arr          each *arr: API key, options, paths
check_arr_client   the download client that the *arr has for this bridge
"""

from bridge.doctor.findings import Finding, Level, report
from bridge.doctor.run_checks import examine, log_findings

__all__ = ["Finding", "Level", "examine", "log_findings", "report"]
