"""What a user may do to the names of a download's files. Pure: paths in, paths or a refusal out.

Paths are relative to the save path and '/' separated. Whatever is asked, they stay safe names, all
files stay below one top, and no two become one.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from bridge.core.model import FileEdit
from bridge.core.paths import RESERVED, safe_path

NORMAL = 1
PRIORITIES = frozenset({0, NORMAL, 6, 7})


@dataclass(frozen=True, slots=True)
class Refused:
    """It cannot be done; `reason` is what qBittorrent says."""

    reason: str


def rename_file(paths: Sequence[str], old: str, new: str) -> tuple[str, ...] | Refused:
    """Give one file another path; the others keep theirs."""
    if old not in paths:
        return Refused(f"No such file: '{old}'.")
    renamed = tuple(new if path == old else path for path in paths)
    return _checked(paths, renamed, new)


def rename_folder(paths: Sequence[str], old: str, new: str) -> tuple[str, ...] | Refused:
    """Give a folder another path; what is in it goes along."""
    old, new = old.rstrip("/"), new.rstrip("/")
    if not any(path.startswith(f"{old}/") for path in paths):
        return Refused(f"No such folder: '{old}'.")
    renamed = tuple(
        new + path.removeprefix(old) if path.startswith(f"{old}/") else path for path in paths
    )
    return _checked(paths, renamed, new)


def _checked(before: Sequence[str], after: tuple[str, ...], new: str) -> tuple[str, ...] | Refused:
    if not new or safe_path(new) != new or new.split("/", 1)[0].casefold() in RESERVED:
        return Refused("File name has invalid characters")
    if len({path.split("/", 1)[0] for path in after}) != 1:
        return Refused(f"All files have to stay in one folder: '{new}' is outside of it.")
    taken = _conflict(before, after)
    return Refused(f"The file already exists: '{taken}'.") if taken else after


def _conflict(before: Sequence[str], after: Sequence[str]) -> str:
    """Find a path that would stand for two files, or for a file and a folder."""
    keys = [path.casefold() for path in after]
    folders = {key[:at] for key in keys for at in range(len(key)) if key[at] == "/"}
    times = Counter(keys)
    for old, new, key in zip(before, after, keys, strict=True):
        if old != new and (times[key] > 1 or key in folders):
            return new
    return next((new for new, key in zip(after, keys, strict=True) if key in folders), "")


def edited(paths: Mapping[int, str], edits: Sequence[FileEdit]) -> dict[int, tuple[str, int]]:
    """Tell path and priority of each file, by its id, as laid out and then edited.

    Renames that do not fit these files (TorBox may list others than the swarm did) are left out.
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
    """Note the names that laid-out paths shall have."""
    known = {edit.path: edit for edit in edits}
    for path, name in zip(paths, names, strict=True):
        known[path] = replace(known.get(path, FileEdit(path=path)), name=name)
    return _worth_keeping(known)


def with_priority(
    edits: Sequence[FileEdit], paths: Sequence[str], priority: int
) -> tuple[FileEdit, ...]:
    """Note the priority that laid-out paths shall have."""
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
