"""Real programs that some tests start: nginx, aria2, qbittorrent-nox.

Where one is missing its tests are skipped, with the reason; `.ci/run` installs them all and sets
PEERS_REQUIRED, so that nothing is passed over there.
"""

import os
import shutil
from typing import NoReturn

import pytest

REQUIRED = "PEERS_REQUIRED"


def find(program: str) -> str:
    """Find a program of the system's; without it the test is skipped, or fails where it must not."""
    found = shutil.which(program) or shutil.which(program, path="/usr/sbin:/usr/local/sbin")
    if found is None:
        missing(f"{program} is not installed")
    return found


def missing(reason: str) -> NoReturn:
    """Skip the test for want of a peer; fail it where peers are required."""
    if os.environ.get(REQUIRED):
        pytest.fail(f"{REQUIRED} is set, but {reason}")
    pytest.skip(reason)
