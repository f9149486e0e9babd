"""Unfinished deliveries that are left on disk, recognised by their names. Everything here blocks.

The name alone proves nothing: a directory with anything in it that no delivery makes is not ours.
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from bridge.delivery.delivery_errors import UnsafePath
from bridge.delivery.disk.publish import COPIED
from bridge.delivery.disk.request_paths import CONTENT, HIDDEN_PREFIX, STAGING_NAME
from bridge.delivery.disk.safe_paths import open_folder, open_if_there

_OURS = re.compile(rf"{CONTENT}|copy|{re.escape(COPIED)}|\d+\.(json|whole|moved)\b.*")


class Leftover(msgspec.Struct, frozen=True):
    """Something in a place where unfinished deliveries are kept."""

    path: Path
    staging_name: str
    """Empty if it is not named like a delivery."""
    ours: bool
    """A delivery has made it, and nothing else is in it."""

    @property
    def info_hash(self) -> str:
        """The info-hash that it belongs to; empty without a staging name."""
        return self.staging_name[:40]


def leftovers(incomplete: Path, save_paths: Iterable[Path]) -> list[Leftover]:
    """List everything in the directory for unfinished files, and our hidden folders in save paths.

    A directory that is missing, cannot be read or is a link counts as empty.
    """
    found = [_staged(incomplete, name) for name in _names(incomplete)]
    for save_path in dict.fromkeys(save_paths):
        found += filter(None, (_beside(save_path, name) for name in _names(save_path)))
    return found


def _names(directory: Path) -> Iterator[str]:
    try:
        with open_folder(directory) as folder:
            yield from folder.names()
    except (OSError, UnsafePath):
        return


def _staged(incomplete: Path, name: str) -> Leftover:
    named = STAGING_NAME.fullmatch(name) is not None
    ours = named and _only_ours(incomplete, name)
    return Leftover(incomplete / name, name if named else "", ours)


def _beside(save_path: Path, name: str) -> Leftover | None:
    """Recognise content that was being built; the test file of a directory check has another name."""
    staging_name = name.removeprefix(HIDDEN_PREFIX)
    if not name.startswith(HIDDEN_PREFIX) or not STAGING_NAME.fullmatch(staging_name):
        return None
    return Leftover(save_path / name, staging_name, _only_ours(save_path, name))


def _only_ours(directory: Path, name: str) -> bool:
    with open_if_there(directory, (name,)) as folder:
        return folder is not None and all(_OURS.fullmatch(entry) for entry in folder.names())
