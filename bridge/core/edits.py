"""Renaming and prioritising the files of a download. Pure: paths in, paths or a refusal out.

Paths are relative to the save path and '/' separated. An edit never yields an unsafe name, a file
outside the common top folder, or two files of the same path.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

import msgspec
from msgspec.structs import replace

from bridge.core.model import FileEdit
from bridge.core.paths import RESERVED, safe_path

NORMAL = 1
PRIORITIES = frozenset({0, NORMAL, 6, 7})


class EditRefused(msgspec.Struct, frozen=True):
    """The edit is not possible. `reason` is the text that qBittorrent answers with."""

    reason: str


def rename_file(paths: Sequence[str], old: str, new: str) -> tuple[str, ...] | EditRefused:
    """Return the paths after one file was renamed."""
    if old not in paths:
        return EditRefused(f"No such file: '{old}'.")
    renamed = tuple(new if path == old else path for path in paths)
    return _checked(paths, renamed, new)


def rename_folder(paths: Sequence[str], old: str, new: str) -> tuple[str, ...] | EditRefused:
    """Return the paths after a folder and everything in it was renamed."""
    old, new = old.rstrip("/"), new.rstrip("/")
    if not any(path.startswith(f"{old}/") for path in paths):
        return EditRefused(f"No such folder: '{old}'.")
    renamed = tuple(
        new + path.removeprefix(old) if path.startswith(f"{old}/") else path for path in paths
    )
    return _checked(paths, renamed, new)


def _checked(
    before: Sequence[str], after: tuple[str, ...], new: str
) -> tuple[str, ...] | EditRefused:
    if not new or safe_path(new) != new or new.split("/", 1)[0].casefold() in RESERVED:
        return EditRefused("File name has invalid characters")
    if len({path.split("/", 1)[0] for path in after}) != 1:
        return EditRefused(f"All files have to stay in one folder: '{new}' is outside of it.")
    taken = _conflict(before, after)
    return EditRefused(f"The file already exists: '{taken}'.") if taken else after


def _conflict(before: Sequence[str], after: Sequence[str]) -> str:
    """Return a path that two files, or a file and a folder, would share; empty if there is none."""
    keys = [path.casefold() for path in after]
    folders = {key[:at] for key in keys for at in range(len(key)) if key[at] == "/"}
    times = Counter(keys)
    for old, new, key in zip(before, after, keys, strict=True):
        if old != new and (times[key] > 1 or key in folders):
            return new
    return next((new for new, key in zip(after, keys, strict=True) if key in folders), "")


def edited(paths: Mapping[int, str], edits: Sequence[FileEdit]) -> dict[int, tuple[str, int]]:
    """Return path and priority of each file by its id, after the edits.

    Renames are dropped when they do not fit these files: TorBox may list other files than the swarm
    did.
    """
    known = {edit.path: edit for edit in edits}
    found = {key: known.get(path, FileEdit(path=path)) for key, path in paths.items()}
    names = [edit.name or edit.path for edit in found.values()]
    if not _fits(list(paths.values()), names):
        names = list(paths.values())
    return {
        key: (name, edit.priority) for (key, edit), name in zip(found.items(), names, strict=True)
    }


def _fits(before: Sequence[str], after: Sequence[str]) -> bool:
    tops = {path.split("/", 1)[0] for path in after}
    return len(tops) <= 1 and not _conflict(before, after)


def with_names(
    edits: Sequence[FileEdit], paths: Sequence[str], names: Sequence[str]
) -> tuple[FileEdit, ...]:
    """Return the edits with these names for the laid-out paths."""
    known = {edit.path: edit for edit in edits}
    for path, name in zip(paths, names, strict=True):
        known[path] = replace(known.get(path, FileEdit(path=path)), name=name)
    return _worth_keeping(known)


def with_priority(
    edits: Sequence[FileEdit], paths: Sequence[str], priority: int
) -> tuple[FileEdit, ...]:
    """Return the edits with this priority for the laid-out paths."""
    known = {edit.path: edit for edit in edits}
    for path in paths:
        known[path] = replace(known.get(path, FileEdit(path=path)), priority=priority)
    return _worth_keeping(known)


def _worth_keeping(edits: Mapping[str, FileEdit]) -> tuple[FileEdit, ...]:
    return tuple(
        edit
        for edit in edits.values()
        if edit.priority != NORMAL or edit.name not in {"", edit.path}
    )
