"""UMASK: which permissions the files of the bridge do not get."""

import re
from collections.abc import Mapping
from pathlib import Path

from bridge.config.errors import ConfigError

UMASK = "UMASK"
"""Named as in the images of the *arr, so that one line of a compose file does for all."""

_OCTAL = re.compile(r"0*[0-7]{1,2}")
"""The owner keeps all rights: without them the bridge could not use its own files."""

USUAL = 0o022


def read_umask(environ: Mapping[str, str]) -> int | None:
    """Read the umask; None if it is not given, so that the one of the process stays.

    Raises:
        ConfigError: it is no octal number, or would take the bridge's own rights away.
    """
    text = environ.get(UMASK, "").strip()
    if not text:
        return None
    if not _OCTAL.fullmatch(text):
        raise ConfigError(
            [f'environment {UMASK}: expected an octal number from 000 to 077, got "{text[:20]}"']
        )
    return int(text, 8)


def current_umask() -> int:
    """Tell the umask of this process without changing it, as `os.umask` would have to.

    Where the system does not tell: the usual 022.
    """
    try:
        status = Path("/proc/self/status").read_text(encoding="utf-8")
    except OSError:
        return USUAL
    found = re.search(r"^Umask:\s*([0-7]+)$", status, re.MULTILINE)
    return int(found[1], 8) if found else USUAL
