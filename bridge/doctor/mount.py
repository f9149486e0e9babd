"""The user's mount of TorBox, for links to it: what is to be seen there, from here and by an *arr."""

import os
from pathlib import Path

from bridge.arr import Arr
from bridge.config import Settings
from bridge.delivery.delivery_errors import NotYet
from bridge.delivery.modes.mount_probe import Mount
from bridge.doctor.findings import Finding, ok, problem, warning

SUBJECT = "directories"
ANSWERS_WITHIN = 10.0


async def look_at_mount(settings: Settings) -> list[Finding]:
    """Look into the mount, if there is one. One that hangs does not hold this up."""
    mount = settings.delivery.mount
    if mount is None:
        return []
    prefix = f"delivery.mount: {mount}"
    try:
        empty = await Mount(mount, answers_within=ANSWERS_WITHIN).ask(lambda: _empty(mount))
    except NotYet:
        fix = "Mount TorBox there anew: what was mounted hangs"
        return [problem(SUBJECT, f"{prefix} does not answer", fix)]
    except OSError as error:
        fix = "Mount TorBox there, and give this user the right to read it"
        text = f"{prefix} cannot be read ({error.strerror or error})"
        return [problem(SUBJECT, text, fix)]
    if empty:
        fix = "Is TorBox mounted there? In a container use rslave"
        return [warning(SUBJECT, f"{prefix} is empty", fix)]
    return [ok(SUBJECT, f"{prefix} can be read")]


def _empty(mount: Path) -> bool:
    return not any(mount.iterdir())


async def look_at_mount_through(
    settings: Settings, arr: Arr, mount: Path, *, ours: str, theirs: str
) -> Finding:
    """Look whether links in the directory `ours`, which the *arr calls `theirs`, lead somewhere.

    A link holds a path as the bridge knows it: no remote path mapping turns it into another.
    """
    relative = settings.delivery.link_style == "relative"
    target = _as_linked(mount, ours, theirs) if relative else str(mount)
    if await arr.sees_inside(target):
        return ok(arr.name, f"it sees the mount {target} that links lead to")
    if await arr.sees(target):
        text = f"it sees nothing in {target}, where links lead to"
        fix = "Mount it in its container with rslave, and start that after TorBox is mounted"
        return problem(arr.name, text, fix)
    text = f"it does not see {target}, where links lead to"
    return problem(arr.name, text, f"Mount {mount} in its container, as {target}")


def _as_linked(mount: Path, ours: str, theirs: str) -> str:
    """Follow a relative link from a directory, as somebody does who calls that otherwise."""
    return os.path.normpath(f"{theirs}/{os.path.relpath(mount, ours)}")
